from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from shardvault.errors import IntegrityError, UsageError, WrongKey
from shardvault.interfaces import ChunkKind
from shardvault.repository.keys import (
    create_key_file,
    make_key_ring,
    open_slots,
    read_key_file,
    write_slot,
)
from shardvault.storage.memory import MemoryStorage
from tests.support.repositories import counted_bytes

REPOSITORY = bytes(range(16))
MASTER = bytes(range(32))
KEY = b"k" * 32
HASH = b"h" * 32


def _with_slot(key: bytes = KEY) -> MemoryStorage:
    storage = MemoryStorage()
    write_slot(storage, make_key_ring(REPOSITORY, MASTER), key, HASH, counted_bytes())
    return storage


def _alter(storage: MemoryStorage, position: int) -> None:
    (slot,) = storage.list("keys/")
    data = bytearray(storage.get(slot.name))
    data[position] ^= 1
    storage.delete(slot.name)
    storage.put_new(slot.name, [data])


def test_a_key_file_is_read_back_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "repo.key"
    before = os.umask(0)
    try:
        key = create_key_file(path, os.urandom)
    finally:
        os.umask(before)
    assert read_key_file(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("shardvault-key-1:")
    assert path.read_text().count("\n") == 1


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "repo.key"
    path.write_text("precious")
    with pytest.raises(UsageError):
        create_key_file(path, os.urandom)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "repo.key"
    create_key_file(path, os.urandom)
    path.chmod(mode)
    with pytest.raises(UsageError) as caught:
        read_key_file(path)
    assert caught.value.hint == f"chmod 600 {path}"


@pytest.mark.parametrize(
    "text", ["", "hello", "shardvault-key-1:", "shardvault-key-1:AAAA", "shardvault-key-1:ä" * 99,
             "shardvault-key-2:" + "A" * 43 + "=", "A" * 43 + "="]
)  # fmt: skip
def test_what_is_no_key_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "repo.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(UsageError, match="not a key file"):
        read_key_file(path)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_key_file(tmp_path / "gone.key")
    assert "gone.key" in str(caught.value)
    assert os.strerror(errno.ENOENT) in str(caught.value)


def test_the_key_opens_its_slot() -> None:
    ring = open_slots(_with_slot(), REPOSITORY, KEY, HASH)
    assert (ring.repository, ring.master) == (REPOSITORY, MASTER)


def test_any_of_several_slots_is_enough() -> None:
    storage = _with_slot()
    write_slot(storage, make_key_ring(REPOSITORY, MASTER), b"2" * 32, HASH, os.urandom)
    for key in (KEY, b"2" * 32):
        assert open_slots(storage, REPOSITORY, key, HASH).master == MASTER


def test_a_wrong_key_is_told_from_a_damaged_slot() -> None:
    with pytest.raises(WrongKey):
        open_slots(_with_slot(), REPOSITORY, b"x" * 32, HASH)
    storage = _with_slot()
    _alter(storage, -1)
    with pytest.raises(IntegrityError):
        open_slots(storage, REPOSITORY, KEY, HASH)


def test_a_damaged_slot_beside_a_sound_one_does_no_harm() -> None:
    storage = _with_slot()
    storage.put_new("keys/00", [b"rubbish"])
    assert open_slots(storage, REPOSITORY, KEY, HASH).master == MASTER


def test_a_slot_of_another_repository_is_refused() -> None:
    with pytest.raises(IntegrityError, match="another repository"):
        open_slots(_with_slot(), bytes(16), KEY, HASH)


def test_a_repository_without_slots_is_damaged() -> None:
    with pytest.raises(IntegrityError):
        open_slots(MemoryStorage(), REPOSITORY, KEY, HASH)


def test_another_format_object_than_the_first_is_refused() -> None:
    with pytest.raises(IntegrityError, match="altered"):
        open_slots(_with_slot(), REPOSITORY, KEY, b"x" * 32)


def test_keys_are_not_printed() -> None:
    text = repr(make_key_ring(REPOSITORY, MASTER))
    assert MASTER.hex() not in text
    assert repr(MASTER) not in text
    assert "master" not in text


def test_derived_values_never_change() -> None:
    """Vectors: a change here makes every existing repository unreadable."""
    ring = make_key_ring(REPOSITORY, MASTER)
    assert ring.chunk_id(ChunkKind.ROWS, b"data").hex() == ROWS_VECTOR
    assert ring.chunk_id(ChunkKind.META, b"data").hex() == META_VECTOR
    assert ring.hidden_name("20261122T113000Z-full") == NAME_VECTOR
    assert ring.signing.public_key().public_bytes_raw().hex() == SIGNING_VECTOR


ROWS_VECTOR = "fb3d78ef6187318ee8878bf89bfac9745f4661b220222eb5ebabab303d50d335"
META_VECTOR = "4e7b45fda7fcba262584c441c0272ff4e2f855864b40200c80ead946e131c293"
NAME_VECTOR = "c37f50e58e0d9556befcc0d905db9421"
SIGNING_VECTOR = "72306b1e5c9ffe6530c6c4c966b82ba2d5c755ff5c86e418d92af17e4a9a3bc4"
