"""A source can add backups and read none, whatever is tried with all that it has."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shardvault import failpoints
from shardvault.errors import IntegrityError, StorageError, UnknownBackup, UsageError, WrongKey
from shardvault.interfaces import Buffer, ChunkKind
from shardvault.model.ids import BackupId, ChunkId
from shardvault.repository import index
from shardvault.repository.crypto import derive_key
from shardvault.repository.entries import Claimed, Committed, Forgotten
from shardvault.repository.format import DIRECTORY_NONCE, TRAILER, ObjectType
from shardvault.repository.history import read_history
from shardvault.repository.keychain import Keychain
from shardvault.repository.objects import seal_signed
from shardvault.repository.parts import get_part
from shardvault.repository.sources import SourceKey, read_source_file
from shardvault.repository.store import Repository, create_repository, open_for_source
from shardvault.storage.memory import MemoryStorage
from tests.support.repositories import CANARIES, ROWS, add_backup, put_backup
from tests.support.repository_reading import ChunkResult, check_backup


class Place:
    """Hold a repository with one source, opened by both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage = MemoryStorage()
        self.owner = create_repository(self.storage, folder / "repo.key")
        self.file = folder / "web1.source"
        self.chain: Keychain = self.owner.keychain()
        self.chain.add_source("web1", self.file)

    @property
    def key(self) -> SourceKey:
        return read_source_file(self.file)

    def source(self, state: str = "state") -> Repository:
        return open_for_source(self.storage, self.key, self.folder / state)

    def add_stubbornly(self, backup: str, rows: list[bytes] | None = None) -> None:
        """Add a backup as a source whose program does not look whether it was removed."""
        with pytest.MonkeyPatch.context() as patch:
            points = failpoints._parse("source.tombstone=off")
            patch.setattr(failpoints, "_points", points)
            add_backup(self.source(), backup, rows)

    def names(self, prefix: str) -> list[str]:
        return [found.name for found in self.storage.list(prefix)]

    def rows(self, backup: str) -> list[bytes | None]:
        manifest = self.owner.load(BackupId(backup))
        results = list(check_backup(self.owner.reader(), manifest))
        assert [result.error for result in results if result.error] == []
        return [result.data for result in results if isinstance(result, ChunkResult)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_backup_of_a_source_is_read_by_who_holds_the_key(place: Place) -> None:
    add_backup(place.owner, "owner")
    add_backup(place.source(), "source", [b"rows of the source"])
    assert place.rows("source") == [b"rows of the source"]
    assert place.rows("owner") == ROWS
    assert [summary.id for summary in place.owner.list()] == ["owner", "source"]
    assert place.owner.damaged() == ()


READING: dict[str, Callable[[Repository], object]] = {
    "list": lambda repository: repository.list(),
    "load": lambda repository: repository.load(BackupId("one")),
    "reader": lambda repository: repository.reader(),
    "damaged": lambda repository: repository.damaged(),
    "keys": lambda repository: repository.keychain(),
}


@pytest.mark.parametrize("what", READING)
def test_a_source_is_refused_whatever_it_wants_to_read(place: Place, what: str) -> None:
    source = place.source()
    add_backup(source, "one")
    for repository in (source, place.source()):
        with pytest.raises(WrongKey, match="this key can only add backups"):
            READING[what](repository)


def test_opening_as_a_source_writes_nothing(place: Place) -> None:
    before = place.names("")
    place.source()
    assert place.names("") == before


def _all_keys(key: SourceKey, salts: list[bytes]) -> Iterator[bytes]:
    """Derive whatever can be derived from a source file with what the format knows."""
    secrets = [key.secret, key.name_key, key.recipient, key.format_hash, bytes(32)]
    contexts = [key.repository, key.source, key.repository + key.source, b"", *salts]
    purposes = ["slot", "slot note", "names", "source", "signing", "sealing", "epoch",
                "chunk id rows", "chunk id meta", "pack", "index", "manifest", "log"]  # fmt: skip
    ways = itertools.product(secrets, contexts, purposes)
    first = [derive_key(secret, salt=salt, purpose=purpose) for secret, salt, purpose in ways]
    yield from secrets
    yield from first
    for secret, salt in itertools.product(first, salts):
        yield derive_key(secret, salt=salt, purpose="pack")


def _opens_the_pack(key: bytes, pack: bytes, binding: bytes) -> bool:
    length, _ = TRAILER.unpack(pack[-TRAILER.size :])
    end = len(pack) - TRAILER.size
    try:
        AESGCM(key).decrypt(DIRECTORY_NONCE, pack[end - length : end], binding)
    except InvalidTag:
        return False
    return True


def test_nothing_that_a_source_file_yields_opens_a_pack(place: Place) -> None:
    add_backup(place.source(), "one")
    (name,) = place.names("packs/")
    pack = place.storage.get(name)
    salt, ring = pack[10:42], place.key.open(place.storage)
    binding = ring.bind(ObjectType.DIRECTORY, b"")
    salts = [salt, salt[:16], *(place.storage.get(name)[10:42] for name in place.names("epochs/"))]
    tried = list(_all_keys(place.key, salts))
    assert len(tried) > 1000
    assert not any(_opens_the_pack(key, pack, binding) for key in tried)
    # The control: the same trial succeeds with the key that only the owner can find.
    epoch = place.owner._ring.epoch(salt).secret
    assert _opens_the_pack(derive_key(epoch, salt=salt, purpose="pack"), pack, binding)


def test_nothing_of_a_backup_stands_in_the_file_the_state_or_the_store(place: Place) -> None:
    add_backup(place.source(), "one")
    stored = b"".join(place.storage.get(name) + name.encode() for name in place.names(""))
    kept = b"".join(path.read_bytes() for path in place.folder.rglob("*") if path.is_file())
    for word in [*CANARIES, *(row.decode() for row in ROWS if row), "web1"]:
        assert word.encode() not in stored + kept


def test_the_files_of_a_source_are_private(place: Place) -> None:
    add_backup(place.source(), "one")
    assert place.file.stat().st_mode & 0o777 == 0o600
    kept = [path for path in (place.folder / "state").rglob("*") if path.is_file()]
    assert kept
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    assert kept[0].parent.stat().st_mode & 0o777 == 0o700


def test_a_source_stores_known_rows_once_while_it_remembers(place: Place) -> None:
    rows = [b"a" * 1000, b"b" * 1000]
    add_backup(place.source(), "one", rows)
    with place.source().writer("backup") as writer:
        assert [writer.put(row, ChunkKind.ROWS).stored_bytes for row in rows] == [0, 0]
    with place.source("forgetful").writer("backup") as writer:
        assert all(writer.put(row, ChunkKind.ROWS).stored_bytes for row in rows)
    for state, backup in (("state", "two"), ("forgetful", "three")):
        add_backup(place.source(state), backup, rows)
        assert place.rows(backup) == rows


def test_what_the_store_lost_is_stored_again(place: Place) -> None:
    add_backup(place.source(), "one")
    for name in place.names("packs/"):
        place.storage.delete(name)
    add_backup(place.source(), "two")
    assert place.rows("two") == ROWS


def test_what_no_index_names_any_more_is_stored_again(place: Place) -> None:
    add_backup(place.source(), "one")
    for name in place.names("index/"):
        place.storage.delete(name)
    add_backup(place.source(), "two")
    assert place.rows("two") == ROWS


def test_a_damaged_memory_costs_space_and_no_backup(place: Place) -> None:
    add_backup(place.source(), "one")
    for path in (place.folder / "state").rglob("*"):
        if path.is_file():
            data = bytearray(path.read_bytes())
            data[40] ^= 1
            path.write_bytes(data)
    add_backup(place.source(), "two")
    assert place.rows("two") == ROWS


def test_an_epoch_object_that_vanishes_before_the_commit_stops_it(place: Place) -> None:
    source = place.source()
    with source.writer("backup") as writer:
        writer.put(b"rows", ChunkKind.ROWS)
        writer.flush()
        for name in place.names("epochs/"):
            place.storage.delete(name)
        with pytest.raises(IntegrityError, match=r"epochs/.* vanished"):
            put_backup(source, writer, "one")
    assert place.owner.list() == ()


def test_a_revoked_source_adds_nothing_that_counts(place: Place) -> None:
    add_backup(place.source(), "before")
    place.chain.remove(place.chain.find("web1"))
    assert place.rows("before") == ROWS
    place.add_stubbornly("after")
    assert [summary.id for summary in place.owner.list()] == ["before"]
    (why,) = place.owner.log.ignored()
    assert (why.source, why.count) == (f"sources/{place.key.source.hex()}", 1)
    assert "the key of this source was removed before" in why.reason
    with pytest.raises(UnknownBackup):
        place.owner.load(BackupId("after"))


def test_a_revoked_source_cannot_replace_what_it_added_before(place: Place) -> None:
    add_backup(place.source(), "before")
    place.chain.remove(place.chain.find("web1"))
    (name,) = place.names("manifests/")
    place.storage.delete(name)
    place.add_stubbornly("before", [b"other rows"])
    with pytest.raises(IntegrityError):
        place.owner.load(BackupId("before"))


def test_a_source_is_listed_and_its_end_as_well(place: Place) -> None:
    (source,) = place.chain.list().sources
    assert (source.label, source.is_revoked) == ("web1", False)
    place.chain.remove(source)
    (source,) = place.chain.list().sources
    assert source.is_revoked


def test_a_source_cannot_speak_of_sources(place: Place) -> None:
    name = f"sources/{'00' * 16}"
    ring = place.key.open(place.storage)
    add_backup(place.source(), "one")
    plain = b'{"label":"x","created":""}'
    place.storage.put_new(name, [seal_signed(ring, ObjectType.SOURCE, name, plain, os.urandom)])
    assert "may not" in str(place.chain.list().damaged[0])


def test_a_source_can_say_nothing_in_the_log_but_that_it_added_a_backup(place: Place) -> None:
    add_backup(place.owner, "one")
    source = place.source()
    source.log.append(lambda _: Forgotten(("one",), "I say so"))
    source.log.append(lambda _: Claimed("backup-x", 99))
    assert [summary.id for summary in place.owner.list()] == ["one"]
    assert [ignored.count for ignored in place.owner.log.ignored()] == [2]
    assert read_history(place.owner.log.read()).epochs == {}


def test_a_source_cannot_commit_in_the_place_of_a_backup(place: Place) -> None:
    add_backup(place.owner, "one")
    (name,) = place.names("manifests/")
    place.source().log.append(lambda _: Committed("one", "f", name, "00" * 32, "s", 1))
    assert place.rows("one") == ROWS


def _poison(place: Place, stolen: ChunkId) -> None:
    """Let a source that learned the id of a chunk name it in an index that is read first."""

    class Liar:
        signing = place.key.open(place.storage).author.signing
        source = place.key.source

        def chunk_id(self, kind: ChunkKind, data: object) -> ChunkId:
            return stolen

    def low(size: int) -> bytes:
        return os.urandom(size) if size > 16 else bytes(8) + os.urandom(size - 8)

    liar = open_for_source(place.storage, place.key, place.folder / "liar", random_bytes=low)
    object.__setattr__(liar._ring, "author", Liar())
    with liar.writer("backup") as writer:
        writer.put(b"poison", ChunkKind.ROWS)
        writer.flush()


def test_an_index_of_a_source_cannot_take_the_place_of_the_owners_chunks(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_backup(place.owner, "one")
    part = get_part(place.owner.reader(), place.owner.load(BackupId("one")).shards[0].part)
    _poison(place, part.tables[0].ranges[0].chunks[0])
    assert place.rows("one") == ROWS
    # Negative control: taken for the owner's, the source's index would hide the true chunk.
    monkeypatch.setattr(index, "author_of", lambda ring, kind, stored: ring.author)
    with pytest.raises(AssertionError):
        place.rows("one")


def test_two_sources_name_equal_rows_differently(place: Place) -> None:
    place.chain.add_source("web2", place.folder / "web2.source")
    other = read_source_file(place.folder / "web2.source")
    rings = [key.open(place.storage) for key in (place.key, other)]
    rings.append(place.owner._ring)
    assert len({ring.chunk_id(ChunkKind.ROWS, b"same") for ring in rings}) == 3


def test_a_source_whose_file_cannot_be_made_is_not_registered(place: Place) -> None:
    before = place.names("sources/")
    with pytest.raises(UsageError, match="File exists"):
        place.chain.add_source("web2", place.file)
    assert place.names("sources/") == before
    assert [source.label for source in place.chain.list().sources] == ["web1"]


def test_a_source_that_is_not_registered_leaves_no_file(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_new = place.storage.put_new

    def refuse(name: str, parts: Sequence[Buffer]) -> None:
        if name.startswith("sources/"):
            raise StorageError("no space")
        put_new(name, parts)

    monkeypatch.setattr(place.storage, "put_new", refuse)
    with pytest.raises(StorageError):
        place.chain.add_source("web2", place.folder / "web2.source")
    assert not (place.folder / "web2.source").exists()


def test_the_source_of_another_repository_is_refused(place: Place, tmp_path: Path) -> None:
    other = create_repository(MemoryStorage(), tmp_path / "other.key")
    with pytest.raises(WrongKey, match="another repository"):
        open_for_source(other._storage, place.key, tmp_path / "state")


def test_a_source_finds_that_the_format_object_was_altered(place: Place) -> None:
    stored = place.storage.get("format").replace(b"16777216", b"16777217")
    place.storage.delete("format")
    place.storage.put_new("format", [stored])
    with pytest.raises(IntegrityError, match="altered"):
        place.source()


def test_every_damage_of_a_source_file_is_found(place: Place) -> None:
    line = place.file.read_text()
    for at in range(len("shardvault-source-1:"), len(line) - 1):
        changed = line[:at] + ("A" if line[at] != "A" else "B") + line[at + 1 :]
        place.file.write_text(changed)
        with pytest.raises(UsageError, match=r"damaged|no source file"):
            read_source_file(place.file)


def test_spare_bits_of_a_source_file_that_are_not_zero_are_found(place: Place) -> None:
    line = place.file.read_text().strip()
    end = len(line.rstrip("="))
    assert end < len(line), "the last character must have spare bits"
    place.file.write_text(f"{line[: end - 1]}{chr(ord(line[end - 1]) + 1)}{line[end:]}\n")
    with pytest.raises(UsageError, match="no source file"):
        read_source_file(place.file)


def test_a_source_takes_an_id_that_is_free(place: Place) -> None:
    add_backup(place.owner, "one")
    assert place.source().has(BackupId("one"))
    assert not place.source().has(BackupId("two"))


def test_keys_of_a_source_are_not_printed(place: Place) -> None:
    text = repr(place.key) + repr(place.key.open(place.storage))
    assert repr(place.key.secret) not in text
    assert repr(place.key.name_key) not in text
