"""Define the repository format: every magic number, type byte, layout and name, once.

docs/repository-format.md explains each of them.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from shardvault.interfaces import ChunkKind

FORMAT_VERSION = 1
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


class SlotKind(IntEnum):
    """Say what opens a key slot."""

    FILE = 1


KIND_BYTES = {ChunkKind.ROWS: 1, ChunkKind.META: 2}

FORMAT_NAME = "format"
SLOT_PREFIX = "keys/"
PACK_PREFIX = "packs/"
INDEX_PREFIX = "index/"
MANIFEST_PREFIX = "manifests/"
LOG_PREFIX = "log/"
LEASE_PREFIX = "leases/"
CLOCK_PREFIX = "clock/"
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
"""Magic, format version, object type, salt: begins every pack, index and manifest."""
SLOT_HEADER = struct.Struct(">8sBBB16s32s")
"""Magic, format version, object type, slot kind, repository id, salt."""
SLOT_BYTES = SLOT_HEADER.size + 2 * KEY_BYTES + TAG_BYTES + CHECKSUM_BYTES
ENTRY = struct.Struct(">32sBII")
"""Chunk id, chunk kind, stored length, plain length [bytes]."""
TRAILER = struct.Struct(">I8s")
"""Length of the encrypted directory [bytes], magic: ends every pack."""
PACK_RECORD = struct.Struct(">32sII")
"""Pack id, size of the pack [bytes], number of entries that follow; in an index."""

SEALED_NONCE = bytes(NONCE_BYTES)
"""For what is encrypted once under a key of its own: slots, indexes, manifests."""
DIRECTORY_NONCE = b"\xff" * NONCE_BYTES
"""For the directory of a pack; its blobs count from 0 and never get there."""

KEY_FILE_PREFIX = "shardvault-key-1:"

COMPRESSION_LEVEL = 1
PACK_BYTES = 16 << 20
"""Stored size at which a pack is closed [bytes]."""
MAX_CHUNK_BYTES = (1 << 30) + (64 << 20)
"""Largest chunk that is written or read, plain: one row of the greatest max_allowed_packet."""
MAX_SEALED_BYTES = 256 << 20
"""Largest index or manifest that is read, plain or stored [bytes]."""
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


def associated_data(kind: ObjectType, repository: bytes, detail: bytes) -> bytes:
    """Bind encrypted bytes to their type, repository and name or id."""
    return DOMAIN + bytes((FORMAT_VERSION, kind)) + repository + detail
