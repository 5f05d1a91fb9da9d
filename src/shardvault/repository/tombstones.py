"""Let a source learn that its key was removed.

A source cannot read the log. So whoever removes its key also leaves an object that only this
source and the owner can read, and only the owner can have signed.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shardvault.errors import IntegrityError, ObjectMissing, WrongKey
from shardvault.failpoints import is_off
from shardvault.interfaces import Storage
from shardvault.repository.authors import source_secret
from shardvault.repository.crypto import RandomBytes, decrypt, derive_key
from shardvault.repository.format import (
    HEADER,
    MAGIC,
    MAX_NOTE_BYTES,
    NAME_BYTES,
    SALT_BYTES,
    SEALED_NONCE,
    SIGNATURE_BYTES,
    TOMBSTONE_PREFIX,
    ObjectType,
    associated_data,
)
from shardvault.repository.keys import KeyRing

_MOST_TRIED = 256
_PURPOSE = "tombstone"


class Tombstone(msgspec.Struct, frozen=True):
    """Say when the key of a source was removed, RFC 3339."""

    removed: str


def put_tombstone(
    storage: Storage, ring: KeyRing, source: bytes, removed: str, random_bytes: RandomBytes
) -> None:
    """Store a tombstone for a source, durably; raises WrongKey to a source.

    Args:
        removed: when the key of the source was removed, RFC 3339.
    """
    secret = source_secret(ring.require_master(), ring.repository, source)
    name = f"{_prefix(source)}{random_bytes(NAME_BYTES).hex()}"
    salt = random_bytes(SALT_BYTES)
    plain = msgspec.json.encode(Tombstone(removed))
    cipher = AESGCM(derive_key(secret, salt=salt, purpose=_PURPOSE))
    binding = ring.bind(ObjectType.TOMBSTONE, name.encode())
    sealed = HEADER.pack(MAGIC, ring.version, ObjectType.TOMBSTONE, salt)
    sealed += cipher.encrypt(SEALED_NONCE, plain, binding)
    signature = ring.signing.sign(_signed(ring.repository, name, sealed))
    storage.put_new(name, [sealed, signature])


def find_tombstone(
    storage: Storage, repository: bytes, source: bytes, secret: bytes, owner_key: bytes
) -> Tombstone | None:
    """Return the tombstone of a source, for the source itself; None if there is none.

    Others can put objects of such names into the store; they are passed over.

    Args:
        secret: of the source.
        owner_key: public signing key of whoever holds the repository's key.

    Raises:
        IntegrityError: somebody put absurdly many there.
    """
    names = [found.name for found in storage.list(_prefix(source))]
    if len(names) > _MOST_TRIED:
        raise IntegrityError(
            f"{len(names)} objects are under {_prefix(source)}, more than there can be",
            hint="delete those that nobody made; the key of this source can have been removed",
        )
    for name in names:
        try:
            return _open(storage.get(name, 0, MAX_NOTE_BYTES), repository, name, secret, owner_key)
        except (IntegrityError, ObjectMissing):
            continue
    return None


def guard_against_removal(find: Callable[[], Tombstone | None]) -> Callable[[str], None]:
    """Return what raises WrongKey once there is a tombstone; it takes what that means."""

    def guard(consequence: str) -> None:
        tombstone = None if is_off("source.tombstone") else find()
        if tombstone is not None:
            raise WrongKey(
                f"the key of this source was removed at {tombstone.removed}; {consequence}",
                hint="ask who holds the repository's key for a new source file "
                "(`shardvault key add-source`)",
            )

    return guard


def _open(
    stored: bytes, repository: bytes, name: str, secret: bytes, owner_key: bytes
) -> Tombstone:
    sealed, signature = stored[:-SIGNATURE_BYTES], stored[-SIGNATURE_BYTES:]
    if len(sealed) < HEADER.size:
        raise IntegrityError(f"object {name} is cut short")
    magic, version, kind, salt = HEADER.unpack_from(sealed)
    if (magic, kind) != (MAGIC, ObjectType.TOMBSTONE):
        raise IntegrityError(f"object {name} is no tombstone")
    binding = associated_data(ObjectType.TOMBSTONE, repository, name.encode(), version)
    try:
        Ed25519PublicKey.from_public_bytes(owner_key).verify(
            signature, _signed(repository, name, sealed)
        )
        cipher = AESGCM(derive_key(secret, salt=salt, purpose=_PURPOSE))
        plain = decrypt(cipher, SEALED_NONCE, sealed[HEADER.size :], binding)
        return msgspec.json.decode(plain, type=Tombstone)
    except (InvalidSignature, ValueError, msgspec.MsgspecError) as error:
        raise IntegrityError(f"object {name} was not made by the owner") from error


def _prefix(source: bytes) -> str:
    return f"{TOMBSTONE_PREFIX}{source.hex()}/"


def _signed(repository: bytes, name: str, sealed: bytes) -> bytes:
    return associated_data(ObjectType.SIGNATURE, repository, name.encode() + b"\0" + sealed)
