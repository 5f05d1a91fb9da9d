"""Describe how to reach an instance and which instances make up a fleet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from shardvault.model.ids import ShardName


@dataclass(frozen=True)
class TlsOptions:
    """Say how the connection to an instance is secured.

    Attributes:
        verify_identity: check the server's name against its certificate.
    """

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    verify_identity: bool = True


@dataclass(frozen=True)
class Endpoint:
    """Say where an instance listens: a socket path, or host and port."""

    host: str | None = None
    port: int = 3306
    socket: str | None = None
    tls: TlsOptions | None = None

    def __str__(self) -> str:
        return self.socket or f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Login:
    """Hold a user and a way to get the password; never prints the password."""

    user: str
    password: Callable[[], str] = field(repr=False, compare=False, default=lambda: "")


@dataclass(frozen=True)
class Shard:
    """Describe one shard: its name, primary, replicas and login."""

    name: ShardName
    primary: Endpoint
    login: Login
    replicas: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, order=True)
class Node:
    """Name one physical table: shard, schema, table."""

    shard: ShardName
    schema: str
    table: str

    def __str__(self) -> str:
        return ".".join(_part(part) for part in (self.shard, self.schema, self.table))


def _part(name: str) -> str:
    """Put a name in backticks where it would not stay one part of a dotted name."""
    is_plain = all(char.isalnum() or char in "_-" for char in name)
    return name if is_plain else "`" + name.replace("`", "``") + "`"


@dataclass(frozen=True)
class LogicalTable:
    """Describe a logical table and where its parts lie.

    Attributes:
        rule: the sharding rule as configured, e.g. ``{"mod": 8}``; kept, not yet interpreted.
        has_rows: backups hold its rows; else only its definition.
    """

    name: str
    nodes: tuple[Node, ...]
    broadcast: bool = False
    key: str | None = None
    rule: str | None = None
    has_rows: bool = True


@dataclass(frozen=True)
class Fleet:
    """Describe all shards of one application database."""

    name: str
    shards: tuple[Shard, ...]
    tables: tuple[LogicalTable, ...] = ()


@dataclass(frozen=True)
class Scope:
    """Narrow an operation; every field empty = everything.

    Attributes:
        shards: names of shards.
        include: patterns a table must match one of: a logical table, ``schema``,
            ``schema.table``, each with ``*`` and ``?``; a bare word is a logical table if
            there is one of that name, else a schema, else a table by its bare name.
        exclude: patterns that take a table out again; same syntax.
    """

    shards: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def describe(self) -> tuple[str, ...]:
        """Write it as the options that chose it: sorted, each once; empty for everything."""
        options = (
            *(f"--shards {name}" for name in self.shards),
            *(f"--tables {pattern}" for pattern in self.include),
            *(f"--exclude {pattern}" for pattern in self.exclude),
        )
        return tuple(sorted(set(options)))
