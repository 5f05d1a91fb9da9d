"""Put every session into a known state and prove that it is in it.

What a server does with a value depends on dozens of session variables; none is left to
the server's configuration. ``mysql.variables`` lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shardvault.errors import PrivilegeError, ServerError
from shardvault.failpoints import is_off
from shardvault.mysql.quoting import quote_name
from shardvault.mysql.variables import (
    LEFT_AS_THEY_ARE,
    LIMITS,
    LOAD_MODE,
    OPENED,
    READ_MODE,
    RESTRICTED,
    Values,
    base_state,
    load_state,
    write_value,
)

if TYPE_CHECKING:
    from shardvault.mysql.session import Session

__all__ = [
    "LOAD_MODE",
    "READ_MODE",
    "enter_load_state",
    "find_left",
    "open_state",
    "prepare_load",
    "prepare_read",
    "sql_mode",
]

# A statement this long makes the server's send buffer grow to its size for the rest of the
# connection: fewer and larger writes, about 15 % less time per byte (docs/benchmarks.md).
_WIDE_BUFFER_BYTES = 128 * 1024
_INIT_CONNECT = "@@GLOBAL.init_connect"

_known: dict[tuple[str, str], frozenset[str]] = {}
"""Which of our variables a server has, by its place and version; a fleet asks each once."""


def open_state(session: Session) -> None:
    """Put a new session into the base state: no transaction, reading, results as raw bytes.

    A server with an init_connect is asked to reset the session first: its statements may
    have opened a transaction, made temporary tables or set what has no global value.

    Raises:
        ServerError: a variable does not take its value.
    """
    if is_off("session.state"):
        session.execute("SET SESSION autocommit = 1")
        return
    wanted = {**OPENED, **base_state(session.family, session.version)}
    if _apply(session, wanted):
        session.reset()
        _apply(session, wanted)


def prepare_read(session: Session) -> None:
    """Return to the base state, in which definitions and rows are read; results are raw bytes."""
    _apply(session, base_state(session.family, session.version))
    _widen_buffer(session)


def prepare_load(session: Session) -> None:
    """Set the state in which definitions and rows are written, and rows read back."""
    enter_load_state(session)
    _widen_buffer(session)


def enter_load_state(session: Session) -> None:
    """Do what ``prepare_load`` does, but for a session that will not move many rows."""
    _apply(session, load_state(session.family, session.version))


@contextmanager
def sql_mode(session: Session, mode: str) -> Iterator[None]:
    """Leave the load state for another sql_mode; after an error it is not taken up again."""
    session.execute(f"SET SESSION sql_mode = '{mode}'")
    yield
    session.execute(f"SET SESSION sql_mode = '{LOAD_MODE}'")


def _apply(session: Session, wanted: Values) -> bool:
    """Set variables and prove them; say whether the server has an init_connect.

    What needs a privilege that the login lacks is only set where it differs.
    """
    known = _find_known(session)
    wanted = {name: value for name, value in wanted.items() if name in known}
    is_allowed = _try_set(session, wanted)
    init_connect, found = _read(session, wanted)
    different = [
        name
        for name, value in wanted.items()
        if (name in RESTRICTED or not is_allowed) and _as_set(found[name]) != _as_set(value)
    ]
    left = {
        name for name in different if not _set_restricted(session, name, found[name], wanted[name])
    }
    if different:
        _, found = _read(session, wanted)
    _prove(session, {name: value for name, value in wanted.items() if name not in left}, found)
    return bool(init_connect)


def _try_set(session: Session, wanted: Values) -> bool:
    """Set all that usually needs no special privilege; say whether the login was allowed to."""
    try:
        _set(session, {name: value for name, value in wanted.items() if name not in RESTRICTED})
    except PrivilegeError:
        return False
    return True


def _find_known(session: Session) -> frozenset[str]:
    """Find which of our variables the server has."""
    key = (session.place, session.version_text)
    if key not in _known:
        state = base_state(session.family, session.version)
        _set(session, {name: state[name] for name in LIMITS[session.family]})
        wanted = {**OPENED, **load_state(session.family, session.version)}
        names = ",".join(f"'{name}'" for name in wanted)
        rows = session.rows(f"SHOW SESSION VARIABLES WHERE variable_name IN ({names})")
        _known[key] = frozenset(_text(row[0]).lower() for row in rows)
    return _known[key]


def _set(session: Session, wanted: Values) -> None:
    if wanted:
        pairs = (f"{name} = {write_value(name, value)}" for name, value in wanted.items())
        session.execute("SET SESSION " + ", ".join(pairs))


def _set_restricted(session: Session, name: str, found: str | None, wanted: str | None) -> bool:
    """Set a variable; False if it was left as it is, because nothing depends on it for certain."""
    try:
        _set(session, {name: wanted})
    except PrivilegeError as error:
        if name in LEFT_AS_THEY_ARE:
            return False
        value = write_value(name, wanted)
        raise ServerError(
            f"session variable {name} is {found!r}, must be {wanted!r}, and this login is not "
            f"allowed to set it: {error.message}",
            shard=session.shard,
            hint=f"SET GLOBAL {name} = {value}, or give the login the privilege to set it",
        ) from error
    return True


def find_left(session: Session) -> dict[str, str]:
    """Read the variables of the load state that our login could not set, and their values."""
    wanted = load_state(session.family, session.version)
    names = sorted(LEFT_AS_THEY_ARE.keys() & _find_known(session))
    found = _read(session, names)[1]
    return {name: found[name] or "" for name in names if found[name] != wanted[name]}


def _read(session: Session, names: Iterable[str]) -> tuple[str, dict[str, str | None]]:
    """Read the server's init_connect and the values of session variables."""
    names = list(names)
    columns = [_INIT_CONNECT, *(f"@@SESSION.{quote_name(name)}" for name in names)]
    first, *values = session.rows("SELECT " + ", ".join(columns))[0]
    texts = (None if value is None else _text(value) for value in values)
    return _text(first), dict(zip(names, texts, strict=True))


def _prove(session: Session, wanted: Values, found: Mapping[str, str | None]) -> None:
    for name, value in wanted.items():
        if _as_set(found[name]) != _as_set(value):
            raise ServerError(
                f"session variable {name} is {found[name]!r}, wanted {value!r}",
                shard=session.shard,
                hint="a proxy or an init_connect may change sessions; connect directly",
            )


def _as_set(value: str | None) -> set[str] | None:
    """Ignore the order in which a server lists modes."""
    return None if value is None else set(value.split(","))


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "surrogateescape")


def _widen_buffer(session: Session) -> None:
    session.execute("DO 0" + " " * _WIDE_BUFFER_BYTES)
