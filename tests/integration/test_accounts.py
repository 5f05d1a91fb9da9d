"""Read users and roles, drop them, and create them anew, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shardvault.fleet.accounts import read_accounts
from shardvault.load.accounts import create_accounts, grant_accounts
from shardvault.model.report import Finding
from shardvault.model.schema import Account
from shardvault.mysql.session import Session
from tests.integration.copying import fresh_schema, loading, reading
from tests.support.servers import Flavour, Instance

SCHEMA = "accounts"


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Instance:
    found: Instance = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def clean(instance: Instance) -> Iterator[Instance]:
    drop_accounts(instance)
    yield instance
    drop_accounts(instance)


def forget_public(session: Session) -> None:
    """Take what was granted to everybody out of the catalogue too: no statement does."""
    session.execute("DELETE FROM mysql.global_priv WHERE User = 'PUBLIC'")
    session.execute("DELETE FROM mysql.db WHERE User = 'PUBLIC'")
    session.execute("FLUSH PRIVILEGES")


def drop_accounts(instance: Instance) -> None:
    with reading(instance) as session:
        for account in read_accounts(session):
            kind = "ROLE" if account.is_role else "USER"
            if account.create_sql:
                session.execute(f"DROP {kind} {account.name}")
            else:
                session.execute(f"REVOKE ALL, GRANT OPTION FROM {account.name}")
                forget_public(session)


def recreate(instance: Instance, accounts: tuple[Account, ...]) -> tuple[Finding, ...]:
    with loading(instance) as session:
        _, refused = create_accounts(session, accounts)
        return (*refused, *grant_accounts(session, accounts))


def accounts_of(instance: Instance) -> tuple[Account, ...]:
    with reading(instance) as session:
        return read_accounts(session)


def test_users_roles_and_grants_come_back_byte_for_byte(clean: Instance) -> None:
    fresh_schema(
        clean, SCHEMA, "CREATE TABLE t (id INT, secret INT)", "CREATE PROCEDURE p() SELECT 1"
    )
    with loading(clean) as session:
        for statement in (
            "CREATE ROLE a_role, z_role",
            "GRANT SELECT ON accounts.* TO z_role",
            "GRANT z_role TO a_role",
            "CREATE USER app@localhost IDENTIFIED BY 'it''s a \\\\ secret'",
            "CREATE USER `odd ``name`@`%.example` IDENTIFIED BY 'x' REQUIRE SSL",
            "CREATE USER limited@`10.%` IDENTIFIED BY 'y' WITH MAX_USER_CONNECTIONS 3",
            "CREATE USER locked@`%` IDENTIFIED BY 'y' ACCOUNT LOCK PASSWORD EXPIRE INTERVAL 9 DAY",
            "GRANT SELECT (id), INSERT (id, secret) ON accounts.t TO app@localhost",
            "GRANT EXECUTE ON PROCEDURE accounts.p TO app@localhost WITH GRANT OPTION",
            "GRANT ALL ON `obj\\_%`.* TO limited@`10.%`",
            "GRANT PROCESS, RELOAD ON *.* TO limited@`10.%`",
            "GRANT a_role TO app@localhost",
            "SET DEFAULT ROLE a_role "
            + ("TO" if clean.flavour is Flavour.MYSQL_97 else "FOR")
            + " app@localhost",
        ):
            session.execute(statement)
    before = accounts_of(clean)
    assert len(before) == 6
    drop_accounts(clean)
    assert recreate(clean, before) == ()
    assert accounts_of(clean) == before


def test_a_password_still_opens_the_account_after_it_was_recreated(clean: Instance) -> None:
    with loading(clean) as session:
        for number in range(8):  # salts are random
            session.execute(f"CREATE USER u{number}@localhost IDENTIFIED BY 'pass {number}'")
    before = accounts_of(clean)
    drop_accounts(clean)
    assert recreate(clean, before) == ()
    for number in range(8):
        clean.connect(user=f"u{number}", password=f"pass {number}").close()


def test_an_account_that_is_there_keeps_its_password(clean: Instance) -> None:
    with loading(clean) as session:
        session.execute("CREATE USER u@localhost IDENTIFIED BY 'old'")
        before = accounts_of(clean)
        session.execute("ALTER USER u@localhost IDENTIFIED BY 'new'")
    assert recreate(clean, before) == ()
    if clean.flavour is Flavour.MYSQL_97:
        clean.connect(user="u", password="new").close()


def test_a_grant_on_a_missing_table_is_reported_without_the_password(clean: Instance) -> None:
    fresh_schema(clean, SCHEMA, "CREATE TABLE t (id INT)")
    with loading(clean) as session:
        session.execute("CREATE USER u@localhost IDENTIFIED BY 'word'")
        session.execute("GRANT SELECT ON accounts.t TO u@localhost")
        before = accounts_of(clean)
        drop_accounts(clean)
        session.execute("DROP DATABASE accounts")
    (finding,) = recreate(clean, before)
    assert finding.where == "`u`@`localhost`"
    assert "IDENTIFIED" not in finding.message


def test_a_user_whose_default_role_comes_later_by_name_is_created(mysql: Instance) -> None:
    drop_accounts(mysql)
    with loading(mysql) as session:
        session.execute("CREATE ROLE z_role")
        session.execute("CREATE USER a_user@localhost DEFAULT ROLE z_role")
    before = accounts_of(mysql)
    assert [account.name for account in before] == ["`a_user`@`localhost`", "`z_role`@`%`"]
    drop_accounts(mysql)
    assert recreate(mysql, before) == ()
    assert accounts_of(mysql) == before
    drop_accounts(mysql)


def test_what_was_granted_to_everybody_comes_back(mariadb: Instance) -> None:
    drop_accounts(mariadb)
    fresh_schema(mariadb, SCHEMA, "CREATE TABLE t (id INT)")
    with loading(mariadb) as session:
        session.execute("GRANT SELECT ON accounts.t TO PUBLIC")
    before = accounts_of(mariadb)
    drop_accounts(mariadb)
    assert accounts_of(mariadb) != before
    assert recreate(mariadb, before) == ()
    assert accounts_of(mariadb) == before
    drop_accounts(mariadb)


def test_the_user_without_a_name_comes_back(clean: Instance) -> None:
    with loading(clean) as session:
        session.execute("CREATE USER ``@localhost")
    before = accounts_of(clean)
    assert [account.name for account in before if not account.is_role] == ["``@`localhost`"]
    drop_accounts(clean)
    assert recreate(clean, before) == ()
    assert accounts_of(clean) == before


def test_grants_make_no_account_that_could_not_be_created(clean: Instance) -> None:
    name = "`ghost`@`localhost`"
    grant = f"GRANT SELECT ON *.* TO {name}".encode()
    ghost = Account(name, False, f"CREATE USER {name} REQUIRE SUBJECT '".encode(), (grant,))
    assert [finding.where for finding in recreate(clean, (ghost,))] == [name, name]
    assert name not in {account.name for account in accounts_of(clean)}


def test_without_a_word_to_the_server_a_grant_makes_an_account_without_password(
    mariadb: Instance,
) -> None:
    drop_accounts(mariadb)
    with loading(mariadb) as session:
        session.execute("GRANT SELECT ON *.* TO ghost@localhost")
    mariadb.connect(user="ghost", password="").close()
    drop_accounts(mariadb)
