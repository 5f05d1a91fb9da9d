"""MySQL's second password, which SHOW CREATE USER leaves out, comes back with its account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest

from shardvault import app
from shardvault.errors import PrivilegeError
from shardvault.fleet.accounts import read_accounts
from shardvault.load.accounts import create_accounts
from shardvault.model.schema import Account
from shardvault.model.target import Scope
from tests.integration.copying import loading, reading
from tests.integration.operations_support import Lone, Vault, query, run_all
from tests.support.servers import Instance

NAME = "`rotated`@`localhost`"
SCHEMA = "rotating"


@pytest.fixture
def server(mysql: Instance) -> Iterator[Instance]:
    clear(mysql)
    run_all(
        mysql,
        f"CREATE USER {NAME} IDENTIFIED BY 'old' ATTRIBUTE '{{\"team\": 1}}'",
        f"ALTER USER {NAME} IDENTIFIED BY 'new' RETAIN CURRENT PASSWORD",
    )
    yield mysql
    clear(mysql)


def clear(instance: Instance) -> None:
    run_all(instance, f"DROP USER IF EXISTS {NAME}", f"DROP DATABASE IF EXISTS {SCHEMA}")


def read(instance: Instance) -> Account:
    with reading(instance) as session:
        (found,) = [account for account in read_accounts(session) if account.name == NAME]
    return found


def create_anew(instance: Instance, account: Account) -> None:
    run_all(instance, f"DROP USER {NAME}")
    with loading(instance) as session:
        assert create_accounts(session, (account,)) == (frozenset({NAME}), ())


def is_open(instance: Instance, password: str) -> bool:
    try:
        instance.connect(user="rotated", password=password).close()
    except pymysql.OperationalError:
        return False
    return True


def test_both_passwords_open_the_account_after_it_was_recreated(server: Instance) -> None:
    for _ in range(8):  # salts are random, and hold any byte of ASCII
        run_all(
            server,
            f"ALTER USER {NAME} IDENTIFIED BY 'old'",
            f"ALTER USER {NAME} IDENTIFIED BY 'new' RETAIN CURRENT PASSWORD",
        )
        before = read(server)
        create_anew(server, before)
        assert read(server) == before
        assert is_open(server, "new")
        assert is_open(server, "old")


def test_create_user_alone_loses_the_second_password(server: Instance) -> None:
    before = replace(read(server), second_password="")
    create_anew(server, before)
    assert read(server) == before
    assert is_open(server, "new")
    assert not is_open(server, "old")


def test_an_account_that_is_there_is_given_no_second_password(server: Instance) -> None:
    before = read(server)
    run_all(server, f"ALTER USER {NAME} DISCARD OLD PASSWORD")
    with loading(server) as session:
        assert create_accounts(session, (before,)) == (frozenset(), ())
    assert not is_open(server, "old")


@pytest.mark.parametrize(
    "how",
    [
        "PASSWORD EXPIRE",
        "PASSWORD EXPIRE NEVER ACCOUNT LOCK REQUIRE X509",
        "PASSWORD EXPIRE INTERVAL 9 DAY PASSWORD HISTORY 3 FAILED_LOGIN_ATTEMPTS 4"
        " PASSWORD_LOCK_TIME 5",
    ],
)
def test_what_else_an_account_has_stays_beside_the_second_password(
    server: Instance, how: str
) -> None:
    tls, _, rest = how.partition("REQUIRE ")
    run_all(server, f"ALTER USER {NAME} {f'REQUIRE {rest} ' if rest else ''}{tls}")
    before = read(server)
    assert before.second_password
    create_anew(server, before)
    assert read(server) == before


def test_hashes_are_read_as_text_where_the_source_prints_them_in_hex(server: Instance) -> None:
    run_all(server, "SET GLOBAL print_identified_with_as_hex = ON")
    try:
        before = read(server)
        assert b" AS 0x" not in before.create_sql
        create_anew(server, before)
        assert read(server) == before
    finally:
        run_all(server, "SET GLOBAL print_identified_with_as_hex = OFF")


def test_a_second_password_comes_back_by_a_restore_and_its_loss_is_told(
    server: Instance, tmp_path: Path
) -> None:
    run_all(server, f"CREATE DATABASE {SCHEMA}")
    vault = Vault(tmp_path, Lone({"main": server}))
    vault.backup()
    run_all(server, f"DROP USER {NAME}")
    assert told(vault) == []
    assert is_open(server, "old")
    run_all(server, f"ALTER USER {NAME} DISCARD OLD PASSWORD")
    assert told(vault) == ["reads back differently; was it there before?"]


def told(vault: Vault) -> list[str]:
    report = app.restore(
        "latest", vault.config, replace=True, confirm_source="shop", with_accounts=True
    )
    return [item.message for item in report.findings if item.where == NAME]


def test_a_login_that_does_not_see_second_passwords_is_refused_or_backs_up_no_accounts(
    server: Instance, tmp_path: Path
) -> None:
    columns = query(
        server,
        "SELECT GROUP_CONCAT(column_name) FROM information_schema.columns WHERE table_schema ="
        " 'mysql' AND table_name = 'user' AND column_name <> 'User_attributes'",
    )[0][0]
    run_all(
        server,
        f"CREATE DATABASE {SCHEMA}",
        f"CREATE USER `blind`@`localhost` IDENTIFIED BY '{server.password}'",
        "GRANT RELOAD, PROCESS, REPLICATION CLIENT, BACKUP_ADMIN, XA_RECOVER_ADMIN, SHOW_ROUTINE"
        " ON *.* TO `blind`@`localhost`",
        f"GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON {SCHEMA}.* TO `blind`@`localhost`",
        f"GRANT SELECT ({columns}) ON mysql.user TO `blind`@`localhost`",
    )
    try:
        vault = Vault(tmp_path, Lone({"main": server}, user="blind"))
        with pytest.raises(PrivilegeError, match=r"missing: SELECT \(rows, accounts\)"):
            vault.backup()
        narrowed = vault.backup(scope=Scope(include=(SCHEMA,)))
        (notice,) = [one for one in narrowed.notices if "accounts" in one]
        assert "accounts are not in the backup" in notice
    finally:
        run_all(server, "DROP USER `blind`@`localhost`")
