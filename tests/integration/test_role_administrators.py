"""Who restores MariaDB's roles is left with what the source's grants say, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault import app
from tests.integration.operations_support import Lone, Vault, query, run_all, set_failpoints
from tests.support.servers import Instance

SCHEMA = "governed"
ROLES = ("own_role", "root_role", "member_role")
USERS = ("`governor`@`localhost`", "`restorer`@`localhost`")
LAID = (
    f"CREATE DATABASE {SCHEMA}",
    "CREATE USER `governor`@`localhost`",
    "CREATE ROLE own_role WITH ADMIN `governor`@`localhost`",
    "CREATE ROLE root_role",
    "GRANT root_role TO `governor`@`localhost`",
    "CREATE ROLE member_role WITH ADMIN `governor`@`localhost`",
)


@pytest.fixture(params=["mariadb", "mariadb118"])
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    clear(found)
    run_all(found, *LAID)
    yield found
    clear(found)


def clear(instance: Instance) -> None:
    run_all(
        instance,
        f"DROP DATABASE IF EXISTS {SCHEMA}",
        *(f"DROP ROLE IF EXISTS {name}" for name in ROLES),
        *(f"DROP USER IF EXISTS {name}" for name in USERS),
    )


def make_restorer(instance: Instance) -> None:
    """Make a login that is in the backup too, and member of a role that it does not govern."""
    run_all(
        instance,
        f"CREATE USER `restorer`@`localhost` IDENTIFIED BY '{instance.password}'",
        "GRANT ALL ON *.* TO `restorer`@`localhost` WITH GRANT OPTION",
        "SET ROLE NONE",
    )
    with instance.connect(user="governor", password="") as connection, connection.cursor() as one:
        one.execute("GRANT member_role TO `restorer`@`localhost`")


def read_holders(instance: Instance) -> list[tuple[str, ...]]:
    return query(instance, "SELECT role, user, admin_option FROM mysql.roles_mapping ORDER BY 1, 2")


def back_up(instance: Instance, folder: Path, user: str = "root") -> Vault:
    vault = Vault(folder, Lone({"main": instance}, user=user))
    vault.backup()
    return vault


def restore(vault: Vault) -> list[tuple[str, str]]:
    report = app.restore(
        "latest", vault.config, replace=True, confirm_source="shop", with_accounts=True
    )
    return [(item.where, item.message) for item in report.findings if "_role" in item.where]


def drop_roles(instance: Instance) -> None:
    run_all(instance, *(f"DROP ROLE {name}" for name in ROLES))


def test_root_administers_those_roles_that_it_administered_at_the_source(
    instance: Instance, tmp_path: Path
) -> None:
    before = read_holders(instance)
    assert ("root_role", "root", "Y") in before
    assert ("own_role", "root", "Y") not in before
    vault = back_up(instance, tmp_path)
    drop_roles(instance)
    run_all(instance, "DROP USER `governor`@`localhost`")
    assert restore(vault) == []
    assert read_holders(instance) == before


def test_a_login_that_is_in_the_backup_keeps_what_it_had(
    instance: Instance, tmp_path: Path
) -> None:
    make_restorer(instance)
    before = read_holders(instance)
    assert ("member_role", "restorer", "N") in before
    vault = back_up(instance, tmp_path, user="restorer")
    drop_roles(instance)
    assert restore(vault) == []
    assert read_holders(instance) == before


def test_a_role_that_was_there_keeps_its_administrator_and_a_finding_names_it(
    instance: Instance, tmp_path: Path
) -> None:
    vault = back_up(instance, tmp_path)
    drop_roles(instance)
    run_all(instance, "CREATE ROLE own_role")
    message = "`root`@`localhost` has more of this role than at the source, since before this run"
    assert ("`own_role`", message) in restore(vault)
    assert ("own_role", "root", "Y") in read_holders(instance)


def test_without_leaving_roles_the_login_would_administer_each_of_them(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = back_up(instance, tmp_path)
    drop_roles(instance)
    set_failpoints(monkeypatch, "restore.leave_roles=off")
    assert ("`own_role`", "reads back differently; was it there before?") in restore(vault)
    assert ("own_role", "root", "Y") in read_holders(instance)
