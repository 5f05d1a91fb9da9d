"""Ask a running server what it does in its own way; nothing is expected by its version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pymysql

from tests.exactness.names import MAKE, NAMES, REFUSED_WITH, SUSPECTS, Place
from tests.integration.operations_support import quote
from tests.support.servers import Instance

_SCHEMA = "shardvault_quirks"
_OWN_CODES = range(2000, 3000)  # of the client: a server that is gone has refused nothing
_KEY = "CONSTRAINT {0} FOREIGN KEY (i) REFERENCES {1} (i)"


@dataclass(frozen=True)
class Probe:
    """Ask for one ability, in a schema of its own.

    Attributes:
        name: the ability, for ``Quirks.has``.
        statements: what a server that has it takes.
        shows: what then stands in the last row of the last statement; empty = anything.
    """

    name: str
    statements: tuple[str, ...]
    shows: str = ""


PROBES = (
    Probe("vector", ("CREATE TABLE t (v VECTOR(2))",)),
    Probe("uuid", ("CREATE TABLE t (v UUID)",)),
    Probe("inet4", ("CREATE TABLE t (v INET4)",)),
    Probe("inet6", ("CREATE TABLE t (v INET6)",)),
    Probe("sequence_of_a_type", ("CREATE SEQUENCE s AS TINYINT",)),
    Probe("ignored_index", ("CREATE TABLE t (i INT, KEY k (i) IGNORED)",)),
    Probe("history", ("SET SESSION system_versioning_insert_history = ON",)),
    Probe("uca1400", ("CREATE TABLE t (v TEXT CHARACTER SET utf8mb4 COLLATE uca1400_as_cs)",)),
    Probe("0900", ("CREATE TABLE t (v TEXT COLLATE utf8mb4_0900_ai_ci)",)),
    Probe(
        "plain_utf8mb4_is_general",
        ("CREATE TABLE t (v TEXT CHARACTER SET utf8mb4)", "SHOW FULL COLUMNS FROM t"),
        "utf8mb4_general_ci",
    ),
    Probe(
        "counter_of_nothing",
        (
            "CREATE TABLE t (i INT) AUTO_INCREMENT=4711",
            "SELECT auto_increment FROM information_schema.tables"
            f" WHERE table_schema = '{_SCHEMA}'",
        ),
        "4711",
    ),
    Probe(
        "minus_zero",
        (
            "CREATE TABLE t (d DOUBLE)",
            "INSERT INTO t VALUES (-0e0)",
            "SELECT CONCAT('zero ', d) FROM t",
        ),
        "zero -0",
    ),
    Probe(
        "timestamp_after_2038",
        (
            "CREATE TABLE t (d TIMESTAMP)",
            "INSERT INTO t VALUES ('2100-01-01 00:00:00')",
            "SELECT d FROM t",
        ),
        "2100-01-01 00:00:00",
    ),
    Probe(
        "foreign_key_with_backticks",
        (
            "CREATE TABLE `p``q` (i INT PRIMARY KEY)",
            f"CREATE TABLE t (i INT, {_KEY.format('`f``k`', '`p``q`')})",
            "SHOW CREATE TABLE t",
        ),
        _KEY.format("`f``k`", "`p``q`").replace("(i)", "(`i`)"),
    ),
    Probe(
        "foreign_key_to_the_old_prefix",
        (
            "CREATE TABLE `#mysql50#a-b` (i INT PRIMARY KEY)",
            f"CREATE TABLE t (i INT, {_KEY.format('f', '`#mysql50#a-b`')})",
            "SHOW CREATE TABLE t",
        ),
        _KEY.format("`f`", "`#mysql50#a-b`").replace("(i)", "(`i`)"),
    ),
)


@dataclass(frozen=True, eq=False)
class Quirks:
    """Hold the answers of one server.

    Attributes:
        version: as the server says it.
        lacks: abilities that it does not have, each with its own message.
        refused: names that it refuses, by place, each with its own message.
    """

    version: str = ""
    lacks: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[tuple[str, Place], str] = field(default_factory=dict)

    def has(self, ability: str) -> bool:
        """Say whether the server has an ability of PROBES."""
        assert any(probe.name == ability for probe in PROBES), ability
        return ability not in self.lacks

    def takes(self, name: str, place: Place) -> bool:
        """Say whether the server takes a name, given by its key in NAMES, for a place."""
        return (name, place) not in self.refused

    def names_of(self, place: Place) -> tuple[str, ...]:
        """List every evil name that the server takes for things of a kind."""
        return tuple(text for name, text in NAMES.items() if self.takes(name, place))


NO_QUIRKS = Quirks()
"""What a server answers that can do all."""


def ask(instance: Instance) -> Quirks:
    """Ask a server every probe; it needs about a second, and nothing of it remains."""
    with instance.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = '', time_zone = '+00:00', foreign_key_checks = 1")
        cursor.execute("SELECT VERSION()")
        (version,) = cursor.fetchone() or ("",)
        lacks = {probe.name: why for probe in PROBES if (why := try_probe(cursor, probe))}
        refused = {
            (name, place): why
            for suspect in SUSPECTS
            for name in sorted(suspect.names)
            for place in Place
            if place in suspect.places and (why := try_name(cursor, place, NAMES[name]))
        }
        _clean(cursor)
    return Quirks(str(version), lacks, refused)


def is_answer(error: pymysql.MySQLError) -> bool:
    """Say whether the server itself refused something; a lost connection is no answer."""
    code = error.args[0] if error.args else 0
    return isinstance(code, int) and code not in _OWN_CODES and code > 0


def try_name(cursor: pymysql.cursors.Cursor, place: Place, name: str) -> str:
    """Make something of a name; return the server's message if it refuses the name."""
    _renew(cursor)
    cursor.execute("CREATE TABLE p (i INT PRIMARY KEY)")
    try:
        cursor.execute(MAKE[place].format(quote(name)))
    except pymysql.MySQLError as error:
        if error.args[0] not in REFUSED_WITH:
            raise
        return str(error)
    for statement in _UNMAKE.get(place, ()):
        cursor.execute(statement.format(quote(name)))
    return ""


_UNMAKE: Mapping[Place, tuple[str, ...]] = {
    Place.SCHEMA: ("DROP DATABASE {}",),
    Place.USER: ("DROP USER {}@localhost",),
    Place.ROLE: ("DROP ROLE {}",),
    Place.HOST: ("DROP USER z@{}",),
}


def try_probe(cursor: pymysql.cursors.Cursor, probe: Probe) -> str:
    """Return why a server lacks an ability, empty if it has it."""
    _renew(cursor)
    rows: tuple[tuple[object, ...], ...] = ()
    for statement in probe.statements:
        try:
            cursor.execute(statement)
            rows = tuple(cursor.fetchall())
        except pymysql.MySQLError as error:
            if not is_answer(error):
                raise
            return f"{statement}: {error}"
    text = " ".join(map(str, rows[-1])) if rows else ""
    return "" if probe.shows in text else f"{probe.statements[-1]} gives {text}"


def _renew(cursor: pymysql.cursors.Cursor) -> None:
    _clean(cursor)
    cursor.execute(f"CREATE DATABASE {_SCHEMA}")
    cursor.execute(f"USE {_SCHEMA}")


def _clean(cursor: pymysql.cursors.Cursor) -> None:
    cursor.execute(f"DROP DATABASE IF EXISTS {_SCHEMA}")
