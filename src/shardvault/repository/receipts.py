"""Say when backups were received; retention goes by this, not by what a source says."""

from __future__ import annotations

from shardvault.clock import parse_time
from shardvault.interfaces import Storage
from shardvault.repository.format import LOG_PREFIX
from shardvault.repository.history import History
from shardvault.repository.log import Log, entry_name


def read_receipts(storage: Storage, log: Log, history: History) -> dict[str, float]:
    """Return when the store took the entry of each backup; else when its writer says [s].

    A copy counts as received when the repository received it in which it was taken.
    """
    listed = {found.name: found.received_s for found in storage.list(LOG_PREFIX)}
    said = {entry.number: entry.time for entry in log.read()}
    received: dict[str, float] = {}
    for backup, (number, commit) in history.backups.items():
        times = (commit.received_s, listed.get(entry_name(number)))
        known = next((time_s for time_s in times if time_s is not None), None)
        received[backup] = parse_time(said[number]).timestamp() if known is None else known
    return received
