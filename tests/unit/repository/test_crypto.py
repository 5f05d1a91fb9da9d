from __future__ import annotations

import os
import tracemalloc

import pytest

from shardvault.errors import IntegrityError
from shardvault.repository.crypto import Compressor, decompress, decompress_own, derive_key
from shardvault.repository.format import HEADER, ObjectType
from shardvault.repository.keys import make_key_ring
from shardvault.repository.objects import fetch_sealed, open_object, read_header, seal_object
from shardvault.storage.memory import MemoryStorage

RING = make_key_ring(bytes(16), b"m" * 32)


@pytest.mark.parametrize("data", [b"", b"x", b"ab" * 100_000])
def test_a_frame_holds_its_contents(data: bytes) -> None:
    assert decompress(Compressor(1).compress(data), len(data)) == data


def test_a_compressor_keeps_nothing_from_one_frame_to_the_next() -> None:
    compressor = Compressor(1)
    first = compressor.compress(b"secret" * 100)
    compressor.compress(os.urandom(1000))
    assert compressor.compress(b"secret" * 100) == first


def test_a_bomb_is_refused_within_bounded_memory() -> None:
    bomb = Compressor(1).compress(bytes(64 << 20))
    tracemalloc.start()
    with pytest.raises(IntegrityError):
        decompress(bomb, 1000)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("change", [lambda f: f[:-1], lambda f: f + b"x", lambda f: f + f,
                                    lambda f: b"", lambda f: b"rubbish" * 9])  # fmt: skip
def test_anything_but_one_whole_frame_is_refused(change) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(IntegrityError):
        decompress(change(Compressor(1).compress(b"contents")), 8)


def test_each_purpose_and_salt_has_its_own_key() -> None:
    keys = {
        derive_key(b"s" * 32, salt=salt, purpose=purpose)
        for salt in (b"1", b"2")
        for purpose in ("pack", "index")
    }
    assert len(keys) == 4


def test_a_sealed_object_opens_only_as_what_it_is() -> None:
    stored = seal_object(RING, ObjectType.INDEX, "index/1", b"plain", os.urandom)
    assert open_object(RING, ObjectType.INDEX, "index/1", stored) == b"plain"
    other = make_key_ring(bytes(15) + b"1", b"m" * 32)
    for ring, kind, name in [
        (RING, ObjectType.INDEX, "index/2"),
        (RING, ObjectType.MANIFEST, "index/1"),
        (other, ObjectType.INDEX, "index/1"),
    ]:
        with pytest.raises(IntegrityError):
            open_object(ring, kind, name, stored)


def test_the_same_contents_are_never_sealed_twice_alike() -> None:
    sealed = {seal_object(RING, ObjectType.INDEX, "index/1", b"p", os.urandom) for _ in range(99)}
    assert len({stored[: HEADER.size] for stored in sealed}) == 99
    assert len({stored[HEADER.size :] for stored in sealed}) == 99


def test_a_header_cut_short_is_refused() -> None:
    with pytest.raises(IntegrityError, match="cut short"):
        read_header(RING, ObjectType.PACK, b"SHARDVLT")


def test_an_absurdly_large_object_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shardvault.repository.objects.MAX_SEALED_BYTES", 10)
    storage = MemoryStorage()
    storage.put_new("small", [b"x" * 10])
    storage.put_new("large", [b"x" * 11])
    assert fetch_sealed(storage, "small") == b"x" * 10
    with pytest.raises(IntegrityError, match="larger"):
        fetch_sealed(storage, "large")


def test_a_frame_of_our_own_holds_its_contents() -> None:
    data = os.urandom(1000) * 50
    assert decompress_own(Compressor(1).compress(data), len(data)) == data


@pytest.mark.parametrize("change", [lambda f: f[:-1], lambda f: f + b"x", lambda f: f + f,
                                    lambda f: b"", lambda f: b"rubbish" * 9])  # fmt: skip
def test_anything_but_one_whole_frame_of_our_own_is_refused(change) -> None:  # type: ignore[no-untyped-def]
    frame = Compressor(1).compress(b"contents")
    with pytest.raises(IntegrityError):
        decompress_own(change(frame), 8)
    with pytest.raises(IntegrityError):
        decompress_own(frame, 9)
