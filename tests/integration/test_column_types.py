"""The list of column types is true to the servers, and a backup stops at what it lacks."""

from __future__ import annotations

from pathlib import Path

import pymysql
import pytest

from shardvault.errors import UnsupportedObject
from shardvault.events import PhaseStarted
from shardvault.model.column_types import COLUMN_TYPES
from shardvault.mysql.session import parse_version
from tests.integration.operations_support import Lone, Steps, Vault, query, run_all
from tests.support.servers import Instance

SCHEMA = "column_types"
LENGTHS = {"varchar": "(3)", "varbinary": "(3)", "vector": "(3)", "enum": "('a')", "set": "('a')"}


def _taken(instance: Instance, data_type: str) -> str | None:
    """Make a column of a type; return what the catalogue calls it, None if it is refused."""
    column = f"c {data_type}{LENGTHS.get(data_type, '')}"
    try:
        run_all(instance, f"CREATE TABLE {SCHEMA}.t ({column})")
    except pymysql.MySQLError:
        return None
    ((name,),) = query(
        instance,
        f"SELECT data_type FROM information_schema.columns WHERE table_schema = '{SCHEMA}'",
    )
    run_all(instance, f"DROP TABLE {SCHEMA}.t")
    return str(name)


@pytest.mark.parametrize("server", ["mariadb", "mariadb118", "mysql"])
def test_a_server_takes_the_types_that_it_is_said_to_take(
    server: str, request: pytest.FixtureRequest
) -> None:
    instance: Instance = request.getfixturevalue(server)
    ((text,),) = query(instance, "SELECT VERSION()")
    family, version = instance.flavour.family, parse_version(text)
    run_all(instance, f"CREATE DATABASE {SCHEMA}")
    taken = {name: _taken(instance, name) for name in COLUMN_TYPES}
    run_all(instance, f"DROP DATABASE {SCHEMA}")
    assert {name for name, called in taken.items() if called} == {
        name for name, known in COLUMN_TYPES.items() if known.is_known(family, version)
    }
    assert {called for called in taken.values() if called} <= set(COLUMN_TYPES)


def test_a_backup_meets_a_type_that_it_does_not_know_before_any_lock(
    mariadb: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_all(mariadb, f"CREATE DATABASE {SCHEMA}", f"CREATE TABLE {SCHEMA}.t (`odd name` UUID)")
    monkeypatch.delitem(COLUMN_TYPES, "uuid")  # as if the server were newer than the list
    vault, steps = Vault(tmp_path, Lone({"s0": mariadb})), Steps()
    try:
        with pytest.raises(UnsupportedObject, match=r"column_types\.t: column 'odd name' .* uuid"):
            vault.backup(steps)
    finally:
        run_all(mariadb, f"DROP DATABASE {SCHEMA}")
    phases = [event.phase for event in steps.events if isinstance(event, PhaseStarted)]
    assert phases
    assert "barrier" not in phases
