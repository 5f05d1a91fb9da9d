"""Read the options, turn signals into an orderly end, and give the exit code."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn, TextIO

import pymysql

from demo.command import CommandFailed
from demo.place import opened_place
from demo.proof import Proof
from demo.screen import Screen
from demo.story import Story
from shardvault.units import format_duration
from tests.support.servers import ServerFailed, ServerMissing
from tests.support.templates import TemplateFailed
from tests.support.workload.process import WorkloadFailed

_ROWS = 200_000
_FEWEST_ROWS = 100
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FAILURES = (
    CommandFailed,
    OSError,
    ServerFailed,
    ServerMissing,
    TemplateFailed,
    WorkloadFailed,
    pymysql.MySQLError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo.

    Returns:
        0 if every proof holds, 1 if one does not or a step failed, 130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    for number in _SIGNALS:
        signal.signal(number, _interrupt_once)
    _replace_unprintable(sys.stdout)
    try:
        return _run(Screen(sys.stdout), rows=options.rows, keeps=options.keep)
    except KeyboardInterrupt:
        print("\ndemo: interrupted; every server is stopped, its data deleted", file=sys.stderr)
        return 130
    except _FAILURES as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1


def _run(screen: Screen, *, rows: int, keeps: bool) -> int:
    begin_s = time.monotonic()
    with opened_place(outlives=keeps) as place:
        screen.heading("shardvault demo: lose two of four shards and get them back")
        screen.line(f"Each command below runs in {place.folder}")
        screen.line("with SHARDVAULT_FORMAT=json; without it, it prints a table.")
        proofs = Story(place, screen, rows=rows).tell()
    return _conclude(screen, proofs, time.monotonic() - begin_s)


def _conclude(screen: Screen, proofs: Sequence[Proof], seconds: float) -> int:
    failed = [proof.name for proof in proofs if not proof.holds]
    if failed:
        screen.heading(f"FAILED: {', '.join(failed)} ({format_duration(seconds)})")
        return 1
    screen.heading(f"All {len(proofs)} proofs hold ({format_duration(seconds)}).")
    return 0


def _interrupt_once(_number: int, _frame: FrameType | None) -> NoReturn:
    """Raise KeyboardInterrupt; nothing may disturb the cleaning up that follows."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _replace_unprintable(stream: TextIO) -> None:
    """Print a question mark where the terminal's encoding lacks a character."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


def _read_rows(text: str) -> int:
    rows = int(text)
    if rows < _FEWEST_ROWS:
        raise argparse.ArgumentTypeError(f"at least {_FEWEST_ROWS}")
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description="Back up a sharded fleet of private servers at one cut, lose two shards, "
        "restore them and prove it.",
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the servers up and say how to reach them"
    )
    parser.add_argument(
        "--rows",
        type=_read_rows,
        default=_ROWS,
        metavar="N",
        help="orders in the shop (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
