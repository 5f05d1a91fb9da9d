from __future__ import annotations

import struct

import pytest

from shardvault.dump.guard import UNJUDGED, find_in_event
from shardvault.mysql.binlog import Event
from shardvault.mysql.events import EventHeader, EventType

LATIN1, UTF8 = 8, 45


def query(statement: bytes, *, collation: int = UTF8, is_cut_short: bool = False) -> Event:
    status = b"\x04" + struct.pack("<HHH", collation, collation, collation)
    body = struct.pack("<IIBHH", 1, 0, 4, 0, len(status)) + status + b"shop\0" + statement
    header = EventHeader(0, EventType.QUERY, 1, 19 + len(body), 500, 0)
    return Event("binlog.000001", header, body, is_cut_short)


def kinds(event: Event) -> list[str]:
    return [hit.kind for hit in find_in_event(event, 101119, lambda schema, _: schema == "shop")]


def test_ddl_in_scope_is_found_with_its_place() -> None:
    (hit,) = find_in_event(query(b"ALTER TABLE t FORCE"), 101119, lambda *_: True)
    assert (hit.kind, hit.schema, hit.name) == ("alter table", "shop", "t")
    assert (hit.file, hit.end_offset) == ("binlog.000001", 500)
    assert hit.statement == "ALTER TABLE t FORCE"


def test_ddl_out_of_scope_is_not_reported() -> None:
    assert kinds(query(b"ALTER TABLE other.t FORCE")) == []


def test_a_statement_in_a_foreign_character_set_counts_as_a_hit() -> None:
    statement = "ALTER TABLE other.`ü` FORCE".encode()
    assert kinds(query(statement, collation=LATIN1)) == [UNJUDGED]
    assert kinds(query(statement)) == []


def test_row_changes_in_a_foreign_character_set_are_no_hit() -> None:
    assert kinds(query(b"INSERT INTO t VALUES ('\xfc')", collation=LATIN1)) == []


def test_ddl_whose_end_is_missing_counts_as_a_hit() -> None:
    assert kinds(query(b"ALTER TABLE other.t ADD c", is_cut_short=True)) == [UNJUDGED]


def test_a_long_insert_whose_end_is_missing_is_no_hit() -> None:
    assert kinds(query(b"INSERT INTO t VALUES ('x", is_cut_short=True)) == []


@pytest.mark.parametrize("cut", [0, 5, 15])
def test_a_damaged_query_event_counts_as_a_hit(cut: int) -> None:
    whole = query(b"BEGIN")
    broken = Event(whole.file, whole.header, whole.body[:cut])
    assert kinds(broken) == [UNJUDGED]
