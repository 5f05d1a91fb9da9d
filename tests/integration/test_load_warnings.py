"""A warning of the server is a failure on every way into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from shardvault.errors import ServerError
from shardvault.load.accounts import grant_accounts
from shardvault.load.objects import create_objects
from shardvault.load.rows import open_loader
from shardvault.load.schema import create_schema, create_table, plan_steps, set_counter
from shardvault.load.warnings import HARMLESS
from shardvault.model.schema import (
    Account,
    CodeObject,
    Column,
    ObjectKind,
    Schema,
    Table,
    TableKind,
)
from shardvault.mysql.session import Session
from tests.integration.copying import PACKET_BYTES, fresh_schema, loading
from tests.integration.operations_support import set_failpoints
from tests.support.packets import chunk_of
from tests.support.servers import Instance

SCHEMA = "warned"
TEXT = Column("v", "varchar", "varchar(5)", None, None, True, False)
# What these give is done in part only, with a warning, because the load is not strict.
CUT_COMMENT = b"CREATE TABLE `u` (\n  `v` int COMMENT '%s'\n) ENGINE=InnoDB" % (b"x" * 1100)
PLAIN_VIEW = b"CREATE ALGORITHM=MERGE VIEW `v` AS SELECT DISTINCT `v` FROM `t`"


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    instance: Instance = request.getfixturevalue(request.param)
    fresh_schema(instance, SCHEMA, "CREATE TABLE t (v VARCHAR(5))")
    with loading(instance) as found:
        found.execute(f"USE {SCHEMA}")
        yield found


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave every warning unread."""
    set_failpoints(monkeypatch, "restore.warnings=off")


def table(create_sql: bytes) -> Table:
    return Table(SCHEMA, "u", TableKind.ROWS, "InnoDB", True, create_sql, ())


def create(session: Session, create_sql: bytes) -> None:
    found = table(create_sql)
    create_table(session, found, plan_steps(found, 0))


def load(session: Session) -> int:
    with closing(open_loader(session, SCHEMA, "t", [TEXT], PACKET_BYTES)) as loader:
        return loader.load(chunk_of([[b"too long"]]))


def view() -> CodeObject:
    return CodeObject(ObjectKind.VIEW, SCHEMA, "v", PLAIN_VIEW, "", "utf8mb4", "utf8mb4_general_ci")


def test_a_value_that_is_cut_short_fails_the_load(session: Session) -> None:
    with pytest.raises(ServerError, match="warnings while loading, the first: Data truncated"):
        load(session)


@pytest.mark.usefixtures("unwatched")
def test_unread_a_value_is_cut_short_in_silence(session: Session) -> None:
    assert load(session) == 1
    assert session.rows("SELECT v FROM t") == [(b"too l",)]


def test_a_value_of_no_date_fails_the_load_of_a_table_that_computes_too(session: Session) -> None:
    session.execute("CREATE TABLE d (v DATETIME, g INT AS (v IS NULL) STORED)")
    columns = [replace(TEXT, data_type="datetime", column_type="datetime")]
    with (
        closing(open_loader(session, SCHEMA, "d", columns, PACKET_BYTES)) as loader,
        pytest.raises(ServerError, match="warnings while loading, the first: "),
    ):
        loader.load(chunk_of([[b"2020-13-45 25:61:00"]]))


def test_a_comment_that_is_cut_short_fails_the_table(session: Session) -> None:
    with pytest.raises(ServerError, match=r"warning while creating: .*'v'"):
        create(session, CUT_COMMENT)


@pytest.mark.usefixtures("unwatched")
def test_unread_a_comment_is_cut_short_in_silence(session: Session) -> None:
    create(session, CUT_COMMENT)
    assert b"x" * 1100 not in (session.rows("SHOW CREATE TABLE u")[0][1] or b"")


def test_an_object_made_with_a_warning_is_told(session: Session) -> None:
    (finding,) = create_objects(session, [view()])
    assert (finding.where, finding.what) == (f"{SCHEMA}.v", "view")
    assert "created with a warning: View merge algorithm" in finding.message


@pytest.mark.usefixtures("unwatched")
def test_unread_an_object_is_made_otherwise_in_silence(session: Session) -> None:
    assert create_objects(session, [view()]) == ()


def test_a_grant_that_the_server_warns_about_is_told(session: Session) -> None:
    # Stands for any statement of an account: there is none that each of the servers warns about.
    account = Account("warned", False, b"", (CUT_COMMENT,))
    (finding,) = grant_accounts(session, [account])
    assert "warning while creating: " in finding.message


def test_every_step_of_a_table_and_its_database_is_watched(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[int] = []
    monkeypatch.setattr(
        "shardvault.load.schema.run_clean", lambda session, statement: warned.append(1)
    )
    create_schema(session, Schema(SCHEMA, b"CREATE DATABASE `warned`"))
    create(session, b"CREATE TABLE `u` (\n  `v` text\n) ENGINE=InnoDB")
    counted = replace(TEXT, extra="auto_increment")
    set_counter(session, replace(table(CUT_COMMENT), columns=(counted,), auto_increment=7))
    assert len(warned) == 3


def test_each_harmless_warning_has_its_own_reason() -> None:
    codes = [known.code for known in HARMLESS]
    assert codes == sorted(set(codes))
    assert all(known.reason for known in HARMLESS)
