"""Keep what tests write in memory where there is room: a server's DDL waits for the disk most."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM_BYTES = 8 << 30
"""Free memory that is enough for the servers and the files of a whole run [bytes]."""


def use_memory() -> None:
    """Put temporary files into memory, unless TMPDIR names a folder or there is no room."""
    if "TMPDIR" not in os.environ and has_room(MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def has_room(folder: Path) -> bool:
    """Say whether a folder in memory takes the files, and programs, of a whole run."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return False
    is_open = os.access(folder, os.W_OK) and not status.f_flag & (os.ST_NOEXEC | os.ST_RDONLY)
    return is_open and min(status.f_bavail * status.f_frsize, _free_bytes()) >= ROOM_BYTES


def _free_bytes() -> int:
    """Return how much memory programs can still take."""
    found = re.search(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found[1]) << 10 if found else 0
