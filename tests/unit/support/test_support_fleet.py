from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.support import shop
from tests.support.binaries import PROJECT
from tests.support.fleet import Fleet, write_fleet_file
from tests.support.servers import Flavour, ServerFailed

START_AND_KEEP = """
from tests.support.fleet import Fleet
from tests.support.servers import Flavour
with Fleet([Flavour.MARIADB_1011], outlives_parent=True) as fleet:
    fleet.keep()
    print(fleet.instances[0].pid, fleet.folder)
"""
CONTENTS = (
    "SELECT order_id, account_id, country, customer, status, amount, amount_with_tax, placed_at,"
    " note FROM shop.orders_2 ORDER BY order_id",
    "SELECT * FROM shop.order_items_2 ORDER BY order_id, line_no",
    "SELECT account_id, owner, balance FROM shop.accounts ORDER BY account_id",
    "SELECT account_id, old_balance, new_balance FROM shop.account_audit ORDER BY account_id",
    "SELECT * FROM shop.country ORDER BY code",
    "SELECT * FROM shop.open_totals ORDER BY status",
    "SELECT shop.with_tax(10)",
)


def test_the_same_seed_fills_the_same_shop_on_both_families() -> None:
    assert read_shop(Flavour.MARIADB_1011, seed=3) == read_shop(Flavour.MYSQL_97, seed=3)


def test_another_seed_fills_another_shop() -> None:
    assert read_shop(Flavour.MARIADB_1011, seed=3) != read_shop(Flavour.MARIADB_1011, seed=4)


def test_every_order_is_in_the_shard_and_table_of_its_slot() -> None:
    with Fleet([Flavour.MARIADB_1011] * shop.SHARDS) as fleet:
        shop.create_shop(fleet.instances)
        shop.fill_shop(fleet.instances, rows=100)
        found: dict[int, tuple[int, int]] = {}
        for number, instance in enumerate(fleet.instances):
            with instance.connect(database="shop") as connection, connection.cursor() as cursor:
                for table in range(shop.TABLES_PER_SHARD):
                    cursor.execute(f"SELECT order_id FROM orders_{table}")
                    found |= {row[0]: (number, table) for row in cursor.fetchall()}
    assert found == {i: divmod(i % shop.SLOTS, shop.TABLES_PER_SHARD) for i in range(100)}


def test_a_fleet_leaves_nothing_behind() -> None:
    with Fleet([Flavour.MARIADB_1011] * 2, prefix="t") as fleet:
        assert list(fleet.shards) == ["t0", "t1"]
        instances = fleet.instances
    assert not fleet.folder.exists()
    assert not any(instance.is_running for instance in instances)


def test_a_fleet_that_fails_to_start_leaves_nothing_behind() -> None:
    fleet = Fleet([Flavour.MARIADB_1011] * 2, options=["--no-such-option=1"])
    with pytest.raises(ServerFailed), fleet:
        pass
    assert not fleet.folder.exists()


def test_a_kept_fleet_outlives_its_program() -> None:
    done = subprocess.run(
        [sys.executable, "-c", START_AND_KEEP],
        stdout=subprocess.PIPE,
        check=True,
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": f"{PROJECT}:{PROJECT / 'src'}"},
        text=True,
        timeout=60,
    )
    pid, folder = done.stdout.split()
    try:
        os.kill(int(pid), signal.SIGKILL)  # raises if it has gone
    finally:
        shutil.rmtree(folder)


def test_a_fleet_that_dies_with_its_program_cannot_be_kept(mariadb_fleet: Fleet) -> None:
    with pytest.raises(ValueError, match="outlive"):
        mariadb_fleet.keep()


def test_the_fleet_file_is_private_and_names_every_shard(
    mariadb_fleet: Fleet, tmp_path: Path
) -> None:
    path = write_fleet_file(
        tmp_path / "shardvault.yaml",
        mariadb_fleet.shards,
        user="backup",
        password={"env": "SHOP_PASSWORD"},
        tables=shop.TABLES,
        repository=tmp_path / "repository",
        key=tmp_path / "shop.key",
    )
    content = YAML(typ="safe").load(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [s["primary"]["socket"] for s in content["fleet"]["shards"]] == [
        instance.socket for instance in mariadb_fleet.instances
    ]
    assert content["fleet"]["tables"][0]["nodes"] == "s${0..3}.shop.orders_${0..3}"
    assert content["repository"]["key"] == {"file": str(tmp_path / "shop.key")}


def read_shop(flavour: Flavour, *, seed: int) -> list[object]:
    with Fleet([flavour] * shop.SHARDS) as fleet:
        shop.create_shop(fleet.instances)
        shop.fill_shop(fleet.instances, rows=800, seed=seed)
        with fleet.instances[1].connect() as connection, connection.cursor() as cursor:
            contents = []
            for query in CONTENTS:
                cursor.execute(query)
                contents.append(cursor.fetchall())
    assert all(contents)
    return contents
