from __future__ import annotations

import os
from hashlib import sha256

import pytest

from shardvault.errors import IntegrityError, UsageError, WrongKey
from shardvault.repository.format import MAX_SLOTS, SlotKind
from shardvault.repository.keys import KeyRing, make_key_ring
from shardvault.repository.openers import Cost, FileSecret
from shardvault.repository.slots import Slot, list_slots, open_slots, write_slot
from shardvault.storage.memory import MemoryStorage

REPOSITORY = bytes(range(16))
MASTER = bytes(range(32))
RING = make_key_ring(REPOSITORY, MASTER)
KEY = b"k" * 32
HASH = b"h" * 32


def _with_slot(key: bytes = KEY) -> MemoryStorage:
    storage = MemoryStorage()
    write_slot(storage, RING, FileSecret(key), HASH, os.urandom, label="first")
    return storage


def _open(storage: MemoryStorage, key: bytes = KEY) -> KeyRing:
    return open_slots(storage, REPOSITORY, FileSecret(key), HASH)


def _alter(storage: MemoryStorage, position: int) -> None:
    (slot,) = storage.list("keys/")
    data = bytearray(storage.get(slot.name))
    data[position] ^= 1
    storage.delete(slot.name)
    storage.put_new(slot.name, [data])


def test_the_key_opens_its_slot() -> None:
    ring = _open(_with_slot())
    assert (ring.repository, ring.master) == (REPOSITORY, MASTER)


def test_any_of_several_slots_is_enough() -> None:
    storage = _with_slot()
    write_slot(storage, RING, FileSecret(b"2" * 32), HASH, os.urandom, label="second")
    for key in (KEY, b"2" * 32):
        assert _open(storage, key).master == MASTER


def test_a_wrong_key_is_told_from_a_damaged_slot() -> None:
    with pytest.raises(WrongKey):
        _open(_with_slot(), b"x" * 32)
    storage = _with_slot()
    _alter(storage, -1)
    with pytest.raises(IntegrityError):
        _open(storage)


def test_a_damaged_slot_beside_a_sound_one_does_no_harm() -> None:
    storage = _with_slot()
    storage.put_new("keys/00", [b"rubbish"])
    assert _open(storage).master == MASTER


def test_a_slot_of_another_repository_is_refused() -> None:
    with pytest.raises(IntegrityError, match="of this repository"):
        open_slots(_with_slot(), bytes(16), FileSecret(KEY), HASH)


def test_a_repository_without_slots_is_damaged() -> None:
    with pytest.raises(IntegrityError):
        _open(MemoryStorage())


def test_another_format_object_than_the_first_is_refused() -> None:
    with pytest.raises(IntegrityError, match="altered"):
        open_slots(_with_slot(), REPOSITORY, FileSecret(KEY), b"x" * 32)


def _replace(storage: MemoryStorage, name: str, data: bytes) -> None:
    storage.delete(name)
    storage.put_new(name, [data])


def _forge(storage: MemoryStorage, name: str, position: int, bit: int = 1) -> None:
    """Alter a slot as somebody would who knows the format: the checksum is right again."""
    data = bytearray(storage.get(name))
    data[position] ^= bit
    sealed = bytes(data[:-16])
    _replace(storage, name, sealed + sha256(name.encode() + sealed).digest()[:16])


def test_every_flipped_bit_of_a_slot_is_found() -> None:
    storage = _with_slot()
    (slot,) = storage.list("keys/")
    data = storage.get(slot.name)
    for position in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            _replace(storage, slot.name, bytes(changed))
            with pytest.raises(IntegrityError):
                _open(storage)


def test_every_byte_that_a_forger_alters_is_found_by_who_opens_another_slot() -> None:
    storage = _with_slot()
    (slot,) = storage.list("keys/")
    data = storage.get(slot.name)
    for position in range(len(data) - 16):
        _forge(storage, slot.name, position)
        (found,) = _list(storage)
        assert isinstance(found, str), f"byte {position}"
        _replace(storage, slot.name, data)


def _list(storage: MemoryStorage) -> list[Slot | str]:
    """List slots; those that count for nothing as their message."""
    found = list_slots(storage, RING)
    return [slot.message if isinstance(slot, IntegrityError) else slot for slot in found]


def test_a_slot_of_an_unknown_version_locks_nobody_out() -> None:
    storage = _with_slot()
    (slot,) = storage.list("keys/")
    storage.put_new("keys/00", [storage.get(slot.name)])
    _forge(storage, "keys/00", 8)
    assert _open(storage).master == MASTER
    assert len(_list(storage)) == 2


def test_a_slot_moved_to_another_name_opens_nothing() -> None:
    storage = _with_slot()
    (slot,) = storage.list("keys/")
    sealed = storage.get(slot.name)[:-16]
    storage.put_new("keys/00", [sealed, sha256(b"keys/00" + sealed).digest()[:16]])
    storage.delete(slot.name)
    with pytest.raises(WrongKey):
        _open(storage)


def test_a_slot_is_listed_with_its_label_and_time() -> None:
    (slot,) = _list(_with_slot())
    assert isinstance(slot, Slot)
    assert (slot.kind, slot.label) == (SlotKind.FILE, "first")
    assert slot.created.startswith("20")


def test_a_label_stands_nowhere_in_the_store() -> None:
    storage = MemoryStorage()
    name = write_slot(storage, RING, FileSecret(KEY), HASH, os.urandom, label="canary-label")
    assert b"canary-label" not in storage.get(name)
    assert {len(storage.get(found.name)) for found in storage.list("keys/")} == {439}


@pytest.mark.parametrize("label", ["", "x" * 65, "ä" * 33, "two\nlines", "\x1b[31m"])
def test_what_is_no_label_is_refused(label: str) -> None:
    storage = MemoryStorage()
    with pytest.raises(UsageError, match="label"):
        write_slot(storage, RING, FileSecret(KEY), HASH, os.urandom, label=label)
    assert list(storage.list("")) == []


def test_a_crowd_of_slots_keeps_no_key_file_out() -> None:
    storage = _with_slot()
    for number in range(100):
        storage.put_new(f"keys/{number:02}", [b"rubbish"])
    assert _open(storage).master == MASTER


class Costly(FileSecret):
    """Stand for a passphrase, and count how often it is tried."""

    kind = SlotKind.PASSPHRASE
    tried = 0

    def open_lock(self, salt: bytes, cost: Cost) -> bytes:
        Costly.tried += 1
        return super().open_lock(salt, cost)


def test_a_passphrase_is_tried_at_a_limited_number_of_slots() -> None:
    storage = MemoryStorage()
    for _ in range(MAX_SLOTS + 8):
        write_slot(storage, RING, Costly(KEY), HASH, os.urandom, label="forged")
    Costly.tried = 0
    with pytest.raises(IntegrityError, match="40 key slots"):
        open_slots(storage, REPOSITORY, Costly(b"x" * 32), HASH)
    assert Costly.tried <= MAX_SLOTS
