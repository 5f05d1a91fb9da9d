"""Report what a server of another version or family makes of definitions; no I/O."""

from __future__ import annotations

from collections.abc import Iterator

from shardvault.fleet.definitions import Contents, shorten
from shardvault.fleet.foreign import (
    Foreign,
    find_foreign_accounts,
    find_foreign_code,
    find_foreign_schemas,
    find_foreign_tables,
)
from shardvault.fleet.narrower import Server, find_narrower
from shardvault.model.report import Finding, Severity

_WHAT = "definitions"


def examine_otherness(
    where: str, contents: Contents, source: Server, target: Server
) -> Iterator[Finding]:
    """Report what the target cannot hold, leaves out, or holds in another way.

    Args:
        where: the target's name for people.
        contents: what it shall get.
        source: family and version that the contents came from.
        target: family and version of the target.
    """
    tables = [record.table for record in contents.tables]
    for narrower in find_narrower(tables, source, target):
        message = f"{narrower.what} here: {shorten(narrower.places)}"
        remedy = "a row beyond stops the restore; look for such rows at the source"
        yield Finding(Severity.WARNING, where, "ranges", message, remedy)
    family = target[0]
    if source[0] == family:
        return
    for found in (
        *find_foreign_schemas(contents.schemas, family),
        *find_foreign_tables(tables, family),
        *find_foreign_code(contents.objects, family),
        *find_foreign_accounts(contents.accounts),
    ):
        yield _report(where, found)


def _report(where: str, found: Foreign) -> Finding:
    places = shorten(found.places)
    if found.is_left_out:
        message = f"{found.what} are left out, there are none here: {places}"
        return Finding(Severity.WARNING, where, _WHAT, message)
    message = f"{found.what} cannot be kept: {places}"
    return Finding(Severity.BLOCKER, where, _WHAT, message, found.remedy)
