"""Copy values of every type between two schemas of an instance and compare them by SQL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shardvault.mysql.quoting import quote_table
from shardvault.mysql.session import Session
from tests.integration.copying import (
    fresh_schema,
    load_contents,
    loading,
    read_contents,
    read_table,
    reading,
    run,
    show_create,
)
from tests.support.servers import Instance

COPY = "values_copy"
ALL_BYTES = bytes(range(256)).hex()

Case = tuple[str, list[str]]
"""Type of the column and literals that are put into it."""

NUMBERS: dict[str, Case] = {
    "tinyint": ("TINYINT", ["-128", "127", "0", "NULL"]),
    "tinyint_unsigned": ("TINYINT UNSIGNED", ["0", "255"]),
    "boolean": ("BOOL", ["0", "1", "2", "-3"]),
    "smallint": ("SMALLINT", ["-32768", "32767"]),
    "mediumint": ("MEDIUMINT UNSIGNED", ["0", "16777215"]),
    "int_zerofill": ("INT(10) UNSIGNED ZEROFILL", ["0", "42", "4294967295"]),
    "bigint": ("BIGINT", ["-9223372036854775808", "9223372036854775807"]),
    "bigint_unsigned": ("BIGINT UNSIGNED", ["0", "9223372036854775808", "18446744073709551615"]),
    "decimal": (
        "DECIMAL(65,30)",
        ["0", "-0.000000000000000000000000000001", "9" * 35 + "." + "9" * 30, "-" + "9" * 35],
    ),
    "float": (
        "FLOAT",
        [
            *(
                "16777216",
                "3.4028234663852886e38",
                "-3.4028234663852886e38",
                "1.401298464324817e-45",
            ),
            *("123456.7890625", "0.1", "1e10", "-0e0", "NULL"),
        ],
    ),
    "float_2": ("FLOAT(9,4)", ["99999.9999", "-0.0001", "1234.5678"]),
    "double": (
        "DOUBLE",
        [
            *("5e-324", "1.7976931348623157e308", "-1.7976931348623157e308", "0.1", "1e15"),
            *("0.30000000000000004", "2.2250738585072014e-308", "-0e0", "123456789012345680"),
        ],
    ),
    "double_2": ("DOUBLE(20,5)", ["123456789012.12345", "-0.00001"]),
    "bit_1": ("BIT(1)", ["b'0'", "b'1'", "NULL"]),
    "bit_17": ("BIT(17)", ["b'0'", "b'11111111111111111'"]),
    "bit_64": ("BIT(64)", ["0", "1", "0x7FFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFF", "0x5C0A0900"]),
}
TIMES: dict[str, Case] = {
    "date": (
        "DATE",
        ["'0000-00-00'", "'2024-00-15'", "'2023-02-31'", "'0001-01-01'", "'9999-12-31'", "NULL"],
    ),
    "datetime": ("DATETIME", ["'0000-00-00 00:00:00'", "'2023-02-31 23:59:59'"]),
    "datetime_6": ("DATETIME(6)", ["'0001-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'"]),
    "timestamp": (
        "TIMESTAMP NULL",
        ["0", "'1970-01-01 00:00:01'", "'2023-10-29 00:30:00'", "NULL"],
    ),
    "timestamp_6": ("TIMESTAMP(6) NULL", ["'2038-01-19 03:14:07.999999'", "'2023-10-29 01:30:00'"]),
    "time_6": ("TIME(6)", ["'-838:59:59'", "'838:59:59'", "'25:00:00.000001'", "'-00:00:01'"]),
    "year": ("YEAR", ["'0000'", "1901", "2155", "2000", "NULL"]),
}
TEXTS: dict[str, Case] = {
    "char": ("CHAR(10) CHARACTER SET utf8mb4", ["''", "'a'", "'  b'", "'NULL'", "NULL"]),
    "varchar": (
        "VARCHAR(50) CHARACTER SET utf8mb4",
        ["'trailing  '", r"'\\N'", r"'\\'", r"'\t\n\r\0'", "_utf8mb4 X'F09F9880'", "'é'", "NULL"],
    ),
    "latin1": ("VARCHAR(300) CHARACTER SET latin1", [f"_latin1 X'{ALL_BYTES}'"]),
    "utf8mb3": ("TEXT CHARACTER SET utf8mb3", ["_utf8mb3 X'E282AC'"]),
    "ucs2": ("VARCHAR(20) CHARACTER SET ucs2", ["_ucs2 X'0041D800'", "_ucs2 X'5C0A0900000A'"]),
    "utf16": ("VARCHAR(20) CHARACTER SET utf16", ["_utf16 X'D83DDE00005C'", "_utf16 X'090A0A09'"]),
    "utf16_char": ("CHAR(20) CHARACTER SET utf16", ["_utf16 X'D83DDE00005C'", "''"]),
    "utf32": ("VARCHAR(20) CHARACTER SET utf32", ["_utf32 X'0001F6000000005C'"]),
    "sjis": ("VARCHAR(20) CHARACTER SET sjis", ["_sjis X'835C'", "_sjis X'835C835C27'"]),
    "gbk": ("VARCHAR(20) CHARACTER SET gbk", ["_gbk X'BF5C'", "_gbk X'815C5C'"]),
    "text": ("TEXT CHARACTER SET utf8mb4", ["''", "REPEAT('abc', 20000)", "NULL"]),
    "longtext": ("LONGTEXT CHARACTER SET utf16", ["REPEAT(_utf16 X'005C', 500)"]),
    "binary": ("BINARY(8)", ["''", "X'0000000000000000'", "X'6100000020'", "X'FBFCFDFEFF5C090A'"]),
    "varbinary": ("VARBINARY(300)", [f"X'{ALL_BYTES}'", "X'6120'", "X''", "NULL"]),
    "blob": ("BLOB", [f"X'{ALL_BYTES}'", f"REPEAT(X'{ALL_BYTES}', 250)", "X''", "NULL"]),
    "tinyblob": ("TINYBLOB", ["X'FB'", "X'5C4E'"]),
    "mediumblob": ("MEDIUMBLOB", [f"REPEAT(X'{ALL_BYTES}', 300)"]),
}
CHOICES: dict[str, Case] = {
    "enum": ("ENUM('a','','c,d','it''s')", ["1", "2", "3", "4", "NULL"]),
    "enum_error_value": ("ENUM('a','','b')", ["'no member'", "1", "2"]),
    "enum_digits": ("ENUM('2','1','0')", ["'2'", "'1'", "'0'", "'no member'"]),
    "enum_signs": ("ENUM('+1','-1','1','0')", ["'+1'", "'-1'", "'1'", "'0'"]),
    "enum_wide": ("ENUM('x','y') CHARACTER SET utf16", ["'x'", "'y'"]),
    "enum_accents": ("ENUM('１','é','２') CHARACTER SET utf8mb4", ["1", "2", "3"]),
    "set": ("SET('a','b','c d')", ["''", "'a'", "'a,c d'", "7", "NULL"]),
    "set_64": (
        f"SET({','.join(repr(f'm{n}') for n in range(64))})",
        [
            "0",
            "1",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551557",
        ],
    ),
}
SHAPES: dict[str, Case] = {
    "geometry": (
        "GEOMETRY",
        [
            "ST_GeomFromText('POINT(1 2)')",
            "ST_GeomFromText('POINT(1e300 -0.1)', 0)",
            "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))')",
            "NULL",
        ],
    ),
    "point_srid": ("POINT", ["ST_GeomFromText('POINT(48.1 11.5)', 4326)"]),
    "polygon": ("POLYGON", ["ST_GeomFromText('POLYGON((0 0,0 3,3 3,0 0))')"]),
}
JSON: dict[str, Case] = {
    "json": (
        "JSON",
        [
            """'{"b": 1, "a": [1.0, 1, true, null, "é\\\\n\\\\u0001"]}'""",
            "'[]'",
            "'\"\\\\t\"'",
            "'18446744073709551615'",
            "NULL",
        ],
    ),
}
MARIADB_ONLY: dict[str, Case] = {
    "uuid": ("UUID", ["'123e4567-e89b-12d3-a456-426655440000'", "NULL"]),
    "inet6": ("INET6", ["'::'", "'2001:db8::ff00:42:8329'", "'::ffff:1.2.3.4'", "NULL"]),
    "inet4": ("INET4", ["'0.0.0.0'", "'255.255.255.255'"]),
    "json_text": ("JSON", ["""'{"a":1,  "a" :2}'"""]),
    "decimal_38": ("DECIMAL(38,38)", ["0.12345678901234567890123456789012345678"]),
    "compressed": ("TEXT COMPRESSED", ["REPEAT('x', 1000)", "''", "NULL"]),
}
MARIADB_118_ONLY: dict[str, Case] = {
    "vector": ("VECTOR(3)", ["VEC_FromText('[1,2.5,-3]')", "NULL"]),
    "late_timestamp": ("TIMESTAMP NULL", ["'2106-02-07 06:28:15'"]),
}
MYSQL_ONLY: dict[str, Case] = {
    "vector": ("VECTOR(3)", ["STRING_TO_VECTOR('[1,2.5,-3]')", "NULL"]),
    "generated_json": ("JSON", ['\'{"k": {"deep": [1, 2.5, "x"]}}\'']),
}
ALL = NUMBERS | TIMES | TEXTS | CHOICES | SHAPES | JSON


def make_table(case: Case) -> list[str]:
    column_type, literals = case
    rows = ", ".join(f"({number}, {text})" for number, text in enumerate(literals))
    return [f"CREATE TABLE t (id INT PRIMARY KEY, v {column_type})", f"INSERT INTO t VALUES {rows}"]


def exact_values(session: Session, schema: str, *, has_number: bool) -> list[object]:
    """Read values by expressions that the code under test does not use."""
    wanted = "HEX(v), v IS NULL" + (", v + 0e0" if has_number else "")
    return list(session.rows(f"SELECT {wanted} FROM {quote_table(schema, 't')} ORDER BY id"))


def check_copy(instance: Instance, schema: str, *, has_number: bool = False) -> None:
    """Copy table ``t`` into another schema and prove that nothing changed."""
    run(instance, f"DROP DATABASE IF EXISTS {COPY}", f"CREATE DATABASE {COPY}")
    with reading(instance) as source, loading(instance) as target:
        contents = read_contents(source, read_table(source, schema, "t"))
        moved = replace(contents.table, schema=COPY)
        load_contents(target, replace(contents, table=moved))
        again = read_contents(source, read_table(source, COPY, "t"))
        assert (again.rows, again.content_hash) == (contents.rows, contents.content_hash)
        before = exact_values(source, schema, has_number=has_number)
        assert exact_values(source, COPY, has_number=has_number) == before
        assert show_create(source, moved) == show_create(source, contents.table)


def check_type(instance: Instance, name: str, case: Case) -> None:
    schema = fresh_schema(instance, "values_source", *make_table(case))
    check_copy(instance, schema, has_number=name in NUMBERS | CHOICES)


@pytest.mark.parametrize("name", ALL | MARIADB_ONLY)
def test_a_type_comes_back_exact_on_mariadb_1011(mariadb: Instance, name: str) -> None:
    check_type(mariadb, name, (ALL | MARIADB_ONLY)[name])


@pytest.mark.parametrize("name", ALL | MARIADB_ONLY | MARIADB_118_ONLY)
def test_a_type_comes_back_exact_on_mariadb_118(mariadb118: Instance, name: str) -> None:
    check_type(mariadb118, name, (ALL | MARIADB_ONLY | MARIADB_118_ONLY)[name])


@pytest.mark.parametrize("name", ALL | MYSQL_ONLY)
def test_a_type_comes_back_exact_on_mysql(mysql: Instance, name: str) -> None:
    check_type(mysql, name, (ALL | MYSQL_ONLY)[name])
