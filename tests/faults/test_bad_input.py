"""Bad input through the program itself: exit code, what, where, next step; nothing is lost."""

from __future__ import annotations

import re
import resource
import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from shardvault import app
from shardvault.errors import TargetRefused
from tests.integration.operations_support import (
    Result,
    Vault,
    assert_clean_failure,
    assert_free,
    await_stopped,
    finish,
    run_all,
    sessions_on,
    start_program,
    wipe,
)
from tests.support.fleet import Fleet
from tests.support.places import HOST
from tests.support.servers import Flavour, Instance, grant_backup_user

BACKUP_PASSWORD = "for-the-backup-only"
FULL_AT_BYTES = 1 << 20
NEW_DATA = (
    "CREATE TABLE data.large (id INT PRIMARY KEY, b BLOB)",
    "INSERT INTO data.large SELECT seq, RANDOM_BYTES(1000) FROM data.seq_1_to_8000",
)


@pytest.fixture(scope="module")
def pair() -> Iterator[Fleet]:
    with Fleet([Flavour.MARIADB_1011] * 2) as fleet:
        yield fleet


@pytest.fixture
def vault(tmp_path: Path, pair: Fleet) -> Vault:
    """Hold two shards with one backup."""
    wipe(*pair.instances)
    for instance in pair.instances:
        run_all(
            instance,
            "CREATE DATABASE data",
            "CREATE TABLE data.t (id INT PRIMARY KEY)",
            "INSERT INTO data.t VALUES (1), (2)",
        )
    vault = Vault(tmp_path, pair)
    vault.backup()
    return vault


def change(vault: Vault, **sections: Mapping[str, Any]) -> None:
    """Change values in the sections of the configuration file."""
    path = Path(vault.config)
    yaml = YAML()
    content = yaml.load(path)
    for section, values in sections.items():
        content[section].update(values)
    yaml.dump(content, path)


def assert_nothing_lost(vault: Vault, backups: int = 1) -> None:
    assert len(vault.listed()) == backups
    assert vault.verify().status == "ok"


def test_a_wrong_password(vault: Vault, pair: Fleet) -> None:
    password = vault.folder / "source.password"
    password.write_text("wrong")
    assert_clean_failure(vault.run("backup"), 13, "shard s0", "root", "refused", "password")
    checked = vault.run("check", "--format", "json")
    assert checked.code == 3
    blockers = [found for found in checked.report["findings"] if found["severity"] == "blocker"]
    assert {found["where"] for found in blockers} == {"s0", "s1"}
    assert all("refused" in found["message"] and found["remedy"] for found in blockers)
    password.write_text(pair.password)
    assert_nothing_lost(vault)


def test_an_instance_that_does_not_run(vault: Vault, pair: Fleet) -> None:
    pair.shards["s1"].stop()
    try:
        checked = vault.run("check", "--format", "json")
        failed = vault.run("backup")
    finally:
        pair.shards["s1"].start()
    assert checked.code == 3
    (blocker,) = [found for found in checked.report["findings"] if found["severity"] == "blocker"]
    assert blocker["where"] == "s1"
    assert "cannot connect" in blocker["message"]
    assert_clean_failure(failed, 13, "shard s1", "cannot connect", "check that the instance runs")
    assert_nothing_lost(vault)


@pytest.mark.parametrize("point", ["cut.connected", "cut.all_locked", "backup.range_read"])
def test_an_instance_that_dies_on_the_way(vault: Vault, pair: Fleet, point: str) -> None:
    """Before the lock, under it, and during the dump."""
    vault.configure("backup:\n  barrier: {attempts: 1}\n")
    survivor = [pair.shards["s0"]]
    known = sessions_on(survivor)
    process = vault.start("backup", fail_at=f"{point}=stop@1")
    await_stopped(process)
    pair.shards["s1"].kill()
    process.send_signal(signal.SIGCONT)
    failed = finish(process)
    pair.shards["s1"].start()
    assert_clean_failure(failed, 13 if point == "backup.range_read" else 1, "shard s1")
    assert_free(survivor, known)
    assert_nothing_lost(vault)
    assert vault.run("backup").code == 0
    assert_nothing_lost(vault, 2)


@pytest.mark.parametrize(
    ("shards", "words"),
    [
        ([], ("shards",)),
        ([{"name": "s0", "primary": {"socket": "/x"}}] * 2, ("s0",)),
        (
            [
                {"name": "s0", "primary": {"socket": "/x"}},
                {"name": "s1", "primary": {"socket": "/x"}},
            ],
            ("shards[1]", "/x", "s0"),
        ),
    ],
    ids=["empty", "doubled name", "doubled instance"],
)
def test_a_list_of_shards_that_makes_no_sense(
    vault: Vault, shards: list[dict[str, Any]], words: tuple[str, ...]
) -> None:
    change(vault, fleet={"shards": shards})
    refused = vault.run("backup")
    assert_clean_failure(refused, 2, *words)
    assert re.search(r"source\.yaml:\d+: ", refused.err)


def test_a_missing_privilege_is_named_with_its_grant(vault: Vault, pair: Fleet) -> None:
    for instance in pair.instances:
        grant_backup_user(instance, BACKUP_PASSWORD)
    (vault.folder / "source.password").write_text(BACKUP_PASSWORD)
    change(vault, fleet={"user": "backup"})
    run_all(pair.shards["s1"], "REVOKE RELOAD ON *.* FROM backup@localhost")
    refused = vault.run("backup")
    assert_clean_failure(refused, 13, "shard s1", "RELOAD", "GRANT")
    checked = vault.run("check", "--format", "json")
    assert checked.code == 3
    (blocker,) = [found for found in checked.report["findings"] if found["severity"] == "blocker"]
    assert (blocker["where"], "GRANT RELOAD" in blocker["remedy"]) == ("s1", True)
    run_all(pair.shards["s1"], "GRANT RELOAD ON *.* TO backup@localhost")
    assert vault.run("backup").code == 0


def test_a_missing_repository(vault: Vault) -> None:
    change(vault, repository={"url": f"file://{vault.folder}/nowhere"})
    for words in (("backup",), ("list",), ("verify", "latest")):
        assert_clean_failure(vault.run(*words), 10, "no repository", "shardvault init")
    assert not (vault.folder / "nowhere").exists()


def test_a_second_backup_at_the_same_time(vault: Vault) -> None:
    first = vault.start("backup", fail_at="backup.range_read=stop@1")
    await_stopped(first)
    second = vault.run("backup")
    listed = vault.run("list")
    first.send_signal(signal.SIGCONT)
    assert finish(first).code == 0
    assert_clean_failure(second, 11, "locked by backup", f"process {first.pid}", "wait")
    assert listed.code == 0
    assert_nothing_lost(vault, 2)


def test_the_key_of_another_repository(vault: Vault, pair: Fleet, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Vault(tmp_path / "other", pair)
    change(vault, repository={"key": {"file": str(other.key)}})
    for words in (("backup",), ("list",), ("restore", "latest")):
        assert_clean_failure(vault.run(*words), 12, "key")


def test_a_missing_key_file(vault: Vault) -> None:
    vault.key.rename(vault.folder / "moved")
    assert_clean_failure(vault.run("list"), 2, str(vault.key))
    assert_clean_failure(vault.run("backup"), 2, str(vault.key))
    assert not vault.key.exists()


def run_with_small_disk(vault: Vault) -> Result:
    """Back up while no file may grow beyond a limit, as on a full disk."""
    process = vault.start("backup", fail_at="cut.connected=stop@1")
    await_stopped(process)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (FULL_AT_BYTES, FULL_AT_BYTES))
    process.send_signal(signal.SIGCONT)
    return finish(process)


def used_bytes(vault: Vault) -> int:
    files = (path for path in vault.repository.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files)


def test_a_full_disk_in_the_middle(vault: Vault, pair: Fleet) -> None:
    run_all(pair.shards["s0"], *NEW_DATA)
    known = sessions_on(pair.instances)
    before = used_bytes(vault)
    failed = run_with_small_disk(vault)
    assert_clean_failure(failed, 1, "space", "free")
    assert_free(pair.instances, known)
    assert_nothing_lost(vault)
    run_all(pair.shards["s0"], "DROP TABLE data.large")
    again = vault.run("backup")
    assert again.code == 0, again.err
    assert used_bytes(vault) < before + FULL_AT_BYTES / 4
    assert_nothing_lost(vault, 2)


def test_space_of_an_interrupted_backup_is_freed_and_told(vault: Vault, pair: Fleet) -> None:
    run_all(pair.shards["s0"], *NEW_DATA)
    before = used_bytes(vault)
    assert vault.run("backup", fail_at="repo.index=kill@1").code == -signal.SIGKILL
    assert used_bytes(vault) > before + FULL_AT_BYTES
    run_all(pair.shards["s0"], "DROP TABLE data.large")
    again = vault.run("backup")
    assert again.code == 0, again.err
    assert "freed" in again.err
    assert used_bytes(vault) < before + FULL_AT_BYTES / 4


def test_an_unknown_backup_id(vault: Vault) -> None:
    (known,) = vault.listed()
    near = known.replace("full", "fall")
    for verb in ("show", "verify", "restore"):
        assert_clean_failure(vault.run(verb, near), 2, near, known)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fleet: [\n", ("source.yaml:2", "not YAML")),
        ("fleet: {name: x, shards: [], nmae: y}\n", ("source.yaml:1", "nmae", "name")),
        ("", ("source.yaml:1", "expected a map")),
        ("fleet: 7\n", ("source.yaml:1", "fleet")),
    ],
    ids=["broken", "misspelt", "empty", "wrong type"],
)
def test_a_configuration_that_cannot_be_used(
    vault: Vault, text: str, words: tuple[str, ...]
) -> None:
    Path(vault.config).write_text(text)
    refused = vault.run("list")
    assert refused.code == 2
    assert "Traceback" not in refused.err
    for word in words:
        assert word in refused.err


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    refused = finish(start_program("list", "--config", str(tmp_path / "none.yaml")))
    assert_clean_failure(refused, 2, "none.yaml")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("backup", "--thread", "4"), "--thread"),
        (("backup", "--format", "xml"), "--format"),
        (("backupp",), "did you mean 'backup'"),
        (("restore",), "ID"),
        (("backup", "--shards", "s9"), "s9"),
        (("backup", "--tables", "nothing"), "nothing"),
        (("restore", "latest", "--map", "s0"), "--map"),
    ],
)
def test_words_that_make_no_sense(vault: Vault, words: tuple[str, ...], told: str) -> None:
    assert_clean_failure(vault.run(*words), 2, told)
    assert_nothing_lost(vault)


def test_a_logical_table_that_no_shard_has(vault: Vault) -> None:
    change(vault, fleet={"tables": [{"logical": "t", "nodes": "s${0..1}.data.t_${0..1}"}]})
    assert_clean_failure(vault.run("backup"), 2, "s0.data.t_0", "do not exist", "nodes")


def test_init_twice_keeps_the_repository(vault: Vault) -> None:
    assert_clean_failure(vault.run("init"), 2, "already")
    assert_nothing_lost(vault)


def test_a_repository_whose_folder_went_away_is_not_made_anew(vault: Vault) -> None:
    shutil.rmtree(vault.repository)
    assert_clean_failure(vault.run("backup"), 15, "that was here is gone")
    assert not vault.repository.exists()


@pytest.mark.parametrize(
    "name", ["plain", "dot.ted", "back`tick", "per%cent", "blank in it", "comma,ted"]
)
def test_one_database_of_one_instance_without_a_fleet_file(
    pair: Fleet, tmp_path: Path, name: str
) -> None:
    wipe(*pair.instances)
    source, spare = pair.instances
    quoted = "`" + name.replace("`", "``") + "`"
    run_all(
        source,
        f"CREATE DATABASE {quoted}",
        f"CREATE TABLE {quoted}.t (n INT PRIMARY KEY) SELECT 7 AS n",
        "CREATE DATABASE other",
        "CREATE TABLE other.t (n INT)",
    )
    place = {"socket": source.socket, **repository_in(tmp_path)}
    report = app.backup_database(None, source.user, source.password, name, **place)
    assert (report.totals.tables, report.totals.rows) == (1, 1)
    place["socket"] = spare.socket
    assert app.restore_database(None, spare.user, spare.password, name, **place).verified
    assert tables_of(spare) == [(name, "t")]
    with pytest.raises(TargetRefused, match="not empty"):
        app.restore_database(None, spare.user, spare.password, name, **place)
    place = {"port": source.port, "replace": True, **repository_in(tmp_path)}
    assert app.restore_database(HOST, source.user, source.password, name, **place).verified


def test_the_restore_of_one_database_takes_rules_about_definers(
    pair: Fleet, tmp_path: Path
) -> None:
    wipe(*pair.instances)
    source, spare = pair.instances
    run_all(
        source,
        "CREATE DATABASE one",
        "CREATE USER gone@localhost",
        "CREATE DEFINER=gone@localhost VIEW one.v AS SELECT 1 AS n",
    )
    place = repository_in(tmp_path)
    app.backup_database(HOST, source.user, source.password, "one", port=source.port, **place)
    run_all(source, "DROP USER gone@localhost")
    login = (HOST, spare.user, spare.password, "one")
    with pytest.raises(TargetRefused, match="the definer of 1 view"):
        app.restore_database(*login, port=spare.port, **place)
    rules = ["*=CURRENT_USER"]
    assert app.restore_database(*login, port=spare.port, definers=rules, **place).verified


def test_all_databases_of_one_instance(pair: Fleet, tmp_path: Path) -> None:
    wipe(*pair.instances)
    source, spare = pair.instances
    for number, name in enumerate(("one", "two")):
        run_all(source, f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (n INT)")
        run_all(source, f"INSERT INTO {name}.t VALUES ({number})")
    place = repository_in(tmp_path)
    app.backup_database(HOST, source.user, source.password, "*", port=source.port, **place)
    app.restore_database(HOST, spare.user, spare.password, "*", port=spare.port, **place)
    assert tables_of(spare) == [("one", "t"), ("two", "t")]


def repository_in(folder: Path) -> dict[str, Any]:
    return {"repository": f"file://{folder}/repository", "key_file": str(folder / "key")}


def tables_of(instance: Instance) -> list[tuple[str, str]]:
    with instance.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema"
            " NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') ORDER BY 1, 2"
        )
        return list(cursor.fetchall())
