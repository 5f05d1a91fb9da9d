"""Change keys under a running backup, and back up with a key that reads nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from shardvault import app
from shardvault.errors import WrongKey
from tests.integration.operations_support import (
    Lone,
    Steps,
    Vault,
    assert_clean_failure,
    describe,
    finish,
    run_all,
    start_program,
    wipe,
)
from tests.support.fleet import Fleet
from tests.support.servers import Instance


@pytest.fixture
def source(mariadb_fleet: Fleet) -> Instance:
    wipe(*mariadb_fleet.instances[:2])
    source: Instance = mariadb_fleet.instances[0]
    run_all(
        source,
        "CREATE DATABASE data",
        "CREATE TABLE data.t (id INT PRIMARY KEY, b BLOB)",
        "INSERT INTO data.t SELECT seq, RANDOM_BYTES(600) FROM data.seq_1_to_500",
    )
    return source


@pytest.fixture
def spare(mariadb_fleet: Fleet) -> Instance:
    spare: Instance = mariadb_fleet.instances[1]
    return spare


@pytest.fixture
def vault(tmp_path: Path, source: Instance, monkeypatch: pytest.MonkeyPatch) -> Vault:
    monkeypatch.setenv("SHARDVAULT_STATE", str(tmp_path / "state"))
    return Vault(tmp_path, Lone({"s0": source}))


def _with_key(vault: Vault, **key: str) -> str:
    """Write the file of the same fleet and repository with another key."""
    content = YAML().load(Path(vault.config))
    content["repository"]["key"] = key
    path = vault.folder / "other.yaml"
    YAML().dump(content, path)
    return str(path)


def _assert_restores(vault: Vault, config: str, source: Instance, spare: Instance) -> None:
    for backup in app.list_backups(config).backups:
        wipe(spare)
        report = app.restore(backup.id, config, target=vault.target(Lone({"s0": spare})))
        assert (report.verified, report.findings) == (True, ())
        assert describe(spare, "data") == describe(source, "data")


def test_a_key_is_rotated_under_a_running_backup_and_everything_restores(
    vault: Vault, source: Instance, spare: Instance
) -> None:
    vault.backup()
    new = vault.folder / "new.key"
    vault.backup(Steps(dump=lambda: app.rotate_key("first", vault.config, file=str(new))))
    with pytest.raises(WrongKey):
        app.list_backups(vault.config)
    config = _with_key(vault, file=str(new))
    app.backup(config)
    assert len(app.list_backups(config).backups) == 3
    _assert_restores(vault, config, source, spare)


def test_a_source_backs_up_what_only_the_owner_restores(
    vault: Vault, source: Instance, spare: Instance
) -> None:
    file = vault.folder / "web1.source"
    app.add_source("web1", str(file), vault.config)
    config = _with_key(vault, source=str(file))
    first, second = app.backup(config), app.backup(config)
    assert second.totals.bytes_stored < first.totals.bytes_stored / 2
    for read in (lambda: app.list_backups(config), lambda: app.verify(first.id, config)):
        with pytest.raises(WrongKey, match="only add backups"):
            read()
    assert app.verify(second.id, vault.config).status == "ok"
    _assert_restores(vault, vault.config, source, spare)


def test_a_source_whose_key_was_removed_fails_and_says_why(vault: Vault) -> None:
    file = vault.folder / "web1.source"
    app.add_source("web1", str(file), vault.config)
    config = _with_key(vault, source=str(file))
    backup = app.backup(config).id
    app.remove_key("web1", vault.config)
    result = finish(start_program("backup", "--config", config))
    assert_clean_failure(result, WrongKey.exit_code, "the key of this source was removed")
    checked = app.check(config)
    assert checked.status == "blocked"
    assert any("key of this source was removed" in one.message for one in checked.findings)
    (listed,) = app.list_backups(vault.config).backups
    assert (listed.id, listed.source, listed.is_source_removed) == (backup, "web1", True)
    words = ("key", "remove", "web1", "--forget-backups", "--yes", "--format", "json")
    removed = vault.run(*words)
    assert removed.report["forgotten"] == [backup]
    assert vault.listed() == []
