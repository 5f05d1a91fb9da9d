"""What `check` blocks, `backup` refuses before any lock: with each kind of grants that lacks some.

What an account is not shown must never be taken for absent.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from shardvault import app
from shardvault.errors import PrivilegeError, RefusedError
from shardvault.model.report import Finding, Severity
from shardvault.model.target import Scope
from tests.integration.operations_support import (
    Lone,
    Steps,
    Vault,
    assert_clean_failure,
    query,
    run_all,
    set_failpoints,
)
from tests.support.servers import Instance

A, B = "rules_a", "rules_b"
USER = "rules"
ACCOUNT = f"{USER}@localhost"
ROLE = "rules_role"

PER_SCHEMA = ("SELECT", "SHOW VIEW", "TRIGGER", "EVENT")
GLOBAL = {
    "mariadb": ("PROCESS", "RELOAD", "BINLOG MONITOR", "REPLICATION SLAVE"),
    "mysql": (
        "PROCESS",
        "RELOAD",
        "BACKUP_ADMIN",
        "REPLICATION CLIENT",
        "XA_RECOVER_ADMIN",
        "SHOW_ROUTINE",
    ),
}


@dataclass(frozen=True)
class Grants:
    """Give an account something less than a backup needs, or just enough.

    Attributes:
        on_all: privileges on ``*.*``, besides those that are there for all.
        others: what else is granted, for example ``SELECT ON a.t``.
        without: privileges that are left out of those for all.
        then: statements that follow.
    """

    on_all: tuple[str, ...] = PER_SCHEMA
    others: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    then: tuple[str, ...] = ()


def _per_schema(*places: str) -> tuple[str, ...]:
    return tuple(f"{', '.join(PER_SCHEMA)} ON {place}.*" for place in places)


BOTH = {
    "no TRIGGER": Grants(on_all=("SELECT", "SHOW VIEW", "EVENT")),
    "no EVENT": Grants(on_all=("SELECT", "SHOW VIEW", "TRIGGER")),
    "no SHOW VIEW": Grants(on_all=("SELECT", "TRIGGER", "EVENT")),
    "no SELECT": Grants(on_all=("SHOW VIEW", "TRIGGER", "EVENT")),
    "nothing but what is for all": Grants(on_all=()),
    "one of two schemas": Grants(on_all=(), others=_per_schema(A)),
    "one of two schemas and their names": Grants(on_all=("SHOW DATABASES",), others=_per_schema(A)),
    "SELECT on one of two schemas": Grants(
        on_all=("SHOW VIEW", "TRIGGER", "EVENT"), others=(f"SELECT ON {A}.*",)
    ),
    "TRIGGER on one of two schemas": Grants(
        on_all=("SELECT", "SHOW VIEW", "EVENT"), others=(f"TRIGGER ON {A}.*",)
    ),
    "SELECT on one table": Grants(
        on_all=("SHOW VIEW", "TRIGGER", "EVENT"), others=(f"SELECT ON {A}.t",)
    ),
    "SELECT on columns": Grants(
        on_all=("SHOW VIEW", "TRIGGER", "EVENT"),
        others=(f"SELECT (id) ON {A}.t", f"SELECT ON {A}.u", f"SELECT ON {B}.*"),
    ),
    "a pattern that leaves one schema out": Grants(on_all=(), others=_per_schema("`rules\\_a%`")),
    "the accounts are hidden": Grants(
        on_all=("SHOW DATABASES", "SHOW VIEW", "TRIGGER", "EVENT"),
        others=(f"SELECT ON {A}.*", f"SELECT ON {B}.*"),
    ),
    "all through a role that is not the default": Grants(
        on_all=(),
        then=(
            f"CREATE ROLE {ROLE}",
            f"GRANT {', '.join(PER_SCHEMA)} ON *.* TO {ROLE}",
            f"GRANT {ROLE} TO {ACCOUNT}",
        ),
    ),
}
REFUSED = {
    "mariadb": BOTH
    | {
        "no BINLOG MONITOR": Grants(without=("BINLOG MONITOR",)),
        "no REPLICATION SLAVE": Grants(without=("REPLICATION SLAVE",)),
    },
    "mysql": BOTH
    | {
        "SELECT revoked on a schema": Grants(then=(f"REVOKE SELECT ON {B}.* FROM {ACCOUNT}",)),
        "all revoked on a schema": Grants(
            then=(f"REVOKE {', '.join(PER_SCHEMA)} ON {B}.* FROM {ACCOUNT}",)
        ),
        "a pattern that counts as a name": Grants(on_all=(), others=_per_schema("`rules_%`")),
        "no XA_RECOVER_ADMIN": Grants(without=("XA_RECOVER_ADMIN",)),
    },
}
ENOUGH = {
    "on everything": Grants(),
    "on each schema, with the names of all": Grants(
        on_all=("SHOW DATABASES",), others=(*_per_schema(A, B), "SELECT ON mysql.*")
    ),
    "through the default role": Grants(
        on_all=(), then=BOTH["all through a role that is not the default"].then
    ),
}
CASES = [(flavour, name) for flavour, cases in REFUSED.items() for name in cases]
CASES += [(flavour, name) for flavour in ("mariadb105", "mariadb118") for name in BOTH]


@pytest.fixture
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    _clear(found)
    for schema in (A, B):
        run_all(
            found,
            f"CREATE DATABASE {schema}",
            f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, n INT)",
            f"CREATE TABLE {schema}.u (id INT PRIMARY KEY)",
            f"INSERT INTO {schema}.t VALUES (1, 1), (2, 2)",
            f"CREATE VIEW {schema}.v AS SELECT id FROM {schema}.t",
            f"CREATE TRIGGER {schema}.g BEFORE INSERT ON {schema}.t FOR EACH ROW SET NEW.n = 1",
            f"CREATE EVENT {schema}.e ON SCHEDULE EVERY 1 YEAR DO SET @a = 1",
            f"CREATE PROCEDURE {schema}.p() SELECT 1",
        )
    if request.param == "mysql":
        run_all(found, "SET GLOBAL partial_revokes = ON")
    yield found
    _clear(found)
    if request.param == "mysql":
        run_all(found, "SET GLOBAL partial_revokes = OFF")


def _clear(instance: Instance) -> None:
    run_all(
        instance,
        *(f"DROP DATABASE IF EXISTS {schema}" for schema in (A, B)),
        f"DROP USER IF EXISTS {ACCOUNT}",
        f"DROP ROLE IF EXISTS {ROLE}",
    )


def _family(instance: Instance) -> str:
    return str(instance.flavour.family)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, mariadb: Instance) -> Vault:
    """Make one repository for all; the fleet's file is written again by each test."""
    return Vault(tmp_path_factory.mktemp("rules"), Lone({"main": mariadb}))


@dataclass
class _Login:
    """Let a server be reached with another account than root."""

    shards: dict[str, Instance]
    user: str
    password: str


def _log_in(vault: Vault, instance: Instance, grants: Grants) -> Vault:
    """Make the account with these grants, and let it be the fleet's login."""
    password = secrets.token_hex(8)
    for_all = [name for name in GLOBAL[_family(instance)] if name not in grants.without]
    run_all(
        instance,
        f"CREATE USER {ACCOUNT} IDENTIFIED BY '{password}'",
        f"GRANT {', '.join((*for_all, *grants.on_all))} ON *.* TO {ACCOUNT}",
        *(f"GRANT {one} TO {ACCOUNT}" for one in grants.others),
        *grants.then,
    )
    vault.config = vault.target(_Login({"main": instance}, USER, password), "source")
    return vault


def _use_role(instance: Instance) -> None:
    word = "TO" if _family(instance) == "mysql" else "FOR"
    run_all(instance, f"SET DEFAULT ROLE {ROLE} {word} {ACCOUNT}")


def _blockers(vault: Vault, scope: Scope | None = None) -> list[Finding]:
    report = app.check(vault.config, scope=scope)
    found = [one for one in report.findings if one.severity is Severity.BLOCKER]
    assert (report.status == "blocked") is bool(found)
    return found


def _files(folder: Path) -> set[Path]:
    """Name all that is stored; leases say only who is at work."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path for path in found if not {"leases", ".locks"} & set(path.parts)}


def _held_names(vault: Vault) -> set[str]:
    """Name what the last backup holds of the first schema."""
    found = app.show_definitions("latest", vault.config).definitions
    return {one.name for one in found if one.schema == A}


def _phases(steps: Steps) -> list[str]:
    return [getattr(event, "phase", "") for event in steps.events]


def _assert_refused(vault: Vault, refuse: Callable[[Steps], object]) -> None:
    """Prove that a backup is refused as check says, with nothing stored and nothing locked."""
    blockers, before, steps = _blockers(vault), _files(vault.repository), Steps()
    listed = vault.listed()
    assert [one.what for one in blockers] == ["privileges"]
    with pytest.raises(PrivilegeError) as caught:
        refuse(steps)
    assert caught.value.exit_code == 13
    assert blockers[0].message in str(caught.value)
    assert caught.value.hint == blockers[0].remedy
    assert "barrier" not in _phases(steps)
    assert _files(vault.repository) == before
    assert vault.listed() == listed


@pytest.mark.parametrize(("instance", "name"), CASES, indirect=["instance"])
def test_an_account_that_lacks_something_is_refused_by_both_and_its_remedy_is_enough(
    instance: Instance, name: str, shared: Vault
) -> None:
    vault = _log_in(shared, instance, REFUSED[_family(instance)][name])
    _assert_refused(vault, vault.backup)
    (finding,) = _blockers(vault)
    run_all(instance, *finding.remedy.splitlines())
    assert _blockers(vault) == []


@pytest.mark.parametrize("instance", ["mariadb", "mysql"], indirect=True)
def test_the_exit_codes_are_those_of_the_documents(instance: Instance, shared: Vault) -> None:
    vault = _log_in(shared, instance, BOTH["no TRIGGER"])
    assert vault.run("check").code == 3
    refused = vault.run("backup")
    assert_clean_failure(refused, 13, "missing: TRIGGER", "GRANT TRIGGER ON *.*")


@pytest.mark.parametrize(
    ("instance", "name"),
    [(flavour, name) for flavour in ("mariadb", "mysql") for name in ENOUGH],
    indirect=["instance"],
)
def test_an_account_that_has_enough_backs_up_all_there_is(
    instance: Instance, name: str, shared: Vault
) -> None:
    vault = _log_in(shared, instance, ENOUGH[name])
    if name == "through the default role":
        _use_role(instance)
    assert _blockers(vault) == []
    vault.backup()
    assert {"t", "u", "v", "g", "e", "p"} <= _held_names(vault)


@pytest.mark.parametrize("instance", ["mysql"], indirect=True)
def test_roles_that_nobody_granted_count_as_the_session_has_them(
    instance: Instance, shared: Vault
) -> None:
    """MySQL's mandatory roles: in force or not, the session that is used knows."""
    vault = _log_in(shared, instance, BOTH["all through a role that is not the default"])
    run_all(instance, f"REVOKE {ROLE} FROM {ACCOUNT}")
    assert [one.what for one in _blockers(vault)] == ["privileges"]
    run_all(
        instance,
        f"SET GLOBAL mandatory_roles = '{ROLE}'",
        "SET GLOBAL activate_all_roles_on_login = ON",
    )
    try:
        assert _blockers(vault) == []
    finally:
        run_all(
            instance,
            "SET GLOBAL activate_all_roles_on_login = OFF",
            "SET GLOBAL mandatory_roles = ''",
        )


SCOPED = {
    "a schema": (Scope(include=(A,)), Grants(on_all=(), others=_per_schema(A))),
    "a table": (
        Scope(include=(f"{A}.t",)),
        Grants(on_all=(), others=(f"SELECT, TRIGGER ON {A}.t",), without=("SHOW_ROUTINE",)),
    ),
}


@pytest.mark.parametrize(
    ("instance", "name"),
    [(flavour, name) for flavour in ("mariadb", "mysql") for name in SCOPED],
    indirect=["instance"],
)
def test_a_narrowed_backup_needs_privileges_on_its_scope_only(
    instance: Instance, name: str, shared: Vault
) -> None:
    scope, grants = SCOPED[name]
    vault = _log_in(shared, instance, grants)
    if name == "a schema" and _family(instance) == "mariadb":
        run_all(instance, f"GRANT SELECT ON mysql.* TO {ACCOUNT}")  # bodies of routines
    assert _blockers(vault, scope) == []
    report = vault.backup(scope=scope)
    assert report.totals.rows == 2
    assert [one.what for one in _blockers(vault)] == ["privileges"]
    with pytest.raises(PrivilegeError):
        vault.backup()


@pytest.mark.parametrize("instance", ["mariadb", "mysql"], indirect=True)
def test_a_table_of_which_triggers_or_rows_are_hidden_is_refused(
    instance: Instance, shared: Vault
) -> None:
    vault = _log_in(shared, instance, Grants(on_all=(), others=(f"SELECT ON {A}.t",)))
    (finding,) = _blockers(vault, Scope(include=(f"{A}.t",)))
    assert finding.remedy == f"GRANT TRIGGER ON `{A}`.`t` TO `{USER}`@`localhost`"


@pytest.mark.parametrize("instance", ["mariadb", "mysql"], indirect=True)
def test_without_the_rules_a_backup_loses_what_it_is_not_shown(
    instance: Instance, shared: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: only the rules stand between hidden triggers and a false success."""
    set_failpoints(monkeypatch, "backup.source_rules=off")
    vault = _log_in(shared, instance, BOTH["no TRIGGER"])
    vault.backup()
    held = _held_names(vault)
    assert "t" in held
    assert "g" not in held


@pytest.mark.parametrize("instance", ["mariadb", "mysql"], indirect=True)
def test_a_server_that_is_listed_twice_is_refused_by_both(
    instance: Instance, shared: Vault
) -> None:
    vault = _list_twice(shared, instance, host="127.0.0.1")
    (finding,) = _blockers(vault)
    assert (finding.what, finding.where) == ("instances", "fleet")
    before, steps = _files(vault.repository), Steps()
    with pytest.raises(RefusedError, match="shards s0 and s1 are one and the same instance"):
        vault.backup(steps)
    assert "barrier" not in _phases(steps)
    assert _files(vault.repository) == before


def _list_twice(vault: Vault, instance: Instance, *, host: str) -> Vault:
    """Name one server as two shards, by its socket and by an address."""
    vault.config = vault.target(Lone({"s0": instance, "s1": instance}), "source")
    yaml, path = YAML(), Path(vault.config)
    content = yaml.load(path.read_text())
    content["fleet"]["shards"][1]["primary"] = {"host": host, "port": instance.port}
    with path.open("w") as file:
        yaml.dump(content, file)
    return vault


@pytest.mark.parametrize("instance", ["mysql"], indirect=True)
def test_without_the_rules_a_server_that_is_listed_twice_is_stored_twice(
    instance: Instance, shared: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: a cut over one server twice succeeds."""
    set_failpoints(monkeypatch, "backup.source_rules=off")
    vault = _list_twice(shared, instance, host="localhost")
    report = vault.backup(scope=Scope(include=(A,)))
    assert [shard.rows for shard in report.shards] == [2, 2]


@pytest.mark.parametrize("instance", ["mariadb"], indirect=True)
def test_another_blocker_about_a_server_refuses_too(instance: Instance, shared: Vault) -> None:
    vault = shared
    vault.config = vault.target(Lone({"main": instance}), "source")
    ((before,),) = query(instance, "SELECT @@GLOBAL.lock_wait_timeout")
    run_all(instance, "SET GLOBAL lock_wait_timeout = 0")
    try:
        assert [one.what for one in _blockers(vault)] == ["locks"]
        with pytest.raises(RefusedError, match="lock_wait_timeout=0"):
            vault.backup()
    finally:
        run_all(instance, f"SET GLOBAL lock_wait_timeout = {before}")
