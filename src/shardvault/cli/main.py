"""Start the program: signals first, so that no moment of it ends in a traceback."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Run the command that the process was started with and return its exit code."""
    try:
        # A service manager stops us with SIGTERM; locks are given back as after Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        from shardvault.cli.program import run_program

        return run_program(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were imported, or a second time while leaving
        sys.stderr.write("shardvault: interrupted\n")
        return 130
