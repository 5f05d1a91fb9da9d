"""Let machines add backups that they cannot read: source keys, and their end.

A source file holds no key that opens anything stored. All keys of a source follow from one
secret, which whoever holds the master key can derive; so nothing has to be registered for a
backup to be readable, and the objects here only say which sources there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from shardvault.clock import format_time, utc_now
from shardvault.errors import IntegrityError, UsageError
from shardvault.interfaces import Storage
from shardvault.repository.authors import make_author, source_secret
from shardvault.repository.crypto import RandomBytes
from shardvault.repository.epochs import SourceEpoch, sealing_key
from shardvault.repository.format import (
    CHECKSUM_BYTES,
    FORMAT_VERSION,
    KEY_BYTES,
    NAME_BYTES,
    REPOSITORY_ID_BYTES,
    SOURCE_FILE_PREFIX,
    SOURCE_PREFIX,
    ObjectType,
)
from shardvault.repository.format_object import parse_owner_key
from shardvault.repository.keyfiles import create_private_line, read_private_line
from shardvault.repository.keys import KeyRing, name_key
from shardvault.repository.objects import fetch_sealed, open_signed, seal_signed
from shardvault.repository.sealing import public_half
from shardvault.repository.tombstones import Tombstone, find_tombstone

_Decoded = TypeVar("_Decoded")
_FIELDS = (REPOSITORY_ID_BYTES, NAME_BYTES, KEY_BYTES, KEY_BYTES, KEY_BYTES, KEY_BYTES)


@dataclass(frozen=True)
class SourceKey:
    """Hold what a source file holds.

    Attributes:
        source: id of the source.
        recipient: public key to which its epochs are sealed.
        name_key: key of manifests' names, by which it finds an id that is free.
        secret: of the source; its signing key and chunk ids follow from it.
        format_hash: SHA-256 of the format object, which the source cannot authenticate.
    """

    repository: bytes
    source: bytes
    recipient: bytes
    name_key: bytes = field(repr=False)
    secret: bytes = field(repr=False)
    format_hash: bytes

    def write(self, path: Path) -> None:
        """Make the source file, durable, 0600; raises UsageError if it is there already."""
        create_private_line(path, SOURCE_FILE_PREFIX, self._fields() + self._checksum())

    def find_tombstone(self, storage: Storage, format_object: bytes) -> Tombstone | None:
        """Return the tombstone of this source; None while its key is valid.

        Args:
            format_object: its bytes, which this key has authenticated.
        """
        owner_key = parse_owner_key(format_object)
        return find_tombstone(storage, self.repository, self.source, self.secret, owner_key)

    def open(self, storage: Storage) -> KeyRing:
        """Return the ring of the source; nothing is read or written yet."""
        author = make_author(self.secret, self.repository, self.source)
        return KeyRing(
            repository=self.repository,
            version=FORMAT_VERSION,
            author=author,
            epochs=SourceEpoch(self.repository, self.recipient, author, storage),
            master=None,
            _name_key=self.name_key,
        )

    def _fields(self) -> bytes:
        found = (self.repository, self.source, self.recipient, self.name_key, self.secret)
        return b"".join((*found, self.format_hash))

    def _checksum(self) -> bytes:
        """Find a slip of the pen: with a wrong key nobody could ever read the backups."""
        return sha256(self._fields()).digest()[:CHECKSUM_BYTES]


@dataclass(frozen=True)
class Source:
    """Describe a source.

    Attributes:
        created: when its key was made, RFC 3339.
        is_revoked: say whether what it adds from now on is refused.
    """

    name: str
    label: str
    created: str
    is_revoked: bool


class _Registration(msgspec.Struct, frozen=True):
    label: str
    created: str


def read_source_file(path: Path) -> SourceKey:
    """Read a source file; raises UsageError unless it is one, undamaged and private."""
    size = sum(_FIELDS) + CHECKSUM_BYTES
    data, fields = read_private_line(path, SOURCE_FILE_PREFIX, size, "source file"), []
    at = 0
    for length in _FIELDS:
        fields.append(data[at : at + length])
        at += length
    found = SourceKey(*fields)
    if found._checksum() != data[at:]:
        raise UsageError(f"source file {path} is damaged", hint="copy it again")
    return found


def make_source(ring: KeyRing, format_hash: bytes, random_bytes: RandomBytes) -> SourceKey:
    """Make the key of a new source, which ``register_source`` makes valid."""
    master, repository = ring.require_master(), ring.repository
    source = random_bytes(NAME_BYTES)
    return SourceKey(
        repository=repository,
        source=source,
        recipient=public_half(sealing_key(master, repository)),
        name_key=name_key(repository, master),
        secret=source_secret(master, repository, source),
        format_hash=format_hash,
    )


def register_source(
    storage: Storage, ring: KeyRing, key: SourceKey, label: str, random_bytes: RandomBytes
) -> str:
    """Store that a source belongs to the repository, and return the name of its object."""
    name = SOURCE_PREFIX + key.source.hex()
    plain = msgspec.json.encode(_Registration(label, format_time(utc_now())))
    storage.put_new(name, [seal_signed(ring, ObjectType.SOURCE, name, plain, random_bytes)])
    return name


def list_sources(
    storage: Storage, ring: KeyRing, revoked: Collection[str]
) -> Iterator[Source | IntegrityError]:
    """Give every source, or why its object counts for nothing.

    Args:
        revoked: names of the sources that the log says were removed.
    """
    for found in storage.list(SOURCE_PREFIX):
        try:
            plain = _open_own(storage, ring, ObjectType.SOURCE, found.name)
            said = _decode(found.name, plain, _Registration)
        except IntegrityError as error:
            yield error
        else:
            yield Source(found.name, said.label, said.created, found.name in revoked)


def _open_own(storage: Storage, ring: KeyRing, kind: ObjectType, name: str) -> bytes:
    """Open an object that only whoever holds the repository's key may have written."""
    plain, author = open_signed(ring, kind, name, fetch_sealed(storage, name))
    if author.source:
        raise IntegrityError(f"object {name} was written by a source, which may not")
    return plain


def _decode(name: str, plain: bytes, kind: type[_Decoded]) -> _Decoded:
    try:
        return msgspec.json.decode(plain, type=kind)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"object {name} cannot be read: {error}") from error
