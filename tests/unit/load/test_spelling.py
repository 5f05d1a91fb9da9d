"""Two definitions are spelled alike if they mean the same, and only then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shardvault.load.spelling import spell_table
from shardvault.model.schema import Column, Table, TableKind

COLUMN = Column("a", "varchar", "varchar(9)", "utf8mb4", "utf8mb4_bin", True, False)


def _table(body: bytes, options: bytes = b" ENGINE=InnoDB DEFAULT CHARSET=utf8mb4") -> Table:
    sql = b"CREATE TABLE `t` (\n" + body + b"\n)" + options
    return Table("s", "t", TableKind.ROWS, "InnoDB", True, sql, (COLUMN,))


SAME = [
    (b"  `a` int(11) DEFAULT NULL", b"  `a` int"),
    (b"  `a` int(11) DEFAULT 4", b"  `a` int DEFAULT '4'"),
    (b"  `a` int INVISIBLE DEFAULT 4", b"  `a` int DEFAULT '4' /*!80023 INVISIBLE */"),
    (b"  `a` datetime DEFAULT current_timestamp()", b"  `a` datetime DEFAULT CURRENT_TIMESTAMP"),
    (b"  `a` int CHECK (`a` > 0)", b"  `a` int,\n  CONSTRAINT `t_chk_1` CHECK ((`a` > 0))"),
    (b"  `a` int AS (lcase('x'))", b"  `a` int AS (lower(_utf8mb4'x'))"),
    (b"  KEY `k` (`a`) IGNORED", b"  KEY `k` (`a`) /*!80000 INVISIBLE */"),
    (b"  `a` char(3) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", b"  `a` char(3) COLLATE x"),
]
DIFFERENT = [
    (b"  `a` int", b"  `a` bigint"),
    (b"  `a` int", b"  `a` int unsigned"),
    (b"  `a` int", b"  `a` int NOT NULL"),
    (b"  `a` int DEFAULT 4", b"  `a` int DEFAULT 5"),
    (b"  `a` int(3) zerofill", b"  `a` int(4) zerofill"),
    (b"  `a` varchar(9) DEFAULT 'x'", b"  `a` varchar(9) DEFAULT 'X'"),
    (b"  `a` int INVISIBLE", b"  `a` int"),
    (b"  `a` int,\n  `b` int", b"  `b` int,\n  `a` int"),
    (b"  `a` int,\n  KEY `k` (`a`)", b"  `a` int"),
    (b"  `a` int CHECK (`a` > 0)", b"  `a` int CHECK (`a` > 1)"),
    (b"  `a` int CHECK (`a` > 0)", b"  `a` int"),
    (b"  CONSTRAINT `c` CHECK (1) NOT ENFORCED", b"  CONSTRAINT `c` CHECK (1)"),
    (b"  `a` int AS (1 + 1)", b"  `a` int AS (1 + 2)"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_other_words_for_the_same_are_spelled_alike(one: bytes, other: bytes) -> None:
    assert spell_table(_table(one)) == spell_table(_table(other))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_meaning_is_never_spelled_alike(one: bytes, other: bytes) -> None:
    assert spell_table(_table(one)) != spell_table(_table(other))


def test_the_collation_of_a_column_counts_wherever_it_is_printed() -> None:
    table = _table(b"  `a` varchar(9)")
    other = replace(table, columns=(replace(COLUMN, collation="utf8mb4_general_ci"),))
    assert spell_table(table) != spell_table(other)
    old = replace(COLUMN, charset="utf8", collation="utf8_bin")
    new = replace(COLUMN, charset="utf8mb3", collation="utf8mb3_bin")
    assert spell_table(replace(table, columns=(old,))) == spell_table(
        replace(table, columns=(new,))
    )


def test_a_mark_inside_a_name_is_part_of_the_name() -> None:
    one = _table(b"  `/*!50100 x */` int COMMENT '*/'")
    other = _table(b"  `x` int COMMENT '*/'")
    assert spell_table(one) == spell_table(replace(one, auto_increment=1))
    assert spell_table(one) != spell_table(other)


def test_an_option_that_no_engine_knows_is_a_comment_and_stays_one() -> None:
    """MariaDB 11.8 leaves the end of a comment in a value as it is."""
    one = _table(b"  `a` int /* `foo`='x*/y' */,\n  `b` int /* `zap`=3 */")
    other = _table(b"  `a` int /* `foo`='x*/z' */,\n  `b` int /* `zap`=3 */")
    assert spell_table(one) != spell_table(other)


def test_options_and_partitions_count_but_not_how_they_are_marked() -> None:
    one = _table(b"  `a` int", b" ENGINE=InnoDB\n PARTITION BY HASH (`a`)\nPARTITIONS 3")
    same = _table(
        b"  `a` int", b" ENGINE=InnoDB\n/*!50100 PARTITION BY HASH (`a`)\nPARTITIONS 3 */"
    )
    other = _table(b"  `a` int", b" ENGINE=InnoDB\n PARTITION BY HASH (`a`)\nPARTITIONS 4")
    assert spell_table(one) == spell_table(same)
    assert spell_table(one) != spell_table(other)
