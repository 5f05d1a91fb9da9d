"""Start the program: signals first, so that no moment of it ends in a traceback."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

INTERRUPTED = 130
_LEAVE_S = 3.0  # for giving locks back in order, before whatever hangs is cut off


def main() -> int:
    """Run the command that the process was started with and return its exit code."""
    try:
        # A service manager stops us with SIGTERM; locks are given back as after Ctrl-C.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        _open_closed_streams()
        from shardvault.cli.program import run_program

        return run_program(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were imported, or a second time while leaving
        sys.stderr.write("shardvault: interrupted\n")
        return INTERRUPTED


def _open_closed_streams() -> None:
    """Put /dev/null in the place of closed streams.

    A file that is opened later would get the number of the closed stream, and what is written
    to that stream, by us or by a program that we start, would go into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Leave in order, but for a server that hangs not later than after _LEAVE_S.

    Threads that wait on it would keep the process. Its end closes every socket, and with
    that each server frees what it held for us.
    """
    watchdog = threading.Timer(_LEAVE_S, os._exit, (INTERRUPTED,))
    watchdog.daemon = True
    watchdog.start()
    raise KeyboardInterrupt
