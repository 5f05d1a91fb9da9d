"""Gather blobs into packs, and read single blobs back.

A pack is a header with a salt, the blobs, the encrypted directory and a trailer. Blob n is
encrypted with nonce n under the pack's own key.
"""

from __future__ import annotations

import contextlib
import struct
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shardvault.errors import IntegrityError, ObjectMissing
from shardvault.interfaces import Buffer, ChunkKind, Storage
from shardvault.model.ids import ChunkId
from shardvault.repository.authors import Author
from shardvault.repository.crypto import RandomBytes, content_hash, decompress, decrypt
from shardvault.repository.format import (
    DIRECTORY_NONCE,
    ENTRY,
    HEADER,
    KIND_BYTES,
    MAGIC,
    MAX_CHUNK_BYTES,
    NONCE_BYTES,
    PACK_BYTES,
    PART_CHUNK_BYTES,
    TAG_BYTES,
    TRAILER,
    ObjectType,
    pack_name,
)
from shardvault.repository.keys import KeyRing
from shardvault.repository.objects import read_header

_CACHED_CIPHERS = 256


@dataclass(frozen=True)
class Place:
    """Say where a chunk lies.

    Attributes:
        pack: id of the pack.
        number: number of the blob in it, from 0; also its nonce.
        offset: of the blob in the pack [bytes].
        stored_bytes: length of the blob [bytes].
        plain_bytes: length of the chunk [bytes].
    """

    pack: bytes
    number: int
    offset: int
    stored_bytes: int
    plain_bytes: int


@dataclass(frozen=True)
class SealedPack:
    """Hold a finished pack until it is stored.

    Attributes:
        buffer: its first ``used`` bytes are header and blobs; lent, given back after storing.
        tail: encrypted directory and trailer.
        directory: the entries, plain, as they also stand in the index.
    """

    buffer: bytearray
    used: int
    tail: bytes
    directory: bytes

    @property
    def size_bytes(self) -> int:
        """Return the length of the stored object [bytes]."""
        return self.used + len(self.tail)

    def store(self, storage: Storage) -> bytes:
        """Store the pack durably and return its id."""
        with memoryview(self.buffer) as whole, whole[: self.used] as blobs:
            pack = content_hash(blobs, self.tail)
            storage.put_new(pack_name(pack), [blobs, self.tail])
        return pack


class PackBuilder:
    """Fill one pack; the caller serialises the calls.

    Args:
        buffer: memory to fill; belongs to the builder until the sealed pack is stored.
    """

    def __init__(self, ring: KeyRing, buffer: bytearray, random_bytes: RandomBytes) -> None:
        salt = ring.new_salt(random_bytes)
        self._ring = ring
        self._buffer = buffer
        self._cipher = ring.object_cipher(ObjectType.PACK, salt)
        self._directory = bytearray()
        self._count = 0
        HEADER.pack_into(buffer, 0, MAGIC, ring.version, ObjectType.PACK, salt)
        self._used = HEADER.size

    def fits(self, frame: bytes) -> bool:
        """Say whether the blob may still go into this pack; any blob fits an empty one."""
        return self._count == 0 or self._used + len(frame) + TAG_BYTES <= PACK_BYTES

    def add(self, chunk: ChunkId, kind: ChunkKind, frame: bytes, plain_bytes: int) -> int:
        """Encrypt a compressed chunk into the pack and return the blob's length [bytes]."""
        size = len(frame) + TAG_BYTES
        end = self._used + size
        if end > len(self._buffer):
            self._buffer.extend(bytes(end - len(self._buffer)))
        binding = blob_binding(self._ring, kind, chunk)
        with memoryview(self._buffer) as whole, whole[self._used : end] as room:
            self._cipher.encrypt_into(_nonce(self._count), frame, binding, room)
        self._directory += ENTRY.pack(chunk, KIND_BYTES[kind], size, plain_bytes)
        self._count += 1
        self._used = end
        return size

    def seal(self) -> SealedPack:
        """End the pack; nothing may be added afterwards."""
        directory = bytes(self._directory)
        binding = self._ring.bind(ObjectType.DIRECTORY, b"")
        sealed = self._cipher.encrypt(DIRECTORY_NONCE, directory, binding)
        tail = sealed + TRAILER.pack(len(sealed), MAGIC)
        return SealedPack(self._buffer, self._used, tail, directory)


class PackReader:
    """Read single blobs out of packs; safe for many threads."""

    def __init__(self, storage: Storage, ring: KeyRing) -> None:
        self._storage = storage
        self._ring = ring
        self._ciphers: OrderedDict[bytes, tuple[AESGCM, Author]] = OrderedDict()
        self._lock = threading.Lock()

    def copy(self, place: Place, chunk: ChunkId, kind: ChunkKind) -> tuple[bytes, Author]:
        """Return the chunk that lies there as it was compressed, proven, and who wrote it.

        Raises:
            IntegrityError: as ``read``.
        """
        name = pack_name(place.pack)
        with _reported(name, chunk):
            frame, _ = self._read(name, place, chunk, kind)
            return frame, self._cipher(name, place.pack)[1]

    def read(self, place: Place, chunk: ChunkId, kind: ChunkKind) -> bytes:
        """Return the chunk that lies there.

        Raises:
            IntegrityError: the pack is gone or damaged, or holds something else there.
        """
        name = pack_name(place.pack)
        with _reported(name, chunk):
            return self._read(name, place, chunk, kind)[1]

    def _read(
        self, name: str, place: Place, chunk: ChunkId, kind: ChunkKind
    ) -> tuple[bytes, bytes]:
        """Return the chunk compressed and plain."""
        cipher, author = self._cipher(name, place.pack)
        if place.plain_bytes > _limit_chunk(kind, author):
            raise IntegrityError("chunk is larger than any that is written")
        blob = self._storage.get(name, place.offset, place.stored_bytes)
        binding = blob_binding(self._ring, kind, chunk)
        frame = decrypt(cipher, _nonce(place.number), blob, binding)
        plain = decompress(frame, place.plain_bytes)
        if author.chunk_id(kind, plain) != chunk:
            raise IntegrityError("contents do not have the id of the chunk")
        return frame, plain

    def _cipher(self, name: str, pack: bytes) -> tuple[AESGCM, Author]:
        """Return the cipher of a pack, and whose keys name its chunks."""
        with self._lock:
            found = self._ciphers.get(pack)
        if found is None:
            header = self._storage.get(name, 0, HEADER.size)
            salt = read_header(self._ring, ObjectType.PACK, header)
            cipher = self._ring.object_cipher(ObjectType.PACK, salt)
            found = cipher, self._ring.epoch(salt).author
            with self._lock:
                self._ciphers[pack] = found
                if len(self._ciphers) > _CACHED_CIPHERS:
                    self._ciphers.popitem(last=False)
        return found


def _limit_chunk(kind: ChunkKind, author: Author) -> int:
    """Return how large a chunk of the kind is at most, plain [bytes]."""
    is_part = kind is ChunkKind.META and bool(author.source)
    return PART_CHUNK_BYTES if is_part else MAX_CHUNK_BYTES


@contextlib.contextmanager
def _reported(name: str, chunk: bytes) -> Iterator[None]:
    """Name the pack and the chunk in what goes wrong."""
    try:
        yield
    except ObjectMissing as error:
        raise IntegrityError(f"object {name} is missing") from error
    except IntegrityError as error:
        text = f"object {name}, chunk {chunk.hex()}: {error.message}"
        raise IntegrityError(text) from error


def read_directory(storage: Storage, ring: KeyRing, pack: bytes, size_bytes: int) -> bytes:
    """Return the entries of a pack, as its index listed them; needs no index.

    Args:
        size_bytes: of the pack [bytes].

    Raises:
        ObjectMissing: the pack is gone.
        IntegrityError: it is damaged.
    """
    name = pack_name(pack)
    at = max(0, size_bytes - TRAILER.size)
    try:
        length, magic = TRAILER.unpack(storage.get(name, at))
        if magic != MAGIC or not 0 < length <= at:
            raise IntegrityError("its end is not that of a pack")
        salt = read_header(ring, ObjectType.PACK, storage.get(name, 0, HEADER.size))
        cipher = ring.object_cipher(ObjectType.PACK, salt)
        binding = ring.bind(ObjectType.DIRECTORY, b"")
        return decrypt(cipher, DIRECTORY_NONCE, storage.get(name, at - length, length), binding)
    except (IntegrityError, struct.error) as error:
        raise IntegrityError(f"object {name} is damaged: {error}") from error


def blob_binding(ring: KeyRing, kind: ChunkKind, chunk: bytes) -> bytes:
    """Bind a blob to its repository, kind and chunk id."""
    return ring.bind(ObjectType.BLOB, bytes((KIND_BYTES[kind],)) + chunk)


def view_bytes(data: Buffer) -> memoryview:
    """Look at a contiguous buffer of any item size as bytes."""
    return memoryview(data).cast("B")


def _nonce(number: int) -> bytes:
    return number.to_bytes(NONCE_BYTES, "big")
