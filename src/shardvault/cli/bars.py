"""Show progress on a terminal: a bar for each shard, and above them what happened."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from shardvault import events
from shardvault.cli.escape import escape, shorten
from shardvault.cli.pace import Pace
from shardvault.cli.render import describe_event

_LABEL_COLUMNS = 16
_BAR_COLUMNS = 12


@contextmanager
def open_bars(*, has_color: bool) -> Iterator[Bars]:
    """Draw on standard error until the operation ends; the bars vanish, the lines stay."""
    console = Console(stderr=True, no_color=not has_color, highlight=False, markup=False)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(_BAR_COLUMNS),
        TextColumn("{task.fields[figures]}", markup=False),
        _Elapsed(),
    )
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as progress:
        yield Bars(progress)


class _Elapsed(TimeElapsedColumn):
    """Show how long a phase without figures has been running."""

    def render(self, task: Task) -> Text:
        return Text() if task.fields["figures"] else super().render(task)


class Bars:
    """Keep one bar per shard, and one that runs while a phase has none; never raises."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._pace = Pace()
        self._phase: TaskID | None = None
        self._shards: dict[str, tuple[TaskID, str]] = {}
        self._lock = threading.Lock()

    def emit(self, event: events.Event) -> None:
        """Take one event."""
        # Whatever goes wrong with the display, the operation goes on.
        with suppress(Exception), self._lock:
            if isinstance(event, events.Progress):
                self._advance(event)
            else:
                self._tell(event)

    def _tell(self, event: events.Event) -> None:
        if line := describe_event(event):
            self._progress.console.print(line, soft_wrap=True)
        if isinstance(event, events.PhaseStarted):
            self._drop_phase()
            label = shorten(escape(event.phase), _LABEL_COLUMNS)
            self._phase = self._progress.add_task(label, total=None, figures="")

    def _advance(self, event: events.Progress) -> None:
        self._drop_phase()
        figures = self._pace.add(event)
        self._progress.update(
            self._bar_of(event),
            total=max(event.total_bytes, event.done_bytes) if event.total_bytes else None,
            completed=event.done_bytes,
            figures=str(figures),
        )

    def _bar_of(self, event: events.Progress) -> TaskID:
        """Find the shard's bar; in another phase it starts anew."""
        bar, phase = self._shards.get(event.shard, (None, ""))
        label = shorten(escape(f"{event.shard} {event.phase}"), _LABEL_COLUMNS)
        if bar is None:
            bar = self._progress.add_task(label, total=None, figures="")
        elif phase != event.phase:
            self._progress.reset(bar, description=label)
        self._shards[event.shard] = (bar, event.phase)
        return bar

    def _drop_phase(self) -> None:
        if self._phase is not None:
            self._progress.remove_task(self._phase)
            self._phase = None
