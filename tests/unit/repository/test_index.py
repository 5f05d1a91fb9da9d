from __future__ import annotations

import hashlib
import tracemalloc

import pytest

from shardvault.errors import IntegrityError
from shardvault.repository.format import ENTRY, HEADER, pack_name, parse_pack_name
from shardvault.repository.index import (
    ChunkTable,
    PackRecord,
    encode_index,
    parse_index,
    split_records,
)
from shardvault.repository.packs import Place


def _id(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def _record(pack: int, chunks: list[int]) -> PackRecord:
    directory = b"".join(ENTRY.pack(_id(chunk), 1, 10 + chunk, 100 + chunk) for chunk in chunks)
    return PackRecord(_id(-pack), 1000 + pack, directory)


def test_a_chunk_is_found_where_its_blob_begins() -> None:
    table = ChunkTable()
    table.add(_record(1, [3, 4]))
    assert table.find(_id(3)) == Place(_id(-1), 0, HEADER.size, 13, 103)
    assert table.find(_id(4)) == Place(_id(-1), 1, HEADER.size + 13, 14, 104)
    assert table.find(_id(5)) is None
    assert table.is_sound(_id(3))
    assert not table.is_sound(_id(5))


def test_the_first_sound_place_of_a_chunk_is_kept() -> None:
    table = ChunkTable()
    for pack, is_lost in [(1, True), (2, True), (3, False), (4, False), (5, True)]:
        table.add(_record(pack, [7]), is_lost=is_lost)
        assert table.is_sound(_id(7)) is (pack >= 3)
    place = table.find(_id(7))
    assert place is not None
    assert place.pack == _id(-3)
    assert len(table) == 1


def test_ids_that_share_a_slot_are_told_apart() -> None:
    table = ChunkTable()
    ids = [bytes(8) + bytes([number]) * 24 for number in range(50)]
    directory = b"".join(ENTRY.pack(chunk, 1, 10, 20) for chunk in ids)
    table.add(PackRecord(_id(1), 1, directory))
    found = [table.find(chunk) for chunk in ids]
    assert [place.number for place in found if place] == list(range(50))


def test_many_chunks_take_little_memory_and_all_are_found() -> None:
    tracemalloc.start()
    table = ChunkTable()
    for pack in range(50):
        table.add(_record(pack, list(range(pack * 1000, pack * 1000 + 1000))))
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert used < 50_000 * 100
    assert len(table) == 50_000
    places = [table.find(_id(number)) for number in range(0, 50_000, 997)]
    assert [place.number for place in places if place] == [n % 1000 for n in range(0, 50_000, 997)]


def test_an_index_is_read_back_as_it_was_written() -> None:
    records = [_record(1, [1, 2]), _record(2, []), _record(3, [4])]
    assert parse_index(encode_index(records)) == records
    assert [record.entries for record in records] == [2, 0, 1]
    assert parse_index(b"") == []


def test_an_index_cut_anywhere_between_packs_is_refused() -> None:
    first, both = encode_index([_record(1, [1])]), encode_index([_record(1, [1]), _record(2, [2])])
    for length in range(len(both)):
        if length not in {0, len(first)}:
            with pytest.raises(IntegrityError):
                parse_index(both[:length])


def test_packs_are_grouped_so_that_no_index_grows_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shardvault.repository.index.INDEX_ENTRIES", 3)
    records = [_record(1, [1, 2]), _record(2, [3]), _record(3, [4]), _record(4, [5, 6, 7, 8])]
    groups = list(split_records(records))
    assert groups == [records[:2], records[2:3], records[3:]]
    assert list(split_records([])) == []


def test_only_names_of_packs_are_read_as_such() -> None:
    pack = _id(1)
    assert parse_pack_name(pack_name(pack)) == pack
    for name in ["packs/ab/xyz", "packs/ab/" + pack.hex(), "packs/ab/abcd", pack_name(b"ab")]:
        assert parse_pack_name(name) is None
