"""Statistics are a help for queries: a server that refuses them stops no restore."""

from __future__ import annotations

from unittest.mock import Mock, create_autospec

import pytest

from shardvault.errors import ConnectError, PrivilegeError, ServerError
from shardvault.load import statistics
from shardvault.load.statistics import analyze_tables, set_histograms
from shardvault.model.position import Family
from shardvault.model.schema import Table, TableKind
from shardvault.mysql.session import Session

TABLES = [("shop", f"orders_{number}") for number in range(60)]
REFUSED = [ServerError("syntax error", code=1064), PrivilegeError("denied")]


def make_session(error: Exception) -> Mock:
    session: Mock = create_autospec(Session, instance=True, family=Family.MYSQL)
    session.rows.side_effect = error
    return session


def make_table() -> Table:
    histograms = (("a", "{}"), ("b", "{}"))
    return Table("shop", "t", TableKind.ROWS, "InnoDB", True, b"", (), histograms=histograms)


@pytest.mark.parametrize("error", REFUSED)
def test_an_analysis_that_is_refused_is_reported_and_the_others_are_tried(
    error: ServerError | PrivilegeError,
) -> None:
    assert list(analyze_tables(make_session(error), TABLES)) == [
        f"50 tables from shop.orders_0: {error.message}",
        f"10 tables from shop.orders_50: {error.message}",
    ]


@pytest.mark.parametrize("error", REFUSED)
def test_a_histogram_that_is_refused_is_reported_and_the_others_are_tried(
    error: ServerError | PrivilegeError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "read_histograms", lambda *_: {})
    faults = list(set_histograms(make_session(error), make_table()))
    assert faults == [f"shop.t: histogram of {name}: {error.message}" for name in "ab"]


def test_a_lost_connection_is_no_matter_of_statistics() -> None:
    with pytest.raises(ConnectError):
        list(analyze_tables(make_session(ConnectError("gone")), TABLES))
