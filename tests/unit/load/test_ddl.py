from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardvault.errors import IntegrityError
from shardvault.load.ddl import (
    first_column,
    first_name,
    inherit_collation,
    is_deferrable,
    is_foreign_key,
    is_ordered_key,
    parse_table,
)
from shardvault.load.schema import plan_steps
from shardvault.model.schema import Table, TableKind

TABLE = b"""CREATE TABLE `a``(,` (
  `id` int(11) NOT NULL AUTO_INCREMENT COMMENT 'KEY (, ''x'' \\\\',
  `b` varchar(9) DEFAULT ',(' /*!80023 INVISIBLE */,
  `c` int(11) GENERATED ALWAYS AS (concat(`b`,',)')) VIRTUAL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u` (`b`),
  KEY `k` (`b`,`c`) COMMENT 'FOREIGN KEY',
  FULLTEXT KEY `f` (`b`),
  CONSTRAINT `fk` FOREIGN KEY (`c`) REFERENCES `p` (`id`) ON DELETE CASCADE,
  CONSTRAINT `ck` CHECK (`c` <> ',' and (`c` > 1))
) ENGINE=InnoDB AUTO_INCREMENT=7 COMMENT='AUTO_INCREMENT=9 )'"""

names = st.text("ab`'\"(),\\ \n/*-#é", min_size=1, max_size=8)
texts = st.text("ab`'\"(),\\ \n/*-#;é", max_size=12)


def name(text: str) -> bytes:
    return b"`" + text.replace("`", "``").encode() + b"`"


def literal(text: str) -> bytes:
    return b"'" + text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").encode() + b"'"


columns = st.builds(
    lambda column, comment, default: (
        b"\n  "
        + name(column)
        + b" varchar(9) DEFAULT "
        + literal(default)
        + b" COMMENT "
        + literal(comment)
    ),
    names,
    texts,
    texts,
)
generated = st.builds(
    lambda column, text: b"\n  " + name(column) + b" int AS (concat(" + literal(text) + b",(1)))",
    names,
    texts,
)
keys = st.builds(
    lambda key, column, comment: (
        b"\n  KEY " + name(key) + b" (" + name(column) + b"(3) DESC) COMMENT " + literal(comment)
    ),
    names,
    names,
    texts,
)
comments = st.sampled_from([b"", b" /*!80023 INVISIBLE */", b" /* ( , ' */"])
parts = st.tuples(st.one_of(columns, generated, keys), comments).map(b"".join)


def table(create_sql: bytes, key_name: str = "PRIMARY") -> Table:
    return Table("s", "a`(,", TableKind.ROWS, "InnoDB", True, create_sql, (), ("id",), key_name)


@given(names, st.lists(parts, min_size=1, max_size=6), texts)
def test_the_parts_of_any_definition_are_found_and_join_to_it(
    table_name: str, wanted: list[bytes], comment: str
) -> None:
    head = b"CREATE TABLE " + name(table_name) + b" ("
    tail = b"\n) ENGINE=InnoDB COMMENT=" + literal(comment)
    ddl = parse_table(head + b",".join(wanted) + tail)
    assert ddl.head == head
    assert ddl.head + b",".join(ddl.parts) + ddl.tail == head + b",".join(wanted) + tail
    assert [part.strip() for part in ddl.parts] == [part.strip() for part in wanted]


def test_parts_are_told_apart() -> None:
    ddl = parse_table(TABLE)
    assert [first_name(part) for part in ddl.parts if is_foreign_key(part)] == [b"fk"]
    assert [first_name(part) for part in ddl.parts if is_deferrable(part)] == [b"u", b"k"]
    assert [first_name(part) for part in ddl.parts if is_ordered_key(part)] == [b"u", b"k"]
    assert len(ddl.parts) == 9


@pytest.mark.parametrize("end", [5, 40, len(TABLE) - 60, len(TABLE) - 90])
def test_a_definition_that_is_cut_short_is_an_integrity_error(end: int) -> None:
    with pytest.raises(IntegrityError):
        parse_table(TABLE[:20] if end == 5 else TABLE[: TABLE.index(b"\n) ENGINE") - end % 7])


def test_the_first_column_of_a_key_is_found() -> None:
    assert first_column(b" KEY `k``(` (`a``b`(10) DESC,`c`)") == b"a`b"
    assert first_column(b" KEY `k` ((lower(`a`)))") == b"a"


def test_keys_and_foreign_keys_of_a_large_table_come_later() -> None:
    steps = plan_steps(table(TABLE), 1 << 20)
    assert b"KEY `u`" not in steps.create
    assert b"FULLTEXT KEY `f`" in steps.create
    assert b"CONSTRAINT `ck` CHECK" in steps.create
    place = b"ALTER TABLE `s`.`a``(,` ADD "
    assert steps.keys == (
        place + b"UNIQUE KEY `u` (`b`), ADD KEY `k` (`b`,`c`) COMMENT 'FOREIGN KEY'"
    )
    assert steps.foreign_keys.startswith(place + b"CONSTRAINT `fk` FOREIGN KEY (`c`)")


@pytest.mark.parametrize(
    ("counter", "tail"),
    [
        (None, b") ENGINE=InnoDB AUTO_INCREMENT=7 COMMENT='AUTO_INCREMENT=9 )'"),
        (8, b") AUTO_INCREMENT=8 ENGINE=InnoDB COMMENT='AUTO_INCREMENT=9 )'"),
    ],
)
def test_a_table_is_created_with_its_counter(counter: int | None, tail: bytes) -> None:
    counted = replace(table(TABLE), auto_increment=counter)
    assert plan_steps(counted, 0).create.endswith(tail)


@pytest.mark.parametrize(("counter", "is_later"), [(None, True), (7, False)])
def test_keys_are_not_built_later_where_that_would_lose_a_counter(
    counter: int | None, is_later: bool
) -> None:
    sql = (
        b"CREATE TABLE `t` (\n  `a` int COMMENT 'AUTO_INCREMENT',\n  KEY `k` (`a`)\n) ENGINE=InnoDB"
    )
    steps = plan_steps(replace(table(sql), auto_increment=counter), 1 << 20)
    assert (steps.keys != b"") is is_later


@pytest.mark.parametrize(
    ("key", "is_later"),
    [
        (b"UNIQUE KEY `k` (`a`)", True),
        (b"UNIQUE KEY `k` (`a`) COMMENT ' USING HASH'", True),
        (b"UNIQUE KEY `k` (`a`) USING HASH", False),
    ],
)
def test_a_hash_of_a_whole_text_is_there_from_the_start(key: bytes, is_later: bool) -> None:
    steps = plan_steps(table(b"CREATE TABLE t (\n  `a` text,\n  " + key + b"\n)"), 1 << 20)
    assert (steps.keys != b"") is is_later


def test_keys_of_a_small_table_are_there_from_the_start() -> None:
    steps = plan_steps(table(TABLE), 10)
    assert b"UNIQUE KEY `u`" in steps.create
    assert steps.keys == b""
    assert steps.foreign_keys != b""


def test_the_key_that_orders_the_rows_and_those_before_it_stay() -> None:
    steps = plan_steps(table(TABLE, key_name="u"), 1 << 20)
    assert b"UNIQUE KEY `u`" in steps.create
    assert b"ADD KEY `k`" in steps.keys
    steps = plan_steps(table(TABLE, key_name="k"), 1 << 20)
    assert b"UNIQUE KEY `u`" in steps.create
    assert steps.keys == b""


def test_a_sequence_is_created_as_it_is() -> None:
    sequence = Table("s", "q", TableKind.SEQUENCE, "InnoDB", True, b"CREATE SEQUENCE `q`", ())
    steps = plan_steps(sequence, 0)
    assert (steps.create, steps.keys, steps.foreign_keys) == (b"CREATE SEQUENCE `q`", b"", b"")


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        (b"\n `a` text COLLATE utf8mb4_bin", b"\n `a` text"),
        (b" `a` varchar(9) COLLATE utf8mb4_bin NOT NULL", b" `a` varchar(9) NOT NULL"),
        (b" `a` enum('x) COLLATE y','''') COLLATE utf8mb4_bin", b" `a` enum('x) COLLATE y','''')"),
        (b" `a``b` text COLLATE utf8mb4_bin", b" `a``b` text"),
        (b" `a` text COLLATE latin1_bin", None),
        (b" `a` text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", None),
        (b" `a` text DEFAULT ' COLLATE utf8mb4_bin'", None),
        (b" KEY `a` (`b`)", None),
    ],
)
def test_a_collation_is_inherited_only_where_it_is_the_tables(
    part: bytes, wanted: bytes | None
) -> None:
    tail = b"\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
    assert inherit_collation(part, tail) == (part if wanted is None else wanted)
