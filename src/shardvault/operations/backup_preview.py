"""Say what a backup would hold and what would stop it; lock and store nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from shardvault.events import PhaseStarted
from shardvault.interfaces import EventSink
from shardvault.model.backup_plan import BackupPlanReport, ShardToBackUp, TableToBackUp
from shardvault.model.ids import ShardName
from shardvault.model.loss import LossKind
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Table, TableKind
from shardvault.model.target import Fleet, Scope
from shardvault.operations.examination import survey_fleet
from shardvault.operations.losses import list_left_out_rows
from shardvault.operations.survey import ShardSurvey


def preview_backup(
    fleet: Fleet, scope: Scope, allowed: Collection[LossKind], hold_s: float, sink: EventSink
) -> BackupPlanReport:
    """Ask all that a backup asks before its first lock, and list what it would read.

    Sizes are the servers' own estimates: nothing is read but the catalogue.

    Args:
        fleet: whose primaries are asked.
        scope: what is to be backed up.
        allowed: losses that do not stop the backup.
        hold_s: longest hold of the barrier [s].
        sink: takes progress.
    """
    sink.emit(PhaseStarted("backup", "examine"))
    found, surveys = survey_fleet(fleet, scope, hold_s)
    findings = tuple(_allow(finding, allowed) for finding in found)
    severities = {finding.severity for finding in findings}
    left_out = {(one.shard, one.table) for one in list_left_out_rows(fleet, surveys)}
    tables = _list_tables(surveys, left_out)
    return BackupPlanReport(
        fleet=fleet.name,
        status=_judge(severities),
        shards=tuple(_sum_up(survey, tables) for survey in surveys.values()),
        tables=tables,
        findings=findings,
    )


def _allow(finding: Finding, allowed: Collection[LossKind]) -> Finding:
    if finding.loss is None or finding.loss not in allowed:
        return finding
    message = f"loss allowed: {finding.message}"
    return replace(finding, severity=Severity.WARNING, message=message, remedy="")


def _judge(severities: Collection[Severity]) -> str:
    if Severity.BLOCKER in severities:
        return "blocked"
    return "warnings" if Severity.WARNING in severities else "ok"


def _list_tables(
    surveys: Mapping[ShardName, ShardSurvey], left_out: Collection[tuple[ShardName, str]]
) -> tuple[TableToBackUp, ...]:
    return tuple(
        _describe(shard, table, has_rows=(shard, table.qualified) not in left_out)
        for shard, survey in surveys.items()
        for table in survey.inventory.tables
    )


def _describe(shard: ShardName, table: Table, *, has_rows: bool) -> TableToBackUp:
    has_rows = has_rows and table.kind is TableKind.ROWS
    return TableToBackUp(
        shard=shard,
        schema=table.schema,
        name=table.name,
        action=_action(table) if has_rows else "keep the definition",
        rows=table.row_estimate if has_rows else 0,
        data_bytes=table.data_bytes if has_rows else 0,
    )


def _action(table: Table) -> str:
    return "read in the snapshot" if table.is_transactional else "copy under the barrier"


def _sum_up(survey: ShardSurvey, tables: tuple[TableToBackUp, ...]) -> ShardToBackUp:
    mine = [table for table in tables if table.shard == survey.shard]
    return ShardToBackUp(
        shard=survey.shard,
        tables=len(mine),
        objects=len(survey.objects),
        rows=sum(table.rows for table in mine),
        data_bytes=sum(table.data_bytes for table in mine),
    )
