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
        from shardvault.cli.program import run_program

        return run_program(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were imported, or a second time while leaving
        sys.stderr.write("shardvault: interrupted\n")
        return INTERRUPTED


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Leave in order, but for a server that hangs not later than after _LEAVE_S.

    Threads that wait on it would keep the process. Its end closes every socket, and with
    that each server frees what it held for us.
    """
    watchdog = threading.Timer(_LEAVE_S, os._exit, (INTERRUPTED,))
    watchdog.daemon = True
    watchdog.start()
    raise KeyboardInterrupt
