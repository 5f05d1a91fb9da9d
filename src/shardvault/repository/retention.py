"""Decide which backups are kept, and why; pure.

Only verified backups count: otherwise an intruder, or a broken source, could push the good
ones out with worthless new ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from shardvault.failpoints import is_off
from shardvault.model.policy import BackupSize, Keep, KeepCandidate

Reasons = dict[str, list[str]]
_PERIODS: dict[str, Callable[[datetime], object]] = {
    "hourly": lambda moment: (moment.date(), moment.hour),
    "daily": lambda moment: moment.date(),
    "weekly": lambda moment: moment.isocalendar()[:2],
    "monthly": lambda moment: (moment.year, moment.month),
    "yearly": lambda moment: moment.year,
}


def choose_kept(candidates: Iterable[KeepCandidate], keep: Keep, *, now_s: float) -> Reasons:
    """Give the reasons to keep each backup; one without any may go.

    Args:
        candidates: every backup of the catalog; those of each fleet, scope and source are
            counted alone, so that a partial backup never takes the place of a complete one, nor
            one of a source that of another author.
        keep: the policy.
        now_s: by the clock that stamped the backups [s].
    """
    groups: dict[tuple[str, frozenset[str], str], list[KeepCandidate]] = {}
    for candidate in candidates:
        scope = frozenset() if is_off("retention.scope") else candidate.scope
        groups.setdefault((candidate.fleet, scope, candidate.source), []).append(candidate)
    reasons: Reasons = {}
    for found in groups.values():
        reasons |= _choose(sorted(found, key=lambda one: (-one.received_s, one.id)), keep, now_s)
    return reasons


def find_shrunk(oldest_first: Iterable[BackupSize]) -> Iterator[tuple[BackupSize, str]]:
    """Give each backup of less than half of the one before, and what of it shrank.

    Args:
        oldest_first: backups of one fleet and scope.
    """
    for before, after in itertools.pairwise(oldest_first):
        pairs = {"rows": (before.rows, after.rows), "bytes": (before.bytes_read, after.bytes_read)}
        for name, rows in before.tables.items():
            pairs[f"rows of table {name}"] = (rows, after.tables.get(name, 0))
        for what, (old, new) in pairs.items():
            if 2 * new < old:
                yield after, f"{what} fell from {old:,} in {before.id} to {new:,}"
                break


def _choose(newest_first: Sequence[KeepCandidate], keep: Keep, now_s: float) -> Reasons:
    reasons: Reasons = {one.id: [] for one in newest_first}
    verified = [one for one in newest_first if one.is_verified]
    for one in newest_first:
        reasons[one.id] += _always(one, verified, keep, now_s)
    for number, one in enumerate(verified[: keep.last], 1):
        reasons[one.id].append(f"last {number}")
    for name, period in _PERIODS.items():
        for one in _newest_of_each(verified, period, getattr(keep, name)):
            reasons[one.id].append(name)
    return reasons


def _always(
    one: KeepCandidate, verified: Sequence[KeepCandidate], keep: Keep, now_s: float
) -> list[str]:
    reasons = []
    if one.hold is not None:
        reasons.append(f"held: {one.hold}")
    if keep.is_empty:
        reasons.append("no policy")
    if not verified:
        reasons.append(f"none of the {'scope' if one.scope else 'fleet'} is verified")
    elif one is verified[0]:
        reasons.append("last verified")
    elif not one.is_verified and one.received_s > verified[0].received_s:
        reasons.append("not yet verified")
    if keep.within_s and now_s - one.received_s < keep.within_s:
        reasons.append("within")
    return reasons + [f"tag {tag}" for tag in keep.tags if tag in one.tags]


def _newest_of_each(
    verified: Sequence[KeepCandidate], period: Callable[[datetime], object], count: int
) -> list[KeepCandidate]:
    """Pick the newest backup of each of the newest periods that have one."""
    kept: list[KeepCandidate] = []
    seen: set[object] = set()
    for one in verified:
        key = period(datetime.fromtimestamp(one.received_s, UTC))
        if key not in seen and len(seen) < count:
            seen.add(key)
            kept.append(one)
    return kept
