"""Keep, for each group of packs, one object that brings any one of them back bit by bit.

It holds the packs' exclusive or, shorter ones filled up with zeros. Packs are encrypted, so
it tells nothing that they do not; and a pack that was brought back is proven by its name,
the hash of its bytes.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from shardvault.errors import IntegrityError, ObjectMissing
from shardvault.interfaces import Buffer, Storage
from shardvault.repository.crypto import RandomBytes, content_hash
from shardvault.repository.format import (
    MAX_SEALED_BYTES,
    NAME_BYTES,
    PARITY_PREFIX,
    ObjectType,
    pack_name,
)
from shardvault.repository.keys import KeyRing
from shardvault.repository.objects import open_signed, seal_signed

_LENGTH = struct.Struct(">I")


class _Header(msgspec.Struct, frozen=True):
    """Describe the group; sealed and signed.

    Attributes:
        packs: ids, in the order in which they were added.
        sizes: of the packs, in the same order [bytes].
        digest: BLAKE3 hash of the exclusive or.
    """

    packs: tuple[bytes, ...]
    sizes: tuple[int, ...]
    digest: bytes


@dataclass(frozen=True)
class Group:
    """Describe packs, any one of which the others bring back.

    Attributes:
        name: of the parity object.
        sizes: by the packs' ids [bytes].
        offset: at which the exclusive or begins in the object [bytes].
    """

    name: str
    sizes: dict[bytes, int]
    offset: int
    digest: bytes

    @property
    def size_bytes(self) -> int:
        """Return the length of the object [bytes]."""
        return self.offset + max(self.sizes.values(), default=0)


class ParityBuilder:
    """Gather finished packs into groups; safe for many threads.

    Args:
        packs: in a group; the fewer, the more space and safety.
    """

    def __init__(
        self, storage: Storage, ring: KeyRing, random_bytes: RandomBytes, packs: int
    ) -> None:
        self._storage = storage
        self._ring = ring
        self._random_bytes = random_bytes
        self._packs = packs
        self._sizes: dict[bytes, int] = {}
        self._sum = 0
        self._lock = threading.Lock()

    def add(self, pack: bytes, parts: Sequence[Buffer]) -> tuple[tuple[str, int], ...]:
        """Take a stored pack; return name and length of a parity object that was stored."""
        data = b"".join(parts)
        with self._lock:
            self._sizes[pack] = len(data)
            self._sum ^= int.from_bytes(data, "little")
            return self._store() if len(self._sizes) == self._packs else ()

    def finish(self) -> tuple[tuple[str, int], ...]:
        """Store what is left as a smaller group; return its name and length [bytes]."""
        with self._lock:
            return self._store() if self._sizes else ()

    def _store(self) -> tuple[tuple[str, int], ...]:
        xored = self._sum.to_bytes(max(self._sizes.values()), "little")
        name = PARITY_PREFIX + self._random_bytes(NAME_BYTES).hex()
        header = _Header(tuple(self._sizes), tuple(self._sizes.values()), content_hash(xored))
        plain = msgspec.json.encode(header)
        sealed = seal_signed(self._ring, ObjectType.PARITY, name, plain, self._random_bytes)
        parts = [_LENGTH.pack(len(sealed)), sealed, xored]
        self._storage.put_new(name, parts)
        self._sizes, self._sum = {}, 0
        return ((name, sum(map(len, parts))),)


def read_groups(storage: Storage, ring: KeyRing) -> Iterator[Group | IntegrityError]:
    """Give what each parity object protects, or why it is of no use; reads headers only."""
    for found in list(storage.list(PARITY_PREFIX)):
        try:
            group = _read_group(storage, ring, found.name)
            if group.size_bytes != found.size_bytes:
                raise IntegrityError(f"object {found.name} is damaged: it has another length")
        except IntegrityError as error:
            yield error
        else:
            yield group


def mend(storage: Storage, group: Group, pack: bytes) -> bytes | None:
    """Return the true bytes of a pack of the group; None if more than that one is damaged."""
    try:
        xored = storage.get(group.name, group.offset)
        total = int.from_bytes(xored, "little")
        for other in group.sizes.keys() - {pack}:
            total ^= int.from_bytes(storage.get(pack_name(other)), "little")
        data = total.to_bytes(max(group.sizes.values()), "little")[: group.sizes[pack]]
    except (ObjectMissing, OverflowError):
        return None
    return data if content_hash(data) == pack else None


def prove_group(storage: Storage, group: Group) -> str:
    """Read the exclusive or; say what is wrong with it, empty if nothing is."""
    try:
        data = storage.get(group.name, group.offset)
    except ObjectMissing:
        return f"object {group.name} is missing"
    return "" if content_hash(data) == group.digest else f"object {group.name} is damaged"


def find_mendable(group: Group, lost: Collection[bytes]) -> bytes | None:
    """Return the only pack of a group that is lost; None if none is, or more than one."""
    hit = group.sizes.keys() & set(lost)
    return hit.pop() if len(hit) == 1 else None


def list_useless(groups: Iterable[Group], packs: Collection[bytes]) -> list[str]:
    """Name the parity objects that protect nothing any more.

    Args:
        groups: as read.
        packs: those that shall be protected; of a useful group all are there.
    """
    return [group.name for group in groups if not group.sizes.keys() <= set(packs)]


def _read_group(storage: Storage, ring: KeyRing, name: str) -> Group:
    begin = storage.get(name, 0, _LENGTH.size)
    if len(begin) < _LENGTH.size or (length := _LENGTH.unpack(begin)[0]) > MAX_SEALED_BYTES:
        raise IntegrityError(f"object {name} is damaged: its begin is not that of parity")
    plain, _ = open_signed(ring, ObjectType.PARITY, name, storage.get(name, _LENGTH.size, length))
    try:
        header = msgspec.json.decode(plain, type=_Header)
        sizes = dict(zip(header.packs, header.sizes, strict=True))
    except (msgspec.MsgspecError, ValueError) as error:
        raise IntegrityError(f"object {name} cannot be read: {error}") from error
    return Group(name, sizes, _LENGTH.size + length, header.digest)
