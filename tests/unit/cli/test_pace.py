from __future__ import annotations

from shardvault.cli.pace import Figures, Pace
from shardvault.events import Progress

MIB = 1024 * 1024


class Clock:
    """Tell the time that a test sets [s]."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def follow(pace: Pace, clock: Clock, *steps: tuple[float, Progress]) -> Figures:
    """Let events arrive at their times and give the last figures."""
    figures = Figures(0, 0, 0, 0)
    for at_s, event in steps:
        clock.now_s = 100 + at_s
        figures = pace.add(event)
    return figures


def dump(shard: str, done: int, total: int = 100, phase: str = "dump") -> Progress:
    return Progress(phase, shard, done * MIB, total * MIB, done)


def test_rate_and_time_left_follow_from_the_first_event() -> None:
    clock = Clock()
    figures = follow(Pace(clock), clock, (0, dump("s0", 10)), (4, dump("s0", 50)))
    assert str(figures) == " 50 % of 100.0 MiB, 10.0 MiB/s, 5.0 s left"


def test_the_first_event_has_no_rate() -> None:
    clock = Clock()
    assert str(follow(Pace(clock), clock, (0, dump("s0", 10)))) == " 10 % of 100.0 MiB"


def test_without_an_estimate_there_is_no_percentage() -> None:
    clock = Clock()
    figures = follow(Pace(clock), clock, (0, dump("s0", 0, 0)), (1, dump("s0", 3, 0)))
    assert str(figures) == "3.0 MiB, 3.0 MiB/s"


def test_an_estimate_that_was_too_low_stops_at_100() -> None:
    clock = Clock()
    figures = follow(Pace(clock), clock, (0, dump("s0", 0)), (1, dump("s0", 120)))
    assert str(figures) == "100 % of 100.0 MiB, 120.0 MiB/s"


def test_another_phase_starts_anew() -> None:
    clock, pace = Clock(), Pace(Clock())
    follow(pace, clock, (0, dump("s0", 100)))
    assert follow(pace, clock, (9, dump("s0", 1, phase="verify"))).rate == 0


def test_all_shards_of_a_phase_are_summed() -> None:
    clock = Clock()
    pace = Pace(clock)
    follow(pace, clock, (0, dump("s0", 0)), (0, dump("s1", 0)), (0, dump("s2", 9, phase="keys")))
    follow(pace, clock, (2, dump("s0", 10)), (2, dump("s1", 30)))
    assert pace.sum_up("dump") == Figures(40 * MIB, 200 * MIB, 40, 20 * MIB)


def test_a_sum_with_an_unknown_part_has_no_total() -> None:
    clock = Clock()
    pace = Pace(clock)
    follow(pace, clock, (0, dump("s0", 5)), (0, dump("s1", 5, 0)))
    assert pace.sum_up("dump").total_bytes == 0
