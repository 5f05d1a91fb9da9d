"""Events: none runs before a restore has ended; then each is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault import app
from shardvault.errors import ShardvaultError
from shardvault.model.report import Finding, RestoreReport, Severity
from shardvault.model.target import Scope
from tests.integration.barrier_support import wait_until
from tests.integration.operations_support import (
    Lone,
    Steps,
    Vault,
    mark_of,
    query,
    run_all,
    set_failpoints,
)
from tests.support.servers import Flavour, Instance

SCHEMA, WITNESS = "with_events", "witness"
SCOPE = Scope(include=(f"{SCHEMA}.*",))
EVENTS = (
    f"CREATE DATABASE {SCHEMA}",
    f"USE {SCHEMA}",
    "CREATE TABLE fired (id INT AUTO_INCREMENT PRIMARY KEY)",
    "CREATE USER IF NOT EXISTS owner@localhost",
    f"GRANT ALL ON {SCHEMA}.* TO owner@localhost",
    "SET NAMES latin1 COLLATE latin1_german1_ci",
    "CREATE DEFINER=owner@localhost EVENT due ON SCHEDULE EVERY 1 SECOND STARTS '2020-01-01'"
    " COMMENT 'due' DO INSERT INTO fired VALUES ()",
    "CREATE EVENT later ON SCHEDULE AT '2036-01-01' DO DELETE FROM fired",
    "CREATE EVENT off ON SCHEDULE EVERY 1 SECOND DISABLE DO DELETE FROM fired",
)


@pytest.fixture(params=["mariadb", "mysql"])
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    """Give a server whose scheduler is off while events are made."""
    found: Instance = request.getfixturevalue(request.param)
    (was_on,) = query(found, "SELECT @@event_scheduler")[0]
    run_all(found, "SET GLOBAL event_scheduler = OFF", *map(drop, (SCHEMA, WITNESS)))
    yield found
    run_all(found, *map(drop, (SCHEMA, WITNESS)), "DROP USER IF EXISTS owner@localhost")
    run_all(found, f"SET GLOBAL event_scheduler = {was_on}")


@pytest.fixture
def vault(instance: Instance, tmp_path: Path) -> Vault:
    """Hold a backup of three events: one due every second, one of the future, one disabled."""
    run_all(instance, *EVENTS)
    replica = "SLAVE" if instance.flavour is not Flavour.MYSQL_97 else "REPLICA"
    run_all(
        instance,
        f"CREATE EVENT {SCHEMA}.elsewhere ON SCHEDULE EVERY 1 SECOND DISABLE ON {replica}"
        " DO SELECT 1",
    )
    vault = Vault(tmp_path, Lone({"main": instance}))
    vault.backup(scope=SCOPE)
    return vault


def drop(schema: str) -> str:
    return f"DROP DATABASE IF EXISTS {schema}"


def restore(vault: Vault, *, events_on: bool = True, **phases: object) -> RestoreReport:
    return app.restore(
        vault.newest(),
        vault.config,
        scope=SCOPE,
        replace=True,
        confirm_source="shop",
        events_on=events_on,
        sink=Steps(**phases),  # type: ignore[arg-type]
    )


def fired(instance: Instance) -> int:
    return int(query(instance, f"SELECT COUNT(*) FROM {SCHEMA}.fired")[0][0])


def states(instance: Instance) -> dict[str, str]:
    rows = query(
        instance,
        "SELECT event_name, status FROM information_schema.events WHERE event_schema = %s",
        (SCHEMA,),
    )
    return dict(rows)


def texts(instance: Instance) -> list[tuple[object, ...]]:
    """Give each event as the server shows it, but for when it was made."""
    names = sorted(states(instance))
    return [query(instance, f"SHOW CREATE EVENT {SCHEMA}.{name}")[0] for name in names]


def outlast_a_second(instance: Instance) -> None:
    """Wait until the scheduler has run another event twice."""
    run_all(
        instance,
        f"CREATE DATABASE {WITNESS}",
        f"CREATE TABLE {WITNESS}.log (id INT AUTO_INCREMENT PRIMARY KEY)",
        f"CREATE EVENT {WITNESS}.e ON SCHEDULE EVERY 1 SECOND"
        f" DO INSERT INTO {WITNESS}.log VALUES ()",
    )
    wait_until(lambda: query(instance, f"SELECT COUNT(*) FROM {WITNESS}.log")[0][0] > 1)


def count_before_the_end(vault: Vault, instance: Instance) -> int:
    """Restore while the scheduler runs; count how often the event ran before the last phase."""
    seen: list[int] = []

    def look() -> None:
        outlast_a_second(instance)
        seen.append(fired(instance))

    run_all(instance, "SET GLOBAL event_scheduler = ON")
    report = restore(vault, finish=look)
    assert report.verified
    return seen[0]


def test_an_event_that_is_due_does_not_run_before_the_end(vault: Vault, instance: Instance) -> None:
    assert count_before_the_end(vault, instance) == 0
    wait_until(lambda: fired(instance) > 0)


def test_created_as_it_was_it_would_run_before_the_end(
    vault: Vault, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_failpoints(monkeypatch, "restore.events_asleep=off")
    assert count_before_the_end(vault, instance) > 0


def test_every_event_is_as_it_was_behind_the_restore(vault: Vault, instance: Instance) -> None:
    before = texts(instance)
    report = restore(vault)
    assert (report.status, report.findings) == ("complete", ())
    assert texts(instance) == before
    assert sorted(states(instance)) == ["due", "elsewhere", "later", "off"]


@pytest.mark.parametrize("point", ["restore.marked_verified", "restore.event_awake"])
def test_a_restore_that_ends_before_its_events_are_on_goes_on_there(
    vault: Vault, instance: Instance, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    before = texts(instance)
    set_failpoints(monkeypatch, f"{point}=error@1")
    with pytest.raises(ShardvaultError, match=point):
        restore(vault)
    assert states(instance)["later"] == "DISABLED"
    assert mark_of(instance) == "verified"
    set_failpoints(monkeypatch, "")
    assert restore(vault).verified
    assert texts(instance) == before
    assert mark_of(instance) is None


def test_for_a_rehearsal_events_stay_off_and_the_report_says_how_to_switch_them_on(
    vault: Vault, instance: Instance
) -> None:
    before = texts(instance)
    report = restore(vault, events_on=False)
    assert report.status == "complete"
    assert states(instance)["due"] == states(instance)["later"] == "DISABLED"
    assert [told(finding) for finding in report.findings] == [
        (Severity.INFO, f"main: {SCHEMA}.due"),
        (Severity.INFO, f"main: {SCHEMA}.later"),
    ]
    for finding in report.findings:
        run_all(instance, *finding.remedy.rstrip(";").split("; "))
    assert texts(instance) == before


def told(finding: Finding) -> tuple[Severity, str]:
    return finding.severity, finding.where


def test_another_wish_for_the_events_is_another_restore(
    vault: Vault, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_failpoints(monkeypatch, "restore.event_awake=error@1")
    with pytest.raises(ShardvaultError, match="event_awake"):
        restore(vault)
    set_failpoints(monkeypatch, "")
    assert restore(vault, events_on=False).verified
    assert states(instance)["due"] == "DISABLED"
