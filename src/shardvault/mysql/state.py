"""Put a session into a known state and prove that it is in it.

What a server does with a value depends on a dozen session variables; none is left to
the server's configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from shardvault.errors import ServerError
from shardvault.model.position import Family
from shardvault.mysql.quoting import quote_name
from shardvault.mysql.session import Session, decode

# A statement this long makes the server's send buffer grow to its size for the rest of the
# connection: fewer and larger writes, about 15 % less time per byte (docs/benchmarks.md).
_WIDE_BUFFER_BYTES = 128 * 1024

_BOTH = {
    "character_set_client": "utf8mb4",
    "character_set_connection": "utf8mb4",
    "time_zone": "+00:00",
    "foreign_key_checks": "0",
    "unique_checks": "1",
    "sql_quote_show_create": "1",
    "sql_select_limit": "18446744073709551615",
    "net_write_timeout": "600",
    "net_read_timeout": "600",
    "lock_wait_timeout": "60",
}
_MARIADB = {"max_statement_time": "0.000000", "check_constraint_checks": "0"}
_MYSQL = {
    "max_execution_time": "0",
    "information_schema_stats_expiry": "0",
    "show_gipk_in_create_table_and_information_schema": "1",
}

READ_MODE = ""
_READ = {"sql_mode": READ_MODE}
LOAD_MODE = "ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION"
_LOAD = {
    "sql_mode": LOAD_MODE,
    "innodb_strict_mode": "0",  # what the source took is taken; row formats are compared
    "max_error_count": "65535",
    "restrict_fk_on_non_standard_key": "0",
    "sql_generate_invisible_primary_key": "0",
    "sql_require_primary_key": "0",
    "system_versioning_insert_history": "1",
    "system_versioning_alter_history": "KEEP",
    # A definition may leave a default collation to the server; it means the compiled-in one.
    "character_set_collations": "",
}


def prepare_read(session: Session) -> None:
    """Set the state in which definitions and rows are read; results are raw bytes."""
    _apply(session, _READ)
    session.execute("SET SESSION character_set_results = NULL")
    _widen_buffer(session)


def prepare_load(session: Session) -> None:
    """Set the state in which definitions and rows are written, and rows read back."""
    _apply(session, _LOAD)
    session.execute("SET SESSION character_set_results = NULL")
    _widen_buffer(session)


@contextmanager
def sql_mode(session: Session, mode: str) -> Iterator[None]:
    """Leave the load state for another sql_mode; after an error it is not taken up again."""
    session.execute(f"SET SESSION sql_mode = '{mode}'")
    yield
    session.execute(f"SET SESSION sql_mode = '{LOAD_MODE}'")


def _apply(session: Session, extra: Mapping[str, str]) -> None:
    session.execute("SET SESSION sql_select_limit = 18446744073709551615")  # it cuts SHOW short
    special = _MARIADB if session.family is Family.MARIADB else _MYSQL
    wanted = {**_BOTH, **special, **extra}
    known = _known(session, wanted)
    wanted = {name: value for name, value in wanted.items() if name in known}
    session.execute(
        "SET SESSION "
        + ", ".join(
            f"{name} = '{value}'" if not _is_number(value) else f"{name} = {value}"
            for name, value in wanted.items()
        )
    )
    _prove(session, wanted)


def _known(session: Session, wanted: Mapping[str, str]) -> set[str]:
    names = ",".join(f"'{name}'" for name in wanted)
    rows = session.rows(f"SHOW SESSION VARIABLES WHERE variable_name IN ({names})")
    return {decode(row[0] or b"").lower() for row in rows}


def _prove(session: Session, wanted: Mapping[str, str]) -> None:
    names = list(wanted)
    row = session.rows("SELECT " + ", ".join(f"@@SESSION.{quote_name(name)}" for name in names))[0]
    for name, value in zip(names, row, strict=True):
        got = decode(value or b"")
        if _as_set(got) != _as_set(wanted[name]):
            raise ServerError(
                f"session variable {name} is {got!r}, wanted {wanted[name]!r}",
                shard=session.shard,
                hint="a proxy or an init_connect may change sessions; connect directly",
            )


def _as_set(value: str) -> set[str]:
    """Ignore the order in which a server lists modes."""
    return set(value.split(","))


def _is_number(value: str) -> bool:
    return value.replace(".", "", 1).isdigit()


def _widen_buffer(session: Session) -> None:
    session.execute("DO 0" + " " * _WIDE_BUFFER_BYTES)
