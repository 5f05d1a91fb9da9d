"""Keep the master key in slots and derive every other key from it.

A key file opens a slot; the slot holds the master key and the hash of the format object,
so the store can alter neither.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shardvault.errors import IntegrityError, UsageError, WrongKey
from shardvault.interfaces import Buffer, ChunkKind, Storage
from shardvault.model.ids import ChunkId
from shardvault.repository.crypto import RandomBytes, decrypt, derive_key, keyed_hash
from shardvault.repository.format import (
    CHECKSUM_BYTES,
    FORMAT_VERSION,
    KEY_BYTES,
    KEY_FILE_PREFIX,
    MAGIC,
    NAME_BYTES,
    SALT_BYTES,
    SEALED_NONCE,
    SLOT_BYTES,
    SLOT_HEADER,
    SLOT_PREFIX,
    ObjectType,
    SlotKind,
    associated_data,
)

_PURPOSES = {
    ObjectType.PACK: "pack",
    ObjectType.INDEX: "index",
    ObjectType.MANIFEST: "manifest",
    ObjectType.LOG: "log",
    ObjectType.LEASE: "lease",
}


@dataclass(frozen=True)
class KeyRing:
    """Hold the keys of one repository; never prints them."""

    repository: bytes
    master: bytes = field(repr=False)
    signing: Ed25519PrivateKey = field(repr=False, compare=False)
    _chunk_keys: dict[ChunkKind, bytes] = field(repr=False, compare=False)
    _name_key: bytes = field(repr=False, compare=False)

    def chunk_id(self, kind: ChunkKind, data: Buffer) -> ChunkId:
        """Return the id of a chunk; each kind has a key, so no two kinds share ids."""
        return ChunkId(keyed_hash(self._chunk_keys[kind], data))

    def hidden_name(self, text: str) -> str:
        """Return the word under which something named by people is stored."""
        return keyed_hash(self._name_key, text.encode())[:NAME_BYTES].hex()

    def object_cipher(self, kind: ObjectType, salt: bytes) -> AESGCM:
        """Return the cipher of the one object that carries the salt."""
        return AESGCM(derive_key(self.master, salt=salt, purpose=_PURPOSES[kind]))


def make_key_ring(repository: bytes, master: bytes) -> KeyRing:
    """Derive every fixed key of a repository from its master key."""

    def derive(purpose: str) -> bytes:
        return derive_key(master, salt=repository, purpose=purpose)

    return KeyRing(
        repository=repository,
        master=master,
        signing=Ed25519PrivateKey.from_private_bytes(derive("signing")),
        _chunk_keys={kind: derive(f"chunk id {kind.value}") for kind in ChunkKind},
        _name_key=derive("names"),
    )


def create_key_file(path: Path, random_bytes: RandomBytes) -> bytes:
    """Make a key file, durable and readable by its owner alone, and return its key.

    Raises:
        UsageError: the file cannot be made or is there already.
    """
    key = random_bytes(KEY_BYTES)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, 0o600)
            file.write(f"{KEY_FILE_PREFIX}{base64.b64encode(key).decode()}\n".encode())
            file.flush()
            os.fsync(fd)
        _sync_folder(path.parent)
    except OSError as error:
        raise UsageError(f"cannot make key file {path}: {error.strerror}") from error
    return key


def read_key_file(path: Path) -> bytes:
    """Return the 32 bytes of a key file.

    Raises:
        UsageError: missing, readable by others, or not a key file.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            line = file.read(4096).strip()
    except OSError as error:
        hint = "name the key file that init made, or its copy"
        raise UsageError(f"cannot read key file {path}: {error.strerror}", hint=hint) from error
    if stat.S_IMODE(mode) & 0o077:
        raise UsageError(f"key file {path} is open to others", hint=f"chmod 600 {path}")
    return _parse_key(path, line)


def write_slot(
    storage: Storage, ring: KeyRing, key: bytes, format_hash: bytes, random_bytes: RandomBytes
) -> None:
    """Store the master key so that the key opens it.

    Args:
        format_hash: SHA-256 of the stored format object.
    """
    name = SLOT_PREFIX + random_bytes(NAME_BYTES).hex()
    salt = random_bytes(SALT_BYTES)
    header = SLOT_HEADER.pack(
        MAGIC, FORMAT_VERSION, ObjectType.SLOT, SlotKind.FILE, ring.repository, salt
    )
    body = _slot_cipher(key, salt).encrypt(
        SEALED_NONCE, ring.master + format_hash, _slot_binding(header, ring.repository, name)
    )
    storage.put_new(name, [header, body, _checksum(name, header + body)])


def open_slots(storage: Storage, repository: bytes, key: bytes, format_hash: bytes) -> KeyRing:
    """Return the keys of the repository from the first slot that the key opens.

    Raises:
        WrongKey: every slot is sound and none is opened by this key.
        IntegrityError: the format object was altered, or no slot opens and one is damaged.
    """
    damaged: IntegrityError | None = None
    slots = [found.name for found in storage.list(SLOT_PREFIX)]
    for name in slots:
        try:
            body = _open_slot(name, storage.get(name, 0, SLOT_BYTES + 1), repository, key)
        except IntegrityError as error:
            damaged = error
            continue
        if body is not None:
            return _accept_slot(body, repository, format_hash)
    if not slots:
        raise IntegrityError("repository has no key slot", hint="bring back its keys/ folder")
    raise damaged or WrongKey(
        "the key does not open this repository", hint="name the key file that init made for it"
    )


def _parse_key(path: Path, line: bytes) -> bytes:
    prefix = KEY_FILE_PREFIX.encode()
    try:
        key = base64.b64decode(line.removeprefix(prefix), validate=True)
    except binascii.Error:
        key = b""
    if not line.startswith(prefix) or len(key) != KEY_BYTES:
        raise UsageError(f"{path} is not a key file", hint=f"its line begins {KEY_FILE_PREFIX}")
    return key


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _open_slot(name: str, stored: bytes, repository: bytes, key: bytes) -> bytes | None:
    """Return a slot's body, None if another key opens it; raises IntegrityError if damaged."""
    sealed, checksum = stored[:-CHECKSUM_BYTES], stored[-CHECKSUM_BYTES:]
    if len(stored) != SLOT_BYTES or checksum != _checksum(name, sealed):
        raise IntegrityError(f"key slot {name} is damaged")
    header = sealed[: SLOT_HEADER.size]
    *_, owner, salt = SLOT_HEADER.unpack(header)
    if owner != repository:
        raise IntegrityError(f"key slot {name} is of another repository")
    try:
        binding = _slot_binding(header, repository, name)
        return decrypt(_slot_cipher(key, salt), SEALED_NONCE, sealed[len(header) :], binding)
    except IntegrityError:
        return None


def _accept_slot(body: bytes, repository: bytes, format_hash: bytes) -> KeyRing:
    master, expected = body[:KEY_BYTES], body[KEY_BYTES:]
    if expected != format_hash:
        raise IntegrityError("the format object was altered", hint="bring back its first version")
    return make_key_ring(repository, master)


def _slot_cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(derive_key(key, salt=salt, purpose="slot"))


def _slot_binding(header: bytes, repository: bytes, name: str) -> bytes:
    return associated_data(ObjectType.SLOT, repository, header + name.encode())


def _checksum(name: str, sealed: bytes) -> bytes:
    """Tell a damaged slot from a wrong key; it proves nothing against an attacker."""
    return sha256(name.encode() + sealed).digest()[:CHECKSUM_BYTES]
