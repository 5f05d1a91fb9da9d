from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shardvault.errors import IntegrityError, WrongKey
from shardvault.interfaces import ChunkKind
from shardvault.repository.authors import Author, make_author, source_secret
from shardvault.repository.crypto import derive_key
from shardvault.repository.epochs import Epoch, SourceEpoch, seal_epoch, sealing_key
from shardvault.repository.format import EPOCH_BYTES, HEADER, ObjectType
from shardvault.repository.keys import KeyRing, make_key_ring
from shardvault.repository.objects import open_object, seal_object
from shardvault.repository.sealing import public_half
from shardvault.storage.memory import MemoryStorage

REPOSITORY = bytes(16)
MASTER = b"m" * 32
SOURCE = b"s" * 16
RECIPIENT = public_half(sealing_key(MASTER, REPOSITORY))


def _author(source: bytes = SOURCE) -> Author:
    return make_author(source_secret(MASTER, REPOSITORY, source), REPOSITORY, source)


def _begun_by_source() -> tuple[MemoryStorage, bytes, bytes]:
    """Return a store with one epoch object, its name, and a salt in that epoch."""
    storage = MemoryStorage()
    session = SourceEpoch(REPOSITORY, RECIPIENT, _author(), storage)
    salt = session.new_salt(os.urandom)
    ((name, size),) = session.stored()
    assert storage.stat(name).size_bytes == size
    return storage, name.encode(), salt


def _ring(storage: MemoryStorage) -> KeyRing:
    return make_key_ring(REPOSITORY, MASTER, storage=storage)


def test_each_session_writes_under_an_epoch_of_its_own() -> None:
    found = set()
    for _ in range(20):
        ring = make_key_ring(REPOSITORY, MASTER)
        salts = {ring.new_salt(os.urandom) for _ in range(5)}
        assert len(salts) == 5
        (epoch,) = {salt[:EPOCH_BYTES] for salt in salts}
        found.add(epoch)
    assert len(found) == 20


def test_a_leaked_epoch_opens_no_object_of_another_session() -> None:
    first, second = make_key_ring(REPOSITORY, MASTER), make_key_ring(REPOSITORY, MASTER)
    stored = [seal_object(ring, ObjectType.INDEX, "index/1", b"plain", os.urandom)
              for ring in (first, second)]  # fmt: skip
    leaked = first.epoch(stored[0][10:42]).secret

    def opens(data: bytes) -> bool:
        cipher = AESGCM(derive_key(leaked, salt=data[10:42], purpose="index"))
        binding = first.bind(ObjectType.INDEX, b"index/1")
        try:
            cipher.decrypt(bytes(12), data[HEADER.size :], binding)
        except Exception:
            return False
        return True

    assert [opens(data) for data in stored] == [True, False]
    assert open_object(first, ObjectType.INDEX, "index/1", stored[1]) == b"plain"


def test_who_holds_the_master_key_needs_no_object_for_the_epochs_he_began() -> None:
    storage = MemoryStorage()
    ring = _ring(storage)
    stored = seal_object(ring, ObjectType.INDEX, "index/1", b"plain", os.urandom)
    assert list(storage.list("")) == []
    assert open_object(_ring(storage), ObjectType.INDEX, "index/1", stored) == b"plain"


def test_the_epoch_of_a_source_is_read_with_the_master_key() -> None:
    storage, _, salt = _begun_by_source()
    epoch = _ring(storage).epoch(salt)
    assert epoch.author.source == SOURCE
    assert epoch.author.chunk_id(ChunkKind.ROWS, b"x") == _author().chunk_id(ChunkKind.ROWS, b"x")


def test_a_source_reads_its_own_session_and_no_earlier_one() -> None:
    storage, _, salt = _begun_by_source()
    later = SourceEpoch(REPOSITORY, RECIPIENT, _author(), storage)
    with pytest.raises(WrongKey, match="only add"):
        later.find(salt)
    own = later.new_salt(os.urandom)
    assert later.find(own).author.source == SOURCE


def test_every_flipped_bit_of_an_epoch_object_is_found() -> None:
    storage, name, salt = _begun_by_source()
    data = storage.get(name.decode())
    for position in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            storage.delete(name.decode())
            storage.put_new(name.decode(), [changed])
            with pytest.raises(IntegrityError, match="epochs/"):
                _ring(storage).epoch(salt)


@pytest.mark.parametrize("length", [0, 1, 41, 42, 169, 171])
def test_an_epoch_object_of_another_length_is_refused(length: int) -> None:
    storage, name, salt = _begun_by_source()
    data = storage.get(name.decode()).ljust(length, b"\0")[:length]
    storage.delete(name.decode())
    storage.put_new(name.decode(), [data])
    with pytest.raises(IntegrityError, match="length"):
        _ring(storage).epoch(salt)


def test_a_missing_epoch_object_is_named() -> None:
    storage, name, salt = _begun_by_source()
    storage.delete(name.decode())
    with pytest.raises(IntegrityError, match=f"{name.decode()} is missing"):
        _ring(storage).epoch(salt)


def _forged(author: Author) -> tuple[MemoryStorage, bytes]:
    """Seal an epoch in the name of a source whose secret the forger does not have."""
    storage, salt = MemoryStorage(), b"\xff" * 32
    name = f"epochs/{salt[:16].hex()}"
    forged = seal_epoch(REPOSITORY, RECIPIENT, name, Epoch(b"k" * 32, author), os.urandom)
    storage.put_new(name, [forged])
    return storage, salt


def test_who_knows_only_the_public_key_cannot_forge_an_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forger = make_author(b"guess" * 6 + b"xx", REPOSITORY, SOURCE)
    storage, salt = _forged(forger)
    with pytest.raises(IntegrityError, match="signature"):
        _ring(storage).epoch(salt)
    # Negative control: without the signature the forger's key would be taken.
    monkeypatch.setattr(Author, "verify", lambda *_: None)
    assert _ring(storage).epoch(salt).secret == b"k" * 32


def test_one_source_cannot_pass_for_another() -> None:
    other = _author(b"t" * 16)
    pretender = Author(SOURCE, other.signing, {})
    storage, salt = _forged(pretender)
    with pytest.raises(IntegrityError, match="signature"):
        _ring(storage).epoch(salt)


def test_an_epoch_moved_to_another_name_is_refused() -> None:
    storage, name, salt = _begun_by_source()
    other = b"\xff" + salt[1:]
    storage.put_new(f"epochs/{other[:16].hex()}", [storage.get(name.decode())])
    with pytest.raises(IntegrityError):
        _ring(storage).epoch(other)


def test_epoch_keys_are_not_printed() -> None:
    epoch = Epoch(b"k" * 32, _author())
    assert "kkkk" not in repr(epoch)
    assert "sign" not in repr(epoch)
