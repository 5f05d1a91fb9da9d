"""Rows in a partition where they do not belong are never missed in silence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault.dump import ranges
from shardvault.errors import UnsupportedObject
from shardvault.model.target import Scope
from tests.integration.operations_support import Lone, Vault, run_all, set_failpoints
from tests.support.servers import Instance

SCOPE = Scope(include=("misplaced.*",))
FILLER = "INSERT INTO misplaced.t SELECT a.n + 10 * b.n, REPEAT('x', 3000) FROM "
DIGITS = " UNION ALL ".join(f"SELECT {n} n" for n in range(10))


@pytest.fixture(params=["mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    run_all(
        found,
        "DROP DATABASE IF EXISTS misplaced",
        "CREATE DATABASE misplaced",
        "CREATE TABLE misplaced.t (id INT PRIMARY KEY, v VARCHAR(3000)) PARTITION BY RANGE (id)"
        " (PARTITION p0 VALUES LESS THAN (50), PARTITION p1 VALUES LESS THAN MAXVALUE)",
        f"{FILLER}({DIGITS}) a, ({DIGITS}) b",
        "ANALYZE TABLE misplaced.t",
    )
    yield found
    run_all(found, "DROP DATABASE misplaced")


def misplace(instance: Instance) -> None:
    """Put rows with keys 10 and 20 into the partition of keys from 50 on."""
    run_all(
        instance,
        "DELETE FROM misplaced.t WHERE id IN (10, 20)",
        "CREATE TABLE misplaced.twin LIKE misplaced.t",
        "ALTER TABLE misplaced.twin REMOVE PARTITIONING",
        "INSERT INTO misplaced.twin SELECT * FROM misplaced.t WHERE id >= 50",
        "INSERT INTO misplaced.twin VALUES (10, 'lost'), (20, 'lost')",
        "ALTER TABLE misplaced.t EXCHANGE PARTITION p1 WITH TABLE misplaced.twin"
        " WITHOUT VALIDATION",
        "DROP TABLE misplaced.twin",
        "ANALYZE TABLE misplaced.t",
    )


@pytest.fixture
def vault(instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vault:
    monkeypatch.setattr(ranges, "RANGE_BYTES", 64 << 10)
    return Vault(tmp_path, Lone({"s0": instance}))


def test_rows_in_their_partitions_are_counted_and_backed_up(vault: Vault) -> None:
    assert vault.backup(scope=SCOPE).totals.rows == 100


def test_a_row_in_a_wrong_partition_stops_the_backup(vault: Vault, instance: Instance) -> None:
    misplace(instance)
    with pytest.raises(UnsupportedObject, match="100 rows are in the table and 98 were found"):
        vault.backup(scope=SCOPE)
    assert vault.listed() == []


def test_without_the_count_rows_are_missed_in_silence(
    vault: Vault, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    misplace(instance)
    set_failpoints(monkeypatch, "backup.row_count=off")
    assert vault.backup(scope=SCOPE).totals.rows == 98


def test_a_table_read_as_one_range_has_all_its_rows(
    vault: Vault, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    misplace(instance)
    monkeypatch.setattr(ranges, "RANGE_BYTES", 1 << 30)
    assert vault.backup(scope=SCOPE).totals.rows == 100
