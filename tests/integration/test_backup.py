"""Backup: every kind of content comes back, and what is known already is not stored again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from shardvault.dump import ranges
from shardvault.model.ids import BackupId
from shardvault.model.manifest import TableRecord
from shardvault.model.target import Scope
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.parts import get_part
from shardvault.repository.store import open_repository
from shardvault.storage import open_storage
from tests.integration.operations_support import (
    Lone,
    Vault,
    assert_clean_failure,
    describe,
    query,
    quote,
    run_all,
    schemas,
    wipe,
)
from tests.support.fleet import Fleet
from tests.support.servers import Flavour, Instance

ROWS = 12_000
RANGE_BYTES = 2 << 20
BIG_ROW_BYTES = 20 << 20
TABLES = 300
SMALL_MYISAM_ROWS = 500
LARGE_MYISAM_ROWS = 10_000

EVIL = (
    "back`tick",
    "``",
    "qu'ote",
    'dou"ble',
    "../x",
    "/etc/passwd",
    "new\nline",
    "tab\tand blank",
    "per%cent %s",
    "semi;colon--",
    "back\\slash",
    "日本語",
    "ünïcödé",
    "x" * 64,
    "字" * 40,  # a server on Linux makes a file name of five times this length
    "select",
    "Case",
    "case",
    "dot.ted",
    "$dollar",
    "#hash",
    "@at",
    "1e5",
    "{brace}",
    "${0..3}",
    "*",
    "comma,ted",
)
CHOSEN = ("back`tick", "../x", "new\nline", "Case", "dot.ted", "${0..3}", "*", "comma,ted")
LONG_NAMES = [name for name in EVIL if len(name) >= 6]  # shorter ones may come about by chance


@pytest.fixture(scope="module")
def pair() -> Iterator[Fleet]:
    """Hold a source s0 and a spare instance s1, both with room for large rows."""
    with Fleet([Flavour.MARIADB_1011] * 2, options=("--max-allowed-packet=64M",)) as fleet:
        yield fleet


@pytest.fixture
def source(pair: Fleet) -> Instance:
    wipe(pair.shards["s0"])
    run_all(pair.shards["s0"], "CREATE DATABASE data CHARACTER SET utf8mb4")
    return pair.shards["s0"]


@pytest.fixture
def spare(pair: Fleet) -> Instance:
    wipe(pair.shards["s1"])
    return pair.shards["s1"]


@pytest.fixture
def vault(tmp_path: Path, pair: Fleet, source: Instance) -> Vault:
    return Vault(tmp_path, Lone({"s0": source}))


def assert_returns(vault: Vault, source: Instance, spare: Instance) -> None:
    """Prove that a restore of the newest backup gives what the source has."""
    report = vault.restore(vault.target(Lone({"s0": spare})))
    assert (report.verified, report.findings) == (True, ())
    assert schemas(spare) == schemas(source)
    for schema in schemas(source):
        assert describe(spare, schema) == describe(source, schema)


def stored_tables(vault: Vault, backup: str) -> dict[str, TableRecord]:
    storage = open_storage(f"file://{vault.repository}")
    repository = open_repository(storage, read_key_file(vault.key))
    (shard,) = repository.load(BackupId(backup)).shards
    part = get_part(repository.reader(), shard.part)
    return {record.table.name: record for record in part.tables}


def fill_large(source: Instance, first: int, last: int) -> None:
    run_all(
        source,
        "INSERT INTO data.large SELECT seq, RANDOM_BYTES(600), MD5(seq)"
        f" FROM data.seq_{first}_to_{last}",
        "ANALYZE TABLE data.large",
    )


def test_unchanged_data_is_not_stored_again_and_new_rows_cost_little(
    vault: Vault, source: Instance, spare: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "RANGE_BYTES", RANGE_BYTES)
    run_all(source, "CREATE TABLE data.large (id INT PRIMARY KEY, b BLOB, c CHAR(32))")
    fill_large(source, 1, ROWS)
    first = vault.backup()
    second = vault.backup()
    assert second.totals.bytes_stored < first.totals.bytes_stored / 100
    assert second.totals.bytes_read == first.totals.bytes_read
    fill_large(source, ROWS + 1, ROWS + 500)
    third = vault.backup()
    before, after = stored_tables(vault, first.id)["large"], stored_tables(vault, third.id)["large"]
    borders = [found.lower for found in before.ranges]
    assert len(borders) > 1
    assert [found.lower for found in after.ranges][: len(borders)] == borders
    assert [found.chunks for found in after.ranges][:1] == [before.ranges[0].chunks]
    new_bytes = third.totals.bytes_read - first.totals.bytes_read
    assert 0 < third.totals.bytes_stored < 1.1 * (before.ranges[-1].raw_bytes + new_bytes)
    assert_returns(vault, source, spare)


def test_a_changed_definition_does_not_reuse_the_old_borders(
    vault: Vault, source: Instance, spare: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "RANGE_BYTES", RANGE_BYTES)
    run_all(source, "CREATE TABLE data.large (id INT PRIMARY KEY, b BLOB, c CHAR(32))")
    fill_large(source, 1, ROWS)
    vault.backup()
    run_all(source, "ALTER TABLE data.large DROP PRIMARY KEY, ADD PRIMARY KEY (c)")
    changed = vault.backup()
    borders = [found.lower for found in stored_tables(vault, changed.id)["large"].ranges]
    assert len(borders) > 1
    assert all(len(lower[0]) > len("123456") for lower in borders if lower)
    assert_returns(vault, source, spare)


def test_rows_of_many_packets_come_back(vault: Vault, source: Instance, spare: Instance) -> None:
    run_all(
        source,
        "CREATE TABLE data.big (id INT PRIMARY KEY, b LONGBLOB)",
        f"INSERT INTO data.big VALUES (1, REPEAT('ab', {BIG_ROW_BYTES // 2})), (2, 'x'),"
        f" (3, REPEAT('c', {(16 << 20) - 12})), (4, NULL)",
    )
    vault.backup()
    assert vault.verify().status == "ok"
    assert_returns(vault, source, spare)


def test_a_table_without_a_key_comes_back_with_its_equal_rows(
    vault: Vault, source: Instance, spare: Instance
) -> None:
    run_all(
        source,
        "CREATE TABLE data.keyless (a INT, b VARCHAR(9))",
        "INSERT INTO data.keyless VALUES (1, 'x'), (1, 'x'), (NULL, NULL), (NULL, NULL), (2, '')",
    )
    vault.backup()
    assert_returns(vault, source, spare)
    rows = query(spare, "SELECT a, b, COUNT(*) FROM data.keyless GROUP BY a, b ORDER BY a, b")
    assert rows == [(None, None, 2), (1, "x", 2), (2, "", 1)]


def test_an_empty_database_comes_back(vault: Vault, source: Instance, spare: Instance) -> None:
    run_all(source, "CREATE DATABASE hollow CHARACTER SET latin2")
    report = vault.backup()
    assert report.totals.tables == 0
    assert_returns(vault, source, spare)


def test_hundreds_of_small_tables_come_back(
    vault: Vault, source: Instance, spare: Instance
) -> None:
    statements = [
        f"CREATE TABLE data.t{n} (id INT PRIMARY KEY) SELECT {n} AS id" for n in range(TABLES)
    ]
    run_all(source, *statements)
    assert vault.backup().totals.tables == TABLES
    assert_returns(vault, source, spare)


def test_small_tables_without_transactions_are_copied_under_the_barrier(
    vault: Vault, source: Instance, spare: Instance
) -> None:
    run_all(
        source,
        "CREATE TABLE data.old (id INT PRIMARY KEY, t CHAR(40)) ENGINE=MyISAM",
        f"INSERT INTO data.old SELECT seq, MD5(seq) FROM data.seq_1_to_{SMALL_MYISAM_ROWS}",
        "CREATE TABLE data.aria (n INT) ENGINE=Aria SELECT 1 AS n",
        "CREATE TABLE data.new (id INT PRIMARY KEY) SELECT 7 AS id",
    )
    report = vault.backup()
    assert report.consistency == "barrier+xa"
    assert report.totals.rows == SMALL_MYISAM_ROWS + 2
    assert_returns(vault, source, spare)


def test_large_tables_without_transactions_are_refused_before_any_lock(
    vault: Vault, source: Instance
) -> None:
    run_all(
        source,
        *(
            f"CREATE TABLE data.heavy_{n} (b CHAR(255), c CHAR(255), d CHAR(255), e CHAR(255))"
            " ENGINE=MyISAM"
            for n in range(2)
        ),
        "INSERT INTO data.heavy_0"
        f" SELECT 'b', 'c', 'd', 'e' FROM data.seq_1_to_{LARGE_MYISAM_ROWS}",
        "INSERT INTO data.heavy_1 VALUES ('b', 'c', 'd', 'e')",
    )
    refused = vault.run("backup")
    assert_clean_failure(refused, 1, "s0", "data.heavy_0", "data.heavy_1", "MyISAM", "--exclude")
    assert "backup: barrier\n" not in refused.err
    assert vault.listed() == []
    assert vault.run("backup", "--exclude", "data.heavy_0,data.heavy_1").code == 0


def make_evil(source: Instance) -> None:
    for number, name in enumerate(EVIL):
        schema, column, short = quote(name), quote(f"of {name[:50]}"), name[:60]
        table = f"{schema}.{quote(name)}"
        run_all(
            source,
            f"CREATE DATABASE {schema}",
            f"CREATE TABLE {table} ({quote(name)} INT PRIMARY KEY, {column} VARCHAR(9),"
            f" KEY {quote(name)} ({column}))",
            f"INSERT INTO {table} VALUES ({number}, 'row')",
            f"CREATE VIEW {schema}.{quote(f'v {short}')} AS SELECT * FROM {table}",
            f"CREATE TRIGGER {schema}.{quote(f't {short}')} BEFORE INSERT ON {table}"
            " FOR EACH ROW SET @a = 1",
        )


def test_names_of_every_kind_come_back_and_none_is_readable_in_the_repository(
    vault: Vault, source: Instance, spare: Instance
) -> None:
    make_evil(source)
    report = vault.backup()
    assert report.totals.tables == len(EVIL)
    assert_returns(vault, source, spare)
    folder = str(vault.repository).encode()
    for path in (path for path in vault.repository.rglob("*") if path.is_file()):
        text = bytes(path).removeprefix(folder) + b"\n" + path.read_bytes()
        assert not [name for name in LONG_NAMES if name.encode() in text], path


@pytest.mark.parametrize("name", CHOSEN)
def test_a_database_of_any_name_can_be_chosen(
    vault: Vault, source: Instance, spare: Instance, name: str
) -> None:
    run_all(
        source,
        f"CREATE DATABASE {quote(name)}",
        f"CREATE TABLE {quote(name)}.{quote(name)} (n INT PRIMARY KEY) SELECT 1 AS n",
    )
    pattern = f"{quote(name)}.{quote(name)}" if "*" not in name else f"{quote(name)}.?"
    vault.backup(scope=Scope(include=(pattern,)))
    vault.restore(vault.target(Lone({"s0": spare})), scope=Scope(include=(pattern,)))
    assert schemas(spare) == [name]
    assert describe(spare, name)[name] == describe(source, name)[name]


@pytest.mark.parametrize("name", ["trailing ", "astral 🦊"])
def test_a_name_that_the_server_itself_refuses_is_no_case_for_us(
    source: Instance, name: str
) -> None:
    with pytest.raises(pymysql.MySQLError, match=r"Incorrect|Invalid"):
        run_all(source, f"CREATE DATABASE {quote(name)}")
