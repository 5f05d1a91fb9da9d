"""D20 to D31: strings, binary values, members, and statements that look like something else."""

# ruff: noqa: E501 - a statement is read best in one line
from __future__ import annotations

from tests.exactness.case import EVERYWHERE, MARIADB, MYSQL, Case, insert

_ALL_BYTES = bytes(range(256)).hex()
_ENUM = "CREATE TABLE t (id INT PRIMARY KEY, e ENUM('a','b','c','') {}, s SET('x','y','') {})"
_SET_64 = ", ".join(f"'m{number}'" for number in range(64))
_ENUM_300 = ", ".join(f"'member {number}'" for number in range(300))
_WIDE = ", ".join(f"c{number} INT" for number in range(1, 1010))
_LOOKALIKES = (
    "/*! DROP TABLE t */", "/*M!999999 enable the sandbox mode */", "*/", "-- x", "# x", ";",
    "DELIMITER //", "\\q", "$$", "';--", '";', "`;`", "\\", "\\\\'", "%s %d {0} ${x}", "\t\n\r",
    "\x00\x1a", "?", ":name", "@var", "''", "NULL", "\\N", "SHARDVAULT", "LOAD DATA LOCAL INFILE",
)  # fmt: skip


def _charset_case(name: str, charset: str, values: tuple[str, ...], **more: object) -> Case:
    """Lay bytes in every kind of string column of a character set."""
    columns = (
        f"CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(40) CHARACTER SET {charset},"
        f" c CHAR(20) CHARACTER SET {charset}, x TEXT CHARACTER SET {charset})"
    )
    rows = [", ".join([f"_{charset} X'{value}'"] * 3) for value in values]
    return Case("D24", name, (columns, insert("t", rows)), **more)  # type: ignore[arg-type]


def _literal(text: str) -> str:
    return f"_utf8mb4 X'{text.encode().hex()}'"


_TYPES = ("TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB", "VARBINARY(300)")

CASES = (
    *(
        Case(
            "D20",
            f"all_bytes_{kind.split('(')[0].lower()}",
            (
                f"CREATE TABLE t (id INT PRIMARY KEY, b {kind})",
                insert("t", [f"X'{_ALL_BYTES[:-2]}'", "X'00'", "X'5C'", "X'27'", "X'FB'", "X''"]),
            ),
        )
        for kind in _TYPES
    ),
    Case(
        "D20",
        "every_pair_of_bytes",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, b BLOB)",
            insert(
                "t", [f"X'{''.join(f'{a:02x}{b:02x}' for b in range(256))}'" for a in range(256)]
            ),
        ),
    ),
    Case(
        "D20",
        "binary_as_key",
        (
            "CREATE TABLE t (b VARBINARY(4) PRIMARY KEY)",
            "INSERT INTO t VALUES (X''), (X'00'), (X'0000'), (X'5C'), (X'5C27'), (X'FF'), (X'FFFF')",
        ),
    ),
    Case(
        "D20",
        "lengths_at_the_borders_of_the_protocol",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB)",
            insert("t", [f"REPEAT(X'FB', {n})" for n in (250, 251, 252, 65535, 65536, 70000)]),
        ),
    ),
    Case(
        "D20",
        "longer_than_one_packet",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB)",
            "INSERT INTO t VALUES (1, REPEAT(X'5C', 3000000))",
        ),
        probes=("SELECT LENGTH(b), SHA2(b, 256) FROM t",),
    ),
    Case(
        "D21",
        "empty_null_and_their_names",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9), b TEXT, c BLOB, d CHAR(5))",
            insert(
                "t",
                [
                    ", ".join([value] * 4)
                    for value in ("''", "NULL", "'NULL'", "'\\\\N'", "'\\\\'", "'N'")
                ],
            ),
        ),
        holds=(("SELECT a FROM t WHERE id IN (2, 3, 4)", "NULL;NULL;\\N"),),
    ),
    Case(
        "D21",
        "only_nulls",
        (
            "CREATE TABLE t (a INT, b VARCHAR(9), c BLOB)",
            "INSERT INTO t VALUES (NULL, NULL, NULL), (NULL, NULL, NULL)",
        ),
    ),
    Case(
        "D21",
        "separators",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a TEXT, b TEXT)",
            insert(
                "t",
                [
                    "'\\t', '\\n'",
                    "'a\\tb', 'c\\nd'",
                    "'\\\\', '\\\\\\t'",
                    "'\\r\\n', '\\0'",
                    "',', '\"'",
                ],
            ),
        ),
    ),
    Case(
        "D22",
        "binary_padding",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, b BINARY(5), v VARBINARY(5), n BINARY(0))",
            insert(
                "t",
                [
                    "X'61', X'6100', ''",
                    "X'', X'', ''",
                    "X'2020', X'20202020', ''",
                    "X'0000000000', X'00', NULL",
                ],
            ),
        ),
        holds=(("SELECT HEX(b) FROM t WHERE id = 1", "6100000000"),),
    ),
    Case(
        "D22",
        "trailing_spaces",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, c CHAR(5), v VARCHAR(5), x TEXT)",
            insert(
                "t",
                ["'a  ', 'a  ', 'a  '", "'  ', '  ', '  '", "'', '', ''", "'\\t ', ' \\t', ' \\0'"],
            ),
        ),
        holds=(("SELECT LENGTH(v), LENGTH(x) FROM t WHERE id = 1", "3,3"),),
    ),
    Case(
        "D22",
        "keys_of_binary",
        (
            "CREATE TABLE t (b BINARY(3), v VARBINARY(3), PRIMARY KEY (b, v))",
            "INSERT INTO t VALUES ('a', 'a'), ('a', X'6100'), (X'610020', 'a '), ('', '')",
        ),
    ),
    Case(
        "D22",
        "keys_of_text_that_count_spaces",
        (
            "CREATE TABLE t (v VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin PRIMARY KEY)",
            "INSERT INTO t VALUES ('a'), ('a '), ('a  '), ('')",
        ),
        on=MARIADB,
    ),
    *(
        Case(
            "D23",
            f"second_byte_is_a_backslash_{charset}",
            (
                f"CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20) CHARACTER SET {charset},"
                f" x TEXT CHARACTER SET {charset}, KEY (v))",
                insert("t", [f"_{charset} X'{text}', _{charset} X'{text}'" for text in texts]),
            ),
            holds=(("SELECT HEX(v) FROM t WHERE id = 1", texts[0]),),
        )
        for charset, texts in {
            "sjis": ("835C", "835C27", "5C835C"),
            "cp932": ("835C", "955C", "815F"),
            "gbk": ("BF5C", "BF5C27", "D55C"),
            "big5": ("A55C", "B35C27", "AE5C"),
            "gb18030": ("BF5C", "815C27", "8130813127"),
        }.items()
        if charset != "gb18030"
    ),
    Case(
        "D23",
        "gb18030",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20) CHARACTER SET gb18030)",
            insert("t", ["_gb18030 X'BF5C'", "_gb18030 X'8130813127'"]),
        ),
        on=MYSQL,
    ),
    Case(
        "D23",
        "key_of_gbk",
        (
            "CREATE TABLE t (v VARCHAR(20) CHARACTER SET gbk PRIMARY KEY)",
            "INSERT INTO t VALUES (_gbk X'BF5C'), (_gbk X'D55C'), (_gbk X'5C'), ('a')",
        ),
    ),
    _charset_case(
        "emoji", "utf8mb4", ("F09F9880", "F09F92A9C3A9", "EFBFBF", "F48FBFBF", "EFBBBF61")
    ),
    _charset_case("utf8mb3", "utf8mb3", ("C3A9", "EFBFBD", "E282AC", "")),
    _charset_case(
        "latin1_controls", "latin1", ("808182838485868788898A8B8C8D8E8F", "90919F", "A0FF00")
    ),
    _charset_case("ucs2_lone_surrogate", "ucs2", ("D800", "DC00D800", "0000", "005C0027")),
    _charset_case("utf16", "utf16", ("D83DDE00", "0041", "005C", "FEFF0041")),
    _charset_case("utf16le", "utf16le", ("3DD800DE", "4100", "5C00")),
    _charset_case("utf32", "utf32", ("0001F600", "00000041", "0000005C")),
    _charset_case("koi8r_and_more", "koi8r", ("C0C1FF80", "5C27")),
    _charset_case("ujis", "ujis", ("A4A28FA2AF", "8EB1", "5C")),
    _charset_case("euckr", "euckr", ("B0A15C", "A1A1")),
    _charset_case("cp1251", "cp1251", ("98808182", "FF")),
    _charset_case("swe7", "swe7", ("5B5C5D", "7B7C7D")),
    _charset_case("ascii", "ascii", ("00017F", "5C27")),
    _charset_case("binary_text", "binary", ("FF00FE", "5C27")),
    Case(
        "D24",
        "character_sets_side_by_side",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a CHAR(3) CHARACTER SET latin1, b TEXT CHARACTER"
            " SET utf16, c VARCHAR(9) CHARACTER SET utf8mb4, d TEXT CHARACTER SET ucs2,"
            " e VARCHAR(9) CHARACTER SET sjis, f ENUM('é', 'ü') CHARACTER SET latin1)",
            "INSERT INTO t VALUES (1, 'é', 'é😀', '😀', 'é', 'ソ', 'ü')",
        ),
    ),
    Case(
        "D24",
        "mojibake",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(90) CHARACTER SET latin1)",
            insert("t", ["CONVERT(X'C3A9F09F9880' USING latin1)", "_latin1 X'C3A9E282AC'"]),
        ),
        holds=(("SELECT HEX(v) FROM t WHERE id = 2", "C3A9E282AC"),),
    ),
    Case(
        "D24",
        "uca1400",
        (
            "CREATE TABLE t (v VARCHAR(20) COLLATE uca1400_swedish_as_ci PRIMARY KEY)"
            " CHARACTER SET utf8mb4 COLLATE uca1400_ai_cs",
            "INSERT INTO t VALUES ('å'), ('a'), ('😀')",
        ),
        on=MARIADB,
    ),
    Case(
        "D24",
        "utf8mb4_0900",
        (
            "CREATE TABLE t (v VARCHAR(20) COLLATE utf8mb4_0900_as_cs PRIMARY KEY, w VARCHAR(9)"
            " COLLATE utf8mb4_ja_0900_as_cs_ks, x VARCHAR(9) COLLATE utf8mb4_0900_bin)"
            " COLLATE utf8mb4_0900_ai_ci",
            "INSERT INTO t VALUES ('a', 'か', 'a '), ('A', 'カ', 'a'), ('á', 'ｶ', ''), ('a ', '', '')",
        ),
        on=MYSQL,
    ),
    Case(
        "D24",
        "member_bytes_of_a_character_set",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, e ENUM('ソ', '表', 'é') CHARACTER SET sjis DEFAULT NULL,"
            " s SET('ü', '€') CHARACTER SET utf16)".replace(", 'é')", ")"),
            insert("t", ["1, 3", "2, 1", "NULL, 0"]),
        ),
    ),
    Case(
        "D25",
        "long_texts",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, t TINYTEXT, x TEXT, m MEDIUMTEXT, l LONGTEXT)"
            " CHARACTER SET utf8mb4",
            insert(
                "t", ["REPEAT('é', 127), REPEAT('é', 400), REPEAT('é', 40000), REPEAT('😀', 70000)"]
            ),
        ),
        holds=(("SELECT LENGTH(x), LENGTH(l) FROM t", "800,280000"),),
    ),
    Case(
        "D25",
        "varchar_of_full_width",
        (
            "CREATE TABLE t (v VARCHAR(65000) CHARACTER SET latin1)",
            "INSERT INTO t VALUES (REPEAT('\\\\', 65000)), (REPEAT('é', 65000))",
        ),
    ),
    Case(
        "D26",
        "index_zero_beside_an_empty_member",
        (
            _ENUM.format("", ""),
            "INSERT INTO t VALUES (1, 0, 0), (2, 4, 4), (3, 1, 3), (4, NULL, NULL)",
        ),
        holds=(("SELECT e + 0, HEX(e) FROM t WHERE id < 3", "0,;4,"),),
    ),
    Case(
        "D26",
        "index_zero_without_an_empty_member",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, e ENUM('a','b') NOT NULL, f ENUM('1','0','2'))",
            "INSERT INTO t VALUES (1, 0, 0), (2, 'b', '1'), (3, 'nothing', '0')",
        ),
        holds=(("SELECT e + 0, f + 0 FROM t", "0,0;2,1;0,2"),),
    ),
    Case(
        "D26",
        "index_zero_in_a_key",
        (
            "CREATE TABLE t (e ENUM('b','a','') NOT NULL, n INT, PRIMARY KEY (e, n), KEY (e))",
            "INSERT INTO t VALUES (0, 1), (1, 1), (2, 1), (3, 1), (3, 2)",
        ),
    ),
    Case(
        "D27",
        "members_with_quotes",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, e ENUM('it''s', 'a,b', ' lead', '\"', '\\\\', '`', '%s'),"
            " s SET('it''s', 'a b', '\"', '\\\\n', '(', ')'))",
            "INSERT INTO t VALUES (1, 1, 63), (2, 2, 1), (3, 3, 8), (4, 5, 0), (5, 7, 48)",
        ),
    ),
    Case(
        "D27",
        "set_of_64",
        (
            f"CREATE TABLE t (id INT PRIMARY KEY, s SET({_SET_64}))",
            insert("t", ["18446744073709551615", "9223372036854775808", "1", "0", "NULL"]),
        ),
        holds=(("SELECT BIT_COUNT(s) FROM t WHERE id = 1", "64"),),
    ),
    Case(
        "D27",
        "enum_of_300",
        (
            f"CREATE TABLE t (id INT PRIMARY KEY, e ENUM({_ENUM_300}) DEFAULT 'member 299')",
            insert("t", ["300", "256", "255", "1", "0", "NULL"]),
            "INSERT INTO t (id) VALUES (9)",
        ),
    ),
    Case(
        "D27",
        "members_that_look_like_numbers",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, e ENUM('2','1','3'), s SET('8','4','2','1'))",
            "INSERT INTO t VALUES (1, '1', '8'), (2, '2', '1'), (3, 3, 8), (4, '3', '8,1')",
        ),
    ),
    Case(
        "D27",
        "set_as_key",
        (
            "CREATE TABLE t (s SET('b','a','c'), PRIMARY KEY (s))",
            "INSERT INTO t VALUES (0), (1), (2), (3), (4), (7)",
        ),
    ),
    Case(
        "D28",
        "nearly_max_allowed_packet",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB)",
            "INSERT INTO t VALUES (1, REPEAT(X'27', 16000000)), (2, X'00')",
        ),
        probes=("SELECT LENGTH(b), SHA2(b, 256) FROM t ORDER BY id",),
    ),
    Case(
        "D29",
        "very_many_columns",
        (
            f"CREATE TABLE t (id INT PRIMARY KEY, {_WIDE})",
            "INSERT INTO t (id, c1, c1009) VALUES (1, 7, 9)",
        ),
    ),
    Case(
        "D29",
        "very_many_columns_of_myisam",
        (
            "CREATE TABLE t ("
            + ", ".join(f"c{n} TINYINT" for n in range(2400))
            + ") ENGINE=MyISAM",
            "INSERT INTO t (c0, c2399) VALUES (1, 2)",
        ),
    ),
    Case(
        "D29",
        "longest_names",
        (
            f"CREATE TABLE `{'é' * 64}` (`{'漢' * 64}` INT PRIMARY KEY COMMENT '{'é' * 99}',"
            f" `{'é' * 64}` INT, KEY `{'語' * 64}` (`{'é' * 64}`))",
            f"INSERT INTO `{'é' * 64}` VALUES (1, 2)",
        ),
    ),
    *(
        Case(
            "D30",
            f"laid_under_{name}",
            (
                "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(30) DEFAULT 'it''s \\\\ x',"
                " g VARCHAR(60) AS (CONCAT(a, '|', id)) VIRTUAL, c CHAR(5))",
                insert("t", ["'a\\\\b', DEFAULT, 'x'", "'\"', DEFAULT, 'y  '", "'%', DEFAULT, ''"]),
                "CREATE VIEW v AS SELECT CONCAT(a, 'x') AS `c``d`, COUNT(*) AS n FROM t GROUP BY a",
            ),
            mode=mode,
            on=on,
        )
        for name, mode, on in (
            ("ansi_quotes", "ANSI_QUOTES", EVERYWHERE),
            ("no_backslash_escapes", "NO_BACKSLASH_ESCAPES", EVERYWHERE),
            ("pipes_as_concat", "PIPES_AS_CONCAT", EVERYWHERE),
            ("ignore_space", "IGNORE_SPACE", EVERYWHERE),
            ("pad_char_to_full_length", "PAD_CHAR_TO_FULL_LENGTH", EVERYWHERE),
            ("real_as_float", "REAL_AS_FLOAT", EVERYWHERE),
            ("oracle", "ORACLE", MARIADB),
            ("mssql", "MSSQL", MARIADB),
            ("ansi", "ANSI", EVERYWHERE),
        )
    ),
    Case(
        "D30",
        "expression_of_pipes",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(30), g VARCHAR(60) AS (a || 'x') STORED,"
            " d VARCHAR(30) DEFAULT ('p' || 'q'), CHECK (a || 'x' <> 'yx'))",
            "INSERT INTO t (id, a) VALUES (1, 'b'), (2, 'c')",
        ),
        mode="PIPES_AS_CONCAT",
        probes=("INSERT INTO t (id, a) VALUES (7, 'z')", "SELECT * FROM t ORDER BY id"),
    ),
    Case(
        "D31",
        "lookalikes_in_rows",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a TEXT)",
            insert("t", [_literal(text) for text in _LOOKALIKES]),
        ),
    ),
    Case(
        "D31",
        "lookalikes_in_definitions",
        (
            "CREATE TABLE t (id INT PRIMARY KEY COMMENT '/*! x */ -- # ; DELIMITER // '' \\\\',"
            " a VARCHAR(50) DEFAULT '*/ ; -- /*!50000 x */', KEY (a) COMMENT '/*M!100000 y */')"
            " COMMENT='); DROP DATABASE x; -- /*'",
            "INSERT INTO t (id) VALUES (1)",
            "CREATE VIEW v AS SELECT '/*! x */ ; -- ' AS `a*/b`, '#' AS `-- c` FROM t",
        ),
    ),
    Case(
        "D31",
        "lookalikes_in_code",
        (
            "CREATE PROCEDURE p() COMMENT '*/ ; //' BEGIN /* DELIMITER ; */ SELECT 1; -- $$ ;\n"
            " # x ;\n SELECT '*/', \"//\"; END",
            "CREATE TABLE t (id INT)",
            "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW BEGIN /* ; */ SET @a = '; -- '; END",
        ),
    ),
    Case(
        "D24",
        "identifier_and_comment_beyond_the_plane",
        ("CREATE TABLE t (id INT PRIMARY KEY COMMENT 'ソ é €') COMMENT='漢字 é'",),
        on=EVERYWHERE,
    ),
)
