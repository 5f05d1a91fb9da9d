"""Judge the variables of a server that is to be backed up; no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shardvault.fleet.servers import OLDEST, is_on
from shardvault.model.ids import ShardName
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity

_DAY_S = 86_400
_WEEK_S = 7 * _DAY_S


@dataclass(frozen=True)
class _Expected:
    """Say what a variable should be, and what it means if it is not."""

    variable: str
    what: str
    value: str
    severity: Severity
    meaning: str
    remedy: str = ""


_EXPECTED = (
    _Expected(
        "binlog_format",
        "binlog format",
        "ROW",
        Severity.WARNING,
        "changes after the cut can't be replayed exactly",
        "SET GLOBAL binlog_format=ROW, then let applications connect anew",
    ),
    _Expected(
        "binlog_row_image",
        "row image",
        "FULL",
        Severity.INFO,
        "only the server's own applier can replay it",
    ),
    _Expected(
        "gtid_mode",
        "gtid",
        "ON",
        Severity.WARNING,
        "the cut is only known by file and offset",
        "turn gtid_mode on, step by step as the manual says",
    ),
    _Expected(
        "gtid_strict_mode",
        "gtid strict mode",
        "ON",
        Severity.INFO,
        "the server itself doesn't refuse numbers out of order",
    ),
    _Expected(
        "wsrep_on",
        "galera",
        "OFF",
        Severity.BLOCKER,
        "changes applied by Galera can pass the backup locks",
        "name an asynchronous replica of the Galera cluster instead",
    ),
    _Expected(
        "read_only",
        "read only",
        "OFF",
        Severity.WARNING,
        "this looks like a replica, not like the primary",
        "name the primary in the fleet file",
    ),
)
EXAMINED = (
    "log_bin",
    "expire_logs_days",
    "binlog_expire_logs_seconds",
    "lock_wait_timeout",
    *(item.variable for item in _EXPECTED),
)
"""The variables that are looked at."""


def examine_version(
    shard: ShardName, family: Family, version: tuple[int, int, int], text: str
) -> Iterator[Finding]:
    """Report whether a server has the locks that a cut needs.

    Args:
        text: the version as the server says it.
    """
    if version >= OLDEST[family]:
        yield Finding(Severity.OK, shard, "version", text)
        return
    oldest = ".".join(map(str, OLDEST[family][:2]))
    yield Finding(
        Severity.BLOCKER,
        shard,
        "version",
        f"{text} has no backup locks",
        f"upgrade to {oldest} or newer, or leave the shard out with --shards",
    )


def examine_settings(
    shard: ShardName, family: Family, variables: Mapping[str, str]
) -> Iterator[Finding]:
    """Report each setting; variables that a server lacks are passed over."""
    yield from _judge_binlog(shard, family, variables)
    for item in _EXPECTED:
        if item.variable in variables:
            yield _judge(shard, item, variables[item.variable])
    yield _judge_lock_wait(shard, family, variables)


def _judge(shard: ShardName, item: _Expected, value: str) -> Finding:
    if value.upper() == item.value:
        return Finding(Severity.OK, shard, item.what, value)
    message = f"{item.variable}={value}: {item.meaning}"
    return Finding(item.severity, shard, item.what, message, item.remedy)


def _judge_binlog(
    shard: ShardName, family: Family, variables: Mapping[str, str]
) -> Iterator[Finding]:
    if is_on(variables.get("log_bin")):
        yield Finding(Severity.OK, shard, "binlog", "on")
        yield _judge_expiry(shard, variables)
        return
    remedy = "start the server with log_bin"
    if family is Family.MARIADB:
        message = "off: DDL during the dump cannot be found"
        yield Finding(Severity.BLOCKER, shard, "binlog", message, remedy)
    else:
        message = "off: the cut has no position"
        yield Finding(Severity.WARNING, shard, "binlog", message, remedy)


def _judge_expiry(shard: ShardName, variables: Mapping[str, str]) -> Finding:
    days = float(variables.get("expire_logs_days", 0))
    kept_s = int(variables.get("binlog_expire_logs_seconds", 0)) or days * _DAY_S
    what = "binlog expiry"
    if not kept_s:
        return Finding(Severity.OK, shard, what, "kept until purged by hand")
    kept = f"kept {kept_s / _DAY_S:.1f} days"
    if kept_s >= _DAY_S:
        return Finding(Severity.OK, shard, what, kept)
    remedy = f"SET GLOBAL binlog_expire_logs_seconds={_WEEK_S}"
    return Finding(Severity.WARNING, shard, what, f"{kept}: a dump may outlast it", remedy)


def _judge_lock_wait(shard: ShardName, family: Family, variables: Mapping[str, str]) -> Finding:
    """Applications whose commit waits under the barrier get error 1205 after this time."""
    if float(variables.get("lock_wait_timeout", 1)) < 1:
        return Finding(
            Severity.BLOCKER,
            shard,
            "locks",
            "lock_wait_timeout=0: commits of applications would fail at once under the barrier",
            "SET GLOBAL lock_wait_timeout=5 or more",
        )
    names = "BACKUP STAGE" if family is Family.MARIADB else "LOCK INSTANCE FOR BACKUP, FLUSH TABLES"
    return Finding(Severity.OK, shard, "locks", names)
