"""Tell a person or a machine what a restore would do."""

from __future__ import annotations

from collections import Counter

from shardvault.model.manifest import TableRecord
from shardvault.model.report import PlannedTable, RestorePlanReport
from shardvault.model.schema import TableKind
from shardvault.operations.restore_plan import RestorePlan, ShardRestore


def report_plan(plan: RestorePlan) -> RestorePlanReport:
    """Tell a person or a machine what a plan does."""
    tables = tuple(_report_table(shard, record) for shard in plan.shards for record in shard.tables)
    return RestorePlanReport(
        id=plan.manifest.id,
        fleet=plan.manifest.fleet,
        tables=tables,
        objects=_count_objects(plan),
        findings=plan.findings,
        rows=sum(table.rows for table in tables),
        raw_bytes=sum(table.raw_bytes for table in tables),
        with_accounts=plan.options.with_accounts,
        accounts_left_out=plan.accounts_left_out,
        scope=plan.manifest.scope,
    )


def _report_table(shard: ShardRestore, record: TableRecord) -> PlannedTable:
    place = record.table.schema, record.table.name
    schema, name = shard.other_names.get(place, place)
    return PlannedTable(
        shard=shard.source,
        target=shard.target.name,
        schema=shard.renaming.old_name(schema),
        target_schema=record.table.schema,
        name=name,
        target_name=record.table.name,
        rows=record.rows,
        raw_bytes=record.raw_bytes,
        action=_action(shard, record),
    )


def _count_objects(plan: RestorePlan) -> dict[str, int]:
    """Count what is created beside tables, by kind; accounts only if they are wanted."""
    counted = Counter(str(item.kind) for shard in plan.shards for item in shard.objects)
    counted["account"] = sum(len(shard.accounts) for shard in plan.shards)
    return dict(+counted)


def _action(shard: ShardRestore, record: TableRecord) -> str:
    if record.table.kind is not TableKind.ROWS:
        return "create the definition"
    return "finish the interrupted load" if shard.is_resumed else "create and load"
