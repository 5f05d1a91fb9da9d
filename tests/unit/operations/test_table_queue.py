from __future__ import annotations

from shardvault.model.manifest import RangeRecord, TableRecord
from shardvault.model.schema import Table, TableKind
from shardvault.operations.table_queue import RangeTask, TableQueue
from shardvault.workers.local import Later


def _table(name: str, ranges: int) -> TableRecord:
    table = Table("s", name, TableKind.ROWS, "InnoDB", True, b"", ())
    found = tuple(RangeRecord((str(n),), None, 1, "", 1, ()) for n in range(ranges))
    return TableRecord(table, ("id",), ranges, "", ranges, found)


def _take(queue: TableQueue, session: str) -> tuple[str, int, bool]:
    task = queue.take(session)
    assert isinstance(task, RangeTask)
    assert task.range.lower is not None
    return task.table.table.name, int(task.range.lower[0]), task.is_proof


def test_each_session_has_a_table_of_its_own_in_key_order() -> None:
    queue = TableQueue([_table("small", 2), _table("large", 3)], [])
    assert len(queue) == 5
    assert [_take(queue, "a"), _take(queue, "b")] == [("large", 0, False), ("small", 0, False)]
    assert [_take(queue, "a"), _take(queue, "b")] == [("large", 1, False), ("small", 1, False)]


def test_a_session_without_a_table_helps_from_the_end_of_the_largest() -> None:
    queue = TableQueue([_table("large", 5)], [])
    assert _take(queue, "a") == ("large", 0, False)
    assert [_take(queue, "b"), _take(queue, "b")] == [("large", 4, False), ("large", 3, False)]
    assert _take(queue, "a") == ("large", 1, False)


def test_a_finished_table_is_proven_before_the_next_is_opened() -> None:
    first, second = _table("first", 2), _table("second", 1)
    queue = TableQueue([first, second], [])
    assert [_take(queue, "a")[1], _take(queue, "a")[1]] == [0, 1]
    queue.finish(first)
    taken = [_take(queue, "a") for _ in range(3)]
    assert taken == [("first", 0, True), ("first", 1, True), ("second", 0, False)]


def test_while_another_builds_keys_there_may_be_work_later() -> None:
    only = _table("only", 1)
    queue = TableQueue([only], [])
    _take(queue, "a")
    assert queue.take("b") is Later.LATER
    queue.finish(only)
    assert _take(queue, "b") == ("only", 0, True)
    assert queue.take("a") is None


def test_what_an_interrupted_run_has_loaded_is_proven_again() -> None:
    queue = TableQueue([], [_table("loaded", 2)])
    assert [_take(queue, "a"), _take(queue, "a")] == [("loaded", 0, True), ("loaded", 1, True)]
    assert queue.take("a") is None


def test_tables_without_ranges_hold_nobody_up() -> None:
    assert TableQueue([_table("empty", 0)], []).take("a") is None
