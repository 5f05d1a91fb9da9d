"""Stop, kill, delay or fail the program at a named step: for tests only.

``SHARDVAULT_FAILPOINTS`` holds ``name=action`` pairs with ``;`` between them, as
``cut.all_locked=stop;repo.pack=error@3``. Actions: ``kill`` (SIGKILL to this process),
``stop`` (SIGSTOP to this process), ``error`` (a ShardvaultError), ``sleep:SECONDS``,
``off`` (the step asks ``is_off`` and leaves its safety out: the negative control).
``@N`` acts at the N-th passing only. Without the variable every call is one dict look-up.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass

from shardvault.errors import ShardvaultError, UsageError

VARIABLE = "SHARDVAULT_FAILPOINTS"

STEPS = frozenset(
    {
        "cut.connected",
        "cut.gently_locked",
        "cut.some_locked",
        "cut.all_locked",
        "cut.snapshots_open",
        "cut.probed",
        "cut.released",
        "backup.discovered",
        "backup.range_read",
        "backup.rows_done",
        "backup.before_manifest",
        "backup.after_manifest",
        "repo.pack",
        "repo.index",
        "repo.manifest",
        "key.slot",
        "key.rotation",
        "key.tombstone",
        "repo.log",
        "repo.log_listed",
        "repair.quarantined",
        "repair.indexed",
        "repair.doomed",
        "repair.deleted",
        "repair.mended",
        "mirror.put",
        "prune.forgotten",
        "prune.marked",
        "prune.indexed",
        "prune.doomed",
        "prune.index_deleted",
        "prune.pack_deleted",
        "prune.freed",
        "restore.marked",
        "restore.table_created",
        "restore.range_loaded",
        "restore.table_loaded",
        "restore.rows_done",
        "restore.keys_done",
        "restore.objects_done",
        "restore.event_awake",
        "restore.verified",
        "restore.marked_verified",
        "restore.mark_removed",
    }
)
"""Places at which the program may be stopped, killed, delayed or failed."""

SWITCHES = frozenset(
    {
        "cut.barrier",
        "cut.fencing",
        "cut.round_trips",
        "backup.asked_shards",
        "backup.ddl_guard",
        "backup.row_count",
        "backup.empty",
        "backup.stored_text",
        "forget.last",
        "backup.source_rules",
        "done.stays_done",
        "key.last_slot",
        "latest.scope",
        "lease.authors",
        "log.authors",
        "objects.trial",
        "prune.late",
        "prune.waiting",
        "repo.copies",
        "repo.counted",
        "repo.fencing",
        "repo.head_first",
        "repo.memory",
        "repo.record_limits",
        "repo.rescue",
        "restore.case_rule",
        "restore.definers",
        "restore.events_asleep",
        "restore.identity",
        "restore.leave_roles",
        "restore.owner",
        "restore.nearest_state",
        "restore.stored_text",
        "restore.warnings",
        "retention.scope",
        "session.state",
        "source.tombstone",
    }
)
"""Safeties that can be left out."""

NAMES = STEPS | SWITCHES

# Another thread may take the signal; until it has, this one must not run on.
_STOP_SETTLES_S = 0.1


@dataclass
class _Point:
    action: str
    at: int | None
    passed: int = 0


_lock = threading.Lock()


def _parse(text: str) -> dict[str, _Point]:
    points = {}
    for pair in filter(None, text.split(";")):
        name, _, action = pair.partition("=")
        action, _, at = action.partition("@")
        if name not in NAMES:
            raise UsageError(f"{VARIABLE}: no failpoint {name!r}")
        points[name] = _Point(action, int(at) if at else None)
    return points


_points = _parse(os.environ.get(VARIABLE, ""))


def is_off(name: str) -> bool:
    """Say whether a test switched this safety off."""
    point = _points.get(name)
    return point is not None and point.action == "off"


def failpoint(name: str) -> None:
    """Do here what a test asked for; nothing otherwise."""
    point = _points.get(name)
    if point is None:
        return
    with _lock:
        point.passed += 1
        due = point.at is None or point.passed == point.at
    if due:
        _act(name, point.action)


def _act(name: str, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(_STOP_SETTLES_S)
    elif action == "error":
        raise ShardvaultError(f"failpoint {name}")
    elif action.startswith("sleep:"):
        time.sleep(float(action.removeprefix("sleep:")))
