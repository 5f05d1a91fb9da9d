from __future__ import annotations

import pickle

import pytest
from pymysql import err

from shardvault.errors import ConnectError, PrivilegeError, ServerError, ShardvaultError
from shardvault.mysql.errors import error_code, translate, translate_login


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (err.OperationalError(2013, "Lost connection"), ConnectError),
        (err.OperationalError(2006, "gone away"), ConnectError),
        (err.InterfaceError(0, ""), ConnectError),
        (TimeoutError("timed out"), ConnectError),
        (BrokenPipeError(32, "Broken pipe"), ConnectError),
        (err.OperationalError(1142, "SELECT command denied"), PrivilegeError),
        (err.OperationalError(1227, "Access denied; you need SUPER"), PrivilegeError),
        (err.ProgrammingError(1064, "syntax"), ServerError),
        (err.DataError(1406, "too long"), ServerError),
        (err.InternalError("Packet sequence number wrong"), ConnectError),
    ],
)
def test_each_failure_becomes_the_class_that_fits(
    error: Exception, wanted: type[ShardvaultError]
) -> None:
    found = translate(error, shard="s1", statement="SELECT 1")
    assert type(found) is wanted
    assert found.shard == "s1"
    assert "SELECT 1" in str(found)


def test_a_server_error_keeps_its_number_also_when_pickled() -> None:
    found = translate(err.ProgrammingError(1064, "near\n 'x'"), shard="s1", statement="S")
    assert isinstance(found, ServerError)
    assert (found.code, str(found)) == (1064, "shard s1: S failed: near 'x' (1064)")
    copy = pickle.loads(pickle.dumps(found))
    assert (copy.code, str(copy)) == (found.code, str(found))


@pytest.mark.parametrize("code", [1045, 1044, 1698, 1251, 2059, 2061])
def test_a_refused_login_says_so_and_what_to_check(code: int) -> None:
    found = translate_login(
        err.OperationalError(code, "Access denied"), shard="s", place="h:1", user="u"
    )
    assert isinstance(found, ConnectError)
    assert "login of 'u' at h:1 refused" in str(found)
    assert "password" in (found.hint or "")


def test_a_place_that_does_not_answer_is_told_from_a_refused_login() -> None:
    error = err.OperationalError(2003, "Can't connect (timed out)")
    found = translate_login(error, shard="s", place="h:1", user="u")
    assert "cannot connect to h:1" in str(found)
    assert "firewall" in (found.hint or "")


def test_an_error_without_number_has_number_zero() -> None:
    assert error_code(err.InternalError("text")) == 0
    assert error_code(err.InternalError()) == 0
    assert error_code(err.InternalError(5)) == 5


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (1040, "max_connections"),
        (1129, "FLUSH HOSTS"),
        (1130, "CREATE USER"),
        (1203, "max_user_connections"),
        (1226, "ALTER USER"),
        (1820, "expired"),
        (1862, "expired"),
        (3118, "ACCOUNT UNLOCK"),
        (3159, "tls"),
        (3955, "ACCOUNT UNLOCK"),
        (4151, "ACCOUNT UNLOCK"),
    ],
)
def test_a_server_that_refuses_a_connection_is_no_matter_of_the_firewall(
    code: int, remedy: str
) -> None:
    found = translate_login(err.OperationalError(code, "no"), shard="s", place="h:1", user="u")
    assert isinstance(found, ConnectError)
    assert remedy in (found.hint or "")
    assert "firewall" not in (found.hint or "")


@pytest.mark.parametrize("is_encrypted", [True, False])
def test_require_ssl_is_a_possible_reason_only_without_tls(is_encrypted: bool) -> None:
    found = translate_login(
        err.OperationalError(1045, "Access denied"),
        shard="s",
        place="h:1",
        user="u",
        is_encrypted=is_encrypted,
    )
    assert ("REQUIRE SSL" in (found.hint or "")) is not is_encrypted
