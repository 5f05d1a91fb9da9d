"""Reports as the operations return them; one set with ordinary names, one with evil ones."""

from __future__ import annotations

from shardvault.model.export import ExportForm, ExportReport
from shardvault.model.ids import BackupId, ShardName
from shardvault.model.loss import AllowedLoss
from shardvault.model.manifest import BarrierRecord, LogicalTableRecord, Totals
from shardvault.model.position import Family, Position
from shardvault.model.report import (
    BackupReport,
    BackupSummary,
    CatalogReport,
    CheckReport,
    Finding,
    InitReport,
    PlannedTable,
    ProbeReport,
    RestorePlanReport,
    RestoreReport,
    Severity,
    ShardVolume,
    ShowReport,
    TableVolume,
    VerifyReport,
)
from shardvault.model.upkeep import RepoStatsReport

ID = BackupId("20261122T113000Z-full")
EVIL = "a`b\n\x1b[31mred\x1b[0m \u202egnp.exe\u2066 \r\x07 ../'\"\\ \U0001f4a9\u3042 \x9b2J \udcff"
"""A name with newline, ANSI escapes, text direction, bell, quotes, wide and broken characters."""

_BEGIN, _END = "2026-11-22T11:30:00Z", "2026-11-22T11:31:10Z"
_BARRIER = BarrierRecord(held_ms=6.2, lock_wait_ms=1.3, attempts=1, skew_ms=0.4)
_GTIDS = ",".join(f"3e11fa47-71ca-11e1-9e33-c80aa942956{n}:1-{n}00000" for n in range(5))


def shard_volumes(first: str = "s0", target: str = "") -> tuple[ShardVolume, ...]:
    mariadb = Position(Family.MARIADB, "0-1-4711", "binlog.000003", 12345)
    mysql = Position(Family.MYSQL, _GTIDS, "", 0)
    return (
        ShardVolume(ShardName(first), mariadb, 12, 1_000_000, 536870912, 136000000, 12.1, target),
        ShardVolume(ShardName("s1"), mysql, 12, 12_000_000, 6536870912, 0, 72.9, target),
    )


TOTALS = Totals(2, 24, 13_000_000, 7073741824, 136000000, 70.4)


def backup_report(name: str = "orders", shard: str = "s0") -> BackupReport:
    nodes = tuple(f"{shard}.shop.{name}_{n}" for n in range(4))
    return BackupReport(
        id=ID,
        status="complete",
        type="full",
        mode="hot-logical",
        fleet=name,
        begin=_BEGIN,
        end=_END,
        consistency="barrier+xa",
        claims_not=("no proof from positions on shards without a binlog: " + shard,),
        barrier=_BARRIER,
        shards=shard_volumes(shard),
        logical_tables=(
            LogicalTableRecord(name, False, nodes, 13_000_000, "0" * 32, 7073741824),
            LogicalTableRecord("country", True, nodes[:2], 249, "1" * 32, 9000, is_equal=False),
        ),
        totals=TOTALS,
        notices=(f"table shop.{name} has no key: it is one range",),
        allowed_losses=(
            AllowedLoss("json-types", ShardName(shard), f"shop.{name}", f"shop.{name}: a DATE"),
        ),
    )


def summary(name: str = "orders") -> BackupSummary:
    return BackupSummary(
        ID,
        "complete",
        name,
        "full",
        "hot-logical",
        _BEGIN,
        _END,
        "barrier+xa",
        TOTALS,
        allowed_losses=("data-directory", "json-types"),
    )


def catalog_report(name: str = "orders") -> CatalogReport:
    return CatalogReport((summary(name),), (f"20261121T113000Z-full {name}",))


def show_report(name: str = "orders", shard: str = "s0") -> ShowReport:
    tables = tuple(
        TableVolume(
            ShardName(shard), "shop", f"{name}_{n}", "rows", 3_250_000, 1768435456, "0" * 32
        )
        for n in range(4)
    )
    return ShowReport(backup_report(name, shard), tables, {"view": 2, "trigger": 1})


FINDINGS = (
    Finding(Severity.OK, "s0", "version", "MariaDB 10.11.11"),
    Finding(
        Severity.WARNING,
        "s1",
        "binlog expiry",
        "kept 0.5 days: a dump may outlast it, and then a change of a definition during the dump "
        "cannot be proved absent",
        "SET GLOBAL binlog_expire_logs_seconds=604800",
    ),
)
BLOCKER = Finding(
    Severity.BLOCKER,
    "s1",
    "privileges",
    "RELOAD is missing",
    "GRANT RELOAD, SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, PROCESS ON *.* TO `backup`@`%`",
)
SOURCE = Finding(Severity.BLOCKER, "t0", "identity", "this is a server that the backup came from")


def evil_finding() -> Finding:
    return Finding(Severity.WARNING, EVIL, EVIL, EVIL, EVIL)


def check_report(*findings: Finding, status: str = "warnings") -> CheckReport:
    return CheckReport(status, FINDINGS + findings)


def verify_report(*findings: Finding) -> VerifyReport:
    status = "damaged" if findings else "ok"
    return VerifyReport(ID, status, 1234, 136000000, 13_000_000, 1.5, findings)


def restore_report(
    shard: str = "s0", *, verified: bool = True, status: str = "complete"
) -> RestoreReport:
    return RestoreReport(
        id=ID,
        status=status,
        verified=verified,
        fleet="shop",
        begin=_BEGIN,
        end=_END,
        consistency="barrier+xa",
        barrier=_BARRIER,
        shards=shard_volumes(shard, target="t0"),
        totals=TOTALS,
        findings=FINDINGS[1:],
        seconds_by_phase={"load": 60.0, "keys": 7.2, "verify": 3.2},
    )


def export_report() -> ExportReport:
    notices = ("shard s0: shop.log: no rows",)
    return ExportReport(ID, ExportForm.SQL, "out", 2, 500, 4096, 1.5, notices)


def plan_report(
    *findings: Finding, name: str = "orders", old_schema: str = "shop"
) -> RestorePlanReport:
    tables = tuple(
        PlannedTable(
            ShardName(s),
            ShardName(t),
            old_schema,
            f"{name}_0",
            500,
            4096,
            "replace",
            "shop",
            f"{name}_0",
        )
        for s, t in (("s0", "t0"), ("s1", "t1"))
    )
    return RestorePlanReport(ID, "shop", tables, {"view": 2}, FINDINGS + findings, 1000, 8192)


def stats_report(unneeded_bytes: int = 0) -> RepoStatsReport:
    return RepoStatsReport(
        repository_id="8f3a2c",
        raw_bytes=9000,
        saved_by_dedup_bytes=3000,
        saved_by_compression_bytes=2000,
        needed_bytes=4000,
        unneeded_bytes=unneeded_bytes,
        overhead_bytes=0,
        stored_bytes=4000 + unneeded_bytes,
        objects={"packs": 4000 + unneeded_bytes},
        backups=(),
        tables=(),
        shards=(),
    )


def init_report(key_file: str = "/etc/shardvault/shop.key") -> InitReport:
    probe = (Finding(Severity.OK, "store", "atomic create", "works"),)
    return InitReport("8f3a2c", "file:///var/backups/shop", key_file, probe)


def probe_report(status: str = "unfit") -> ProbeReport:
    findings = (
        Finding(Severity.OK, "store", "write", "as promised"),
        Finding(
            Severity.BLOCKER,
            "store",
            "race of 16 writers",
            "of 16 writers of one name 2 were told that they won; two could write at once",
            "use another store; backups in this one could be lost",
        ),
    )
    return ProbeReport("s3://bucket/shop", status, findings, 3.5)
