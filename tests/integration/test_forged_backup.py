"""A backup that the holder of a stolen source key forged is refused before a target is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from shardvault import app
from shardvault.errors import ServerError, TargetRefused, UnsupportedObject
from shardvault.interfaces import ChunkStore
from shardvault.model.ids import ChunkId
from shardvault.model.manifest import ShardPart
from shardvault.model.report import Severity
from shardvault.model.schema import ObjectKind
from shardvault.model.target import Endpoint, Login, Scope
from shardvault.mysql.session import Row, Session
from shardvault.operations import manifests
from shardvault.repository.parts import put_part
from tests.integration.operations_support import Lone, Steps, Vault, query, run_all, set_failpoints
from tests.support.servers import Instance

SHOP, BANK, EVIL = "forged_shop", "forged_bank", "`forged_evil`@`localhost`"
LAID = (
    f"CREATE DATABASE {SHOP}",
    f"CREATE TABLE {SHOP}.t (id INT PRIMARY KEY)",
    f"INSERT INTO {SHOP}.t VALUES (1), (2)",
    f"CREATE PROCEDURE {SHOP}.p() SELECT 1",
)
BANK_LAID = (f"CREATE DATABASE {BANK}", f"CREATE SEQUENCE {BANK}.s")
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Attack:
    """Say what a forger changes in a shard's part, and what on the target shows that it acts."""

    forge: Callable[[ShardPart], ShardPart]
    shows: str


def forge_code(part: ShardPart, **changes: Any) -> ShardPart:
    (item,) = part.objects
    assert item.kind is ObjectKind.PROCEDURE
    return replace(part, objects=(replace(item, **changes),))


def forge_table(part: ShardPart, text: str) -> ShardPart:
    (record,) = part.tables
    table = replace(record.table, create_sql=text.encode())
    return replace(part, tables=(replace(record, table=table),))


def forge_border(part: ShardPart, literal: str) -> ShardPart:
    (record,) = part.tables
    (found,) = record.ranges
    return replace(part, tables=(replace(record, ranges=(replace(found, lower=(literal,)),)),))


ATTACKS = {
    "a_user": Attack(
        lambda part: forge_code(part, create_sql=f"CREATE USER {EVIL}".encode()),
        "SELECT user FROM mysql.user WHERE user = 'forged_evil'",
    ),
    "a_global_variable": Attack(
        lambda part: forge_code(part, sql_mode="', GLOBAL slow_launch_time = 77, sql_mode = '"),
        "SELECT @@GLOBAL.slow_launch_time",
    ),
    "a_database_that_is_dropped": Attack(
        lambda part: forge_table(
            part,
            f"BEGIN NOT ATOMIC DROP DATABASE {BANK}; CREATE TABLE {SHOP}.t (\n"
            "  `id` int(11) NOT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB; END",
        ),
        f"SHOW DATABASES LIKE '{BANK}'",
    ),
    "a_value_that_is_taken": Attack(
        lambda part: forge_border(part, f"(SELECT NEXTVAL({BANK}.s) - 9)"),
        f"SELECT next_not_cached_value FROM {BANK}.s",
    ),
}
EVERY_ATTACK = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())


def clear(instance: Instance) -> None:
    run_all(
        instance,
        *(f"DROP DATABASE IF EXISTS {name}" for name in (SHOP, BANK, "_shardvault")),
        f"DROP USER IF EXISTS {EVIL}",
        "SET GLOBAL slow_launch_time = DEFAULT",
    )


@pytest.fixture
def vault(mariadb: Instance, tmp_path: Path) -> Iterator[Vault]:
    clear(mariadb)
    run_all(mariadb, *LAID)
    yield Vault(tmp_path, Lone({"s0": mariadb}))
    clear(mariadb)


@pytest.fixture
def target(mariadb118: Instance) -> Iterator[Instance]:
    clear(mariadb118)
    run_all(mariadb118, *BANK_LAID)
    yield mariadb118
    clear(mariadb118)


def back_up_forged(vault: Vault, attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    def put_forged(writer: ChunkStore, part: ShardPart) -> tuple[ChunkId, ...]:
        return put_part(writer, attack.forge(part))

    with monkeypatch.context() as patch:
        patch.setattr(manifests, "put_part", put_forged)
        vault.backup(scope=Scope(include=(f"{SHOP}.*",)))


@EVERY_ATTACK
def test_a_forged_text_blocks_the_dry_run_and_the_restore_and_nothing_is_changed(
    attack: Attack, vault: Vault, target: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up_forged(vault, attack, monkeypatch)
    place = vault.target(Lone({"s0": target}))
    before: Rows = query(target, attack.shows)
    plan = app.plan_restore(vault.newest(), vault.config, target=place)
    blockers = [item.what for item in plan.findings if item.severity is Severity.BLOCKER]
    assert blockers == ["stored text"]
    with pytest.raises(TargetRefused, match="is not its definition"):
        vault.restore(place)
    assert query(target, attack.shows) == before
    assert query(target, f"SHOW DATABASES LIKE '{SHOP}'") == []
    assert query(target, r"SHOW DATABASES LIKE '\_shardvault'") == []


@EVERY_ATTACK
def test_without_the_judgement_a_forged_text_acts(
    attack: Attack, vault: Vault, target: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up_forged(vault, attack, monkeypatch)
    before: Rows = query(target, attack.shows)
    set_failpoints(monkeypatch, "restore.stored_text=off")
    vault.restore(vault.target(Lone({"s0": target})))
    assert query(target, attack.shows) != before


def test_the_same_backup_without_a_forgery_is_restored(
    vault: Vault, target: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up_forged(vault, Attack(lambda part: part, ""), monkeypatch)
    assert vault.restore(vault.target(Lone({"s0": target}))).verified


def lie(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server give another text for the procedure than the one that it holds."""
    honest = Session.rows

    def rows(self: Session, statement: str | bytes) -> list[Row]:
        answer = honest(self, statement)
        if isinstance(statement, str) and statement.startswith("SHOW CREATE PROCEDURE"):
            name, mode, _, *rest = answer[0]
            return [(name, mode, f"CREATE USER {EVIL}".encode(), *rest)]
        return answer

    monkeypatch.setattr(Session, "rows", rows)


def test_a_server_that_lies_about_a_definition_is_refused_by_check_and_backup(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    lie(monkeypatch)
    blockers = [item for item in app.check(vault.config).findings if item.what == "stored text"]
    assert [item.severity for item in blockers] == [Severity.BLOCKER]
    steps = Steps()
    with pytest.raises(UnsupportedObject, match=f"procedure {SHOP}.p is not its definition"):
        vault.backup(steps)
    assert "barrier" not in [getattr(event, "phase", "") for event in steps.events]
    assert vault.listed() == []


def test_without_the_judgement_a_lie_is_backed_up(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    lie(monkeypatch)
    set_failpoints(monkeypatch, "backup.stored_text=off")
    vault.backup()
    assert len(vault.listed()) == 1


@pytest.mark.parametrize("name", ["mariadb", "mariadb118", "mysql"])
def test_no_server_runs_a_second_statement_for_a_session_of_ours(
    name: str, request: pytest.FixtureRequest
) -> None:
    instance: Instance = request.getfixturevalue(name)
    login = Login(instance.user, lambda: instance.password)
    with Session.open(Endpoint(socket=str(instance.socket)), login, shard="s0") as session:
        for text in ("SELECT 1; SELECT 2", "SET @a = 1; SET @a = 2"):
            with pytest.raises(ServerError, match="syntax"):
                session.rows(text)
        assert session.value("SELECT @a") is None
