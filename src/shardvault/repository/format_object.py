"""Write and read the format object: what a repository is, before any key is needed."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from shardvault.errors import IntegrityError, ObjectMissing, RepositoryMissing
from shardvault.interfaces import Storage
from shardvault.repository.format import (
    FORMAT_NAME,
    FORMAT_VERSION,
    MAX_CHUNK_BYTES,
    MAX_FORMAT_BYTES,
    PACK_BYTES,
    REPOSITORY_ID_BYTES,
)
from shardvault.repository.keys import KeyRing


@dataclass(frozen=True)
class FormatRecord:
    """Hold what the format object says; the store cannot alter it, see ``slots``.

    Attributes:
        id: of the repository, 32 hex digits.
        signing_key: public key of its manifests, 64 hex digits.
        pack_bytes: size at which packs are closed [bytes].
        chunk_max_bytes: largest chunk [bytes].
    """

    id: str
    signing_key: str
    version: int = FORMAT_VERSION
    compression: str = "zstd"
    pack_bytes: int = PACK_BYTES
    chunk_max_bytes: int = MAX_CHUNK_BYTES


def encode_format(ring: KeyRing) -> bytes:
    """Write the format object of a repository; all of it follows from its keys."""
    signing_key = ring.signing.public_key().public_bytes_raw().hex()
    return msgspec.json.encode(FormatRecord(ring.repository.hex(), signing_key, ring.version))


def fetch_format(storage: Storage) -> bytes:
    """Read the format object; raises RepositoryMissing."""
    try:
        return storage.get(FORMAT_NAME, 0, MAX_FORMAT_BYTES)
    except ObjectMissing as error:
        raise RepositoryMissing(
            "there is no repository",
            hint="correct its url, mount its disk, or create it with `shardvault init`",
        ) from error


def parse_id(stored: bytes) -> bytes:
    """Read the id in a format object that nobody has authenticated yet; raises IntegrityError."""
    try:
        repository = bytes.fromhex(msgspec.json.decode(stored, type=_Identified).id)
    except (msgspec.MsgspecError, ValueError) as error:
        raise IntegrityError(f"object {FORMAT_NAME} is damaged: {error}") from error
    if len(repository) != REPOSITORY_ID_BYTES:
        raise IntegrityError(f"object {FORMAT_NAME} is damaged: no repository id")
    return repository


def parse_owner_key(stored: bytes) -> bytes:
    """Read the owner's public signing key in an authentic format object; raises IntegrityError."""
    try:
        return bytes.fromhex(msgspec.json.decode(stored, type=_Identified).signing_key)
    except (msgspec.MsgspecError, ValueError) as error:
        raise IntegrityError(f"object {FORMAT_NAME} is damaged: {error}") from error


class _Identified(msgspec.Struct):
    id: str
    signing_key: str = ""


def altered_format() -> IntegrityError:
    """Say that the format object is not the one that the key was made for."""
    return IntegrityError("the format object was altered", hint="bring back its first version")
