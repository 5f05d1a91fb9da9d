"""Hold the keys of one repository: those that everything else is derived from."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shardvault.errors import IntegrityError, RefusedError
from shardvault.interfaces import Buffer, ChunkKind, Storage
from shardvault.model.ids import ChunkId
from shardvault.repository.authors import Author, make_author
from shardvault.repository.crypto import RandomBytes, derive_key, keyed_hash
from shardvault.repository.epochs import (
    Epoch,
    Epochs,
    MasterEpochs,
    SealedByMaster,
    cannot_read,
    cannot_write,
)
from shardvault.repository.format import (
    FORMAT_VERSION,
    NAME_BYTES,
    ObjectType,
    associated_data,
)


@dataclass(frozen=True)
class KeyRing:
    """Hold the keys of one repository; never prints them.

    Attributes:
        version: of the repository's format.
        author: in whose name this ring writes.
        epochs: data keys of write sessions.
        master: the master key; None for a source, which can only add backups.
        is_mirror: say whether this is a mirror's ring, which writes nothing of its own.
        owner_key: of a source's ring, the public signing key of whoever holds the master key.
    """

    repository: bytes
    version: int
    author: Author
    epochs: Epochs = field(repr=False, compare=False)
    master: bytes | None = field(repr=False)
    _name_key: bytes = field(repr=False, compare=False)
    is_mirror: bool = False
    owner_key: bytes = b""

    @property
    def signing(self) -> Ed25519PrivateKey:
        """Return the key with which this ring signs."""
        return self.author.signing

    @property
    def is_write_only(self) -> bool:
        """Say whether this is the ring of a source."""
        return self.master is None

    @property
    def has_log(self) -> bool:
        """Say whether repositories of this version keep a log."""
        return self.version > 1

    def verify_owner(self, signature: bytes, signed: bytes) -> None:
        """Raise IntegrityError unless whoever holds the master key signed the bytes."""
        try:
            Ed25519PublicKey.from_public_bytes(self.owner_key).verify(signature, signed)
        except (InvalidSignature, ValueError) as error:
            raise IntegrityError("its signature is wrong") from error

    def require_master(self) -> bytes:
        """Return the master key; raises WrongKey if this is the ring of a source."""
        if self.master is None:
            raise cannot_read()
        return self.master

    def require_writable(self) -> None:
        """Raise RefusedError unless objects may be added to the repository."""
        if self.version != FORMAT_VERSION:
            raise cannot_write()
        if self.is_mirror:
            raise RefusedError(
                "this repository is a mirror; only `shardvault repo copy` writes to it",
                hint="write to the repository that it mirrors; to let it stand on its own, take "
                "`mirror: true` out of the configuration",
            )

    def chunk_id(self, kind: ChunkKind, data: Buffer) -> ChunkId:
        """Return the id of a chunk that this ring writes."""
        return self.author.chunk_id(kind, data)

    def hidden_name(self, text: str) -> str:
        """Return the word under which something named by people is stored."""
        return keyed_hash(self._name_key, text.encode())[:NAME_BYTES].hex()

    def epoch(self, salt: bytes) -> Epoch:
        """Return the epoch of an object; raises IntegrityError, WrongKey."""
        return self.epochs.find(salt)

    def new_salt(self, random_bytes: RandomBytes) -> bytes:
        """Return a salt for one new object; raises RefusedError if nothing may be written."""
        return self.epochs.new_salt(random_bytes)

    def object_cipher(self, kind: ObjectType, salt: bytes) -> AESGCM:
        """Return the cipher of the one object that carries the salt."""
        secret = self.epoch(salt).secret
        return AESGCM(derive_key(secret, salt=salt, purpose=kind.name.lower()))

    def bind(self, kind: ObjectType, detail: bytes) -> bytes:
        """Return the associated data of something encrypted or signed in this repository."""
        return associated_data(kind, self.repository, detail, self.version)


def make_key_ring(
    repository: bytes,
    master: bytes,
    *,
    storage: Storage | None = None,
    version: int = FORMAT_VERSION,
) -> KeyRing:
    """Derive every fixed key of a repository from its master key.

    Args:
        storage: where the epochs that sources began are found.
    """
    author = make_author(master, repository)
    epochs: Epochs
    if version == 1:
        epochs = SealedByMaster(master, author)
    else:
        epochs = MasterEpochs(repository, master, author, storage)
    return KeyRing(
        repository=repository,
        version=version,
        author=author,
        epochs=epochs,
        master=master,
        _name_key=name_key(repository, master),
    )


def name_key(repository: bytes, master: bytes) -> bytes:
    """Derive the key of manifests' names."""
    return derive_key(master, salt=repository, purpose="names")
