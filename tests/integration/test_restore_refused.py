"""What stops a restore before its target is touched, and what marks a target as damaged."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shardvault.errors import TargetRefused
from tests.integration.operations_support import (
    Lone,
    Result,
    Vault,
    assert_clean_failure,
    await_stopped,
    describe,
    finish,
    mark_of,
    query,
    run_all,
    schemas,
    wipe,
)
from tests.support.fleet import Fleet
from tests.support.servers import Flavour, Instance

BIG_BYTES = 2 << 20


@pytest.fixture(scope="module")
def pair() -> Iterator[Fleet]:
    """Hold a source s0 and a spare instance s1."""
    with Fleet([Flavour.MARIADB_1011] * 2) as fleet:
        yield fleet


@pytest.fixture
def source(pair: Fleet) -> Instance:
    wipe(pair.shards["s0"])
    run_all(
        pair.shards["s0"],
        "CREATE DATABASE data",
        "CREATE TABLE data.t (id INT PRIMARY KEY, b LONGBLOB)",
        "INSERT INTO data.t SELECT seq, REPEAT(MD5(seq), 40) FROM data.seq_1_to_2000",
        "CREATE TABLE data.u (id INT PRIMARY KEY)",
    )
    return pair.shards["s0"]


@pytest.fixture
def spare(pair: Fleet) -> Instance:
    wipe(pair.shards["s1"])
    return pair.shards["s1"]


@pytest.fixture
def vault(tmp_path: Path, pair: Fleet, source: Instance) -> Vault:
    return Vault(tmp_path, Lone({"s0": source}))


@contextmanager
def with_global(instance: Instance, name: str, value: str) -> Iterator[None]:
    """Change a global variable for a while."""
    before = query(instance, f"SELECT @@GLOBAL.{name}")[0][0]
    run_all(instance, f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        run_all(instance, f"SET GLOBAL {name} = {before}")


def restore_words(vault: Vault, spare: Instance) -> tuple[str, ...]:
    return ("restore", "latest", "--target", vault.target(Lone({"s0": spare})))


def assert_refused(vault: Vault, spare: Instance, *words: str) -> None:
    refused = vault.run(*restore_words(vault, spare))
    assert_clean_failure(refused, 1, "s0", *words)
    assert schemas(spare) == []


def test_a_target_without_room_for_the_longest_row_is_refused(
    vault: Vault, source: Instance, spare: Instance
) -> None:
    run_all(source, f"INSERT INTO data.t VALUES (0, REPEAT('x', {BIG_BYTES}))")
    vault.backup()
    with with_global(spare, "max_allowed_packet", "1048576"):
        assert_refused(vault, spare, "max_allowed_packet", "SET GLOBAL max_allowed_packet=3145728")
    assert vault.run(*restore_words(vault, spare)).code == 0


def test_a_target_that_is_read_only_is_refused(vault: Vault, spare: Instance) -> None:
    vault.backup()
    with with_global(spare, "read_only", "1"):
        assert_refused(vault, spare, "read_only is on", "SET GLOBAL read_only=OFF")


def test_a_target_that_lacks_a_collation_is_refused(
    tmp_path: Path, mysql: Instance, spare: Instance
) -> None:
    wipe(mysql)
    run_all(
        mysql,
        "CREATE DATABASE data",
        "CREATE TABLE data.t (c CHAR(9)) CHARSET utf8mb4 COLLATE utf8mb4_ja_0900_as_cs",
    )
    vault = Vault(tmp_path, Lone({"s0": mysql}))
    vault.backup()
    assert_refused(vault, spare, "utf8mb4_ja_0900_as_cs", "data.t")


def test_a_mysql_target_without_local_infile_is_refused(
    vault: Vault, source: Instance, mysql: Instance
) -> None:
    wipe(mysql)
    run_all(source, "ALTER DATABASE data CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
    vault.backup()
    with with_global(mysql, "local_infile", "0"):
        assert_refused(vault, mysql, "local_infile is off", "SET GLOBAL local_infile=ON")


def test_every_blocker_is_named_at_once(vault: Vault, spare: Instance) -> None:
    vault.backup()
    run_all(spare, "CREATE DATABASE data", "CREATE TABLE data.t (n INT)")
    with (
        with_global(spare, "read_only", "1"),
        pytest.raises(TargetRefused, match=r"(?s)read_only.*not empty: data\.t"),
    ):
        vault.restore(vault.target(Lone({"s0": spare})))


def write_meanwhile(vault: Vault, spare: Instance, step: str, *statements: str) -> Result:
    """Let somebody write to the target at a step of a restore."""
    process = vault.start(*restore_words(vault, spare), "-j", "1", fail_at=f"{step}=stop@1")
    await_stopped(process)
    run_all(spare, *statements)
    process.send_signal(signal.SIGCONT)
    return finish(process)


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("UPDATE data.t SET b = 'other' WHERE id = 7", "other contents"),
        ("DELETE FROM data.t WHERE id = 7", "1999 rows, 2000 in the manifest"),
        ("INSERT INTO data.u VALUES (1)", "1 rows, 0 in the manifest"),
    ],
)
def test_contents_changed_behind_the_load_are_found_and_the_target_stays_marked(
    vault: Vault, spare: Instance, statement: str, word: str
) -> None:
    vault.backup()
    changed = write_meanwhile(vault, spare, "restore.table_loaded", statement)
    assert_clean_failure(changed, 15, "s0", "data.", word)
    assert mark_of(spare) == "incomplete"


def test_a_definition_changed_behind_the_load_is_found(vault: Vault, spare: Instance) -> None:
    vault.backup()
    changed = write_meanwhile(
        vault, spare, "restore.keys_done", "ALTER TABLE data.u ADD KEY more (id)"
    )
    assert_clean_failure(changed, 15, "s0", "data.u", "definition")
    assert mark_of(spare) == "incomplete"


def test_without_a_change_the_same_run_is_verified(vault: Vault, spare: Instance) -> None:
    """Negative control of the tests above: the stop itself does no harm."""
    vault.backup()
    assert write_meanwhile(vault, spare, "restore.table_loaded").code == 0
    assert mark_of(spare) is None


def test_what_an_interrupted_restore_had_loaded_is_read_back_when_it_is_finished(
    vault: Vault, spare: Instance
) -> None:
    vault.backup()
    words = restore_words(vault, spare)
    assert vault.run(*words, fail_at="restore.rows_done=kill").code == -signal.SIGKILL
    run_all(spare, "UPDATE data.t SET b = 'other' WHERE id = 7")
    assert_clean_failure(vault.run(*words), 15, "s0", "data.t", "other contents")
    assert mark_of(spare) == "incomplete"


def damage_largest_pack(vault: Vault) -> None:
    """Turn a bit in the rows, which lie before the definitions in a pack."""
    packs = (path for path in (vault.repository / "packs").rglob("*") if path.is_file())
    pack = max(packs, key=lambda path: path.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[len(data) // 3] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(data)


def test_a_damaged_chunk_stops_the_restore_and_the_target_stays_marked(
    vault: Vault, source: Instance, spare: Instance
) -> None:
    run_all(
        source, "INSERT INTO data.t SELECT 5000 + seq, RANDOM_BYTES(1000) FROM data.seq_1_to_500"
    )
    vault.backup()
    damage_largest_pack(vault)
    assert vault.run("list").code == 0
    damaged = vault.run("verify", "latest", "--format", "json")
    assert damaged.code == 15
    assert damaged.report["status"] == "damaged"
    assert "data.t" in damaged.report["findings"][0]["where"]
    assert_clean_failure(vault.run(*restore_words(vault, spare)), 15, "data.t")
    assert mark_of(spare) == "incomplete"


def test_what_a_damaged_chunk_does_not_touch_can_be_restored(
    vault: Vault, source: Instance, spare: Instance
) -> None:
    run_all(
        source, "INSERT INTO data.t SELECT 5000 + seq, RANDOM_BYTES(1000) FROM data.seq_1_to_500"
    )
    vault.backup()
    damage_largest_pack(vault)
    saved = vault.run(*restore_words(vault, spare), "--exclude", "data.t")
    assert saved.code == 0, saved.err
    assert query(spare, "SHOW TABLES FROM data") == [("u",)]


def test_a_target_that_dies_is_named_and_the_restore_can_be_finished(
    vault: Vault, source: Instance, spare: Instance
) -> None:
    vault.backup()
    process = vault.start(*restore_words(vault, spare), fail_at="restore.table_created=stop@1")
    await_stopped(process)
    spare.kill()
    process.send_signal(signal.SIGCONT)
    failed = finish(process)
    spare.start()
    assert_clean_failure(failed, 13, "s0")
    assert mark_of(spare) == "incomplete"
    assert vault.run(*restore_words(vault, spare)).code == 0
    assert describe(spare, "data") == describe(source, "data")
