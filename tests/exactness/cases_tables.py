"""D42 to D52: partitions, engines, keys, constraints, options of tables."""

# ruff: noqa: E501 - a statement is read best in one line
from __future__ import annotations

from tests.exactness.case import MARIADB, MYSQL, Case, Rendering, insert

_COLUMNS = "CREATE TABLE t (id INT NOT NULL, d DATE NOT NULL, s VARCHAR(9) NOT NULL)"
_ROWS = (
    "INSERT INTO t VALUES (1, '1999-05-05', 'a'), (2, '2001-01-01', 'b'), (3, '2030-01-01', 'c'),"
    " (-4, '1900-01-01', 'a')"
)
_MANY_PARTITIONS = ", ".join(f"PARTITION p{n} VALUES LESS THAN ({n})" for n in range(1, 131))


def _partitions(name: str, clause: str, *more: str, **rest: object) -> Case:
    return Case("D42", name, (f"{_COLUMNS} {clause}", _ROWS, *more), **rest)  # type: ignore[arg-type]


def _engine(
    name: str,
    engine: str,
    columns: str = "id INT PRIMARY KEY, v VARCHAR(90), KEY (v)",
    **rest: object,
) -> Case:
    table = f"CREATE TABLE t ({columns}) {engine}"
    return Case("D43", name, (table, insert("t", ["'a'", "'\\\\,\"\\n'", "''"])), **rest)  # type: ignore[arg-type]


def _words(collation: str) -> Case:
    """Lay a key whose order is the collation's, not that of the bytes."""
    charset = collation.partition("_")[0]
    words = ("a", "B", "c", "Z", "z1", "ss", "0", " ", "_", "aa", "AB")
    return Case(
        "D46",
        f"key_in_{collation}",
        (
            f"CREATE TABLE t (k VARCHAR(20) CHARACTER SET {charset} COLLATE {collation} PRIMARY KEY, n INT)",
            "INSERT INTO t VALUES " + ", ".join(f"('{word}', {n})" for n, word in enumerate(words)),
        ),
    )


CASES = (
    _partitions(
        "range",
        "PARTITION BY RANGE (YEAR(d)) (PARTITION a VALUES LESS THAN (2000), PARTITION z VALUES LESS THAN MAXVALUE)",
        probes=("SELECT id FROM t PARTITION (a) ORDER BY id",),
    ),
    _partitions(
        "range_columns",
        "PARTITION BY RANGE COLUMNS (d, s) (PARTITION a VALUES LESS THAN ('2000-01-01', 'b'), PARTITION z VALUES LESS THAN (MAXVALUE, MAXVALUE))",
    ),
    _partitions(
        "list",
        "PARTITION BY LIST (id) (PARTITION a VALUES IN (1, 2, NULL), PARTITION z VALUES IN (3, -4))",
    ),
    _partitions(
        "list_columns",
        "PARTITION BY LIST COLUMNS (s) (PARTITION `a)` VALUES IN ('a', 'it''s'), PARTITION z VALUES IN ('b', 'c'))",
    ),
    _partitions(
        "list_default",
        "PARTITION BY LIST (id) (PARTITION a VALUES IN (1), PARTITION z DEFAULT)",
        on=MARIADB,
    ),
    _partitions(
        "hash", "PARTITION BY HASH (id) PARTITIONS 5", probes=("SELECT id FROM t PARTITION (p1)",)
    ),
    _partitions("linear_hash", "PARTITION BY LINEAR HASH (YEAR(d)) PARTITIONS 3"),
    _partitions(
        "key",
        "PARTITION BY KEY (id, s) PARTITIONS 4",
        probes=("SELECT id FROM t PARTITION (p1) ORDER BY id",),
    ),
    _partitions("linear_key_algorithm", "PARTITION BY LINEAR KEY ALGORITHM = 1 (id) PARTITIONS 4"),
    _partitions(
        "sub_partitions",
        "PARTITION BY RANGE (YEAR(d)) SUBPARTITION BY HASH (id) (PARTITION a VALUES LESS THAN (2000)"
        " (SUBPARTITION `s 0` COMMENT='x', SUBPARTITION s1), PARTITION z VALUES LESS THAN MAXVALUE"
        " (SUBPARTITION s2, SUBPARTITION s3))",
    ),
    _partitions(
        "very_many",
        f"ENGINE=InnoDB PARTITION BY RANGE (id) (PARTITION m VALUES LESS THAN (-3), PARTITION p0 VALUES LESS THAN (0), {_MANY_PARTITIONS})",
    ),
    _partitions("of_myisam", "ENGINE=MyISAM PARTITION BY HASH (id) PARTITIONS 2", on=MARIADB),
    Case(
        "D42",
        "data_directory",
        ("CREATE TABLE t (id INT PRIMARY KEY) DATA DIRECTORY='{D}'", "INSERT INTO t VALUES (1)"),
        refused="DATA DIRECTORY",
        on=MARIADB,
    ),
    _engine("myisam", "ENGINE=MyISAM CHECKSUM=1 DELAY_KEY_WRITE=1"),
    _engine("myisam_fixed", "ENGINE=MyISAM ROW_FORMAT=FIXED", "id INT PRIMARY KEY, v CHAR(90)"),
    _engine("aria", "ENGINE=Aria TRANSACTIONAL=1 PAGE_CHECKSUM=1", on=MARIADB),
    _engine(
        "aria_plain",
        "ENGINE=Aria TRANSACTIONAL=0 ROW_FORMAT=DYNAMIC",
        on=MARIADB,
        # SHOW CREATE TABLE prints the default that the source's table has without being asked.
        renderings=(
            Rendering(
                "t",
                "tables",
                b"row_format=DYNAMIC transactional=0",
                b"page_checksum=1 row_format=DYNAMIC transactional=0",
            ),
        ),
    ),
    _engine("memory", "ENGINE=MEMORY", "id INT PRIMARY KEY, v VARCHAR(90), KEY USING BTREE (v)"),
    _engine("csv", "ENGINE=CSV", "id INT NOT NULL, v VARCHAR(90) NOT NULL"),
    _engine("archive", "ENGINE=ARCHIVE", "id INT NOT NULL, v VARCHAR(90)", on=MYSQL),
    Case(
        "D44",
        "merge",
        (
            "CREATE TABLE a (id INT, v INT, KEY (id)) ENGINE=MyISAM",
            "CREATE TABLE b LIKE a",
            "CREATE TABLE m (id INT, v INT, KEY (id)) ENGINE=MERGE UNION=(a, b) INSERT_METHOD=LAST",
            "INSERT INTO a VALUES (1, 1)",
            "INSERT INTO b VALUES (2, 2)",
        ),
        holds=(("SELECT COUNT(*) FROM m", "2"),),
    ),
    Case(
        "D44",
        "blackhole",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE=BLACKHOLE",
            "INSERT INTO t VALUES (1, 1)",
        ),
        on=MYSQL,
    ),
    Case(
        "D45",
        "duplicate_rows",
        (
            "CREATE TABLE t (a INT, b VARCHAR(9))",
            "INSERT INTO t VALUES (1, 'x'), (1, 'x'), (1, 'x'), (NULL, NULL), (NULL, NULL)",
        ),
        holds=(("SELECT COUNT(*) FROM t", "5"),),
    ),
    Case("D45", "no_rows", ("CREATE TABLE t (a INT)", "CREATE TABLE u (id INT PRIMARY KEY)")),
    Case(
        "D45",
        "only_a_nullable_unique_key",
        (
            "CREATE TABLE t (a INT UNIQUE, b INT)",
            "INSERT INTO t VALUES (NULL, 1), (NULL, 1), (3, 2)",
        ),
    ),
    *(
        _words(collation)
        for collation in (
            "latin1_bin",
            "latin1_swedish_ci",
            "latin1_german2_ci",
            "utf8mb4_bin",
            "utf8mb4_general_ci",
            "utf8mb4_unicode_ci",
            "utf8mb4_czech_ci",
            "utf8mb3_turkish_ci",
            "ucs2_general_ci",
            "sjis_japanese_ci",
        )
    ),
    Case(
        "D46",
        "key_of_accents",
        (
            "CREATE TABLE t (k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY)",
            "INSERT INTO t VALUES ('e'), ('é'), ('E'), ('ß'), ('ss'), ('😀'), (''), ('ä')",
        ),
    ),
    Case(
        "D46",
        "composite_key_of_mixed_types",
        (
            "CREATE TABLE t (a CHAR(3) COLLATE utf8mb4_unicode_ci, b DATE, c DECIMAL(9,3), d BINARY(2),"
            " e ENUM('z','a'), PRIMARY KEY (a, b, c, d, e))",
            "INSERT INTO t VALUES ('a', '2020-01-01', 1.5, 'x', 1), ('B', '2020-01-01', -1.5, X'005C', 2),"
            " ('b', '2020-01-01', 1.5, 'x', 2), ('', '2020-01-01', 0, '', 1)",
        ),
    ),
    Case(
        "D46",
        "descending_and_prefix_keys",
        (
            "CREATE TABLE t (a INT, b TEXT, PRIMARY KEY (a DESC), UNIQUE (b(3)))",
            "INSERT INTO t VALUES (1, 'abc'), (2, 'abd'), (3, NULL)",
        ),
    ),
    Case(
        "D46",
        "enough_rows_for_ranges",
        (
            "CREATE TABLE t (k VARCHAR(30) CHARACTER SET latin1 COLLATE latin1_general_ci PRIMARY KEY, p VARCHAR(60))",
            "INSERT INTO t WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 900)"
            " SELECT CONCAT(CHAR(65 + i % 57 USING latin1), i * 7919 % 1000, IF(i % 2, 'x', 'X')), REPEAT('p', 60) FROM n",
            "INSERT IGNORE INTO t SELECT CONCAT(a.k, b.k), a.p FROM t a JOIN (SELECT k FROM t LIMIT 30) b",
        ),
        probes=("SELECT COUNT(*), COUNT(DISTINCT k), MIN(HEX(k)), MAX(HEX(k)) FROM t",),
    ),
    Case(
        "D47",
        "self_reference",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, boss INT, FOREIGN KEY (boss) REFERENCES t (id) ON DELETE CASCADE)",
            "INSERT INTO t VALUES (9, NULL), (1, 9), (2, 1)",
            "UPDATE t SET boss = 2 WHERE id = 9",
        ),
    ),
    Case(
        "D47",
        "cycle",
        (
            "CREATE TABLE a (id INT PRIMARY KEY, b INT)",
            "CREATE TABLE b (id INT PRIMARY KEY, a INT, CONSTRAINT ba FOREIGN KEY (a) REFERENCES a (id))",
            "ALTER TABLE a ADD CONSTRAINT ab FOREIGN KEY (b) REFERENCES b (id) ON UPDATE SET NULL",
            "INSERT INTO a VALUES (1, NULL)",
            "INSERT INTO b VALUES (1, 1)",
            "UPDATE a SET b = 1",
        ),
    ),
    Case(
        "D47",
        "across_schemas",
        (
            "CREATE DATABASE `zz_{S}`",
            "CREATE TABLE `zz_{S}`.p (id INT PRIMARY KEY)",
            "CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES `zz_{S}`.p (id))",
            "INSERT INTO `zz_{S}`.p VALUES (1)",
            "INSERT INTO c VALUES (1, 1)",
        ),
        also=("zz_{S}",),
    ),
    Case(
        "D47",
        "to_a_key_that_is_not_unique",
        (
            "SET SESSION restrict_fk_on_non_standard_key = 0",
            "CREATE TABLE p (a INT, b INT, KEY (a, b))",
            "CREATE TABLE c (id INT PRIMARY KEY, a INT, FOREIGN KEY (a) REFERENCES p (a))",
            "INSERT INTO p VALUES (1, 1), (1, 2)",
            "INSERT INTO c VALUES (1, 1)",
        ),
        on=MYSQL,
    ),
    Case(
        "D47",
        "orphans",
        (
            "CREATE TABLE p (id INT PRIMARY KEY)",
            "CREATE TABLE c (id INT PRIMARY KEY, p INT, CONSTRAINT k FOREIGN KEY (p) REFERENCES p (id))",
            "SET foreign_key_checks = 0",
            "INSERT INTO c VALUES (1, 99)",
        ),
        findings=("rows violate k",),
    ),
    Case(
        "D47",
        "to_a_table_that_is_gone",
        (
            "SET foreign_key_checks = 0",
            "CREATE TABLE c (id INT PRIMARY KEY, p INT, CONSTRAINT k FOREIGN KEY (p) REFERENCES gone (id))",
            "INSERT INTO c VALUES (1, 1)",
        ),
        findings=("k refers to",),
    ),
    Case(
        "D48",
        "check_that_old_rows_violate",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a INT, CONSTRAINT c CHECK (a > 0))",
            "SET check_constraint_checks = 0",
            "INSERT INTO t VALUES (1, -5)",
        ),
        on=MARIADB,
    ),
    Case(
        "D48",
        "check_not_enforced",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a INT, CONSTRAINT c CHECK (a > 0) NOT ENFORCED)",
            "INSERT INTO t VALUES (1, -5)",
        ),
        on=MYSQL,
    ),
    Case(
        "D48",
        "checks_of_every_kind",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a INT CHECK (a <> 3), b VARCHAR(9),"
            " CONSTRAINT `odd, (name` CHECK (a > 0 AND b <> '),('), CHECK (b <> 'it''s'))",
            "INSERT INTO t VALUES (1, 1, 'x'), (2, NULL, NULL)",
        ),
    ),
    Case(
        "D49",
        "equal_but_for_the_collation",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9) COLLATE utf8mb4_bin UNIQUE)",
            "INSERT INTO t VALUES (1, 'a'), (2, 'A'), (3, 'á')",
        ),
    ),
    Case(
        "D50",
        "compressed_rows",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v TEXT) ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4",
            insert("t", ["REPEAT('x', 9000)"]),
        ),
    ),
    *(
        Case(
            "D50",
            f"row_format_{form.lower()}",
            (
                f"CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(99)) ROW_FORMAT={form}",
                insert("t", ["'x'"]),
            ),
        )
        for form in ("REDUNDANT", "COMPACT", "DYNAMIC")
    ),
    Case(
        "D50",
        "page_compression_and_compressed_columns",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v TEXT COMPRESSED, w VARCHAR(999) COMPRESSED=zlib) PAGE_COMPRESSED=1 PAGE_COMPRESSION_LEVEL=3",
            insert("t", ["REPEAT('x', 9000), 'y'", "'', NULL"]),
        ),
        on=MARIADB,
    ),
    Case(
        "D50",
        "unknown_options",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v INT zap=3 foo='x*/y', KEY k (v) bar=1)"
            " yesno='x' nofish='a''b\\\\c'",
        ),
        mode="IGNORE_BAD_TABLE_OPTIONS",
        on=MARIADB,
    ),
    Case(
        "D50",
        "row_format_that_strict_mode_refuses",
        (
            "SET SESSION innodb_strict_mode = 0",
            "CREATE TABLE t (id INT PRIMARY KEY) ROW_FORMAT=COMPACT KEY_BLOCK_SIZE=8",
            "INSERT INTO t VALUES (1)",
        ),
    ),
    Case(
        "D50",
        "row_formats_that_the_engine_does_not_have",
        (
            "SET SESSION innodb_strict_mode = 0",
            "CREATE TABLE t (id INT PRIMARY KEY) ROW_FORMAT=FIXED",
            "CREATE TABLE u (id INT PRIMARY KEY) ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=7",
        ),
    ),
    Case(
        "D50",
        "rows_that_may_be_too_wide",
        (
            "SET SESSION innodb_strict_mode = 0",
            "CREATE TABLE t (id INT PRIMARY KEY, "
            + ", ".join(f"c{number} CHAR(255) CHARACTER SET latin1" for number in range(40))
            + ")",
            "INSERT INTO t (id, c0, c39) VALUES (1, 'a', 'z')",
        ),
    ),
    Case(
        "D50",
        "options",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(300)) STATS_PERSISTENT=1 STATS_AUTO_RECALC=0"
            " STATS_SAMPLE_PAGES=9 MAX_ROWS=90 MIN_ROWS=3 AVG_ROW_LENGTH=50 PACK_KEYS=1 CHARSET=latin1 COLLATE=latin1_german2_ci",
        ),
    ),
    Case(
        "D51",
        "counter_not_first",
        (
            "CREATE TABLE t (a INT NOT NULL, id INT NOT NULL AUTO_INCREMENT, PRIMARY KEY (a), KEY cnt (id), KEY k2 (a, id))",
            "INSERT INTO t (a) VALUES (5), (4)",
        ),
    ),
    Case(
        "D51",
        "keys_of_every_kind",
        (
            "CREATE TABLE t (a INT NOT NULL, b INT NOT NULL, c INT, d VARCHAR(80), e TEXT, g POINT NOT NULL,"
            " UNIQUE KEY zz (a), UNIQUE KEY aa (b), UNIQUE KEY mm (c), KEY k9 (c, d), KEY k1 (d(10), a),"
            " KEY k5 (b DESC, a ASC), KEY pre (e(20)) COMMENT 'it''s', FULLTEXT KEY ft (d), FULLTEXT KEY ft2 (d, e), SPATIAL KEY sp (g), KEY last_one (d))",
            "INSERT INTO t VALUES (1, 1, NULL, 'some words', 'other words', POINT(1, 2))",
        ),
        probes=("SELECT a FROM t WHERE MATCH (d) AGAINST ('words')",),
    ),
    Case(
        "D51",
        "equal_keys",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a INT, KEY one (a), KEY other (a))",
            "INSERT INTO t VALUES (1, 2)",
        ),
    ),
    Case(
        "D51",
        "ignored_key",
        (
            "CREATE TABLE t (a INT PRIMARY KEY, b INT, KEY k (b) IGNORED)",
            "INSERT INTO t VALUES (1, 2)",
        ),
        on=MARIADB,
    ),
    Case(
        "D51",
        "invisible_index",
        (
            "CREATE TABLE t (a INT PRIMARY KEY, b INT, KEY k (b) INVISIBLE)",
            "INSERT INTO t VALUES (1, 2)",
        ),
        on=MYSQL,
    ),
    Case(
        "D51",
        "functional_keys",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), j JSON, KEY f ((LOWER(`a`))), KEY g ((CONCAT(a, ',)', 'x')) DESC, id),"
            " KEY m ((CAST(j->'$.list' AS UNSIGNED ARRAY))), UNIQUE KEY u ((ABS(id))))",
            "INSERT INTO t VALUES (1, 'A', '{\"list\": [1, 2]}'), (-2, NULL, NULL)",
        ),
        on=MYSQL,
    ),
    Case(
        "D51",
        "long_unique_key",
        (
            "CREATE TABLE t (a TEXT, b BLOB, UNIQUE KEY u (a), UNIQUE KEY w (a, b) USING HASH)",
            "INSERT INTO t VALUES ('a', 'b'), ('A2', 'b'), (NULL, NULL), (NULL, NULL)",
        ),
        on=MARIADB,
    ),
    Case(
        "D52",
        "comment_is_view",
        ("CREATE TABLE t (id INT PRIMARY KEY) COMMENT='VIEW'", "INSERT INTO t VALUES (1)"),
    ),
)
