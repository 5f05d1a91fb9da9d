"""Create tables anew in another instance: SHOW CREATE TABLE must give the same bytes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shardvault.load.schema import count_orphans
from shardvault.mysql.quoting import quote_name
from tests.integration.copying import (
    copy_schema,
    fresh_schema,
    loading,
    read_contents,
    read_table,
    read_tables,
    reading,
)
from tests.support.servers import Flavour, Instance, start_instance

SCHEMA = "definitions"
LONG = "n" * 64
NASTY = r"a) ENGINE=x AUTO_INCREMENT=7 'q'' \"d\" `b`, KEY (`c`) /* not */ -- #".replace("'", "''")

COMMON = {
    "comments": f"""CREATE TABLE t (
        id INT AUTO_INCREMENT PRIMARY KEY COMMENT '{NASTY}',
        a INT DEFAULT 5 COMMENT ', AUTO_INCREMENT=3 (', KEY a (a) COMMENT '{NASTY}'
        ) COMMENT='{NASTY}'""",
    "comment_like_a_counter": """CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY)
        AUTO_INCREMENT=17 COMMENT=' AUTO_INCREMENT=99 COMMENT='""",
    "names": f"""CREATE TABLE `t``a(b),\n c` (
        `i``d` INT PRIMARY KEY, `a b,c)` INT, `q'u"o\\te` INT, `new\nline` INT, `é漢ñ` INT,
        `KEY` INT, `CONSTRAINT` INT, `{LONG}` INT,
        KEY `k``,(` (`a b,c)`), KEY `UNIQUE KEY` (`q'u"o\\te`), UNIQUE `FOREIGN KEY` (`KEY`),
        KEY `PRIMARY KEY` (`new\nline`), KEY `{LONG}` (`{LONG}`)
        )""",
    "defaults": r"""CREATE TABLE t (id INT PRIMARY KEY,
        a VARCHAR(50) DEFAULT 'it''s \\ (x), "y"', b VARCHAR(9) DEFAULT '',
        c VARCHAR(9) DEFAULT NULL,
        d TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
        e DATETIME(3) DEFAULT '0000-00-00 00:00:00.000', f BIT(3) DEFAULT b'101',
        g ENUM('x,(','y''','\\') DEFAULT 'y''', h SET('a','b') DEFAULT 'a,b',
        i VARCHAR(40) DEFAULT (CONCAT('a', ',', '(')))""",
    "generated": """CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b INT,
        v VARCHAR(60) GENERATED ALWAYS AS (CONCAT(a, ',(', b)) VIRTUAL,
        s INT GENERATED ALWAYS AS (b * 2) STORED, KEY (s), KEY by_v (v))""",
    "checks": """CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20),
        CONSTRAINT `odd, (name` CHECK (a > 0 AND b <> '),('), CONSTRAINT c2 CHECK (a < 100),
        KEY (a), KEY (b))""",
    "many_keys": """CREATE TABLE t (a INT NOT NULL, b INT NOT NULL, c INT, d VARCHAR(80), e TEXT,
        UNIQUE KEY zz (a), UNIQUE KEY aa (b), UNIQUE KEY mm (c), KEY k9 (c, d), KEY k1 (d(10), a),
        KEY k5 (b DESC, a ASC), KEY pre (e(20)), FULLTEXT KEY ft (d), FULLTEXT KEY ft2 (e),
        KEY last_one (d))""",
    "counter_not_first": """CREATE TABLE t (a INT NOT NULL, id INT NOT NULL AUTO_INCREMENT,
        PRIMARY KEY (a), KEY k1 (a), KEY cnt (id), KEY k2 (a, id)) AUTO_INCREMENT=42""",
    "spatial": """CREATE TABLE t (id INT PRIMARY KEY, a INT, p POINT NOT NULL, KEY k1 (a),
        SPATIAL KEY sp (p), KEY k2 (a, id))""",
    "partitions": """CREATE TABLE t (id INT NOT NULL, d DATE NOT NULL, s VARCHAR(9),
        PRIMARY KEY (id, d), KEY (s)) PARTITION BY RANGE (YEAR(d))
        SUBPARTITION BY HASH (id) SUBPARTITIONS 2
        (PARTITION p0 VALUES LESS THAN (2000) COMMENT = 'AUTO_INCREMENT=5', PARTITION `p,1)`
        VALUES LESS THAN MAXVALUE)""",
    "partition_list": """CREATE TABLE t (id INT, s VARCHAR(9) NOT NULL, KEY (id)) COMMENT='(a, b)'
        PARTITION BY LIST COLUMNS (s) (PARTITION a VALUES IN ('*/', '),('))""",
    "options": """CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(300)) ROW_FORMAT=DYNAMIC
        STATS_PERSISTENT=1 CHARSET=latin1 COLLATE=latin1_german2_ci MAX_ROWS=9""",
    "columns_of_many_charsets": """CREATE TABLE t (a CHAR(3) CHARACTER SET latin1, b TEXT
        CHARACTER SET utf16 COLLATE utf16_bin, c VARCHAR(9) COLLATE utf8mb4_bin, d BLOB)""",
    "collations_of_the_table_and_of_columns": """CREATE TABLE t (a VARCHAR(9), b CHAR(9)
        CHARACTER SET utf8mb4, c TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci,
        d VARCHAR(9) COLLATE utf8mb4_bin, e ENUM('x) COLLATE y', 'it''s'),
        `f COLLATE` VARCHAR(60) NOT NULL DEFAULT ' COLLATE utf8mb4_unicode_ci',
        g VARCHAR(40) AS (CONCAT(a, 'x')) VIRTUAL, h SET('a'),
        KEY (a)) COLLATE=utf8mb4_unicode_ci""",
    "myisam": "CREATE TABLE t (id INT PRIMARY KEY, a INT, KEY (a)) ENGINE=MyISAM CHECKSUM=1",
}
MARIADB = {
    "invisible": "CREATE TABLE t (id INT PRIMARY KEY, a INT INVISIBLE DEFAULT 4, KEY (a) IGNORED)",
    "checks_in_columns": """CREATE TABLE t (id INT PRIMARY KEY, a INT CHECK (a <> 3 OR a IN (1,2)),
        j JSON, KEY (a))""",
    "compressed": """CREATE TABLE t (id INT PRIMARY KEY, a TEXT COMPRESSED, b INT, KEY (b))
        ENGINE=InnoDB PAGE_COMPRESSED=1""",
    "hash_key": "CREATE TABLE t (a TEXT, b INT, UNIQUE KEY u (a), KEY (b))",
    "aria": "CREATE TABLE t (id INT PRIMARY KEY, a INT, KEY (a)) ENGINE=Aria TRANSACTIONAL=1",
    "sequence": "CREATE SEQUENCE t START WITH 5 INCREMENT BY 3 MAXVALUE 900 CACHE 10 CYCLE",
    "negative_sequence": "CREATE SEQUENCE t START WITH -1 INCREMENT BY -2 MINVALUE -90 NOCACHE",
}
MYSQL = {
    "invisible": """CREATE TABLE t (id INT PRIMARY KEY, a INT INVISIBLE DEFAULT 4,
        KEY (a) INVISIBLE)""",
    "functional": """CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), j JSON,
        KEY f ((LOWER(`a`))), KEY g ((CONCAT(a, ',)', "x")), id),
        KEY m ((CAST(j->'$.list' AS UNSIGNED ARRAY))), UNIQUE KEY u ((ABS(id)) DESC))""",
    "not_enforced": """CREATE TABLE t (id INT PRIMARY KEY, a INT,
        CONSTRAINT c CHECK (a <> 3) NOT ENFORCED, KEY (a))""",
    "srid": "CREATE TABLE t (id INT PRIMARY KEY, p POINT NOT NULL SRID 4326, SPATIAL KEY (p))",
    "parser": """CREATE TABLE t (id INT PRIMARY KEY, a TEXT, b INT, FULLTEXT KEY n (a)
        WITH PARSER ngram, KEY (b))""",
}
FOREIGN = """CREATE TABLE parent (id INT PRIMARY KEY, boss INT, name VARCHAR(20) NOT NULL, n INT,
    UNIQUE KEY (name, n), CONSTRAINT `self, (ref` FOREIGN KEY (boss) REFERENCES parent (id)
    ON DELETE SET NULL ON UPDATE CASCADE)
CREATE TABLE child (id INT PRIMARY KEY, p INT, name VARCHAR(20), n INT,
    CONSTRAINT z_first FOREIGN KEY (p) REFERENCES parent (id),
    CONSTRAINT a_second FOREIGN KEY (name, n) REFERENCES parent (name, n) ON DELETE CASCADE)
CREATE TABLE `a child` (id INT PRIMARY KEY, p INT, KEY own (p, id),
    FOREIGN KEY (p) REFERENCES child (id))
INSERT INTO parent VALUES (1, NULL, 'x', 1), (2, 1, 'y', 2)
INSERT INTO child VALUES (1, 2, 'y', 2), (2, NULL, NULL, 3)
INSERT INTO `a child` VALUES (1, 2)"""


@pytest.fixture(scope="module")
def empty_mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    instance = start_instance(Flavour.MARIADB_1011, tmp_path_factory.mktemp("empty") / "i")
    yield instance
    instance.destroy()


def check_definitions(source: Instance, target: Instance, *statements: str) -> None:
    fresh_schema(source, SCHEMA, *statements)
    with reading(source) as session:
        schemas, tables = read_tables(session, SCHEMA)
    assert len(tables) == len([text for text in statements if text.startswith("CREATE")])
    copy_schema(source, target, SCHEMA)
    with reading(target) as session:
        new_schemas, new_tables = read_tables(session, SCHEMA)
        assert new_schemas == schemas
        for table, new in zip(tables, new_tables, strict=True):
            assert new.create_sql == table.create_sql
            assert (new.auto_increment or 1) == (table.auto_increment or 1)
            assert new.sequence_next == table.sequence_next


@pytest.mark.parametrize("name", COMMON | MARIADB)
def test_a_definition_comes_back_byte_for_byte_on_mariadb_1011(
    mariadb: Instance, empty_mariadb: Instance, name: str
) -> None:
    check_definitions(mariadb, empty_mariadb, (COMMON | MARIADB)[name])


@pytest.mark.parametrize("name", COMMON | MARIADB)
def test_a_definition_comes_back_byte_for_byte_on_mariadb_118(
    mariadb118: Instance, name: str
) -> None:
    check_definitions(mariadb118, mariadb118, (COMMON | MARIADB)[name])


@pytest.mark.parametrize("name", COMMON | MYSQL)
def test_a_definition_comes_back_byte_for_byte_on_mysql(mysql: Instance, name: str) -> None:
    check_definitions(mysql, mysql, (COMMON | MYSQL)[name])


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Instance:
    found: Instance = request.getfixturevalue(request.param)
    return found


def foreign_statements() -> list[str]:
    return [text.replace("\n    ", " ") for text in FOREIGN.replace("\n    ", " ").split("\n")]


def test_foreign_keys_come_back_byte_for_byte(instance: Instance) -> None:
    check_definitions(instance, instance, *foreign_statements())


def test_orphans_are_counted(instance: Instance) -> None:
    fresh_schema(instance, SCHEMA, *foreign_statements())
    with loading(instance) as session:
        child = read_table(session, SCHEMA, "child")
        parent = read_table(session, SCHEMA, "parent")
        keys = [*((child, key) for key in child.foreign_keys), (parent, parent.foreign_keys[0])]
        assert [count_orphans(session, table, key) for table, key in keys] == [0, 0, 0]
        session.execute(f"INSERT INTO {SCHEMA}.child VALUES (3, 99, 'none', 1)")
        session.execute(f"INSERT INTO {SCHEMA}.parent VALUES (3, 98, 'z', 1)")
        assert [count_orphans(session, table, key) for table, key in keys] == [1, 1, 1]


def test_the_counter_of_an_emptied_table_comes_back(instance: Instance) -> None:
    table = "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY)"
    fresh_schema(instance, SCHEMA, table, "INSERT INTO t VALUES (0), (-5), (70)", "DELETE FROM t")
    copy_schema(instance, instance, SCHEMA)
    with reading(instance) as session:
        assert read_table(session, SCHEMA, "t").auto_increment == 71


def test_rows_with_counter_value_zero_come_back(instance: Instance) -> None:
    table = "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY)"
    fresh_schema(instance, SCHEMA, table, "INSERT INTO t VALUES (0), (-5), (7)")
    (before,) = copy_schema(instance, instance, SCHEMA)
    with reading(instance) as session:
        after = read_contents(session, read_table(session, SCHEMA, "t"))
        assert (after.rows, after.content_hash) == (3, before.content_hash)


def test_generated_and_invisible_columns_come_back_with_their_values(instance: Instance) -> None:
    fresh_schema(
        instance,
        SCHEMA,
        "CREATE TABLE t (v INT AS (a + 1) VIRTUAL, a INT, s VARCHAR(9) AS (CONCAT(a, '!')) STORED,"
        " id INT PRIMARY KEY, hidden INT INVISIBLE)",
        "INSERT INTO t (id, a, hidden) VALUES (1, 5, 9), (2, NULL, 8)",
    )
    copy_schema(instance, instance, SCHEMA)
    with reading(instance) as session:
        rows = session.rows(f"SELECT id, a, v, s, hidden FROM {quote_name(SCHEMA)}.t ORDER BY id")
    assert rows == [(b"1", b"5", b"6", b"5!", b"9"), (b"2", None, None, None, b"8")]
