"""Decide which entries of a log count: each author is believed only about its own things; pure.

Whoever holds the repository's key is believed. A source can say that it added a backup, under
an id and a manifest name of its own, and nothing else. Whatever a source, or somebody who has
no key, puts into the log besides is ignored and reported; it never stops others. Only an entry
of who holds the repository's key proves that the log was altered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from shardvault.failpoints import is_off
from shardvault.repository.entries import Committed, Entry, HistoryAccepted, KeyChanged
from shardvault.repository.format import SOURCE_PREFIX, SUFFIX_DIGITS

_ID = re.compile(r"[0-9A-Za-z._+-]{1,100}")
_OWN = re.compile(rf"-([0-9a-f]{{{SUFFIX_DIGITS}}})(?:-[0-9a-z]+)?$")
"""Ends the id of a backup that a source took: the begin of the source's own id."""


@dataclass(frozen=True)
class Stored:
    """Hold what is stored under a number.

    Attributes:
        digest: SHA-256 of the stored bytes; empty if they are gone.
        entry: None if it cannot be read by this key, or counts for nothing.
        fault: what is wrong with it; empty if nothing is.
        ignored: why it counts for nothing and harms nothing; empty if it counts.
        source: name of the source that wrote it, as far as that is known; else empty.
    """

    digest: str
    entry: Entry | None
    fault: str = ""
    ignored: str = ""
    source: str = ""


@dataclass(frozen=True)
class Ignored:
    """Count the entries that are ignored for one reason.

    Attributes:
        source: name of the source that wrote them; empty if nobody who has a key did.
        first: number of the first of them.
    """

    source: str
    reason: str
    count: int
    first: int

    def __str__(self) -> str:
        who = self.source or "nobody who has a key"
        return f"{self.describe_count()} by {who} counts for nothing: {self.reason}"

    def describe_count(self) -> str:
        """Say how many entries, and which is the first."""
        if self.count == 1:
            return f"entry {self.first} of the log"
        return f"{self.count} entries of the log from entry {self.first} on"


class Judge:
    """Judge one entry after the other, from the first.

    Attributes:
        stored: what was judged, by number.
        accepted: digests of faulty entries that the log says are accepted, by number.
        owner_digest: SHA-256 of the last entry of who holds the repository's key.
    """

    def __init__(self, manifest_name: Callable[[str], str]) -> None:
        """Begin an empty log.

        Args:
            manifest_name: returns the name that the manifest of a backup has.
        """
        self._manifest_name = manifest_name
        self.stored: list[Stored] = []
        self.accepted: dict[int, str] = {}
        self._removed: set[str] = set()
        self._ids: set[str] = set()
        self._manifests: set[str] = set()
        self._doubts: dict[int, str] = {}
        self._has_gap = False
        self.owner_digest = ""

    def take_unread(self, digest: str) -> None:
        """Take an entry that this key cannot read."""
        self.stored.append(Stored(digest, None))

    def take_missing(self, number: int) -> None:
        """Take a number whose entry is gone."""
        self._has_gap = True
        self.stored.append(missing(number))

    def take_forged(self, digest: str, message: str, source: str) -> None:
        """Take what no author signed as an entry of this number.

        Args:
            message: what is wrong with it.
            source: name of the source under whose epoch it was written, or copied; empty for
                all else, which may have been an entry of the owner.
        """
        stored = Stored(digest, None, "", "it is not authentic", source)
        if source:
            self._doubt(stored, message)
        else:
            self.stored.append(replace(stored, fault=message, ignored=""))

    def take(self, digest: str, entry: Entry) -> None:
        """Take an authentic entry."""
        if entry.source and not is_off("log.authors"):
            self._take_of_source(digest, entry)
        else:
            self._take_of_owner(digest, entry)

    def ignored(self) -> Iterator[tuple[int, str, str]]:
        """Give number, source and reason of each entry that is ignored."""
        for number, stored in enumerate(self.stored, 1):
            if stored.ignored:
                yield number, stored.source, stored.ignored

    def _take_of_owner(self, digest: str, entry: Entry) -> None:
        is_sound = self._follows(entry) and self._vouches(entry)
        if not is_sound:
            self._condemn()
        fault = "" if is_sound else _not_following(len(self.stored) + 1)
        self.owner_digest, self._has_gap, self._doubts = digest, False, {}
        ignored = self._find_taken(entry) if is_sound else ""
        self._keep(Stored(digest, None if ignored else entry, fault, ignored))

    def _take_of_source(self, digest: str, entry: Entry) -> None:
        if self._follows(entry):
            ignored = self._refuse(entry)
            self._keep(Stored(digest, None if ignored else entry, "", ignored, entry.source))
        else:
            why = "it does not follow the entry before"
            fault = _not_following(len(self.stored) + 1)
            self._doubt(Stored(digest, None, "", why, entry.source), fault)

    def _keep(self, stored: Stored) -> None:
        self.stored.append(stored)
        action = stored.entry.action if stored.entry else None
        if isinstance(action, KeyChanged) and action.change == "removed":
            self._removed.add(action.name)
        elif isinstance(action, HistoryAccepted):
            self.accepted.update(action.faulty)
        elif isinstance(action, Committed):
            self._ids.add(action.backup)
            self._manifests.add(action.manifest)

    def _doubt(self, stored: Stored, fault: str) -> None:
        """Ignore what proves nothing by itself, until an entry of the owner settles it."""
        self.stored.append(stored)
        self._doubts[len(self.stored)] = fault

    def _vouches(self, entry: Entry) -> bool:
        """Say whether an entry of the owner follows its last one, whatever lies between.

        Entries that do not name the owner's last one were written by an earlier program:
        there nothing doubtful may lie between. What is missing is a fault of its own.
        """
        if entry.owner_previous and not self._has_gap:
            return entry.owner_previous == self.owner_digest
        if not self._has_gap:
            self._condemn()
        return True

    def _condemn(self) -> None:
        """Turn what is doubtful into faults: it was an entry of the owner, or may have been."""
        for number, fault in self._doubts.items():
            self.stored[number - 1] = replace(self.stored[number - 1], fault=fault, ignored="")
        self._doubts = {}

    def _follows(self, entry: Entry) -> bool:
        number, before = len(self.stored) + 1, self.stored[-1].digest if self.stored else ""
        is_after_gap = number > 1 and not before
        return entry.number == number and (is_after_gap or entry.previous == before)

    def _refuse(self, entry: Entry) -> str:
        """Say why an entry of a source counts for nothing; empty if it counts."""
        action = entry.action
        if entry.source in self._removed:
            return "the key of this source was removed before"
        if not isinstance(action, Committed) or action.received_s is not None or action.source:
            return "a source cannot say this"
        if not _ID.fullmatch(action.backup):
            return "its backup id is none"
        suffix = _OWN.search(action.backup)
        own = entry.source.removeprefix(SOURCE_PREFIX)[:SUFFIX_DIGITS]
        if suffix and suffix[1] != own:
            return "its backup id is one of another source"
        if action.manifest != self._manifest_name(action.backup):
            return "it names the manifest of another backup"
        return self._find_taken(entry)

    def _find_taken(self, entry: Entry) -> str:
        """Say that an entry completes a backup whose id or manifest another entry named before."""
        action = entry.action
        if not isinstance(action, Committed) or is_off("log.authors"):
            return ""
        is_taken = action.backup in self._ids or action.manifest in self._manifests
        return "a backup of that id is there already" if is_taken else ""


def _not_following(number: int) -> str:
    return f"entry {number} of the repository's log does not follow the one before"


def missing(number: int) -> Stored:
    """Describe an entry that is gone."""
    return Stored("", None, f"entry {number} of the repository's log is missing")


def count_ignored(found: Iterable[tuple[int, str, str]]) -> tuple[Ignored, ...]:
    """Count ignored entries, given by number, source and reason, by author and reason."""
    numbers: dict[tuple[str, str], list[int]] = {}
    for number, source, reason in found:
        numbers.setdefault((source, reason), []).append(number)
    return tuple(Ignored(*key, len(some), min(some)) for key, some in numbers.items())
