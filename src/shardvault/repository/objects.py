"""Seal small objects: compress, encrypt, bind them to their name and type, and sign them."""

from __future__ import annotations

import contextlib
import struct

from shardvault.errors import IntegrityError, ObjectMissing, RefusedError, StorageError
from shardvault.failpoints import is_off
from shardvault.interfaces import Storage
from shardvault.repository.authors import Author
from shardvault.repository.crypto import Compressor, RandomBytes, decompress, decrypt
from shardvault.repository.format import (
    COMPRESSION_LEVEL,
    HEADER,
    MAGIC,
    MAX_PLAIN_BYTES,
    MAX_SEALED_BYTES,
    SEALED_NONCE,
    SIGNATURE_BYTES,
    SOURCE_LIMITS,
    ObjectType,
    source_name,
)
from shardvault.repository.keys import KeyRing


def seal_object(
    ring: KeyRing, kind: ObjectType, name: str, plain: bytes, random_bytes: RandomBytes
) -> bytes:
    """Return the bytes to store under the name.

    Raises:
        RefusedError: ``open_object`` would refuse what is that large.
    """
    salt = ring.new_salt(random_bytes)
    frame = Compressor(COMPRESSION_LEVEL).compress(plain)
    if len(plain) > _limit_plain(kind, len(frame), ring.author):
        raise RefusedError(f"object {name} would be larger than any that is read")
    binding = ring.bind(kind, name.encode())
    sealed = ring.object_cipher(kind, salt).encrypt(SEALED_NONCE, frame, binding)
    return HEADER.pack(MAGIC, ring.version, kind, salt) + sealed


def open_object(ring: KeyRing, kind: ObjectType, name: str, stored: bytes) -> bytes:
    """Return the plain bytes of a sealed object.

    Raises:
        IntegrityError: the bytes are not what was stored under this name as this type.
        WrongKey: the ring is that of a source, and another session sealed them.
    """
    binding = ring.bind(kind, name.encode())
    try:
        salt = read_header(ring, kind, stored)
        cipher = ring.object_cipher(kind, salt)
        frame = decrypt(cipher, SEALED_NONCE, memoryview(stored)[HEADER.size :], binding)
        return decompress(frame, _limit_plain(kind, len(frame), ring.epoch(salt).author))
    except IntegrityError as error:
        raise IntegrityError(f"object {name} is damaged: {error.message}") from error


def _limit_plain(kind: ObjectType, frame_bytes: int, author: Author) -> int:
    """Return how large the contents of a compressed object [bytes] are at most.

    A source must not cost others more than in proportion to what it stores.
    """
    most = MAX_PLAIN_BYTES.get(kind, MAX_SEALED_BYTES)
    if not author.source or is_off("repo.record_limits"):
        return most
    slack_bytes, ratio = SOURCE_LIMITS.get(kind, (most, 0))
    return min(most, slack_bytes + ratio * frame_bytes)


def seal_signed(
    ring: KeyRing, kind: ObjectType, name: str, plain: bytes, random_bytes: RandomBytes
) -> bytes:
    """Return the bytes to store under the name, signed by the ring's author."""
    sealed = seal_object(ring, kind, name, plain, random_bytes)
    return sealed + ring.author.signing.sign(_signed(ring, name, sealed))


def open_signed(ring: KeyRing, kind: ObjectType, name: str, stored: bytes) -> tuple[bytes, Author]:
    """Return the plain bytes of a signed object, and who wrote it.

    Raises:
        IntegrityError: the author of its epoch did not sign it, or it is damaged.
    """
    sealed, signature = stored[:-SIGNATURE_BYTES], stored[-SIGNATURE_BYTES:]
    try:
        author = author_of(ring, kind, sealed)
        author.verify(signature, _signed(ring, name, sealed))
    except IntegrityError as error:
        raise IntegrityError(f"object {name} is damaged: {error.message}") from error
    return open_object(ring, kind, name, sealed), author


def prove_signed(ring: KeyRing, name: str, stored: bytes) -> str:
    """Name the source of a ring if it signed an object that it cannot read; empty for the owner.

    Raises:
        IntegrityError: neither did.
    """
    sealed, signature = stored[:-SIGNATURE_BYTES], stored[-SIGNATURE_BYTES:]
    signed = _signed(ring, name, sealed)
    try:
        ring.author.verify(signature, signed)
    except IntegrityError:
        ring.verify_owner(signature, signed)
        return ""
    return source_name(ring.author.source)


def author_of(ring: KeyRing, kind: ObjectType, stored: bytes) -> Author:
    """Return who began the epoch of an object; raises IntegrityError, WrongKey."""
    return ring.epoch(read_header(ring, kind, stored)).author


def find_source(storage: Storage, ring: KeyRing, kind: ObjectType, name: str) -> str:
    """Name the source that wrote an object; empty if another did, or nobody who has a key."""
    try:
        return source_name(author_of(ring, kind, storage.get(name, 0, HEADER.size)).source)
    except (IntegrityError, ObjectMissing):
        return ""


def read_header(ring: KeyRing, kind: ObjectType, stored: bytes) -> bytes:
    """Return the salt of an object; raises IntegrityError unless it is of the type."""
    try:
        magic, version, found, salt = HEADER.unpack_from(stored)
    except struct.error as error:
        raise IntegrityError(f"{kind.name.lower()} is cut short") from error
    if (magic, version, found) != (MAGIC, ring.version, kind):
        raise IntegrityError(f"not a {kind.name.lower()} of format version {ring.version}")
    return bytes(salt)


def fetch_sealed(storage: Storage, name: str, limit_bytes: int | None = None) -> bytes:
    """Read an object whole; raises ObjectMissing, IntegrityError if it is absurdly large.

    Args:
        limit_bytes: of its kind; None = that of the largest kinds.
    """
    limit_bytes = MAX_SEALED_BYTES if limit_bytes is None else limit_bytes
    stored = storage.get(name, 0, limit_bytes + 1)
    if len(stored) > limit_bytes:
        raise IntegrityError(f"object {name} is larger than any that is written")
    return stored


def prove_object(storage: Storage, name: str, size_bytes: int) -> None:
    """Raise IntegrityError unless the store has the object, of that size [bytes]."""
    try:
        found = storage.stat(name).size_bytes
    except ObjectMissing as error:
        raise IntegrityError(f"object {name} vanished after it was stored") from error
    if found != size_bytes:
        raise IntegrityError(f"object {name} has {found} of {size_bytes} bytes")


def prove_written(storage: Storage, name: str, size_bytes: int) -> None:
    """Prove an object [bytes] that the caller alone can have written; take it back if it was cut.

    Nobody can have relied on one that was cut, and left there it would count as damage.

    Raises:
        IntegrityError: it is missing, or was cut.
    """
    try:
        prove_object(storage, name, size_bytes)
    except IntegrityError:
        with contextlib.suppress(StorageError):
            if storage.features.may_delete and storage.stat(name).size_bytes != size_bytes:
                storage.delete(name)
        raise


def _signed(ring: KeyRing, name: str, sealed: bytes) -> bytes:
    return ring.bind(ObjectType.SIGNATURE, name.encode() + b"\0" + sealed)
