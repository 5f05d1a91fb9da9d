"""Seal small objects: compress, encrypt, and bind them to their name and type."""

from __future__ import annotations

import struct

from shardvault.errors import IntegrityError
from shardvault.interfaces import Storage
from shardvault.repository.crypto import Compressor, RandomBytes, decompress, decrypt
from shardvault.repository.format import (
    COMPRESSION_LEVEL,
    FORMAT_VERSION,
    HEADER,
    MAGIC,
    MAX_SEALED_BYTES,
    SALT_BYTES,
    SEALED_NONCE,
    ObjectType,
    associated_data,
)
from shardvault.repository.keys import KeyRing


def seal_object(
    ring: KeyRing, kind: ObjectType, name: str, plain: bytes, random_bytes: RandomBytes
) -> bytes:
    """Return the bytes to store under the name."""
    salt = random_bytes(SALT_BYTES)
    frame = Compressor(COMPRESSION_LEVEL).compress(plain)
    binding = associated_data(kind, ring.repository, name.encode())
    sealed = ring.object_cipher(kind, salt).encrypt(SEALED_NONCE, frame, binding)
    return HEADER.pack(MAGIC, FORMAT_VERSION, kind, salt) + sealed


def open_object(ring: KeyRing, kind: ObjectType, name: str, stored: bytes) -> bytes:
    """Return the plain bytes of a sealed object.

    Raises:
        IntegrityError: the bytes are not what was stored under this name as this type.
    """
    binding = associated_data(kind, ring.repository, name.encode())
    try:
        salt = read_header(kind, stored)
        cipher = ring.object_cipher(kind, salt)
        frame = decrypt(cipher, SEALED_NONCE, memoryview(stored)[HEADER.size :], binding)
        return decompress(frame, MAX_SEALED_BYTES)
    except IntegrityError as error:
        raise IntegrityError(f"object {name} is damaged: {error.message}") from error


def read_header(kind: ObjectType, stored: bytes) -> bytes:
    """Return the salt of an object; raises IntegrityError unless it is of the type."""
    try:
        magic, version, found, salt = HEADER.unpack_from(stored)
    except struct.error as error:
        raise IntegrityError(f"{kind.name.lower()} is cut short") from error
    if (magic, version, found) != (MAGIC, FORMAT_VERSION, kind):
        raise IntegrityError(f"not a {kind.name.lower()} of format version {FORMAT_VERSION}")
    return bytes(salt)


def fetch_sealed(storage: Storage, name: str) -> bytes:
    """Read an object whole; raises ObjectMissing, IntegrityError if it is absurdly large."""
    stored = storage.get(name, 0, MAX_SEALED_BYTES + 1)
    if len(stored) > MAX_SEALED_BYTES:
        raise IntegrityError(f"object {name} is larger than any that is written")
    return stored
