"""Define the repository format: every magic number, type byte, layout and name, once.

docs/repository-format.md explains each of them.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from shardvault.interfaces import ChunkKind

FORMAT_VERSION = 2
"""What is written; a repository is of one version throughout. Version 1 is only read."""
MAGIC = b"SHARDVLT"
DOMAIN = b"shardvault\0"
"""Begins associated data and signed text, so that no other protocol's bytes fit."""


class ObjectType(IntEnum):
    """Tell apart what is encrypted or signed; a byte on disk and in associated data."""

    SLOT = 1
    PACK = 2
    INDEX = 3
    MANIFEST = 4
    BLOB = 5
    DIRECTORY = 6
    SIGNATURE = 7
    LOG = 8
    LEASE = 9
    EPOCH = 10
    SOURCE = 11
    PARITY = 12
    TOMBSTONE = 13


class SlotKind(IntEnum):
    """Say what opens a key slot."""

    FILE = 1
    PASSPHRASE = 2
    IDENTITY = 3
    COMMAND = 4


KIND_BYTES = {ChunkKind.ROWS: 1, ChunkKind.META: 2}

FORMAT_NAME = "format"
SLOT_PREFIX = "keys/"
PACK_PREFIX = "packs/"
INDEX_PREFIX = "index/"
MANIFEST_PREFIX = "manifests/"
EPOCH_PREFIX = "epochs/"
SOURCE_PREFIX = "sources/"
LOG_PREFIX = "log/"
LEASE_PREFIX = "leases/"
CLOCK_PREFIX = "clock/"
TOMBSTONE_PREFIX = "tombstones/"
PARITY_PREFIX = "parity/"
QUARANTINE_PREFIX = "quarantine/"
WRITER_LOCK = "writer"

SALT_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
ID_BYTES = 32
REPOSITORY_ID_BYTES = 16
KEY_BYTES = 32
SIGNATURE_BYTES = 64
NAME_BYTES = 16
CHECKSUM_BYTES = 16

HEADER = struct.Struct(">8sBB32s")
"""Magic, format version, object type, salt: begins every sealed object.

The salt is the epoch followed by random bytes; in version 1 it was random throughout."""
EPOCH_BYTES = 16
EPOCH_BODY = struct.Struct(">32s16s")
"""Secret of an epoch, id of the source that began it: what an epoch object holds, sealed."""
EPOCH_OBJECT_BYTES = HEADER.size + EPOCH_BODY.size + TAG_BYTES + SIGNATURE_BYTES

SLOT_HEADER = struct.Struct(">8sBBB16s32s")
"""Magic, format version, object type, slot kind, repository id, salt."""
SLOT_COST = struct.Struct(">III")
"""Memory [KiB], passes and lanes of Argon2id; zeros in a slot that no passphrase opens."""
SLOT_BODY_BYTES = 2 * KEY_BYTES + TAG_BYTES
SLOT_NOTE_BYTES = 256
"""Length of a slot's label and time, filled up with blanks [bytes]."""
SLOT_BYTES = {
    1: SLOT_HEADER.size + SLOT_BODY_BYTES + CHECKSUM_BYTES,
    2: SLOT_HEADER.size
    + SLOT_COST.size
    + SLOT_BODY_BYTES
    + SLOT_NOTE_BYTES
    + TAG_BYTES
    + CHECKSUM_BYTES,
}
"""Length of every slot of a version [bytes]."""
MAX_SLOTS = 32
"""Slots that are tried; more were put there to waste time."""
MAX_LABEL_BYTES = 64
SUFFIX_DIGITS = 8
"""Digits of its own id with which a source ends the ids of its backups."""
ENTRY = struct.Struct(">32sBII")
"""Chunk id, chunk kind, stored length, plain length [bytes]."""
TRAILER = struct.Struct(">I8s")
"""Length of the encrypted directory [bytes], magic: ends every pack."""
PACK_OVERHEAD = HEADER.size + TAG_BYTES + TRAILER.size
"""Bytes of a pack that are neither blobs nor entries [bytes]."""
PACK_RECORD = struct.Struct(">32sII")
"""Pack id, size of the pack [bytes], number of entries that follow; in an index."""

SEALED_NONCE = bytes(NONCE_BYTES)
"""For what is encrypted once under a key of its own: slots, indexes, manifests."""
DIRECTORY_NONCE = b"\xff" * NONCE_BYTES
"""For the directory of a pack; its blobs count from 0 and never get there."""

KEY_FILE_PREFIX = "shardvault-key-1:"
IDENTITY_PREFIX = "shardvault-identity-1:"
RECIPIENT_PREFIX = "shardvault-recipient-1:"
SOURCE_FILE_PREFIX = "shardvault-source-1:"

COMPRESSION_LEVEL = 1
PACK_BYTES = 16 << 20
"""Stored size at which a pack is closed [bytes]."""
MAX_CHUNK_BYTES = (1 << 30) + (64 << 20)
"""Largest chunk that is written or read, plain: one row of the greatest max_allowed_packet."""
MAX_SEALED_BYTES = 256 << 20
"""Largest index or manifest that is read, plain or stored [bytes]."""
MAX_NOTE_BYTES = 64 << 10
"""Largest lease, source or tombstone, plain or stored [bytes]."""
MAX_SOURCE_ENTRY_BYTES = 64 << 10
"""Largest entry of the log that a source can write, plain or stored [bytes]."""
MAX_PLAIN_BYTES = {
    ObjectType.LEASE: MAX_NOTE_BYTES,
    ObjectType.SOURCE: MAX_NOTE_BYTES,
    ObjectType.PARITY: 4 << 20,
}
"""Largest contents of a compressed object of a kind [bytes]; of others, the largest of all."""
SOURCE_LIMITS = {
    ObjectType.LOG: (MAX_SOURCE_ENTRY_BYTES, 0),
    ObjectType.INDEX: (64 << 10, 4),
    ObjectType.MANIFEST: (16 << 20, 64),
    ObjectType.PARITY: (64 << 10, 4),
}
"""Largest contents of what a source wrote: bytes, and times the stored size.

Ids of chunks and packs are hashes, which hardly get smaller."""
MAX_PART_BYTES = 1 << 30
"""Largest part of a shard, plain [bytes]: the definitions and ranges of some 20 TB."""
MAX_FORMAT_BYTES = 64 << 10
INDEX_ENTRIES = 1 << 20
"""Entries after which an index is closed; keeps it far below the largest size."""
PART_CHUNK_BYTES = 4 << 20


def pack_name(pack: bytes) -> str:
    """Name the object of a pack by its id, the BLAKE3 hash of its stored bytes."""
    text = pack.hex()
    return f"{PACK_PREFIX}{text[:2]}/{text}"


def parse_pack_name(name: str) -> bytes | None:
    """Return the pack id in an object's name, or None if it is not the name of a pack."""
    try:
        pack = bytes.fromhex(name.rpartition("/")[2])
    except ValueError:
        return None
    return pack if pack_name(pack) == name and len(pack) == ID_BYTES else None


def source_name(source: bytes) -> str:
    """Name the object of a source by its id; empty for whoever holds the repository's key."""
    return SOURCE_PREFIX + source.hex() if source else ""


def begins_sealed_epoch(salt: bytes) -> bool:
    """Say whether the epoch that a salt begins with was begun by a source, and is an object."""
    return salt[0] >= 0x80


def associated_data(
    kind: ObjectType, repository: bytes, detail: bytes, version: int = FORMAT_VERSION
) -> bytes:
    """Bind encrypted bytes to their type, repository and name or id."""
    return DOMAIN + bytes((version, kind)) + repository + detail
