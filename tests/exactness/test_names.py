"""The corpus of evil names: what servers refuse of it, and what terminals are spared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pymysql
import pytest

from shardvault.cli.page import Page
from shardvault.cli.page_backup import describe_definitions, describe_show
from shardvault.cli.page_findings import describe_check
from shardvault.cli.page_restore import describe_restore
from shardvault.model.ids import ShardName
from shardvault.model.position import Family
from shardvault.model.report import Definition, DefinitionsReport, Finding, Severity
from tests.exactness.names import FOUR_BYTES, MAKE, NAMES, NUL, Place
from tests.exactness.quirks import Probe, ask, try_name, try_probe
from tests.exactness.runs import Runs
from tests.integration.operations_support import quote
from tests.support.servers import Flavour, Instance
from tests.unit.cli import samples

MOST_REFUSED = 80
"""Most pairs of name and place that a server refuses; each is left out of a case."""


@pytest.fixture
def instances(
    mariadb105: Instance, mariadb: Instance, mariadb118: Instance, mysql: Instance
) -> Mapping[Flavour, Instance]:
    """Give every server, each with a schema ``names`` that holds the table ``p``."""
    return {one.flavour: one for one in (mariadb105, mariadb, mariadb118, mysql)}


def make(instance: Instance, place: Place, name: str) -> None:
    """Make something of a name in a new schema."""
    with instance.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS names")
        cursor.execute("CREATE DATABASE names")
        cursor.execute("USE names")
        cursor.execute("CREATE TABLE p (i INT PRIMARY KEY)")
        cursor.execute(MAKE[place].format(quote(name)))


@pytest.mark.parametrize("flavour", Flavour, ids=lambda flavour: flavour.value)
def test_a_server_takes_most_evil_names_and_says_why_it_refuses_others(
    flavour: Flavour, runs: Runs
) -> None:
    refused = runs.quirks(flavour).refused
    assert len(refused) <= MOST_REFUSED, refused
    assert all(refused.values())
    assert runs.quirks(flavour).takes("quote", Place.TABLE)


def test_a_name_that_is_refused_for_another_reason_stops_the_questions(mariadb: Instance) -> None:
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER IF NOT EXISTS limited@localhost IDENTIFIED BY 'x'")
        cursor.execute("GRANT SELECT ON *.* TO limited@localhost")
    with (
        mariadb.connect(user="limited", password="x") as connection,
        connection.cursor() as cursor,
        pytest.raises(pymysql.MySQLError, match="denied"),
    ):
        try_name(cursor, Place.TABLE, "a")


def test_a_server_is_asked_what_it_can_do(mariadb: Instance, mysql: Instance) -> None:
    assert not ask(mariadb).has("vector")
    assert "VECTOR" in ask(mariadb).lacks["vector"]
    assert ask(mysql).has("vector")


def test_a_wrong_answer_is_a_quirk_and_told_in_the_servers_words(mariadb: Instance) -> None:
    wrong = Probe("wrong", ("CREATE TABLE t (i INT)", "SELECT 7"), shows="8")
    with mariadb.connect() as connection, connection.cursor() as cursor:
        assert try_probe(cursor, wrong) == "SELECT 7 gives 7"
        assert try_probe(cursor, replace(wrong, shows="7")) == ""


@pytest.mark.parametrize("place", Place)
def test_no_server_takes_a_nul_and_mariadb_no_character_of_four_bytes(
    place: Place, instances: Mapping[Flavour, Instance]
) -> None:
    for flavour, instance in instances.items():
        if place is Place.SEQUENCE and flavour.family is Family.MYSQL:
            continue
        with pytest.raises(pymysql.MySQLError, match="syntax"):
            make(instance, place, NUL)
        if flavour.family is Family.MARIADB:
            with pytest.raises(pymysql.MySQLError, match="Invalid utf8mb4"):
                make(instance, place, FOUR_BYTES)


@pytest.mark.parametrize("name", [*NAMES, "nul"])
def test_no_report_lets_a_name_act_on_the_terminal(name: str) -> None:
    text = NAMES.get(name, NUL)
    page = Page(80)
    describe_show(page, samples.show_report(text, text))
    describe_restore(page, samples.restore_report(text))
    describe_check(page, samples.check_report(Finding(Severity.WARNING, text, text, text, text)))
    describe_definitions(
        page,
        DefinitionsReport(samples.ID, (Definition(ShardName(text), text, text, "table", text),)),
    )
    assert page.text().replace("\n", "").replace("\xa0", " ").isprintable()
