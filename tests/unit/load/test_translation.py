"""A definition is written in the other family's words only where both have the same thing."""

from __future__ import annotations

import pytest

from shardvault.load.translation import (
    translate_code,
    translate_mode,
    translate_schema,
    translate_table,
)
from shardvault.model.position import Family
from shardvault.model.schema import CodeObject, ObjectKind, Schema, Table, TableKind


def _translate(body: bytes, target: Family, tail: bytes = b") ENGINE=InnoDB") -> bytes:
    table = Table("s", "t", TableKind.ROWS, "InnoDB", True, b"CREATE TABLE `t` (" + body + tail, ())
    return translate_table(table, target).create_sql.removeprefix(b"CREATE TABLE `t` (")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"`a` char(36) DEFAULT uuid()", b"`a` char(36) DEFAULT (uuid())"),
        (b"`a` text DEFAULT 'it''s' COMMENT 'x'", b"`a` text DEFAULT ('it''s') COMMENT 'x'"),
        (b"`a` int, KEY `k` (`a`) IGNORED", b"`a` int, KEY `k` (`a`) INVISIBLE"),
        (b"`a` int DEFAULT 4 CHECK (`a` > 1)", None),
        (b"`a` int DEFAULT (1 + 2)", None),
        (b"`a` text DEFAULT NULL", None),
        (b"`a` text DEFAULT ('x')", None),
        (b"`a` bit(8) DEFAULT b'101'", None),
        (b"`a` timestamp DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6)", None),
        (b"`a DEFAULT uuid()` int COMMENT ' DEFAULT uuid()'", None),
    ],
)
def test_defaults_and_keys_are_written_as_mysql_reads_them(
    body: bytes, wanted: bytes | None
) -> None:
    assert _translate(body, Family.MYSQL) == (wanted or body) + b") ENGINE=InnoDB"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"`a` int /*!80023 INVISIBLE */", b"`a` int INVISIBLE"),
        (b"`a` int, KEY `k` (`a`) /*!80000 INVISIBLE */", b"`a` int, KEY `k` (`a`) IGNORED"),
        (b"`a` geomcollection", b"`a` geometrycollection"),
        (b"`a` text DEFAULT (_utf8mb4'it''s')", b"`a` text DEFAULT ('it''s')"),
        (b"`_utf8mb4` text DEFAULT (_latin1'x') COMMENT '_utf8mb4''y'", None),
        (b"`geomcollection` int", None),
    ],
)
def test_marks_and_types_are_written_as_mariadb_reads_them(
    body: bytes, wanted: bytes | None
) -> None:
    assert _translate(body, Family.MARIADB) == (wanted or body) + b") ENGINE=InnoDB"


def test_page_compression_is_left_out_for_mysql() -> None:
    tail = b") ENGINE=InnoDB `PAGE_COMPRESSED`='ON' `PAGE_COMPRESSION_LEVEL`=3 COMMENT='c'"
    assert _translate(b"`a` int", Family.MYSQL, tail) == b"`a` int) ENGINE=InnoDB COMMENT='c'"


def test_a_table_that_is_not_encrypted_need_not_say_so_to_mariadb() -> None:
    tail = b") ENGINE=InnoDB ENCRYPTION='N' COMMENT='x ENCRYPTION=''N''.'"
    wanted = b"`a` int) ENGINE=InnoDB COMMENT='x ENCRYPTION=''N''.'"
    assert _translate(b"`a` int", Family.MARIADB, tail) == wanted


def test_a_comment_of_a_database_is_left_out_for_mysql_only() -> None:
    plain = b"CREATE DATABASE `x COMMENT ` /*!40100 DEFAULT CHARACTER SET utf8mb4 */"
    schema = Schema("x COMMENT ", plain + b" COMMENT 'it''s'")
    assert translate_schema(schema, Family.MYSQL).create_sql == plain
    assert translate_schema(schema, Family.MARIADB) == schema
    assert translate_schema(Schema("x", plain), Family.MYSQL).create_sql == plain


@pytest.mark.parametrize(
    ("mode", "target", "wanted"),
    [
        ("ANSI_QUOTES,NO_AUTO_CREATE_USER", Family.MYSQL, "ANSI_QUOTES,TIME_TRUNCATE_FRACTIONAL"),
        ("TIME_ROUND_FRACTIONAL", Family.MYSQL, ""),
        ("TIME_TRUNCATE_FRACTIONAL", Family.MARIADB, ""),
        ("ANSI_QUOTES", Family.MARIADB, "ANSI_QUOTES,TIME_ROUND_FRACTIONAL"),
    ],
)
def test_code_goes_on_shortening_fractions_as_it_did(
    mode: str, target: Family, wanted: str
) -> None:
    item = CodeObject(ObjectKind.TRIGGER, "s", "g", b"", mode, "utf8mb4", "")
    assert translate_code(item, target).sql_mode == wanted
    assert translate_mode(mode, target) == wanted


def test_a_view_has_no_mode_to_translate() -> None:
    view = CodeObject(ObjectKind.VIEW, "s", "v", b"", "", "utf8mb4", "")
    assert translate_code(view, Family.MARIADB) == view
