"""Say what a repository holds, what of it is damaged, and what counts for nothing.

A source is believed only about its own things. So what it wrote and cannot be read is told
apart from damage that concerns others, and its clock decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from shardvault.clock import parse_time
from shardvault.errors import IntegrityError
from shardvault.model.report import BackupSummary, Finding, Severity
from shardvault.repository.catalog import Scan
from shardvault.repository.format import INDEX_PREFIX
from shardvault.repository.history import History
from shardvault.repository.index import Index, scan_index
from shardvault.repository.insides import Insides
from shardvault.repository.receipts import read_receipts
from shardvault.repository.sources import Source, list_sources

_AHEAD_LIMIT_S = 3600.0
_BEHIND_LIMIT_S = 7 * 86400.0
"""Longest time between the end of a backup and its arrival; a backup can be slow [s]."""
_FORGET_HINT = "`shardvault key remove NAME --forget-backups` ends what a source wrote"


@dataclass(frozen=True)
class Overview:
    """Hold what the catalog says.

    Attributes:
        backups: in the order of the log; with the labels of sources.
        damaged: one error for each manifest and index object that cannot be read.
        ignored: what counts for nothing, and clocks that are far off; it stops nobody.
    """

    backups: tuple[BackupSummary, ...]
    damaged: tuple[IntegrityError, ...]
    ignored: tuple[Finding, ...]


def look_over(insides: Insides, scan: Scan, history: History | None) -> Overview:
    """Describe a repository.

    Args:
        scan: every manifest that counts.
        history: what the log says; None where there is none.
    """
    index = scan_index(insides.storage, insides.ring)
    sources = _read_sources(insides, history or History())
    labels = {name: source.label for name, source in sources.items()}
    active = {word: name for word, name in scan.source_index.items() if not _is_gone(name, history)}
    return Overview(
        tuple(_with_label(summary, labels) for summary in scan.summaries),
        (*scan.damaged, *_find_damage(index, scan, active, labels)),
        tuple(_find_ignored(insides, index, scan, history, labels)),
    )


def label_of(source: str, labels: Mapping[str, str]) -> str:
    """Name a source for people: by its label, else by the name of its object."""
    return f"source {labels[source]!r}" if source in labels else source


def _read_sources(insides: Insides, history: History) -> dict[str, Source]:
    found = list_sources(insides.storage, insides.ring, history.removed_keys)
    return {source.name: source for source in found if isinstance(source, Source)}


def _is_gone(source: str, history: History | None) -> bool:
    return history is not None and source in history.removed_keys


def _with_label(summary: BackupSummary, labels: Mapping[str, str]) -> BackupSummary:
    return replace(summary, source=labels.get(summary.source, summary.source))


def _find_damage(
    index: Index, scan: Scan, active: Mapping[str, str], labels: Mapping[str, str]
) -> Iterator[IntegrityError]:
    """Give index objects that backups need, or may need, and that are damaged or missing."""
    needed = index.faults.keys() if scan.has_own_damage else scan.index | active.keys()
    yield from index.damaged_among(needed)
    for word in sorted(scan.index - index.names - index.faults.keys()):
        yield IntegrityError(f"object {INDEX_PREFIX}{word} is missing")
    known = scan.index | index.names | index.faults.keys()
    missing = Counter(source for word, source in active.items() if word not in known)
    for source, count in sorted(missing.items()):
        who = label_of(source, labels)
        yield IntegrityError(f"{count} index objects that backups of {who} need are missing")


def _find_ignored(
    insides: Insides,
    index: Index,
    scan: Scan,
    history: History | None,
    labels: Mapping[str, str],
) -> Iterator[Finding]:
    for ignored in insides.log.ignored():
        who = label_of(ignored.source, labels) or "nobody who has a key"
        text = f"{ignored.describe_count()} by {who} counts for nothing: {ignored.reason}"
        yield _warn("log", text, _FORGET_HINT if ignored.source else "")
    if scan.ignored:
        text = f"{len(scan.ignored)} backups of sources whose key was removed cannot be read: "
        yield _warn("manifests", text + scan.ignored[0].message, _FORGET_HINT)
    unneeded = index.faults.keys() - scan.index - scan.source_index.keys()
    if unneeded and not scan.has_own_damage:
        text = f"{len(unneeded)} index objects that no backup needs cannot be read: "
        yield _warn("index", text + index.faults[min(unneeded)].message)
    if history is not None and history.sources:
        yield from _find_wrong_clocks(insides, scan, history, labels)


def _find_wrong_clocks(
    insides: Insides, scan: Scan, history: History, labels: Mapping[str, str]
) -> Iterator[Finding]:
    """Compare the clocks of sources with that of the store."""
    received = read_receipts(insides.storage, insides.log, history)
    for summary in scan.summaries:
        end_s = parse_time(summary.end).timestamp() if summary.source else 0.0
        early_s = end_s - received.get(summary.id, end_s)
        if summary.source and not -_BEHIND_LIMIT_S < early_s < _AHEAD_LIMIT_S:
            text = (
                f"backup {summary.id} of {label_of(summary.source, labels)} says that it ended "
                f"at {summary.end}, which is far from when the store took it"
            )
            yield _warn("clock", text, "correct the clock of that computer, or remove its key")


def _warn(what: str, message: str, remedy: str = "") -> Finding:
    return Finding(Severity.WARNING, "repository", what, message, remedy)
