"""Refuse servers on which a cut could not be trusted, before any lock."""

from __future__ import annotations

from collections.abc import Sequence

from shardvault.errors import RefusedError
from shardvault.fleet.servers import OLDEST
from shardvault.model.ids import ShardName
from shardvault.model.position import Family
from shardvault.mysql.session import Row, decode

VARIABLES = (
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('wsrep_on', 'lock_wait_timeout', 'log_bin')"
)

_NAMES = {Family.MARIADB: "MariaDB 10.4", Family.MYSQL: "MySQL 8.0"}
_SHARE_OF_LOCK_WAIT = 0.8


def refuse_version(shard: ShardName, family: Family, version: tuple[int, int, int]) -> None:
    """Raise RefusedError for a server without the locks that a cut needs."""
    if version >= OLDEST[family]:
        return
    shown = ".".join(map(str, version))
    raise RefusedError(
        f"version {shown} has no backup locks; a cut needs {_NAMES[family]} or newer",
        shard=shard,
        hint="upgrade the server, or leave the shard out with --shards",
    )


def read_variables(rows: Sequence[Row]) -> dict[str, str]:
    """Read the answer to VARIABLES."""
    return {decode(name or b"").lower(): decode(value or b"") for name, value in rows}


def refuse_galera(shard: ShardName, variables: dict[str, str]) -> None:
    """Raise RefusedError for a Galera node: its applier can pass the backup locks."""
    if variables.get("wsrep_on", "OFF").upper() in {"ON", "1"}:
        raise RefusedError(
            "wsrep_on=ON: changes applied by Galera can pass the backup locks",
            shard=shard,
            hint="back up from an asynchronous replica of this Galera cluster",
        )


def longest_hold_s(shard: ShardName, variables: dict[str, str], limit_s: float) -> float:
    """Return a hold that stays below the server's lock_wait_timeout [s].

    An application whose commit waits longer than that for our lock gets error 1205.
    """
    lock_wait_s = float(variables.get("lock_wait_timeout", "86400"))
    if lock_wait_s < 1:
        raise RefusedError(
            "lock_wait_timeout=0: commits of applications would fail at once under the barrier",
            shard=shard,
            hint="SET GLOBAL lock_wait_timeout=5 or more",
        )
    return min(limit_s, lock_wait_s * _SHARE_OF_LOCK_WAIT)
