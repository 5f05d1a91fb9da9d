"""Examine texts as one server would run them, and give a blocker for each that must not be run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from shardvault.errors import ServerError
from shardvault.failpoints import is_off
from shardvault.fleet.code_text import write_code
from shardvault.fleet.definitions import Contents
from shardvault.fleet.stored_text.cursor import Fold, Forged
from shardvault.fleet.stored_text.judge import ObjectId, Server, find_forgeries
from shardvault.fleet.stored_text.values import judge_state
from shardvault.fleet.table_options import strip_places
from shardvault.model.manifest import TableRecord
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import CodeObject, Schema, Table
from shardvault.mysql.session import Session

_WHAT = "stored text"
_BACKUP_REMEDY = (
    "the instance, or something between, is not to be trusted. If it is, please report this text; "
    "the thing can be left out with --exclude"
)
RESTORE_REMEDY = (
    "nothing was changed. Find out who wrote this backup: `shardvault show ID --sql` prints the "
    "text; the thing can be left out with --exclude"
)


def examine_texts(
    session: Session, contents: Contents, *, where: str, remedy: str, fold: Fold
) -> tuple[Finding, ...]:
    """Judge every text of some contents; only conversions of characters ask the server.

    Args:
        session: to the server that gave the texts or is to run them; its results are raw bytes.
        contents: what was read or is to be restored.
        where: shard, for the findings.
        remedy: what to do about a text that is refused.
        fold: writes names of tables so that they are equal if they are one.

    Raises:
        ConnectError: the connection was lost.
    """
    server = Server(session.family, session.version, fold)
    texts = dict(_convert(session, contents.objects))
    return tuple(
        Finding(Severity.BLOCKER, where, _WHAT, found.message, remedy, found.table)
        for found in find_forgeries(contents, server, texts)
    )


def examine_read_texts(
    session: Session,
    schemas: Sequence[Schema],
    tables: Sequence[Table],
    objects: Sequence[CodeObject],
) -> tuple[Finding, ...]:
    """Judge the texts that a source gave, before anything is locked.

    What puts files elsewhere is left to the rules of losses: a restore leaves it out.

    Args:
        session: to the source, in the read state.
        schemas: what it gave.
        tables: likewise.
        objects: likewise.
    """
    if is_off("backup.stored_text"):
        return ()
    records = (in_default_place(TableRecord(table, (), 0, "", 0, ())) for table in tables)
    contents = Contents(tuple(schemas), tables=tuple(records), objects=tuple(objects))
    case_rule = int(session.text("SELECT @@lower_case_table_names"))
    return examine_texts(
        session,
        contents,
        where=session.shard,
        remedy=_BACKUP_REMEDY,
        fold=str.casefold if case_rule else str,
    )


def in_default_place(record: TableRecord) -> TableRecord:
    """Leave out folders and tablespaces of the source, whose loss was allowed."""
    table = record.table
    return replace(record, table=replace(table, create_sql=strip_places(table.create_sql)))


def _convert(session: Session, objects: Sequence[CodeObject]) -> Iterator[tuple[ObjectId, bytes]]:
    """Give the texts that are not run as they are stored, in their own character sets."""
    for item in objects:
        # A state that is refused, or a character set that is unknown here, has its own finding.
        with suppress(Forged, ServerError):
            judge_state(item)
            text = write_code(session, item)
            if text is not item.create_sql:
                yield (item.kind, item.schema, item.name), text
