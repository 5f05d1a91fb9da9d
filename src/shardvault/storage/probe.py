"""Try out whether a store keeps the promises that a repository stands on."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from shardvault.errors import ObjectExists, ObjectMissing, StorageError
from shardvault.interfaces import ObjectStat, Storage
from shardvault.model.report import Finding, Severity

PREFIX = "probe/"

_HALF_BYTES = 32 * 1024
_WHERE = "store"


@dataclass(frozen=True)
class _Probe:
    """Hold one object that was just stored, and what it must contain."""

    storage: Storage
    name: str
    data: bytes


def probe_storage(storage: Storage) -> tuple[Finding, ...]:
    """Write, read, list and delete one object of a random name; leaves nothing behind.

    Every broken promise is a blocker. The store may be in use by others meanwhile.
    """
    data = secrets.token_bytes(2 * _HALF_BYTES)
    probe = _Probe(storage, PREFIX + secrets.token_hex(16), data)
    try:
        storage.put_new(probe.name, [data[:_HALF_BYTES], data[_HALF_BYTES:]])
    except StorageError as error:
        return (_blocker("write", error.message, error.hint or ""),)
    try:
        return tuple(_judge(what, check, probe) for what, check in _CHECKS)
    finally:
        with contextlib.suppress(StorageError):
            storage.delete(probe.name)


def _judge(what: str, check: Callable[[_Probe], str], probe: _Probe) -> Finding:
    try:
        fault = check(probe)
    except StorageError as error:
        return _blocker(what, error.message, error.hint or "")
    if fault:
        return _blocker(what, fault, "use another store; backups in this one could be lost")
    return Finding(Severity.OK, _WHERE, what, "as promised")


def _blocker(what: str, message: str, remedy: str) -> Finding:
    return Finding(Severity.BLOCKER, _WHERE, what, message, remedy)


def _check_read(probe: _Probe) -> str:
    found = probe.storage.get(probe.name)
    if found == probe.data:
        return ""
    return f"an object of {len(probe.data)} bytes reads back as {len(found)} other bytes"


def _check_part(probe: _Probe) -> str:
    begin, size = _HALF_BYTES - 10, 20
    is_equal = probe.storage.get(probe.name, begin, size) == probe.data[begin : begin + size]
    return "" if is_equal else "a part of an object reads back as something else"


def _check_stat(probe: _Probe) -> str:
    found = probe.storage.stat(probe.name)
    wanted = ObjectStat(probe.name, len(probe.data))
    return (
        "" if found == wanted else f"size of an object is {found.size_bytes}, not {len(probe.data)}"
    )


def _check_list(probe: _Probe) -> str:
    wanted = ObjectStat(probe.name, len(probe.data))
    is_listed = wanted in probe.storage.list(PREFIX)
    return "" if is_listed else "a new object is not listed, or with another size"


def _check_exclusive(probe: _Probe) -> str:
    """Two writers of one name must not both believe that they won."""
    try:
        probe.storage.put_new(probe.name, [b"second"])
    except ObjectExists:
        is_intact = probe.storage.get(probe.name) == probe.data
        return "" if is_intact else "a refused write changed the object"
    return "a second object of the same name was accepted"


def _check_delete(probe: _Probe) -> str:
    probe.storage.delete(probe.name)
    if any(item.name == probe.name for item in probe.storage.list(PREFIX)):
        return "a deleted object is still listed"
    try:
        probe.storage.get(probe.name)
    except ObjectMissing:
        return ""
    return "a deleted object can still be read"


_CHECKS: tuple[tuple[str, Callable[[_Probe], str]], ...] = (
    ("read after write", _check_read),
    ("read of a part", _check_part),
    ("size", _check_stat),
    ("list", _check_list),
    ("exclusive create", _check_exclusive),
    ("delete", _check_delete),
)
