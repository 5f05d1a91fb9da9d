"""D01 to D10: numbers."""

from __future__ import annotations

from tests.exactness.case import EVERYWHERE, MARIADB, MYSQL, Case, insert, random_floats

_FLOATS = ("16777216", "3.4028234663852886e38", "123456.7890625", "-3.4028234663852886e38")
_TINY = ("1.1754943508222875e-38", "1.401298464324817e-45", "-1.401298464324817e-45", "1e-40")
_INTEGERS = (
    "CREATE TABLE t (id INT PRIMARY KEY, a TINYINT, b SMALLINT, c MEDIUMINT, d INT, e BIGINT,"
    " ua TINYINT UNSIGNED, ub SMALLINT UNSIGNED, uc MEDIUMINT UNSIGNED, ud INT UNSIGNED,"
    " ue BIGINT UNSIGNED)"
)
_COUNTER = "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)"
_NEXT = ("INSERT INTO t (v) VALUES (77)", "SELECT id FROM t WHERE v = 77")

CASES = (
    Case(
        "D01",
        "float_edges",
        ("CREATE TABLE t (id INT PRIMARY KEY, f FLOAT)", insert("t", [*_FLOATS, "NULL", "0"])),
        holds=(("SELECT CAST(f AS DOUBLE) FROM t WHERE id IN (1, 3)", "16777216;123456.7890625"),),
    ),
    Case(
        "D01",
        "float_denormal",
        ("CREATE TABLE t (id INT PRIMARY KEY, f FLOAT)", insert("t", _TINY)),
        probes=("SELECT f = 0, f > 0, f < 1.2e-38 FROM t ORDER BY id",),
    ),
    Case(
        "D01",
        "float_random_bits",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, f FLOAT)",
            insert("t", random_floats("f", 600)),
        ),
        probes=("SELECT id, f * 1e0, f + 0e0 FROM t ORDER BY id",),
    ),
    Case(
        "D01",
        "float_with_decimals",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, f FLOAT(7,4), g FLOAT(10,2), h FLOAT(24))",
            "INSERT INTO t VALUES (1, 999.0001, 99999999.99, 0.1), (2, -999.9999, 1.005, 1e30),"
            " (3, 999.9999, -99999999.99, 16777217), (4, 0.0001, 0.01, 7)",
        ),
    ),
    Case(
        "D01",
        "float_unsigned_zerofill",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, f FLOAT UNSIGNED, g FLOAT(8,2) ZEROFILL)",
            "INSERT INTO t VALUES (1, 16777219, 1.5), (2, 0, 0), (3, 3.4e38, 999999.99)",
        ),
    ),
    Case(
        "D01",
        "float_as_key",
        ("CREATE TABLE t (f FLOAT PRIMARY KEY)", "INSERT INTO t VALUES (0.1), (16777217), (1e-30)"),
    ),
    Case(
        "D01",
        "float_default_and_precision",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, f FLOAT DEFAULT 0.1, p FLOAT(25) DEFAULT 0.1)",
            "INSERT INTO t (id) VALUES (1), (2)",
        ),
    ),
    Case(
        "D02",
        "double_edges",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, d DOUBLE)",
            insert(
                "t",
                [
                    "5e-324",
                    "1.7976931348623157e308",
                    "-1.7976931348623157e308",
                    "0.1",
                    "1e0/3e0",
                    "9007199254740993e0",
                    "2.2250738585072011e-308",
                    "-5e-324",
                    "1e23",
                    "NULL",
                ],
            ),
        ),
        probes=("SELECT d = 0, d > 0, d + 0 FROM t ORDER BY id",),
        holds=(("SELECT d FROM t WHERE id = 1", "5e-324"),),
    ),
    Case(
        "D02",
        "double_random_bits",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, d DOUBLE)",
            insert("t", random_floats("d", 600)),
        ),
    ),
    Case(
        "D02",
        "double_with_decimals",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, d DOUBLE(20,3), e DOUBLE(255,30))",
            "INSERT INTO t VALUES (1, 99999999999999999.999, 0.1), (2, -0.001, 1e200),"
            " (3, -99999999999999999.999, -1e-30), (4, 12345.678, 12345.678)",
        ),
    ),
    Case(
        "D02",
        "real_unsigned_as_key",
        (
            "CREATE TABLE t (d DOUBLE UNSIGNED PRIMARY KEY, r REAL ZEROFILL)",
            "INSERT INTO t VALUES (0, 1), (1e-300, 2.5), (0.30000000000000004, 3), (0.3, 4)",
        ),
    ),
    Case(
        "D03",
        "minus_zero_double",
        ("CREATE TABLE t (id INT PRIMARY KEY, d DOUBLE)", insert("t", ["-0e0", "0e0"])),
        probes=("SELECT CONCAT(d), 1 / d IS NULL FROM t ORDER BY id",),
    ),
    Case(
        "D03",
        "minus_zero_float",
        ("CREATE TABLE t (id INT PRIMARY KEY, f FLOAT)", insert("t", ["-0e0", "0e0"])),
        probes=("SELECT CONCAT(CAST(f AS DOUBLE)), CONCAT(f) FROM t ORDER BY id",),
    ),
    Case(
        "D03",
        "minus_zero_is_there",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, d DOUBLE, f FLOAT)",
            "INSERT INTO t VALUES (1, -0e0, -0e0)",
        ),
        holds=(("SELECT d, CAST(f AS DOUBLE) FROM t", "-0,-0"),),
        on=MYSQL,
    ),
    Case(
        "D03",
        "minus_zero_with_decimals",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, d DOUBLE(9,3), f FLOAT(9,3), e DECIMAL(9,3))",
            insert("t", ["-0e0, -0e0, -0.0", "-0.0001, -0.0001, -0.0001"]),
        ),
        probes=("SELECT CONCAT(d), CONCAT(f), CONCAT(e) FROM t ORDER BY id",),
    ),
    Case(
        "D04",
        "clipped_float",
        ("CREATE TABLE t (id INT PRIMARY KEY, f FLOAT)", insert("t", ["1e39", "-1e39"])),
        probes=("SELECT CAST(f AS DOUBLE) > 3.4e38 FROM t ORDER BY id",),
    ),
    Case(
        "D04",
        "clipped_double",
        ("CREATE TABLE t (id INT PRIMARY KEY, d DOUBLE)", insert("t", ["'1e999'", "'-1e999'"])),
        holds=(("SELECT d FROM t", "1.7976931348623157e308;-1.7976931348623157e308"),),
    ),
    Case(
        "D05",
        "decimal_widest",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a DECIMAL(65,30), b DECIMAL(65,0))",
            insert(
                "t",
                [
                    f"{'9' * 35}.{'9' * 30}, {'9' * 65}",
                    f"-{'9' * 35}.{'9' * 30}, -{'9' * 65}",
                    f"0.{'0' * 29}1, 1",
                    f"-0.{'0' * 29}1, -1",
                    "NULL, NULL",
                ],
            ),
        ),
    ),
    Case(
        "D05",
        "decimal_of_decimals_only",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a DECIMAL(38,38))",
            insert("t", [f"0.{'1' * 38}", f"-0.{'9' * 38}", "0"]),
        ),
        on=MARIADB,
    ),
    Case(
        "D05",
        "decimal_thirty",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a DECIMAL(30,30), z DECIMAL(10,4) ZEROFILL)",
            insert("t", [f"0.{'1' * 30}, 1.5", f"-0.{'9' * 30}, 0", "0, 999999.9999"]),
        ),
    ),
    Case(
        "D05",
        "decimal_as_key",
        (
            "CREATE TABLE t (a DECIMAL(40,20), b NUMERIC(5), PRIMARY KEY (a, b))",
            "INSERT INTO t VALUES (1.00000000000000000001, 1), (1.00000000000000000002, 1),"
            " (-1, 2), (12345678901234567890.5, -3)",
        ),
    ),
    Case(
        "D06",
        "integer_edges",
        (
            _INTEGERS,
            "INSERT INTO t VALUES (1, -128, -32768, -8388608, -2147483648, -9223372036854775808,"
            " 0, 0, 0, 0, 0), (2, 127, 32767, 8388607, 2147483647, 9223372036854775807,"
            " 255, 65535, 16777215, 4294967295, 18446744073709551615)",
            "INSERT INTO t (id) VALUES (3)",
        ),
    ),
    Case(
        "D06",
        "bigint_unsigned_as_key",
        (
            "CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY)",
            "INSERT INTO t VALUES (0), (9223372036854775807), (9223372036854775808),"
            " (18446744073709551614), (18446744073709551615)",
        ),
        holds=(("SELECT MAX(id) FROM t", "18446744073709551615"),),
    ),
    Case(
        "D06",
        "bigint_negative_key",
        (
            "CREATE TABLE t (id BIGINT PRIMARY KEY)",
            "INSERT INTO t VALUES (-9223372036854775808), (-1), (0), (9223372036854775807)",
        ),
    ),
    Case(
        "D06",
        "zerofill",
        (
            "CREATE TABLE t (id INT(7) ZEROFILL PRIMARY KEY, a TINYINT(3) ZEROFILL,"
            " b BIGINT(20) UNSIGNED ZEROFILL, c SMALLINT(5) UNSIGNED ZEROFILL)",
            "INSERT INTO t VALUES (1, 7, 18446744073709551615, 0), (4294967295, 255, 0, 65535)",
        ),
        probes=("SELECT CONCAT(id), CONCAT(a), CONCAT(b), CONCAT(c) FROM t ORDER BY id",),
    ),
    *(
        Case(
            "D07",
            f"bit_{width}",
            (
                f"CREATE TABLE t (id INT PRIMARY KEY, b BIT({width}) DEFAULT b'1', n BIT({width}))",
                insert("t", [f"{2**width - 1}, 0", f"0, {2 ** (width - 1)}", "1, NULL"]),
                "INSERT INTO t (id) VALUES (9)",
            ),
            holds=(("SELECT HEX(b) FROM t WHERE id = 1", f"{2**width - 1:X}"),),
        )
        for width in (1, 8, 17, 64)
    ),
    Case(
        "D07",
        "bit_as_key",
        (
            "CREATE TABLE t (b BIT(12), c BIT(3), PRIMARY KEY (b, c))",
            "INSERT INTO t VALUES (0, 0), (92, 1), (39, 7), (4095, 5), (b'101010101010', 2)",
        ),
    ),
    Case(
        "D08",
        "counter_zero_and_negative",
        (_COUNTER, "INSERT INTO t VALUES (0, 1), (-1, 2), (-2147483648, 3), (5, 4)"),
        mode="NO_AUTO_VALUE_ON_ZERO",
        holds=(("SELECT id FROM t ORDER BY id", "-2147483648;-1;0;5"),),
        probes=_NEXT,
    ),
    Case(
        "D08",
        "counter_at_the_top",
        (
            "CREATE TABLE t (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, v INT)",
            "INSERT INTO t VALUES (18446744073709551614, 1)",
        ),
    ),
    Case(
        "D08",
        "counter_used_up",
        (
            "CREATE TABLE t (id TINYINT UNSIGNED AUTO_INCREMENT PRIMARY KEY)",
            "INSERT INTO t VALUES (255)",
        ),
    ),
    Case(
        "D08",
        "counter_of_float",
        (
            "CREATE TABLE t (id FLOAT AUTO_INCREMENT PRIMARY KEY, v INT)",
            "INSERT INTO t VALUES (7, 1), (NULL, 2)",
        ),
        probes=_NEXT,
        on=MARIADB,
    ),
    Case(
        "D09",
        "counter_after_deletes",
        (
            _COUNTER,
            "INSERT INTO t VALUES (1, 1), (500, 2)",
            "DELETE FROM t WHERE id = 500",
        ),
        probes=_NEXT,
        holds=(("SELECT MAX(id) FROM t WHERE v < 77", "1"),),
    ),
    Case(
        "D09",
        "counter_of_empty_table",
        (_COUNTER, "INSERT INTO t VALUES (41, 1)", "DELETE FROM t"),
        probes=_NEXT,
    ),
    Case("D09", "counter_set_ahead", (_COUNTER, "ALTER TABLE t AUTO_INCREMENT = 9000"), _NEXT),
    Case("D09", "counter_never_used", (_COUNTER,), _NEXT),
    Case("D09", "counter_truncated", (_COUNTER, insert("t", ["1", "2"]), "TRUNCATE t"), _NEXT),
    Case(
        "D09",
        "counter_second_in_key",
        (
            "CREATE TABLE t (g INT, id INT AUTO_INCREMENT, v INT, PRIMARY KEY (g, id))"
            " ENGINE=MyISAM",
            "INSERT INTO t VALUES (1, NULL, 1), (1, NULL, 2), (2, NULL, 3), (1, NULL, 4)",
        ),
        probes=("INSERT INTO t VALUES (1, NULL, 77)", "SELECT g, id FROM t WHERE v = 77"),
    ),
    Case(
        "D09",
        "counter_of_myisam",
        (_COUNTER + " ENGINE=MyISAM", "INSERT INTO t VALUES (60, 1)", "DELETE FROM t"),
        probes=_NEXT,
    ),
    Case(
        "D10",
        "bool",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, b BOOL, c TINYINT(1), d TINYINT(1) UNSIGNED)",
            insert("t", ["TRUE, 2, 255", "FALSE, -128, 0", "127, 1, 1", "NULL, NULL, NULL"]),
        ),
        holds=(("SELECT b + 0, c + 0, d + 0 FROM t WHERE id = 1", "1,2,255"),),
    ),
    Case(
        "D10",
        "display_width",
        (
            "CREATE TABLE t (id INT(3) PRIMARY KEY, a BIGINT(1), b TINYINT(4), c SMALLINT(255))",
            "INSERT INTO t VALUES (1234567, 9223372036854775807, -128, 32767)",
        ),
        on=EVERYWHERE,
    ),
)
