"""Leave a server that all tests share as it was when it started."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pymysql

from shardvault.model.position import Family
from tests.support.servers import Instance

_MOVING = ("gtid_", "innodb_status", "timestamp", "last_insert_id", "insert_id", "rand_seed")
"""Beginnings of the names of variables that change by themselves, or that no test sets."""
_READ_ONLY = (
    "SELECT schema_name FROM information_schema.schemata_extensions"
    " WHERE options LIKE '%%READ ONLY=1%%'"
)


@dataclass
class SharedServers:
    """Know the shared servers that run, and the global variables that each began with."""

    _began: dict[str, tuple[Instance, Mapping[str, str]]] = field(default_factory=dict)

    def add(self, *instances: Instance) -> None:
        """Remember fresh servers."""
        for instance in instances:
            self._began[instance.socket] = instance, _read_globals(instance)

    def forget(self, *instances: Instance) -> None:
        """Leave servers alone that are to be stopped."""
        for instance in instances:
            self._began.pop(instance.socket, None)

    def clean(self) -> None:
        """Drop every schema and account of a test, and set changed global variables back."""
        from tests.integration.operations_support import wipe

        for instance, began in self._began.values():
            if instance.is_running:
                _set_back(instance, began)
                _unlock_schemas(instance)
                wipe(instance)


def _read_globals(instance: Instance) -> dict[str, str]:
    with instance.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL VARIABLES")
        return {name: value for name, value in cursor if not name.startswith(_MOVING)}


def _set_back(instance: Instance, began: Mapping[str, str]) -> None:
    changed = dict(_list_changes(began, _read_globals(instance)))
    if not changed:
        return
    with instance.connect() as connection, connection.cursor() as cursor:
        for name, value in changed.items():
            with contextlib.suppress(pymysql.MySQLError):  # some show what the server does
                cursor.execute(f"SET GLOBAL {name} = %s", (_literal(value),))


def _list_changes(began: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in began.items():
        if now.get(name) != value:
            yield name, value


def _literal(value: str) -> str | int | float:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(value)
    return value


def _unlock_schemas(instance: Instance) -> None:
    if instance.flavour.family is not Family.MYSQL:
        return
    with instance.connect() as connection, connection.cursor() as cursor:
        cursor.execute(_READ_ONLY)
        for (name,) in cursor.fetchall():
            quoted = name.replace("`", "``")
            cursor.execute(f"ALTER DATABASE `{quoted}` READ ONLY = 0")
