"""List, add, remove and replace the keys of a repository."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from shardvault.clock import format_time, utc_now
from shardvault.errors import IntegrityError, RefusedError, UsageError
from shardvault.failpoints import failpoint, is_off
from shardvault.interfaces import Storage
from shardvault.repository.crypto import RandomBytes
from shardvault.repository.entries import KeyChanged
from shardvault.repository.format import SLOT_PREFIX, SOURCE_PREFIX
from shardvault.repository.format_object import encode_format
from shardvault.repository.history import read_history
from shardvault.repository.keys import KeyRing
from shardvault.repository.leases import Lease, Leases
from shardvault.repository.log import Log
from shardvault.repository.openers import Closer
from shardvault.repository.paper import PaperKey
from shardvault.repository.slots import Slot, list_slots, refuse_label, write_slot
from shardvault.repository.sources import Source, list_sources, make_source, register_source
from shardvault.repository.tombstones import put_tombstone

_SHORTEST_ID = 4


@dataclass(frozen=True)
class Keys:
    """Describe every key of a repository.

    Attributes:
        damaged: one error for each object that should describe a key and does not.
    """

    slots: tuple[Slot, ...]
    sources: tuple[Source, ...]
    damaged: tuple[IntegrityError, ...]

    @property
    def all(self) -> tuple[Slot | Source, ...]:
        """Return slots and sources."""
        return (*self.slots, *self.sources)


class Keychain:
    """Manage the slots and sources of a repository, beside any backup that runs."""

    def __init__(
        self,
        storage: Storage,
        ring: KeyRing,
        random_bytes: RandomBytes,
        leases: Leases,
        log: Log,
    ) -> None:
        ring.require_master()
        self._leases = leases
        self._log = log
        self._storage = storage
        self._ring = ring
        self._random_bytes = random_bytes
        self._format_hash = sha256(encode_format(ring)).digest()

    @property
    def fingerprint(self) -> str:
        """Return what tells this repository's keys from others, 16 hex digits."""
        public = self._ring.signing.public_key().public_bytes_raw()
        return sha256(public).hexdigest()[:16]

    def list(self) -> Keys:
        """Describe every slot and source."""
        slots = tuple(list_slots(self._storage, self._ring))
        revoked = read_history(self._log.read()).removed_keys
        sources = tuple(list_sources(self._storage, self._ring, revoked))
        return Keys(
            slots=tuple(found for found in slots if isinstance(found, Slot)),
            sources=tuple(found for found in sources if isinstance(found, Source)),
            damaged=tuple(
                found for found in (*slots, *sources) if isinstance(found, IntegrityError)
            ),
        )

    def add(self, closer: Closer, label: str) -> str:
        """Make a slot and return its name."""
        with self._changing("key add"):
            return self._write(closer, label)

    def add_source(self, label: str, path: Path) -> str:
        """Write the file of a new source, register it, and return the name of its object.

        A source is registered only after its file is there: nobody could use it otherwise.
        """
        refuse_label(label)
        key = make_source(self._ring, self._format_hash, self._random_bytes)
        with self._changing("key add"):
            key.write(path)
            try:
                name = register_source(self._storage, self._ring, key, label, self._random_bytes)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
            self._note("added", name, label)
        return name

    def find(self, reference: str) -> Slot | Source:
        """Return the one slot or source of that label, or whose id begins so.

        Raises:
            UsageError: there is none, or more than one.
        """
        keys = self.list()
        found = [key for key in keys.all if _is_meant(key, reference)]
        if len(found) != 1:
            what = f"{len(found)} keys are called" if found else "no key is called"
            raise UsageError(
                f"{what} {reference!r}", hint="give an id as `shardvault key list` shows it"
            )
        return found[0]

    def remove(self, key: Slot | Source) -> None:
        """Delete a slot, or refuse what a source adds from now on.

        The source learns it first: a backup that it commits meanwhile can count though it
        reports a failure, and never the other way round.

        Raises:
            RefusedError: it is the last slot that is sound.
        """
        with self._changing("key remove"):
            if isinstance(key, Source):
                self._leave_tombstone(key)
                self._note("removed", key.name, key.label)
            else:
                self._remove_slot(key)

    def rotate(self, slot: Slot, closer: Closer) -> str:
        """Make a slot of the same label, prove it, delete the old one; return the new name."""
        with self._changing("key rotate"):
            name = self._write(closer, slot.label)
            failpoint("key.rotation")
            self._remove_slot(slot)
        return name

    def export(self) -> PaperKey:
        """Return the master key, for paper."""
        return PaperKey(self._ring.repository, self._ring.require_master())

    def _write(self, closer: Closer, label: str) -> str:
        name = write_slot(
            self._storage, self._ring, closer, self._format_hash, self._random_bytes, label=label
        )
        self._note("added", name, label)
        return name

    def _remove_slot(self, slot: Slot) -> None:
        others = [found for found in self.list().slots if found.name != slot.name]
        if not others and not is_off("key.last_slot"):
            raise RefusedError(
                f"{slot.name} is the only key slot; without it every backup is lost",
                hint="add another key first: `shardvault key add`",
            )
        self._storage.delete(slot.name)
        self._note("removed", slot.name, slot.label)

    def _leave_tombstone(self, source: Source) -> None:
        identity = bytes.fromhex(source.name.removeprefix(SOURCE_PREFIX))
        removed = format_time(utc_now())
        put_tombstone(self._storage, self._ring, identity, removed, self._random_bytes)
        failpoint("key.tombstone")

    def _note(self, change: str, name: str, label: str) -> None:
        """Tell the log, so that nobody can bring a removed key back unseen."""
        self._log.append(lambda _: KeyChanged(change, name, label))

    def _changing(self, command: str) -> AbstractContextManager[Lease]:
        self._ring.require_writable()
        return self._leases.hold("keys", command)


def _is_meant(key: Slot | Source, reference: str) -> bool:
    word = key.name.removeprefix(SLOT_PREFIX).removeprefix(SOURCE_PREFIX)
    is_id = len(reference) >= _SHORTEST_ID and word.startswith(reference)
    return is_id or key.label == reference
