"""Give each write session a data key of its own: an epoch.

Every header names its epoch. Who holds the master key derives the epochs that it begins, so
nothing is stored that could be lost. A source knows no master key: it makes up the secret of
its epoch, seals it to the repository, signs it, and forgets it when it ends.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shardvault.errors import IntegrityError, ObjectMissing, RefusedError, WrongKey
from shardvault.interfaces import Storage
from shardvault.repository.authors import Author, make_author, source_secret
from shardvault.repository.crypto import RandomBytes, decrypt, derive_key
from shardvault.repository.format import (
    EPOCH_BODY,
    EPOCH_BYTES,
    EPOCH_OBJECT_BYTES,
    EPOCH_PREFIX,
    FORMAT_VERSION,
    HEADER,
    KEY_BYTES,
    MAGIC,
    SALT_BYTES,
    SEALED_NONCE,
    SIGNATURE_BYTES,
    ObjectType,
    associated_data,
    begins_sealed_epoch,
)
from shardvault.repository.sealing import key_for, key_from, public_half


@dataclass(frozen=True)
class Epoch:
    """Hold the data key of a write session, and who began it; never prints the key."""

    secret: bytes = field(repr=False)
    author: Author


class Epochs(Protocol):
    """Find epochs by the salt of an object; safe for many threads."""

    def find(self, salt: bytes) -> Epoch:
        """Return the epoch that a salt begins with; raises IntegrityError, WrongKey."""

    def new_salt(self, random_bytes: RandomBytes) -> bytes:
        """Return a salt in the epoch of this session, which the first call begins."""

    def stored(self) -> tuple[tuple[str, int], ...]:
        """Return name and length [bytes] of the objects that this session's epoch needs."""


class SealedByMaster:
    """Read a repository of version 1: one secret, the master key, and no epochs."""

    def __init__(self, master: bytes, author: Author) -> None:
        self._epoch = Epoch(master, author)

    def find(self, salt: bytes) -> Epoch:  # noqa: ARG002 - the same for every object
        """Return the master key."""
        return self._epoch

    def new_salt(self, random_bytes: RandomBytes) -> bytes:  # noqa: ARG002
        """Refuse to write."""
        raise cannot_write()

    def stored(self) -> tuple[tuple[str, int], ...]:
        """Return nothing: nothing is written."""
        return ()


class MasterEpochs:
    """Find every epoch of a repository, and begin one, with the master key."""

    def __init__(
        self, repository: bytes, master: bytes, author: Author, storage: Storage | None
    ) -> None:
        self._repository = repository
        self._master = master
        self._author = author
        self._storage = storage
        self._current = b""
        self._sealed: dict[bytes, Epoch] = {}
        self._lock = threading.Lock()

    def find(self, salt: bytes) -> Epoch:
        """Derive the epoch, or read it if a source began it."""
        epoch = salt[:EPOCH_BYTES]
        if not begins_sealed_epoch(epoch):
            secret = derive_key(self._master, salt=epoch, purpose="epoch")
            return Epoch(secret, self._author)
        with self._lock:
            found = self._sealed.get(epoch)
        if found is None:
            found = self._read(epoch)
            with self._lock:
                self._sealed[epoch] = found
        return found

    def new_salt(self, random_bytes: RandomBytes) -> bytes:
        """Return a salt in the epoch of this session."""
        with self._lock:
            if not self._current:
                first, *rest = random_bytes(EPOCH_BYTES)
                self._current = bytes((first & 0x7F, *rest))
            return self._current + random_bytes(SALT_BYTES - EPOCH_BYTES)

    def stored(self) -> tuple[tuple[str, int], ...]:
        """Return nothing: these epochs are derived."""
        return ()

    def _read(self, epoch: bytes) -> Epoch:
        name = EPOCH_PREFIX + epoch.hex()
        try:
            if self._storage is None:
                raise ObjectMissing(f"no object {name}")
            stored = self._storage.get(name, 0, EPOCH_OBJECT_BYTES + 1)
        except ObjectMissing as error:
            raise IntegrityError(f"object {name} is missing") from error
        try:
            return open_epoch(self._repository, self._master, name, stored)
        except IntegrityError as error:
            raise IntegrityError(f"object {name} is damaged: {error.message}") from error


class SourceEpoch:
    """Write under one epoch and read nothing else; the secret ends with this object."""

    def __init__(self, repository: bytes, recipient: bytes, author: Author, storage: Storage):
        self._repository = repository
        self._recipient = recipient
        self._author = author
        self._storage = storage
        self._id = b""
        self._epoch: Epoch | None = None
        self._lock = threading.Lock()

    def find(self, salt: bytes) -> Epoch:
        """Return this session's epoch; raises WrongKey for every other."""
        if self._epoch is None or salt[:EPOCH_BYTES] != self._id:
            raise cannot_read()
        return self._epoch

    def new_salt(self, random_bytes: RandomBytes) -> bytes:
        """Return a salt in this session's epoch, whose object is stored before the first."""
        with self._lock:
            if self._epoch is None:
                self._begin(random_bytes)
            return self._id + random_bytes(SALT_BYTES - EPOCH_BYTES)

    def stored(self) -> tuple[tuple[str, int], ...]:
        """Return the epoch's object, once it is stored."""
        return ((EPOCH_PREFIX + self._id.hex(), EPOCH_OBJECT_BYTES),) if self._epoch else ()

    def _begin(self, random_bytes: RandomBytes) -> None:
        first, *rest = random_bytes(EPOCH_BYTES)
        self._id = bytes((first | 0x80, *rest))
        epoch = Epoch(random_bytes(KEY_BYTES), self._author)
        name = EPOCH_PREFIX + self._id.hex()
        sealed = seal_epoch(self._repository, self._recipient, name, epoch, random_bytes)
        self._storage.put_new(name, [sealed])
        self._epoch = epoch


def sealing_key(master: bytes, repository: bytes) -> bytes:
    """Derive the private key to which sources seal their epochs."""
    return derive_key(master, salt=repository, purpose="sealing")


def seal_epoch(
    repository: bytes, recipient: bytes, name: str, epoch: Epoch, random_bytes: RandomBytes
) -> bytes:
    """Return the object of an epoch that a source began."""
    ephemeral = random_bytes(KEY_BYTES)
    header = HEADER.pack(MAGIC, FORMAT_VERSION, ObjectType.EPOCH, public_half(ephemeral))
    cipher = AESGCM(key_for(recipient, ephemeral, "epoch"))
    body = EPOCH_BODY.pack(epoch.secret, epoch.author.source)
    binding = associated_data(ObjectType.EPOCH, repository, name.encode())
    sealed = header + cipher.encrypt(SEALED_NONCE, body, binding)
    return sealed + epoch.author.signing.sign(_signed(repository, name, sealed))


def open_epoch(repository: bytes, master: bytes, name: str, stored: bytes) -> Epoch:
    """Return the epoch in an object; raises IntegrityError unless its source signed it."""
    if len(stored) != EPOCH_OBJECT_BYTES:
        raise IntegrityError("it has another length")
    sealed, signature = stored[:-SIGNATURE_BYTES], stored[-SIGNATURE_BYTES:]
    magic, version, kind, ephemeral = HEADER.unpack_from(sealed)
    if (magic, version, kind) != (MAGIC, FORMAT_VERSION, ObjectType.EPOCH):
        raise IntegrityError("not an epoch")
    cipher = AESGCM(key_from(sealing_key(master, repository), ephemeral, "epoch"))
    binding = associated_data(ObjectType.EPOCH, repository, name.encode())
    body = decrypt(cipher, SEALED_NONCE, sealed[HEADER.size :], binding)
    secret, source = EPOCH_BODY.unpack(body)
    author = make_author(source_secret(master, repository, source), repository, source)
    author.verify(signature, _signed(repository, name, sealed))
    return Epoch(secret, author)


def cannot_read() -> WrongKey:
    """Say why a source is refused."""
    return WrongKey(
        "this key can only add backups",
        hint="use a key that opens the repository, on a machine that may read backups",
    )


def cannot_write() -> RefusedError:
    """Say why an old repository takes nothing new."""
    return RefusedError(
        "the repository has format version 1, which is only read",
        hint="create a new one at another place; this one stays readable",
    )


def _signed(repository: bytes, name: str, sealed: bytes) -> bytes:
    return associated_data(ObjectType.SIGNATURE, repository, name.encode() + b"\0" + sealed)
