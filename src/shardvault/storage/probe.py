"""Find out what a store really does, before anything depends on it."""

from __future__ import annotations

import contextlib
import queue
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shardvault.clock import monotonic_s
from shardvault.errors import StorageError
from shardvault.interfaces import Storage
from shardvault.model.report import Finding, Severity
from shardvault.storage import trials
from shardvault.storage.trials import NotTried, Run, Site

LIMIT_S = 50.0
"""Time for all trials together [s]."""

TRIAL_LIMIT_S = 20.0
"""Time for one of them [s]."""

_CLEANING_S = 2.0
_DATA_BYTES = 64 * 1024
_WHERE = "store"
_OTHER_STORE = "use another store; backups in this one could be lost"


@dataclass(frozen=True)
class Trial:
    """Describe one promise.

    Attributes:
        what: the promise, for people.
        consequence: what follows if it is not kept.
        run: returns what is wrong, or nothing.
        if_broken: how bad it is if the promise is not kept.
        if_refused: how bad it is if the store refuses the trial itself.
        is_brief: costs a few requests only, so that every ``check`` can make it.
        is_first: no other can be made without it.
        remedy: what to do if it is broken.
    """

    what: str
    consequence: str
    run: Run
    if_broken: Severity = Severity.BLOCKER
    if_refused: Severity = Severity.BLOCKER
    is_brief: bool = False
    is_first: bool = False
    remedy: str = _OTHER_STORE


TRIALS = (
    Trial("write", "no backup would be safe", trials.try_write, is_brief=True, is_first=True),
    Trial("read after write", "no backup would be safe", trials.try_read, is_brief=True),
    Trial("read of a part", "no restore would work", trials.try_part, is_brief=True),
    Trial("size", "no backup could be proven", trials.try_stat, is_brief=True),
    Trial("missing object", "no backup would be safe", trials.try_missing, is_brief=True),
    Trial("list", "backups would be overlooked", trials.try_list, is_brief=True),
    Trial("exclusive create", "two could write at once", trials.try_exclusive, is_brief=True),
    Trial(
        "delete",
        "prune could free no space",
        trials.try_delete,
        if_refused=Severity.WARNING,
        is_brief=True,
    ),
    Trial(
        "delete of nothing",
        "prune could free no space",
        trials.try_absent,
        if_refused=Severity.WARNING,
    ),
    Trial("list of a prefix", "backups would be overlooked", trials.try_prefix),
    Trial("list of many", "backups would be overlooked", trials.try_many),
    Trial("race of 16 writers", "two could write at once", trials.try_race),
    Trial("broken upload", "no backup would be safe", trials.try_cut),
    Trial("long names", "no backup would be safe", trials.try_long_name),
    Trial(
        "clock",
        "retention and locks count by it",
        trials.try_clock,
        if_broken=Severity.WARNING,
        is_brief=True,
        remedy="set the clock that is wrong",
    ),
    Trial("clean-up", "prune could free no space", trials.try_clean_up, is_brief=True),
)


class _TimeUp(Exception):
    """Report a trial that did not end in time."""


def probe_storage(
    storage: Storage, *, is_brief: bool = False, limit_s: float = LIMIT_S
) -> tuple[Finding, ...]:
    """Try out every promise in a folder of a random name; leaves nothing behind.

    A broken promise is a blocker and says what follows from it. A store that merely refuses to
    delete, as it may for who can only add, is warned of; then a few small objects stay. The
    store may be in use by others.

    Args:
        storage: the store; what wraps it is tried out with it.
        is_brief: make only the trials that cost a few requests.
        limit_s: time for all trials [s]; those that do not end in it are blockers.
    """
    site = Site(storage, secrets.token_hex(16), secrets.token_bytes(_DATA_BYTES))
    end_s = monotonic_s() + limit_s
    chosen = [trial for trial in TRIALS if trial.is_brief or not is_brief]
    try:
        return tuple(_try_all(chosen, site, end_s))
    finally:
        _remove(site)


def _try_all(chosen: list[Trial], site: Site, end_s: float) -> Iterator[Finding]:
    for trial in chosen:
        finding = _judge(trial, site, end_s - monotonic_s())
        yield finding
        if trial.is_first and finding.severity is not Severity.OK:
            return


def _judge(trial: Trial, site: Site, left_s: float) -> Finding:
    def find(severity: Severity, fault: str, remedy: str) -> Finding:
        return Finding(severity, _WHERE, trial.what, f"{fault}; {trial.consequence}", remedy)

    try:
        fault = _run_within(lambda: trial.run(site), min(left_s, TRIAL_LIMIT_S))
    except NotTried as reason:
        return Finding(Severity.INFO, _WHERE, trial.what, f"not tried: {reason}")
    except _TimeUp:
        return find(Severity.BLOCKER, "no end in time", "is the way to the store that slow?")
    except StorageError as error:
        remedy = error.hint or "look at what the store says, and at what the login may do"
        return find(trial.if_refused, error.message, remedy)
    if fault:
        return find(trial.if_broken, fault, trial.remedy)
    return Finding(Severity.OK, _WHERE, trial.what, "as promised")


def _run_within(run: Callable[[], str], limit_s: float) -> str:
    """Run a trial for a limited time; one that hangs is left behind, and ends with us.

    Raises:
        _TimeUp: it did not end in time.
    """
    outcome: queue.SimpleQueue[str | BaseException] = queue.SimpleQueue()

    def work() -> None:
        try:
            outcome.put(run())
        except BaseException as error:  # noqa: BLE001 - handed to who waits
            outcome.put(error)

    threading.Thread(target=work, daemon=True, name="probe").start()
    try:
        found = outcome.get(timeout=max(limit_s, 0.001))
    except queue.Empty:
        raise _TimeUp from None
    if isinstance(found, BaseException):
        raise found
    return found


def _remove(site: Site) -> None:
    """Delete what failed trials left behind; the first object even if no list names it."""

    def remove() -> str:
        site.drop(site.name)
        for found in list(site.storage.list(site.place(""))):
            site.drop(found.name)
        return ""

    with contextlib.suppress(StorageError, _TimeUp):
        _run_within(remove, _CLEANING_S)
