"""Turn what people keep, a file, a passphrase, an identity, a command, into the key of a slot."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Protocol

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from shardvault.errors import IntegrityError
from shardvault.repository.crypto import RandomBytes, derive_key
from shardvault.repository.format import KEY_BYTES, SALT_BYTES, SlotKind
from shardvault.repository.sealing import key_for, key_from, public_half


class Cost(NamedTuple):
    """Say what a guess at a passphrase costs.

    Attributes:
        memory_kib: taken by each guess [KiB].
        passes: over the memory.
        lanes: filled side by side.
    """

    memory_kib: int
    passes: int
    lanes: int


FREE = Cost(0, 0, 0)
"""For secrets that nobody can guess."""
USUAL_COST = Cost(64 << 10, 3, 4)
"""Source: RFC 9106, second recommended option."""
HIGHEST_COST = Cost(1 << 20, 16, 16)
"""Beyond it a slot was made to exhaust whoever opens it."""


class SlotLock(NamedTuple):
    """Hold what a new slot needs: salt and cost, which it stores, and the key."""

    salt: bytes
    cost: Cost
    key: bytes


class Opener(Protocol):
    """Open slots of one kind."""

    kind: ClassVar[SlotKind]

    def open_lock(self, salt: bytes, cost: Cost) -> bytes:
        """Return the key of a slot; raises IntegrityError if its header is absurd."""


class Closer(Protocol):
    """Close new slots of one kind."""

    kind: ClassVar[SlotKind]

    def new_lock(self, random_bytes: RandomBytes) -> SlotLock:
        """Make up the lock of one new slot."""


@dataclass(frozen=True)
class FileSecret:
    """Open and close slots with the bytes of a key file."""

    key: bytes = field(repr=False)
    kind: ClassVar[SlotKind] = SlotKind.FILE

    def open_lock(self, salt: bytes, cost: Cost) -> bytes:
        """Return the key of a slot."""
        _refuse_cost(cost)
        return derive_key(self.key, salt=salt, purpose="slot")

    def new_lock(self, random_bytes: RandomBytes) -> SlotLock:
        """Make up the lock of one new slot."""
        salt = random_bytes(SALT_BYTES)
        return SlotLock(salt, FREE, self.open_lock(salt, FREE))


@dataclass(frozen=True)
class CommandSecret(FileSecret):
    """Open and close slots with the key that a command printed."""

    kind: ClassVar[SlotKind] = SlotKind.COMMAND


@dataclass(frozen=True)
class PassphraseSecret:
    """Open and close slots with a passphrase, slowly, so that guessing is dear."""

    text: str = field(repr=False)
    kind: ClassVar[SlotKind] = SlotKind.PASSPHRASE

    def open_lock(self, salt: bytes, cost: Cost) -> bytes:
        """Return the key of a slot."""
        if not _is_reasonable(cost):
            raise IntegrityError("the cost of its passphrase is absurd")
        derivation = Argon2id(
            salt=salt,
            length=KEY_BYTES,
            iterations=cost.passes,
            lanes=cost.lanes,
            memory_cost=cost.memory_kib,
        )
        return derivation.derive(unicodedata.normalize("NFC", self.text).encode())

    def new_lock(self, random_bytes: RandomBytes) -> SlotLock:
        """Make up the lock of one new slot."""
        salt = random_bytes(SALT_BYTES)
        return SlotLock(salt, USUAL_COST, self.open_lock(salt, USUAL_COST))


@dataclass(frozen=True)
class Recipient:
    """Close slots that only the owner of an identity opens."""

    public: bytes
    kind: ClassVar[SlotKind] = SlotKind.IDENTITY

    def new_lock(self, random_bytes: RandomBytes) -> SlotLock:
        """Make up the lock of one new slot."""
        ephemeral = random_bytes(KEY_BYTES)
        key = key_for(self.public, ephemeral, "slot")
        return SlotLock(public_half(ephemeral), FREE, key)


@dataclass(frozen=True)
class Identity:
    """Open slots that were closed for this identity, and close others for it."""

    private: bytes = field(repr=False)
    kind: ClassVar[SlotKind] = SlotKind.IDENTITY

    def open_lock(self, salt: bytes, cost: Cost) -> bytes:
        """Return the key of a slot."""
        _refuse_cost(cost)
        return key_from(self.private, salt, "slot")

    def new_lock(self, random_bytes: RandomBytes) -> SlotLock:
        """Make up the lock of one new slot."""
        return Recipient(public_half(self.private)).new_lock(random_bytes)


def _is_reasonable(cost: Cost) -> bool:
    """Accept what is neither below what is written nor above what may be asked for."""
    return all(
        low <= found <= high
        for low, found, high in zip((64 << 10, 3, 1), cost, HIGHEST_COST, strict=True)
    )


def _refuse_cost(cost: Cost) -> None:
    if cost != FREE:
        raise IntegrityError("it states a cost, though no passphrase opens it")
