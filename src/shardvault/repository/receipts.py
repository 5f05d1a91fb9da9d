"""Say when backups were received; retention goes by this, not by what a source says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shardvault.clock import parse_time, utc_now
from shardvault.interfaces import Storage
from shardvault.repository.entries import Entry
from shardvault.repository.format import LOG_PREFIX
from shardvault.repository.history import History
from shardvault.repository.log import Log, entry_name


def read_receipts(storage: Storage, log: Log, history: History) -> dict[str, float]:
    """Return when the store took the entry of each backup; else when its writer says [s].

    A copy counts as received when the repository received it in which it was taken.
    """
    stamps = {found.name: found.received_s for found in storage.list(LOG_PREFIX)}
    times = _read_times(log.read(), stamps)
    return {
        backup: times[number] if commit.received_s is None else commit.received_s
        for backup, (number, commit) in history.backups.items()
    }


def _read_times(entries: Sequence[Entry], stamps: Mapping[str, float | None]) -> dict[int, float]:
    """Return when each entry was received, by its number [s].

    An entry of a source was received between those of the owner before and after it, and not
    in the future, whatever its clock says, or the stamp that a source could set.
    """
    times: dict[int, float] = {}
    before_s = 0.0
    for entry in entries:
        stamp = stamps.get(entry_name(entry.number))
        said_s = _said(entry) if stamp is None else stamp
        times[entry.number] = max(said_s, before_s) if entry.source else said_s
        before_s = before_s if entry.source else said_s
    after_s = max(utc_now().timestamp(), before_s)
    for entry in reversed(entries):
        if entry.source:
            times[entry.number] = min(times[entry.number], after_s)
        else:
            after_s = times[entry.number]
    return times


def _said(entry: Entry) -> float:
    """Return what the writer's clock said [s]; 0 if a source wrote no time there."""
    try:
        return parse_time(entry.time).timestamp()
    except ValueError:
        return 0.0
