"""Tell who wrote something: whoever holds the repository's key, or one of its sources.

Each author has a signing key and keys for chunk ids of its own, so none can sign, or name a
chunk, in the place of another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shardvault.errors import IntegrityError
from shardvault.interfaces import Buffer, ChunkKind
from shardvault.model.ids import ChunkId
from shardvault.repository.crypto import derive_key, keyed_hash


@dataclass(frozen=True)
class Author:
    """Sign, and name chunks; never prints its keys.

    Attributes:
        source: id of the source, 16 bytes; empty for whoever holds the repository's key.
    """

    source: bytes
    signing: Ed25519PrivateKey = field(repr=False, compare=False)
    _chunk_keys: dict[ChunkKind, bytes] = field(repr=False, compare=False)

    def chunk_id(self, kind: ChunkKind, data: Buffer) -> ChunkId:
        """Return the id of a chunk; each kind has a key, so no two kinds share ids."""
        return ChunkId(keyed_hash(self._chunk_keys[kind], data))

    def verify(self, signature: bytes, signed: bytes) -> None:
        """Raise IntegrityError unless this author signed the bytes."""
        try:
            self.signing.public_key().verify(signature, signed)
        except InvalidSignature as error:
            raise IntegrityError("its signature is wrong") from error


def make_author(secret: bytes, repository: bytes, source: bytes = b"") -> Author:
    """Derive the keys of an author from its secret, the master key or that of a source."""

    def derive(purpose: str) -> bytes:
        return derive_key(secret, salt=repository, purpose=purpose)

    return Author(
        source=source,
        signing=Ed25519PrivateKey.from_private_bytes(derive("signing")),
        _chunk_keys={kind: derive(f"chunk id {kind.value}") for kind in ChunkKind},
    )


def source_secret(master: bytes, repository: bytes, source: bytes) -> bytes:
    """Derive the secret of a source, which knows this and not the master key."""
    return derive_key(master, salt=repository + source, purpose="source")
