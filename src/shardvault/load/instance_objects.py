"""Make what belongs to an instance, before the tables that need it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shardvault.errors import ConnectError, ServerError, ShardvaultError
from shardvault.fleet.instance_objects import report_kept, split_present, write_create
from shardvault.load.warnings import run_clean
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import InstanceKind, InstanceObject
from shardvault.mysql.session import Session


def create_instance_objects(
    session: Session, objects: Sequence[InstanceObject]
) -> Iterator[Finding]:
    """Make the objects that a target lacks; what it has otherwise is kept.

    No error repeats a statement: it can hold a password.

    Args:
        session: in the load state.
        objects: those of the backup.

    Returns:
        A finding for each object that is not as it was.
    """
    if not objects:
        return
    missing, different = split_present(session, objects)
    for item in different:
        yield report_kept(session.shard, item)
    for item in missing:
        if item.kind is InstanceKind.SPATIAL_SYSTEM and session.family is not Family.MYSQL:
            yield _report(session, item, "this family of servers has none")
            continue
        try:
            run_clean(session, write_create(item))
        except ConnectError:
            raise
        except ShardvaultError as error:
            code = f"error {error.code}" if isinstance(error, ServerError) else "no privilege"
            yield _report(session, item, f"the server refused it ({code})")
    _, changed = split_present(session, missing)
    for item in changed:
        yield _report(session, item, "reads back differently")


def _report(session: Session, item: InstanceObject, reason: str) -> Finding:
    message = f"{item.kind} {item.name} is not as it was: {reason}"
    remedy = "`shardvault show ID --sql` prints its statement, without the password"
    return Finding(Severity.WARNING, session.shard, "instance", message, remedy)
