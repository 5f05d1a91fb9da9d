"""Stop before any lock what cannot be kept exact, unless its loss is allowed; tell what was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from shardvault.errors import UnsupportedObject
from shardvault.model.ids import ShardName
from shardvault.model.loss import ROWS_LEFT_OUT, AllowedLoss, LossKind
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import TableKind
from shardvault.model.target import Fleet, Node, Scope, Shard
from shardvault.operations.examination import examine_survey
from shardvault.operations.survey import Sessions, ShardSurvey
from shardvault.workers.local import map_parallel

_MOST_THREADS = 32


@dataclass(frozen=True)
class Losses:
    """Hold what a backup will not have exactly, and what could not be found out.

    Attributes:
        allowed: every table of which something is lost.
        notices: tables of which it is not known.
    """

    allowed: tuple[AllowedLoss, ...] = ()
    notices: tuple[str, ...] = ()

    def is_allowed(self, kind: str, shard: ShardName, table: str) -> bool:
        """Say whether a table may lose what a kind names."""
        return any((one.kind, one.shard, one.table) == (kind, shard, table) for one in self.allowed)


def judge_losses(
    shards: Sequence[Shard],
    sessions: Sessions,
    surveys: Mapping[ShardName, ShardSurvey],
    allowed: Collection[LossKind],
    scope: Scope,
) -> Losses:
    """Ask every rule about what is in scope, on every shard at once.

    Args:
        sessions: in the read state.
        scope: what is backed up.

    Raises:
        UnsupportedObject: lists every table that stands against a backup.
    """

    def examine(shard: Shard) -> tuple[Finding, ...]:
        return examine_survey(shard, sessions[shard.name], surveys[shard.name], scope)

    known = [shard for shard in shards if shard.name in surveys]
    found = map_parallel(examine, known, limit=_MOST_THREADS)
    return allow_losses([finding for findings in found for finding in findings], allowed)


def allow_losses(findings: Iterable[Finding], allowed: Collection[LossKind]) -> Losses:
    """Divide findings into what is allowed and what is only told; blockers end it here.

    Raises:
        UnsupportedObject: lists every blocker that is not allowed.
    """
    serious = [one for one in findings if one.severity in (Severity.BLOCKER, Severity.WARNING)]
    _refuse(
        [one for one in serious if one.severity is Severity.BLOCKER and one.loss not in allowed]
    )
    losses = (
        AllowedLoss(one.loss, ShardName(one.where), one.table, one.message)
        for one in serious
        if one.loss is not None and one.loss in allowed
    )
    notices = (f"shard {one.where}: {one.message}" for one in serious if one.loss not in allowed)
    return Losses(tuple(losses), tuple(notices))


def _refuse(blockers: Sequence[Finding]) -> None:
    if blockers:
        lines = "; ".join(f"shard {one.where}: {one.message}" for one in blockers)
        raise UnsupportedObject(
            f"cannot be backed up: {lines}",
            hint="\n".join(dict.fromkeys(one.remedy for one in blockers)),
        )


def list_left_out_rows(
    fleet: Fleet, surveys: Mapping[ShardName, ShardSurvey]
) -> tuple[AllowedLoss, ...]:
    """List the tables in scope whose rows the fleet file leaves out of backups."""
    without = {node for table in fleet.tables if not table.has_rows for node in table.nodes}
    return tuple(
        AllowedLoss(
            ROWS_LEFT_OUT,
            shard,
            table.qualified,
            f"table {table.qualified} is backed up without rows, as `rows: false` says",
        )
        for shard, survey in surveys.items()
        for table in survey.inventory.tables
        if Node(shard, table.schema, table.name) in without and table.kind is TableKind.ROWS
    )


def tell_losses(losses: Iterable[AllowedLoss]) -> tuple[Finding, ...]:
    """Say before and after a restore which tables are not as they were."""
    return tuple(
        Finding(
            Severity.WARNING,
            f"{one.shard}: {one.table}",
            "allowed loss",
            f"not exact, as {_permission(one)} allowed for the backup: {one.detail}",
            table=one.table,
        )
        for one in losses
    )


def _permission(loss: AllowedLoss) -> str:
    if loss.kind == ROWS_LEFT_OUT:
        return "`rows: false` in the fleet file"
    return f"--allow-loss {loss.kind}"
