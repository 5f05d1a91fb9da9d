"""Define what the log of a repository can say: one class per kind of entry."""

from __future__ import annotations

import msgspec


class Created(msgspec.Struct, frozen=True, tag="created"):
    """Begin the log of a new repository."""

    repository: str


class Committed(msgspec.Struct, frozen=True, omit_defaults=True, tag="committed"):
    """Complete a backup: without this entry its manifest counts for nothing.

    Attributes:
        manifest: name of the manifest object.
        digest: SHA-256 of its stored bytes, 64 hex digits.
        scope: lease under which the backup was written.
        epoch: fencing number of that lease.
        received_s: of a copy, when the first repository's store took the backup, since 1970
            [s]; a source cannot say this.
        source: name of the source that took the backup, if its own entry was lost and whoever
            holds the repository's key wrote this one; else empty.
    """

    backup: str
    fleet: str
    manifest: str
    digest: str
    scope: str
    epoch: int
    received_s: float | None = None
    source: str = ""


class Claimed(msgspec.Struct, frozen=True, tag="claimed"):
    """Take a lease over from an owner that is gone; from now on its epoch writes nothing."""

    scope: str
    epoch: int


class Verified(msgspec.Struct, frozen=True, tag="verified"):
    """Say that every chunk of a backup was read back, or restored, and was equal."""

    backup: str
    by: str


class Held(msgspec.Struct, frozen=True, tag="held"):
    """Keep a backup whatever the policy says, until it is let go."""

    backup: str
    reason: str


class LetGo(msgspec.Struct, frozen=True, tag="let-go"):
    """End the hold on a backup."""

    backup: str


class Forgotten(msgspec.Struct, frozen=True, tag="forgotten"):
    """Take backups out of the catalog; their chunks may be doomed afterwards."""

    backups: tuple[str, ...]
    reason: str


class Doomed(msgspec.Struct, frozen=True, tag="doomed"):
    """Announce objects that will be deleted; nothing new may rely on them.

    Attributes:
        packs: ids of packs.
        objects: names of manifests and index objects.
        index: names of the index objects that take the place of doomed ones.
    """

    packs: tuple[bytes, ...]
    objects: tuple[str, ...]
    index: tuple[str, ...] = ()


class Freed(msgspec.Struct, frozen=True, tag="freed"):
    """Say that everything that an entry doomed is deleted."""

    doomed: int


class PolicySet(msgspec.Struct, frozen=True, tag="policy"):
    """Replace the retention policy; the text is its JSON."""

    policy: str


class Accepted(msgspec.Struct, frozen=True, tag="accepted"):
    """Say that somebody looked at what stopped a prune: a backup much smaller than before."""

    backup: str
    reason: str


class Repaired(msgspec.Struct, frozen=True, tag="repaired"):
    """Say what a repair found, and what it could not mend.

    Attributes:
        quarantined: names of objects that were moved away.
        mended: names of objects that were brought back bit by bit.
        damaged: every backup that cannot be restored whole now; others can.
    """

    quarantined: tuple[str, ...]
    mended: tuple[str, ...]
    damaged: tuple[str, ...]


class HistoryAccepted(msgspec.Struct, frozen=True, tag="history-accepted"):
    """Go on after entries of the log were lost or altered, because somebody said so.

    Attributes:
        faulty: digests of the entries that count for nothing, by number; empty for those
            that are gone. Empty if the whole log was gone, and this one began anew.
    """

    faulty: dict[int, str]


class KeyChanged(msgspec.Struct, frozen=True, tag="key"):
    """Record that a slot, a source or a data key was added or removed.

    Attributes:
        change: ``added`` or ``removed``.
        name: object that was.
    """

    change: str
    name: str
    label: str


Action = (
    Created
    | Committed
    | Claimed
    | Verified
    | Held
    | LetGo
    | Forgotten
    | Doomed
    | Freed
    | PolicySet
    | Accepted
    | KeyChanged
    | Repaired
    | HistoryAccepted
)


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one entry of the log.

    Attributes:
        number: from 1, without a gap.
        previous: SHA-256 of the stored bytes of the entry before, 64 hex digits; the first
            has none.
        time: the writer's clock, RFC 3339; told to people, never compared.
        writer: host and process, for people.
        owner_previous: SHA-256 of the last entry before that whoever holds the repository's
            key wrote; empty in entries of sources and of early programs.
        source: name of the source that wrote the entry, empty for whoever holds the
            repository's key; follows from the signature and is never stored.
    """

    number: int
    previous: str
    time: str
    writer: str
    action: Action
    owner_previous: str = ""
    source: str = ""
