from __future__ import annotations

from dataclasses import replace

from shardvault.dump.plan import plan_table
from shardvault.dump.ranges import Border
from shardvault.events import Event, Progress
from shardvault.model.ids import ShardName
from shardvault.model.schema import Table, TableKind
from shardvault.operations.range_progress import RangeMeter

S0 = ShardName("s0")
TABLE = ("d", "t")


class ListSink:
    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def emit(self, event: Event) -> None:
        assert isinstance(event, Progress)
        self.seen.append((event.done_bytes, event.total_bytes))


def meter_of(sink: ListSink, estimate_bytes: int, ranges: int, *names: str) -> RangeMeter:
    table = Table(
        schema="d",
        name="t",
        kind=TableKind.ROWS,
        engine="InnoDB",
        is_transactional=True,
        create_sql=b"",
        columns=(),
        data_bytes=estimate_bytes,
    )
    borders: list[Border] = [("1",)] * (ranges - 1)
    tables = [replace(table, name=name) for name in names or ("t",)]
    return RangeMeter(sink, {S0: [plan_table(each, borders) for each in tables]})


def test_a_good_estimate_is_reported_until_the_end_is_known() -> None:
    sink = ListSink()
    meter = meter_of(sink, 100, 2)
    meter.add(S0, TABLE, 40)
    meter.add(S0, TABLE, 5)
    meter.end_range(S0, TABLE, 45)
    meter.add(S0, TABLE, 47)
    meter.end_range(S0, TABLE, 47)
    assert sink.seen == [(40, 100), (45, 100), (45, 90), (92, 0), (92, 92)]


def test_a_table_above_its_estimate_has_no_total_until_a_range_has_ended() -> None:
    sink = ListSink()
    meter = meter_of(sink, 5, 4)
    meter.add(S0, TABLE, 20)
    meter.end_range(S0, TABLE, 20)
    assert sink.seen == [(20, 0), (20, 80)]


def test_no_total_is_ever_at_or_below_what_was_read_before_the_end() -> None:
    sink = ListSink()
    meter = meter_of(sink, 5, 1)
    for _ in range(9):
        meter.add(S0, TABLE, 10)
    meter.end_range(S0, TABLE, 90)
    assert sink.seen == [(10 * n, 0) for n in range(1, 10)] + [(90, 90)]


def test_one_table_without_a_known_size_leaves_the_shard_without_total() -> None:
    sink = ListSink()
    meter = meter_of(sink, 50, 1, "t", "u")
    meter.add(S0, TABLE, 60)
    meter.end_range(S0, TABLE, 60)
    meter.add(S0, ("d", "u"), 10)
    assert sink.seen == [(60, 0), (60, 110), (70, 110)]
