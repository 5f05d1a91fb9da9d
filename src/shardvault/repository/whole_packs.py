"""Read packs whole: every byte, and every chunk in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shardvault.errors import IntegrityError, ObjectMissing
from shardvault.interfaces import Storage
from shardvault.repository.authors import Author
from shardvault.repository.crypto import content_hash, decompress, decompress_own, decrypt
from shardvault.repository.format import (
    DIRECTORY_NONCE,
    ENTRY,
    HEADER,
    KIND_BYTES,
    MAX_CHUNK_BYTES,
    NONCE_BYTES,
    TRAILER,
    ObjectType,
    pack_name,
)
from shardvault.repository.index import PackRecord
from shardvault.repository.keys import KeyRing
from shardvault.repository.objects import read_header
from shardvault.repository.packs import blob_binding

_KINDS = {number: kind for kind, number in KIND_BYTES.items()}


@dataclass(frozen=True)
class PackReading:
    """Hold what reading a pack whole yielded.

    Attributes:
        size_bytes: bytes that were read [bytes].
        fault: what is wrong with it; empty if nothing is.
        unreadable: numbers of the blobs that cannot be read.
    """

    size_bytes: int
    fault: str = ""
    unreadable: frozenset[int] = frozenset()


def read_pack(storage: Storage, ring: KeyRing, record: PackRecord) -> PackReading:
    """Compare a pack with its name and its index, and read every chunk in it.

    Damage is a result, not an error.

    Args:
        record: what the index says of it.
    """
    name = pack_name(record.pack)
    every = frozenset(range(record.entries))
    try:
        pack = _open(ring, storage.get(name))
    except ObjectMissing:
        return PackReading(0, f"object {name} is missing", every)
    except IntegrityError as error:
        return PackReading(0, f"object {name} is damaged: {error.message}", every)
    unreadable = frozenset(pack.find_unreadable(record))
    return PackReading(len(pack.data), pack.judge(record, len(unreadable)), unreadable)


def _open(ring: KeyRing, data: bytes) -> _OpenPack:
    salt = read_header(ring, ObjectType.PACK, data[: HEADER.size])
    cipher = ring.object_cipher(ObjectType.PACK, salt)
    return _OpenPack(ring, memoryview(data), cipher, ring.epoch(salt).author)


@dataclass(frozen=True)
class _OpenPack:
    """Hold a whole pack and what decrypts it."""

    ring: KeyRing
    data: memoryview
    cipher: AESGCM
    author: Author

    def find_unreadable(self, record: PackRecord) -> Iterator[int]:
        """Give the number of each blob that is not the chunk it should be."""
        end = HEADER.size
        for number, entry in enumerate(ENTRY.iter_unpack(record.directory)):
            begin, end = end, end + entry[2]
            try:
                self._prove(number, self.data[begin:end], entry)
            except IntegrityError:
                yield number

    def _prove(self, number: int, blob: memoryview, entry: tuple[bytes, int, int, int]) -> None:
        chunk, kind_byte, _, plain_bytes = entry
        kind = _KINDS.get(kind_byte)
        if kind is None or plain_bytes > MAX_CHUNK_BYTES:
            raise IntegrityError("no chunk")
        binding = blob_binding(self.ring, kind, chunk)
        frame = decrypt(self.cipher, number.to_bytes(NONCE_BYTES, "big"), blob, binding)
        unpack = decompress if self.author.source else decompress_own
        if self.author.chunk_id(kind, unpack(frame, plain_bytes)) != chunk:
            raise IntegrityError("contents do not have the id of the chunk")

    def judge(self, record: PackRecord, unreadable: int) -> str:
        """Say what is wrong with the pack as a whole; empty if nothing is."""
        name = pack_name(record.pack)
        if content_hash(self.data) != record.pack:
            return f"object {name} is damaged: {unreadable} of {record.entries} chunks"
        if unreadable or self._read_directory() != record.directory:
            return f"object {name} does not hold what its index says"
        return ""

    def _read_directory(self) -> bytes:
        """Read the directory of a pack whose bytes are those that were written."""
        end = len(self.data) - TRAILER.size
        length, _ = TRAILER.unpack(self.data[end:])
        binding = self.ring.bind(ObjectType.DIRECTORY, b"")
        return decrypt(self.cipher, DIRECTORY_NONCE, self.data[end - length : end], binding)
