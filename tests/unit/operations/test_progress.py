from __future__ import annotations

from shardvault.events import Event, Progress
from shardvault.model.ids import ShardName
from shardvault.model.target import Scope
from shardvault.operations.progress import Meter

S0, S1 = ShardName("s0"), ShardName("s1")


class ListSink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)


def test_each_shard_is_counted_for_itself() -> None:
    sink = ListSink()
    meter = Meter(sink, "dump", {S0: 100, S1: 50})
    meter.add(S0, 30, 3)
    meter.add(S1, 10)
    meter.add(S0, 20, 1)
    assert sink.events == [
        Progress("dump", "s0", 30, 100, 3),
        Progress("dump", "s1", 10, 50, 0),
        Progress("dump", "s0", 50, 100, 4),
    ]


def test_an_estimate_that_was_too_low_grows_with_what_is_done() -> None:
    sink = ListSink()
    Meter(sink, "dump", {S0: 10}).add(S0, 30)
    assert sink.events == [Progress("dump", "s0", 30, 30, 0)]


def test_a_scope_is_written_as_the_options_that_chose_it() -> None:
    scope = Scope(("s0",), ("shop.*", "orders", "orders"), ("shop.log",))
    described = ("--exclude shop.log", "--shards s0", "--tables orders", "--tables shop.*")
    assert scope.describe() == described
    assert Scope().describe() == ()
