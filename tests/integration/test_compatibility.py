"""Whether a real server can take a restore is seen before it is touched."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shardvault.errors import PrivilegeError, ServerError
from shardvault.fleet.compatibility import Terms, examine_target
from shardvault.fleet.definitions import Contents
from shardvault.fleet.inventory import list_tables, read_inventory
from shardvault.fleet.objects import read_objects
from shardvault.fleet.occupied import MARK_SCHEMA
from shardvault.fleet.privileges import Need, Privilege, Purpose, needed_privileges
from shardvault.fleet.servers import read_server
from shardvault.model.manifest import ServerIdentity, TableRecord
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Account, Table
from shardvault.model.target import Endpoint, Login
from shardvault.mysql.session import Session
from shardvault.mysql.state import prepare_load, prepare_read
from tests.support.servers import Flavour, Instance, start_instance

FLAVOURS = ("mariadb", "mariadb118", "mysql")
SCHEMA = "compat"
USER = "compat"
NOTHING_ALLOWED = Terms()
TABLES = (
    f"CREATE TABLE {SCHEMA}.a (id INT PRIMARY KEY, b VARCHAR(9), KEY (b))",
    f"CREATE TABLE {SCHEMA}.c (id INT PRIMARY KEY, a INT, FOREIGN KEY (a) REFERENCES a (id))",
)

PRESENT = {
    f"CREATE TABLE {SCHEMA}.x (id INT)": f"DROP TABLE {SCHEMA}.x",
    f"CREATE VIEW {SCHEMA}.x AS SELECT 1": f"DROP VIEW {SCHEMA}.x",
    f"CREATE PROCEDURE {SCHEMA}.x() SELECT 1": f"DROP PROCEDURE {SCHEMA}.x",
    f"CREATE EVENT {SCHEMA}.x ON SCHEDULE EVERY 1 DAY DO SELECT 1": f"DROP EVENT {SCHEMA}.x",
}


@pytest.fixture
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    yield found
    for schema in (SCHEMA, MARK_SCHEMA):
        _run(found, f"DROP DATABASE IF EXISTS {schema}")
    _run(found, f"DROP USER IF EXISTS {USER}@localhost")


def _run(instance: Instance, *statements: str) -> None:
    with instance.connect() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _open(instance: Instance, user: str = "root", password: str | None = None) -> Session:
    secret = instance.password if password is None else password
    login = Login(user, lambda: secret)
    return Session.open(Endpoint(socket=instance.socket), login, shard="t0")


def _take(instance: Instance, *statements: str) -> tuple[ServerIdentity, Contents]:
    """Make a schema, read what a backup would hold of it, and drop it again."""
    _run(instance, f"DROP DATABASE IF EXISTS {SCHEMA}", f"CREATE DATABASE {SCHEMA}", *statements)
    with _open(instance) as session:
        prepare_read(session)
        names = frozenset(list_tables(session, [SCHEMA]))
        inventory = read_inventory(session, [SCHEMA], names)
        records = tuple(_record(table) for table in inventory.tables)
        objects = read_objects(session, [SCHEMA], names)
        found = Contents(inventory.schemas, frozenset({SCHEMA}), records, objects)
        server = read_server(session)
    _run(instance, f"DROP DATABASE {SCHEMA}")
    return server, found


@functools.cache
def _take_standard(instance: Instance) -> tuple[ServerIdentity, Contents]:
    return _take(instance, *TABLES)


def _record(table: Table) -> TableRecord:
    columns = tuple(column.name for column in table.columns)
    return TableRecord(table, columns, 0, "0" * 32, 0, (), 100)


def _examine(
    instance: Instance,
    taken: tuple[ServerIdentity, Contents],
    terms: Terms = NOTHING_ALLOWED,
    user: str = "root",
    password: str | None = None,
) -> list[Finding]:
    with _open(instance, user, password) as session:
        return list(examine_target(session, *taken, terms))


def _blockers(findings: list[Finding]) -> dict[str, str]:
    return {item.what: item.message for item in findings if item.severity is Severity.BLOCKER}


@pytest.mark.parametrize("instance", FLAVOURS, indirect=True)
def test_an_empty_server_of_the_same_kind_takes_everything(instance: Instance) -> None:
    view = f"CREATE VIEW {SCHEMA}.v AS SELECT 1 AS one"
    findings = _examine(instance, _take(instance, *TABLES, view))
    assert {item.severity for item in findings} == {Severity.OK}
    assert {"version", "privileges", "character sets", "engines", "case rule", "space",
            "contents", "max_allowed_packet"} <= {item.what for item in findings}  # fmt: skip


@pytest.mark.parametrize("instance", FLAVOURS, indirect=True)
def test_the_source_itself_is_refused_unless_its_name_was_typed(instance: Instance) -> None:
    taken = _take_standard(instance)
    sources = frozenset({taken[0].identity})
    assert "identity" in _blockers(_examine(instance, taken, Terms(sources=sources)))
    allowed = Terms(sources=sources, allow_source=True)
    assert not _blockers(_examine(instance, taken, allowed))
    assert not _blockers(_examine(instance, taken, Terms(sources=frozenset({"other"}))))


@pytest.mark.parametrize("instance", FLAVOURS, indirect=True)
def test_whatever_lies_in_a_schema_that_is_restored_whole_is_in_the_way(
    instance: Instance,
) -> None:
    taken = _take_standard(instance)
    _run(instance, f"CREATE DATABASE {SCHEMA}")
    assert not _blockers(_examine(instance, taken))
    for create, drop in PRESENT.items():
        _run(instance, create)
        assert f"not empty: {SCHEMA}.x" in _blockers(_examine(instance, taken))["contents"], create
        assert not _blockers(_examine(instance, taken, Terms(replace=True)))
        assert not _blockers(_examine(instance, taken, Terms(is_resumed=True)))
        _run(instance, drop)


@pytest.mark.parametrize("instance", FLAVOURS, indirect=True)
def test_beside_other_tables_single_tables_may_be_restored(instance: Instance) -> None:
    server, contents = _take_standard(instance)
    single = server, replace(contents, whole=frozenset())
    _run(instance, f"CREATE DATABASE {SCHEMA}", f"CREATE TABLE {SCHEMA}.another (id INT)")
    assert not _blockers(_examine(instance, single))
    _run(instance, f"CREATE TABLE {SCHEMA}.c (id INT)")
    assert f"{SCHEMA}.c" in _blockers(_examine(instance, single))["contents"]


@pytest.mark.parametrize("instance", FLAVOURS, indirect=True)
def test_the_mark_of_another_restore_is_refused(instance: Instance) -> None:
    taken = _take_standard(instance)
    _run(
        instance,
        f"CREATE DATABASE {MARK_SCHEMA}",
        f"CREATE TABLE {MARK_SCHEMA}.restore (status VARCHAR(20))",
    )
    assert not _blockers(_examine(instance, taken))
    _run(instance, f"INSERT INTO {MARK_SCHEMA}.restore VALUES ('incomplete')")
    assert MARK_SCHEMA in _blockers(_examine(instance, taken))["contents"]
    assert not _blockers(_examine(instance, taken, Terms(is_resumed=True)))
    assert not _blockers(_examine(instance, taken, Terms(replace=True)))


def test_a_collation_that_mariadb_does_not_have_is_named_with_its_column(
    mysql: Instance, mariadb: Instance
) -> None:
    column = "n VARCHAR(9) COLLATE utf8mb4_0900_as_cs"
    taken = _take(mysql, f"CREATE TABLE {SCHEMA}.t (id INT PRIMARY KEY, {column})")
    findings = _examine(mariadb, taken)
    (found,) = [item for item in findings if "utf8mb4_0900_as_cs" in item.message]
    assert found.severity is Severity.BLOCKER
    assert f"{SCHEMA}.t column n" in found.message


@pytest.mark.parametrize("instance", ["mariadb118"], indirect=True)
def test_a_collation_that_mariadb_sorts_in_another_order_is_a_warning(
    instance: Instance, mysql: Instance
) -> None:
    column = "n VARCHAR(9) COLLATE utf8mb4_0900_as_cs"
    taken = _take(mysql, f"CREATE TABLE {SCHEMA}.t (id INT PRIMARY KEY, {column})")
    (found,) = [item for item in _examine(instance, taken) if "utf8mb4_0900_as_cs" in item.message]
    assert found.severity is Severity.WARNING
    assert f"{SCHEMA}.t column n" in found.message


@pytest.mark.parametrize("instance", ["mysql"], indirect=True)
def test_what_mysql_does_not_have_is_named(instance: Instance, mariadb118: Instance) -> None:
    taken = _take(
        mariadb118,
        f"CREATE SEQUENCE {SCHEMA}.s",
        f"CREATE TABLE {SCHEMA}.t (u UUID, i INET6, n VARCHAR(9) COLLATE utf8mb4_uca1400_ai_ci)",
        f"CREATE TABLE {SCHEMA}.aria (id INT) ENGINE=Aria",
    )
    blockers = [
        item.message
        for item in _examine(instance, taken)
        if item.severity is Severity.BLOCKER
    ]  # fmt: skip
    for name in ("sequences", "type uuid", "type inet6", "ARIA", "utf8mb4_uca1400_ai_ci"):
        assert any(message.startswith(f"{name} ") for message in blockers), name


@pytest.mark.parametrize("instance", ["mariadb118"], indirect=True)
def test_what_mariadb_does_not_have_is_named(instance: Instance, mysql: Instance) -> None:
    taken = _take(
        mysql,
        f"CREATE TABLE {SCHEMA}.`{{0}}` (a INT PRIMARY KEY, b INT INVISIBLE, KEY k ((abs(b))))",
    )
    findings = _examine(instance, taken)
    (version,) = [item for item in findings if item.what == "version"]
    assert version.severity is Severity.WARNING
    (found,) = [item for item in findings if item.what == "definitions"]
    assert found.severity is Severity.BLOCKER
    assert found.message == f"keys over expressions cannot be kept: {SCHEMA}.{{0}}"
    assert "--exclude" in found.remedy


@pytest.mark.parametrize("instance", ["mariadb"], indirect=True)
def test_an_older_server_of_the_same_family_is_a_warning(
    instance: Instance, mariadb118: Instance
) -> None:
    taken = _take(mariadb118, f"CREATE TABLE {SCHEMA}.t (a INT PRIMARY KEY)")
    findings = {item.what: item for item in _examine(instance, taken)}
    assert findings["version"].severity is Severity.WARNING


@pytest.mark.parametrize("instance", FLAVOURS, indirect=True)
def test_data_that_cannot_fit_on_the_disk_are_refused(instance: Instance) -> None:
    server, contents = _take_standard(instance)
    huge = tuple(replace(record, raw_bytes=1 << 60) for record in contents.tables)
    assert "space" in _blockers(_examine(instance, (server, replace(contents, tables=huge))))


@pytest.mark.parametrize("instance", ["mariadb"], indirect=True)
def test_the_space_of_a_server_elsewhere_is_said_to_be_unknown(instance: Instance) -> None:
    taken = _take_standard(instance)
    place = Endpoint(host="127.0.0.1", port=instance.port)
    login = Login("root", lambda: instance.password)
    with Session.open(place, login, shard="t0") as session:
        findings = {item.what: item for item in examine_target(session, *taken, NOTHING_ALLOWED)}
    assert findings["space"].severity is Severity.INFO


@pytest.mark.parametrize("instance", ["mariadb"], indirect=True)
def test_names_that_become_one_where_case_does_not_count_are_refused(
    instance: Instance, tmp_path: Path
) -> None:
    small, large = (f"CREATE TABLE {SCHEMA}.{name} (a INT PRIMARY KEY)" for name in "tT")
    clashing, plain = _take(instance, small, large), _take(instance, large)
    folding = start_instance(
        Flavour.MARIADB_1011, tmp_path / "folding", options=["--lower-case-table-names=1"]
    )
    try:
        assert f"{SCHEMA}.t and" in _blockers(_examine(folding, clashing))["case rule"].lower()
        assert not _blockers(_examine(folding, plain))
        _run(folding, f"CREATE DATABASE {SCHEMA}", small)
        assert f"{SCHEMA}.t" in _blockers(_examine(folding, plain))["contents"]
    finally:
        folding.destroy()


@pytest.mark.parametrize("instance", ["mariadb"], indirect=True)
def test_another_case_rule_is_a_warning_where_no_names_collide(instance: Instance) -> None:
    server, contents = _take_standard(instance)
    other = replace(server, lower_case_table_names=1)
    findings = {item.what: item for item in _examine(instance, (other, contents))}
    assert findings["case rule"].severity is Severity.WARNING


@pytest.mark.parametrize("instance", FLAVOURS, indirect=True)
def test_a_read_only_server_is_refused(instance: Instance) -> None:
    taken = _take_standard(instance)
    _run(instance, "SET GLOBAL read_only = ON")
    try:
        assert "read only" in _blockers(_examine(instance, taken))
    finally:
        _run(instance, "SET GLOBAL read_only = OFF")


@pytest.mark.parametrize("instance", ["mysql"], indirect=True)
def test_mysql_without_local_infile_is_refused(instance: Instance) -> None:
    taken = _take_standard(instance)
    _run(instance, "SET GLOBAL local_infile = OFF")
    try:
        assert "local infile" in _blockers(_examine(instance, taken))
    finally:
        _run(instance, "SET GLOBAL local_infile = ON")


@pytest.mark.parametrize("instance", FLAVOURS, indirect=True)
def test_accounts_ask_for_more_privileges(instance: Instance) -> None:
    server, contents = _take_standard(instance)
    names = ", ".join(item.name for item in _needed(instance))
    password = _make_user(instance, f"{names} ON *.*")
    assert not _blockers(_examine(instance, (server, contents), NOTHING_ALLOWED, USER, password))
    with_account = replace(contents, accounts=(Account("x", False, b"", ()),))
    (finding,) = [
        item
        for item in _examine(instance, (server, with_account), NOTHING_ALLOWED, USER, password)
        if item.severity is Severity.BLOCKER
    ]
    assert "CREATE USER" in finding.message
    _run(instance, *finding.remedy.splitlines())
    assert not _blockers(
        _examine(instance, (server, with_account), NOTHING_ALLOWED, USER, password)
    )


def _needed(instance: Instance) -> tuple[Privilege, ...]:
    with _open(instance) as session:
        return needed_privileges(session.family, session.version, Purpose.RESTORE)


def _make_user(instance: Instance, *grants: str) -> str:
    password = secrets.token_hex(8)
    _run(
        instance,
        f"DROP USER IF EXISTS {USER}@localhost",
        f"CREATE USER {USER}@localhost IDENTIFIED BY '{password}'",
        *(f"GRANT {grant} TO {USER}@localhost" for grant in grants),
    )
    return password


_BEFORE = (
    f"CREATE DATABASE {SCHEMA}",
    f"CREATE TABLE {SCHEMA}.p (id INT PRIMARY KEY)",
    f"CREATE TABLE {SCHEMA}.c (id INT, p INT)",
    f"CREATE TABLE {SCHEMA}.unwanted (id INT)",
    f"CREATE PROCEDURE {SCHEMA}.old() SELECT 1",
    f"CREATE VIEW {SCHEMA}.seen AS SELECT 1",
    "CREATE DATABASE _shardvault",
    "CREATE TABLE _shardvault.work (id INT)",
)
WORK: dict[str, str] = {
    "SELECT": f"SELECT * FROM {SCHEMA}.p",
    "SHOW VIEW": f"SHOW CREATE VIEW {SCHEMA}.seen",
    "INSERT": f"INSERT INTO {SCHEMA}.p VALUES (1)",
    "UPDATE": "UPDATE _shardvault.work SET id = 2",
    "DELETE": "DELETE FROM _shardvault.work",
    "CREATE": f"CREATE TABLE {SCHEMA}.t (id INT)",
    "ALTER": f"ALTER TABLE {SCHEMA}.c ADD KEY (p)",
    "DROP": f"DROP TABLE {SCHEMA}.unwanted",
    "REFERENCES": f"ALTER TABLE {SCHEMA}.c ADD FOREIGN KEY (p) REFERENCES {SCHEMA}.p (id)",
    "CREATE VIEW": f"CREATE VIEW {SCHEMA}.v AS SELECT 1",
    "CREATE ROUTINE": f"CREATE PROCEDURE {SCHEMA}.q() SELECT 1",
    "ALTER ROUTINE": f"DROP PROCEDURE {SCHEMA}.old",
    "TRIGGER": f"CREATE TRIGGER {SCHEMA}.t BEFORE INSERT ON {SCHEMA}.c FOR EACH ROW SET @a = 1",
    "EVENT": f"CREATE EVENT {SCHEMA}.e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
    "PROCESS": "SELECT table_id FROM information_schema.innodb_sys_tables",
}


@pytest.mark.parametrize("instance", FLAVOURS, indirect=True)
def test_a_missing_privilege_is_named_and_its_work_fails_until_it_is_granted(
    instance: Instance,
) -> None:
    taken, terms = _take_standard(instance), Terms(replace=True)
    _run(instance, *_BEFORE, "SET GLOBAL log_bin_trust_function_creators = ON")
    names = [item.name for item in _needed(instance)]
    password = _make_user(instance, f"{', '.join(names)} ON *.*")
    assert not _blockers(_examine(instance, taken, terms, USER, password))
    # SELECT on *.* shows the bodies of routines too.
    always = [item.name for item in _needed(instance) if item.need is Need.ALWAYS]
    for name in [name for name in always if name != "SHOW_ROUTINE"]:
        _run(instance, f"REVOKE {name} ON *.* FROM {USER}@localhost")
        blockers = [
            item
            for item in _examine(instance, taken, terms, USER, password)
            if item.severity is Severity.BLOCKER
        ]
        assert [item.message.split(" (")[0] for item in blockers] == [f"missing: {name}"]
        with pytest.raises((PrivilegeError, ServerError), match="denied"):
            _work(instance, password, name)
        _run(instance, *blockers[0].remedy.splitlines())
        _work(instance, password, name)
    _run(instance, "SET GLOBAL log_bin_trust_function_creators = OFF", "DROP DATABASE _shardvault")


def _work(instance: Instance, password: str, privilege: str) -> None:
    with _open(instance, USER, password) as session:
        prepare_load(session)
        session.rows(WORK[privilege])
