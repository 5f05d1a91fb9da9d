"""MariaDB 10.5: one cut, a backup with few privileges, and the way into newer versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault import app, failpoints
from shardvault.barrier import BarrierLimits
from shardvault.model.manifest import Consistency
from shardvault.model.report import Severity
from shardvault.model.target import Scope
from tests.integration.barrier_support import (
    ChainWriter,
    cut_of,
    make_schema,
    shards_of,
    wait_until,
)
from tests.integration.operations_support import Vault, describe, query, run_all, wipe
from tests.support.fleet import Fleet
from tests.support.servers import Flavour, Instance

SHOP = (
    "CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, total DECIMAL(9,2), note TEXT,"
    " doubled DECIMAL(9,2) AS (total * 2) VIRTUAL, CHECK (total >= 0), KEY (total))",
    "INSERT INTO shop.orders (total, note) VALUES (1.50, 'a'), (2.25, NULL), (0, 'é')",
    "CREATE SEQUENCE shop.numbers START WITH 7",
    "CREATE VIEW shop.dear AS SELECT id FROM shop.orders WHERE total > 2",
    "CREATE TRIGGER shop.t BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.note = 'new'",
    "CREATE PROCEDURE shop.p() SELECT COUNT(*) FROM shop.orders",
    "CREATE EVENT shop.e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DO SELECT 1",
    "CREATE ROLE clerk",
    "GRANT SELECT ON shop.* TO clerk",
    "CREATE USER anna@localhost IDENTIFIED BY 'x'",
    "GRANT clerk TO anna@localhost",
)


@pytest.fixture(scope="module")
def old() -> Iterator[Fleet]:
    """Start two shards and two servers to restore into."""
    with Fleet([Flavour.MARIADB_105] * 4) as fleet:
        yield fleet


@pytest.fixture
def source(old: Fleet) -> Fleet:
    wipe(*old.instances)
    return old


class Part:
    """Show some shards of a fleet as a fleet."""

    def __init__(self, shards: dict[str, Instance]) -> None:
        self.shards = shards
        self.user = "root"
        (self.password,) = {instance.password for instance in shards.values()}


def split(fleet: Fleet) -> tuple[Part, Part]:
    first, second, third, fourth = fleet.instances
    return Part({"s0": first, "s1": second}), Part({"s0": third, "s1": fourth})


def count_gaps(fleet: Fleet) -> int:
    """Take cuts while a chain of writes goes over all shards; count those with a gap."""
    for instance in fleet.instances:
        make_schema(instance, "chain", "CREATE TABLE t (n INT PRIMARY KEY)")
    gaps = 0
    with ChainWriter(fleet.instances, "chain.t") as writer:
        for _ in range(5):
            with cut_of(shards_of(fleet.shards), BarrierLimits()) as cut:
                before = writer.acknowledged
                assert cut.consistency is Consistency.BARRIER_XA
                seen = sorted(
                    int(row[0] or 0)
                    for part in cut.shards.values()
                    for row in part.snapshots[0].rows("SELECT n FROM chain.t")
                )
                gaps += seen != list(range(1, len(seen) + 1))
            wait_until(lambda now=before: writer.acknowledged > now + 5)  # type: ignore[misc]
    return gaps


def test_a_chain_of_writes_has_no_gap_in_the_cut(source: Fleet) -> None:
    assert count_gaps(source) == 0


def test_without_the_barrier_the_chain_breaks(
    source: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = failpoints._parse("cut.barrier=off;cut.some_locked=sleep:0.02")
    monkeypatch.setattr(failpoints, "_points", points)
    assert count_gaps(source) >= 4


def test_a_fleet_comes_back_exactly_with_its_accounts(source: Fleet, tmp_path: Path) -> None:
    live, empty = split(source)
    for instance in live.shards.values():
        run_all(instance, *SHOP)
    vault = Vault(tmp_path, live)
    blockers = [
        item for item in app.check(vault.config).findings if item.severity is Severity.BLOCKER
    ]
    assert blockers == []
    vault.backup()
    report = vault.restore(vault.target(empty), with_accounts=True)
    assert [item for item in report.findings if item.severity is Severity.WARNING] == []
    for name, instance in live.shards.items():
        target = empty.shards[name]
        assert describe(instance, "shop") == describe(target, "shop")
        grants = "SHOW GRANTS FOR anna@localhost"
        assert query(instance, grants) == query(target, grants)


def test_a_newer_version_takes_the_rows_of_an_older_one(
    source: Fleet, mariadb: Instance, mariadb118: Instance, tmp_path: Path
) -> None:
    live, _ = split(source)
    for instance in live.shards.values():
        run_all(instance, *SHOP)
    vault = Vault(tmp_path, live)
    vault.backup()
    for number, target in enumerate((mariadb, mariadb118)):
        run_all(target, "DROP DATABASE IF EXISTS shop")
        file = vault.target(Part({"s0": target}), f"target{number}")
        vault.restore(file, scope=Scope(shards=("s0",)))
        rows = "SELECT * FROM shop.orders ORDER BY id"
        assert query(target, rows) == query(live.shards["s0"], rows)
        run_all(target, "DROP DATABASE shop")
