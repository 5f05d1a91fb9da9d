"""The corpus of evil names: what servers refuse of it, and what terminals are spared."""

from __future__ import annotations

from collections.abc import Mapping

import pymysql
import pytest

from shardvault.cli.page import Page
from shardvault.cli.page_backup import describe_definitions, describe_show
from shardvault.cli.page_findings import describe_check
from shardvault.cli.page_restore import describe_restore
from shardvault.model.ids import ShardName
from shardvault.model.report import Definition, DefinitionsReport, Finding, Severity
from tests.exactness.names import FOUR_BYTES, NAMES, NUL, Place, is_refused
from tests.integration.operations_support import quote
from tests.support.servers import Flavour, Instance
from tests.unit.cli import samples

MAKE: Mapping[Place, str] = {
    Place.SCHEMA: "CREATE DATABASE {}",
    Place.TABLE: "CREATE TABLE {} (i INT)",
    Place.COLUMN: "CREATE TABLE z ({} INT)",
    Place.INDEX: "CREATE TABLE z (i INT, KEY {} (i))",
    Place.CHECK: "CREATE TABLE z (i INT, CONSTRAINT {} CHECK (i > 0))",
    Place.FOREIGN_KEY: "CREATE TABLE z (i INT, CONSTRAINT {} FOREIGN KEY (i) REFERENCES p (i))",
    Place.PARTITION: "CREATE TABLE z (i INT) PARTITION BY RANGE (i)"
    " (PARTITION {} VALUES LESS THAN (5))",
    Place.SUBPARTITION: "CREATE TABLE z (i INT) PARTITION BY RANGE (i) SUBPARTITION BY HASH (i)"
    " (PARTITION p VALUES LESS THAN (5) (SUBPARTITION {}))",
    Place.VIEW: "CREATE VIEW {} AS SELECT 1 AS a",
    Place.VIEW_COLUMN: "CREATE VIEW z AS SELECT 1 AS {}",
    Place.ALIAS: "CREATE VIEW z AS SELECT {0}.i FROM p AS {0}",
    Place.SEQUENCE: "CREATE SEQUENCE {}",
    Place.TRIGGER: "CREATE TRIGGER {} BEFORE INSERT ON p FOR EACH ROW SET NEW.i = 9",
    Place.PROCEDURE: "CREATE PROCEDURE {}() SELECT 1",
    Place.FUNCTION: "CREATE FUNCTION {}() RETURNS INT DETERMINISTIC RETURN 1",
    Place.PARAMETER: "CREATE PROCEDURE z({} INT) SELECT 1",
    Place.LABEL: "CREATE PROCEDURE z() {}: BEGIN SELECT 1; END",
    Place.EVENT: "CREATE EVENT {} ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
    Place.USER: "CREATE USER {}@localhost",
    Place.ROLE: "CREATE ROLE {}",
    Place.HOST: "CREATE USER z@{}",
}
# Not a name; too long, also as that of a file; not in this syntax.
REFUSED_WITH = frozenset(
    {1, 13, 1005, 1030, 1064, 1102, 1103, 1105, 1166, 1280, 1396, 1458, 1470, 1567, 1959}
)
REFUSED = [
    pytest.param(flavour, name, place, id=f"{flavour.value}-{name}-{place.name.lower()}")
    for flavour in Flavour
    for name in NAMES
    for place in Place
    if is_refused(name, place, flavour)
]


@pytest.fixture
def instances(
    mariadb: Instance, mariadb118: Instance, mysql: Instance
) -> Mapping[Flavour, Instance]:
    """Give every server, each with a schema ``names`` that holds the table ``p``."""
    return {one.flavour: one for one in (mariadb, mariadb118, mysql)}


def make(instance: Instance, place: Place, name: str) -> None:
    """Make something of a name in a new schema."""
    with instance.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS names")
        cursor.execute("CREATE DATABASE names")
        cursor.execute("USE names")
        cursor.execute("CREATE TABLE p (i INT PRIMARY KEY)")
        cursor.execute(MAKE[place].format(quote(name)))


@pytest.mark.parametrize(("flavour", "name", "place"), REFUSED)
def test_the_server_itself_refuses_a_name_that_no_case_has(
    flavour: Flavour, name: str, place: Place, instances: Mapping[Flavour, Instance]
) -> None:
    with pytest.raises(pymysql.MySQLError) as refusal:
        make(instances[flavour], place, NAMES[name])
    assert refusal.value.args[0] in REFUSED_WITH


@pytest.mark.parametrize("place", Place)
def test_no_server_takes_a_nul_and_mariadb_no_character_of_four_bytes(
    place: Place, instances: Mapping[Flavour, Instance]
) -> None:
    for flavour, instance in instances.items():
        if place is Place.SEQUENCE and flavour is Flavour.MYSQL_97:
            continue
        with pytest.raises(pymysql.MySQLError, match="syntax"):
            make(instance, place, NUL)
        if flavour is not Flavour.MYSQL_97:
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
