"""What a backup needs is proven on real servers, by taking one thing away at a time."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shardvault.barrier.in_doubt import explain_refusal
from shardvault.barrier.locks import XA_RECOVER, lock_statements
from shardvault.errors import PrivilegeError, ShardvaultError
from shardvault.fleet.accounts import read_accounts
from shardvault.fleet.inventory import list_tables, read_inventory
from shardvault.fleet.objects import read_objects
from shardvault.fleet.privilege_scope import scope_of_schemas
from shardvault.fleet.privileges import (
    Privilege,
    Purpose,
    missing_privileges,
    needed_privileges,
    write_grant,
)
from shardvault.fleet.servers import read_server
from shardvault.model.ids import ShardName
from shardvault.model.manifest import ServerIdentity
from shardvault.model.position import Family, Position
from shardvault.model.report import Finding, Severity
from shardvault.model.target import Endpoint, Fleet, LogicalTable, Login, Node, Scope, Shard
from shardvault.mysql.binlog import read_events
from shardvault.mysql.session import Session
from shardvault.mysql.state import prepare_read
from shardvault.operations.examination import examine_fleet
from tests.support.servers import Flavour, Instance, start_instance

FLAVOURS = ("mariadb105", "mariadb", "mariadb118", "mysql")
VERSIONS = {
    "mariadb105": (Family.MARIADB, (10, 5, 2)),
    "mariadb": (Family.MARIADB, (10, 11, 0)),
    "mariadb118": (Family.MARIADB, (11, 8, 0)),
    "mysql": (Family.MYSQL, (9, 7, 0)),
}
SCHEMA = "preflight"
USER = "preflight"


def _needed(flavour: str) -> tuple[Privilege, ...]:
    return needed_privileges(*VERSIONS[flavour], Purpose.BACKUP)


# SELECT on *.* shows the bodies of routines too, so only a grant per schema needs this one.
CASES = [
    (flavour, item.name)
    for flavour in FLAVOURS
    for item in _needed(flavour)
    if item.name != "SHOW_ROUTINE"
]


@pytest.fixture
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    _run(found, f"DROP DATABASE IF EXISTS {SCHEMA}", f"CREATE DATABASE {SCHEMA}")
    yield found
    _run(found, f"DROP DATABASE {SCHEMA}", f"DROP USER IF EXISTS {USER}@localhost")


def _run(instance: Instance, *statements: str) -> None:
    with instance.connect() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _fill(instance: Instance) -> None:
    _run(
        instance,
        f"CREATE TABLE {SCHEMA}.a (id INT PRIMARY KEY, b INT)",
        f"CREATE VIEW {SCHEMA}.v AS SELECT * FROM {SCHEMA}.a",
        f"CREATE PROCEDURE {SCHEMA}.p() SELECT 1",
        f"CREATE TRIGGER {SCHEMA}.t BEFORE INSERT ON {SCHEMA}.a FOR EACH ROW SET NEW.b = 1",
        f"CREATE EVENT {SCHEMA}.e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
    )


def _make_user(instance: Instance, *grants: str) -> Shard:
    password = secrets.token_hex(8)
    _run(
        instance,
        f"DROP USER IF EXISTS {USER}@localhost",
        f"CREATE USER {USER}@localhost IDENTIFIED BY '{password}'",
        *(f"GRANT {grant} TO {USER}@localhost" for grant in grants),
    )
    return _shard(instance, USER, password)


def _make_user_without(instance: Instance, flavour: str, privilege: str) -> Shard:
    names = [item.name for item in _needed(flavour) if item.name != privilege]
    return _make_user(instance, f"{', '.join(names)} ON *.*")


def _shard(instance: Instance, user: str, password: str, name: str = "s0") -> Shard:
    place = Endpoint(socket=instance.socket)
    return Shard(ShardName(name), place, Login(user, lambda: password))


def _root(instance: Instance, name: str = "s0") -> Shard:
    return _shard(instance, instance.user, instance.password, name)


def _open(shard: Shard) -> Session:
    return Session.open(shard.primary, shard.login, shard=shard.name)


def _examine(shard: Shard, *schemas: str) -> dict[str, Finding]:
    found = examine_fleet(Fleet("shop", (shard,)), Scope(include=schemas))
    return {item.what: item for item in found}


def _read_objects(session: Session) -> list[str]:
    tables = frozenset(list_tables(session, [SCHEMA]))
    return sorted(item.kind for item in read_objects(session, [SCHEMA], tables))


def _lock(session: Session) -> None:
    statements = lock_statements(session.family, session.version)
    for statement in (statements.gentle, *statements.blocking, statements.release):
        session.execute(statement)


def _read_position(session: Session) -> int:
    statements = lock_statements(session.family, session.version)
    return sum(len(session.rows(statement)) for statement in statements.position)


def _read_binlog(session: Session) -> bool:
    (name, *_), *_ = session.rows("SHOW BINARY LOGS")
    start = Position(session.family, "", (name or b"").decode(), 4)
    found = next(read_events(session, start), None) is not None
    session.abort()
    return found


def _read_prepared(session: Session) -> int:
    try:
        return len(session.rows(XA_RECOVER))
    except ShardvaultError as error:
        raise explain_refusal(error) from error


def _see_others(session: Session) -> bool:
    return len(session.rows("SHOW FULL PROCESSLIST")) > 1


def _read_tables(session: Session) -> int:
    wanted = frozenset(list_tables(session, [SCHEMA]))
    return len(read_inventory(session, [SCHEMA], wanted).tables)


WORK: dict[str, tuple[Callable[[Session], object], ...]] = {
    "SELECT": (lambda session: session.rows(f"SELECT * FROM {SCHEMA}.a"), read_accounts),
    "SHOW VIEW": (_read_objects,),
    "TRIGGER": (_read_objects,),
    "EVENT": (_read_objects,),
    "PROCESS": (_see_others,),
    "RELOAD": (_lock,),
    "BACKUP_ADMIN": (_lock,),
    "BINLOG MONITOR": (_read_position,),
    "REPLICATION CLIENT": (_read_position,),
    "REPLICATION SLAVE": (_read_binlog,),
    "XA_RECOVER_ADMIN": (_read_prepared,),
    "SESSION_VARIABLES_ADMIN": (_read_tables,),
}


def _try(shard: Shard, work: Callable[[Session], object]) -> object:
    """Return what the work gave, or that it was refused."""
    with _open(shard) as session:
        try:
            prepare_read(session)
            return work(session)
        except PrivilegeError:
            return "refused"


@pytest.mark.parametrize(
    ("instance", "flavour"), [(name, name) for name in FLAVOURS], indirect=["instance"]
)
def test_with_all_that_is_needed_nothing_stands_in_the_way(
    instance: Instance, flavour: str
) -> None:
    _fill(instance)
    names = [item.name for item in _needed(flavour)]
    names += ["BINLOG ADMIN"] if flavour != "mysql" else []
    shard = _make_user(instance, f"{', '.join(names)} ON *.*")
    assert {item.severity for item in _examine(shard, SCHEMA).values()} == {Severity.OK}


@pytest.mark.parametrize("instance", ["mariadb"], indirect=True)
def test_a_login_that_keeps_metadata_locks_is_told(instance: Instance) -> None:
    _fill(instance)
    shard = _make_user(instance, f"{', '.join(item.name for item in _needed('mariadb'))} ON *.*")
    finding = _examine(shard)["metadata locks"]
    assert finding.severity is Severity.WARNING
    assert "GRANT BINLOG ADMIN" in finding.remedy


@pytest.mark.parametrize(
    ("instance", "flavour", "privilege"),
    [(flavour, flavour, name) for flavour, name in CASES],
    indirect=["instance"],
)
def test_a_missing_privilege_is_named_and_its_work_fails_until_it_is_granted(
    instance: Instance, flavour: str, privilege: str
) -> None:
    _fill(instance)
    shard = _make_user_without(instance, flavour, privilege)
    finding = _examine(shard)["privileges"]
    assert finding.severity is Severity.BLOCKER
    assert finding.message.startswith(f"missing: {privilege} (")
    with instance.connect():  # somebody else to be seen
        refused = [_try(shard, work) for work in WORK[privilege]]
        _run(instance, finding.remedy)
        granted = [_try(shard, work) for work in WORK[privilege]]
    assert _examine(shard)["privileges"].severity is Severity.OK
    assert all(before != after for before, after in zip(refused, granted, strict=True))
    assert "refused" not in granted


@pytest.mark.parametrize("instance", FLAVOURS, indirect=True)
def test_one_grant_helps_against_all_that_is_missing(instance: Instance) -> None:
    shard = _make_user(instance)
    finding = _examine(shard)["privileges"]
    assert finding.remedy.count("GRANT") == 1
    _run(instance, finding.remedy)
    assert _examine(shard)["privileges"].severity is Severity.OK


@pytest.mark.parametrize("instance", ["mysql"], indirect=True)
def test_bodies_of_routines_need_a_privilege_where_select_is_per_schema(
    instance: Instance,
) -> None:
    names = [item.name for item in _needed("mysql") if item.name not in {"SELECT", "SHOW_ROUTINE"}]
    partial = [f"{', '.join(names)} ON *.*", f"SELECT ON {SCHEMA}.*", "SELECT ON mysql.*"]
    with _open(_make_user(instance, *partial)) as session:
        missing = missing_privileges(session, Purpose.BACKUP, scope_of_schemas([SCHEMA]))
    assert [item.name for item in missing] == ["SHOW_ROUTINE"]


@pytest.mark.parametrize(
    ("instance", "flavour"), [(name, name) for name in FLAVOURS], indirect=["instance"]
)
def test_grants_on_schemas_are_enough_for_just_these_schemas(
    instance: Instance, flavour: str
) -> None:
    needed = _needed(flavour)
    per_schema = [item.name for item in needed if item.is_per_schema]
    rest = [item.name for item in needed if not item.is_per_schema]
    shard = _make_user(
        instance,
        f"{', '.join(rest)} ON *.*",
        f"{', '.join(per_schema)} ON {SCHEMA}.*",
        "SELECT ON mysql.*",
    )
    assert _examine(shard, SCHEMA)["privileges"].severity is Severity.OK
    assert _examine(shard)["privileges"].severity is Severity.BLOCKER


@pytest.mark.parametrize(
    ("instance", "flavour"), [(name, name) for name in FLAVOURS], indirect=["instance"]
)
def test_privileges_of_a_role_count_only_while_it_is_in_use(
    instance: Instance, flavour: str
) -> None:
    names = ", ".join(item.name for item in _needed(flavour))
    shard = _make_user(instance)
    _run(
        instance,
        "DROP ROLE IF EXISTS preflight_role",
        "CREATE ROLE preflight_role",
        f"GRANT {names} ON *.* TO preflight_role",
        f"GRANT preflight_role TO {USER}@localhost",
    )
    assert _examine(shard)["privileges"].severity is Severity.BLOCKER
    word = "TO" if flavour == "mysql" else "FOR"
    _run(instance, f"SET DEFAULT ROLE preflight_role {word} {USER}@localhost")
    assert _examine(shard)["privileges"].severity is Severity.OK
    _run(instance, "DROP ROLE preflight_role")


@pytest.mark.parametrize("instance", FLAVOURS, indirect=True)
def test_the_statement_that_grants_names_the_account_whatever_it_is_called(
    instance: Instance,
) -> None:
    user = "o'dd `u@x"
    quoted = user.replace("`", "``")
    _run(instance, f"DROP USER IF EXISTS `{quoted}`@localhost",
         f"CREATE USER `{quoted}`@localhost IDENTIFIED BY 'pw'")  # fmt: skip
    shard = _shard(instance, user, "pw")
    with _open(shard) as session:
        missing = missing_privileges(session, Purpose.BACKUP)
        _run(instance, write_grant(session, missing))
        assert missing_privileges(session, Purpose.BACKUP) == ()
    _run(instance, f"DROP USER `{quoted}`@localhost")


@pytest.mark.parametrize("instance", ["mariadb"], indirect=True)
def test_a_shard_that_cannot_be_reached_is_a_finding_and_the_others_go_on(
    instance: Instance, tmp_path: Path
) -> None:
    dead = Shard(ShardName("s1"), Endpoint(socket=str(tmp_path / "none")), Login("x"))
    wrong = _shard(instance, "root", "wrong", "s2")
    fleet = Fleet("shop", (_root(instance), dead, wrong))
    findings = examine_fleet(fleet, Scope())
    blockers = [item for item in findings if item.severity is Severity.BLOCKER]
    assert [(item.where, item.what) for item in blockers] == [
        ("s1", "connection"),
        ("s2", "connection"),
    ]
    assert all(item.remedy for item in blockers)
    assert ("s0", "tables") in {(item.where, item.what) for item in findings}


def test_one_instance_under_two_names_is_found(mariadb: Instance) -> None:
    fleet = Fleet("shop", (_root(mariadb, "s0"), _root(mariadb, "s1")))
    findings = examine_fleet(fleet, Scope())
    assert "instances" in {item.what for item in findings if item.severity is Severity.BLOCKER}


@pytest.mark.parametrize("instance", ["mariadb"], indirect=True)
def test_tables_that_need_care_are_named_one_by_one(instance: Instance) -> None:
    _run(
        instance,
        f"CREATE TABLE {SCHEMA}.plain (id INT PRIMARY KEY)",
        f"CREATE TABLE {SCHEMA}.told_by_times (id INT) WITH SYSTEM VERSIONING",
        f"CREATE TABLE {SCHEMA}.old (id INT, a BIGINT UNSIGNED AS ROW START,"
        " b BIGINT UNSIGNED AS ROW END, PERIOD FOR SYSTEM_TIME (a, b)) WITH SYSTEM VERSIONING",
        f"CREATE TABLE {SCHEMA}.mine (id INT) ENGINE=MyISAM",
        f"CREATE TABLE {SCHEMA}.merged (id INT) ENGINE=MERGE UNION=({SCHEMA}.mine)",
    )
    node = Node(ShardName("s0"), SCHEMA, "plain")
    fleet = Fleet("shop", (_root(instance),), (LogicalTable("plain", (node,)),))
    found = [
        item
        for item in examine_fleet(fleet, Scope())
        if item.what == "tables" and item.severity is not Severity.OK
    ]
    severities = {item.message.split(":")[0]: item.severity for item in found}
    assert severities == {
        f"{SCHEMA}.old": Severity.BLOCKER,
        f"{SCHEMA}.mine": Severity.INFO,
        f"{SCHEMA}.merged": Severity.INFO,
    }


@pytest.mark.parametrize("instance", FLAVOURS, indirect=True)
def test_a_prepared_transaction_is_reported(instance: Instance) -> None:
    _fill(instance)
    with instance.connect() as connection, connection.cursor() as cursor:
        cursor.execute("XA START 'preflight'")
        cursor.execute(f"INSERT INTO {SCHEMA}.a VALUES (1, 1)")
        cursor.execute("XA END 'preflight'")
        cursor.execute("XA PREPARE 'preflight'")
        finding = _examine(_root(instance), SCHEMA)["xa"]
        cursor.execute("XA ROLLBACK 'preflight'")
    assert finding.severity is Severity.WARNING
    assert f"X'{b'preflight'.hex()}'" in finding.message


@pytest.mark.parametrize("instance", ["mariadb118"], indirect=True)
def test_a_connection_without_socket_says_whether_it_is_encrypted(instance: Instance) -> None:
    place = Endpoint(host="127.0.0.1", port=instance.port)
    shard = Shard(ShardName("s0"), place, Login("root", lambda: instance.password))
    assert "TLS" in _examine(shard, SCHEMA)["connection"].message


def _identify(instance: Instance) -> ServerIdentity:
    with _open(_root(instance)) as session:
        return read_server(session)


def test_every_server_has_an_identity_of_its_own(
    mariadb: Instance, mariadb118: Instance, mysql: Instance
) -> None:
    found = [_identify(instance) for instance in (mariadb, mariadb118, mysql)]
    assert len({server.identity for server in found}) == 3
    assert [server.family for server in found] == ["mariadb", "mariadb", "mysql"]
    assert [_identify(instance) for instance in (mariadb, mariadb118, mysql)] == found


def test_an_identity_survives_a_restart(tmp_path: Path) -> None:
    instance = start_instance(Flavour.MARIADB_1011, tmp_path / "one")
    try:
        before = _identify(instance)
        instance.stop()
        instance.start()
        assert _identify(instance) == before
    finally:
        instance.destroy()
