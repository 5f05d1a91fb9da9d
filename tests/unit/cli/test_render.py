from __future__ import annotations

import io
import json
import threading
from typing import Any
from unittest.mock import Mock

import pytest

from shardvault.cli.bars import Bars, open_bars
from shardvault.cli.render import JsonLines, PlainLines, Silence, describe_event, open_sink
from shardvault.cli.settings import Settings
from shardvault.events import BarrierHeld, Event, Noticed, PhaseStarted, Progress, Retrying
from shardvault.interfaces import EventSink
from tests.unit.cli import samples
from tests.unit.cli.conftest import Run
from tests.unit.cli.test_pace import Clock, dump

SCRIPT: tuple[Event, ...] = (
    PhaseStarted("backup", "connect"),
    BarrierHeld(6.2, 1.3, 1),
    Retrying("cut", "shard s0: busy", 1, 0.5),
    Noticed("table a.b has no key", "s0", "add one"),
)
LINES = [
    "backup: connect",
    "barrier held 6.2 ms, writes waited at most 7.5 ms, 1 attempt",
    "cut: attempt 1 failed, next in 0.5 s: shard s0: busy",
    "notice: shard s0: table a.b has no key (add one)",
]
SINKS = (PlainLines, JsonLines)


class Terminal(io.StringIO):
    """Be a terminal, as far as anybody asks."""

    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    """Fail as a terminal that was closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def test_plain_lines_tell_every_event() -> None:
    stream = io.StringIO()
    sink = PlainLines(stream, has_progress=True)
    for event in SCRIPT:
        sink.emit(event)
    assert stream.getvalue().splitlines() == LINES


def test_plain_progress_comes_at_most_every_5_seconds() -> None:
    stream, clock = io.StringIO(), Clock()
    sink = PlainLines(stream, has_progress=True, now=clock)
    for second in range(11):
        clock.now_s = 100 + second
        sink.emit(dump("s0", 4 * second))
        sink.emit(dump("s1", 4 * second))
    assert stream.getvalue().splitlines() == [
        "dump:  18 % of 200.0 MiB, 8.0 MiB/s, 20 s left, 36 rows",
        "dump:  38 % of 200.0 MiB, 8.0 MiB/s, 16 s left, 76 rows",
    ]


def test_json_progress_comes_at_most_every_second_and_shard() -> None:
    stream, clock = io.StringIO(), Clock()
    sink = JsonLines(stream, has_progress=True, now=clock)
    for tenth in range(21):
        clock.now_s = 100 + tenth / 8
        sink.emit(dump("s0", tenth))
        sink.emit(dump("s1", tenth))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["shard"], line["rows"]) for line in lines] == [
        (shard, rows) for rows in (0, 8, 16) for shard in ("s0", "s1")
    ]


def test_json_lines_hold_the_fields_of_the_event() -> None:
    stream = io.StringIO()
    JsonLines(stream, has_progress=True).emit(BarrierHeld(6.2, 1.3, 1))
    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("Z")
    assert line == {"event": "barrier_held", "held_ms": 6.2, "lock_wait_ms": 1.3, "attempts": 1}


@pytest.mark.parametrize("kind", SINKS)
def test_without_progress_only_notices_and_retries_are_told(kind: Any) -> None:
    stream, clock = io.StringIO(), Clock()
    sink = kind(stream, has_progress=False, now=clock)
    for event in (*SCRIPT, dump("s0", 1)):
        clock.now_s += 60
        sink.emit(event)
    assert len(stream.getvalue().splitlines()) == 2


@pytest.mark.parametrize("kind", SINKS)
def test_a_display_that_fails_does_not_fail_the_operation(kind: Any) -> None:
    broken = Broken()
    with pytest.raises(OSError, match="Input"):
        broken.write("x")
    for event in (*SCRIPT, dump("s0", 1)):
        kind(broken, has_progress=True, now=iter([0.0, 9.0, 9.0, 9.0]).__next__).emit(event)


@pytest.mark.parametrize("kind", SINKS)
def test_lines_of_many_threads_stay_whole(kind: Any) -> None:
    stream = io.StringIO()
    sink = kind(stream, has_progress=True)

    def emit_many() -> None:
        for _ in range(200):
            sink.emit(Noticed("word " * 10))

    threads = [threading.Thread(target=emit_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 800
    assert len({line.split("time")[-1][30:] for line in lines}) == 1


@pytest.mark.parametrize(
    "event",
    [
        PhaseStarted(samples.EVIL, samples.EVIL, samples.EVIL),
        Retrying(samples.EVIL, samples.EVIL, 1, 1),
        Noticed(samples.EVIL, samples.EVIL, samples.EVIL),
    ],
)
def test_an_evil_name_in_an_event_is_escaped(event: Event) -> None:
    assert describe_event(event).isprintable()


def test_an_event_of_a_kind_unknown_here_is_passed_over() -> None:
    assert describe_event(Event()) == ""


@pytest.mark.parametrize(
    ("settings", "is_terminal", "kind"),
    [
        (Settings(quiet=True), True, Silence),
        (Settings(quiet=True, format="json"), True, Silence),
        (Settings(format="json"), True, JsonLines),
        (Settings(no_progress=True), True, PlainLines),
        (Settings(), False, PlainLines),
        (Settings(), True, Bars),
    ],
)
def test_how_progress_is_shown_follows_from_terminal_and_options(
    settings: Settings,
    is_terminal: bool,
    kind: type[EventSink],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stderr", Terminal() if is_terminal else io.StringIO())
    monkeypatch.setenv("TERM", "xterm")
    with open_sink(settings) as sink:
        assert isinstance(sink, kind)


def test_a_terminal_that_cannot_move_the_cursor_gets_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("TERM", "dumb")
    with open_sink(Settings()) as sink:
        assert isinstance(sink, PlainLines)


def test_bars_show_every_shard_and_leave_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with open_bars(has_color=False) as bars:
        for event in (*SCRIPT, dump("s0", 25), dump("[red]s1", 50), dump("s0", 1, phase="keys")):
            bars.emit(event)
        drawn = [task.description for task in bars._progress.tasks]
        figures = [task.fields["figures"] for task in bars._progress.tasks]
    assert drawn == ["s0 keys", "[red]s1 dump"]
    assert figures == ["  1 % of 100.0 MiB", " 50 % of 100.0 MiB"]
    for line in LINES:
        assert line in terminal.getvalue()


def test_bars_run_while_a_phase_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", Terminal())
    with open_bars(has_color=False) as bars:
        bars.emit(PhaseStarted("restore", "plan"))
        (task,) = bars._progress.tasks
        assert (task.description, task.total) == ("plan", None)


def test_bars_that_cannot_be_drawn_do_not_fail_the_operation() -> None:
    display = Mock()
    display.add_task.side_effect = OSError
    display.console.print.side_effect = OSError
    bars = Bars(display)
    for event in (*SCRIPT, dump("s0", 1)):
        bars.emit(event)
    assert display.add_task.called
    assert display.console.print.called


def test_progress_of_a_command_goes_to_standard_error(run: Run, doubles: dict[str, Mock]) -> None:
    def emit_script(*_: object, sink: EventSink, **__: object) -> object:
        for event in SCRIPT:
            sink.emit(event)
        return samples.backup_report()

    doubles["backup"].side_effect = emit_script
    assert run("backup").err.splitlines() == LINES
    kinds = [json.loads(line)["event"] for line in run("backup", "--format=json").err.splitlines()]
    assert kinds == ["phase_started", "barrier_held", "retrying", "noticed"]


def test_progress_is_an_event_the_bars_know() -> None:
    display = Mock()
    Bars(display).emit(Progress("dump", "s0", 7, 5, 1))
    assert display.update.call_args.kwargs["total"] == 7
