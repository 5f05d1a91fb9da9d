"""Run something in a process of its own that dies at a chosen request to the file system."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.crash_disk import record

_TRACEBACK = 70
Action = Callable[[Path], None]


def count_requests(action: Action, template: Path, folder: Path) -> int:
    """Run an action on a copy of a folder and return how often it asked for a change."""
    copy = shutil.copytree(template, folder / "count", symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        recorder = record(patch, copy)
        action(copy)
    return recorder.requests


def is_dead_at(action: Action, root: Path, request: int) -> bool:
    """Run an action in a child process that is killed before a request; say whether it was.

    One with other random names may need fewer folders, and end before it comes so far.

    Raises:
        AssertionError: the child ended otherwise.
    """
    with warnings.catch_warnings():
        # The child does nothing but Python and system calls until it is killed.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _run(action, root, request)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in {0, -signal.SIGKILL}
    return os.WIFSIGNALED(status)


def _run(action: Action, root: Path, request: int) -> None:
    try:
        with pytest.MonkeyPatch.context() as patch:
            record(patch, root, request)
            action(root)
        os._exit(0)
    except BaseException:  # nothing may run on in a copy of the test
        traceback.print_exc(file=sys.__stderr__)
        os._exit(_TRACEBACK)


def copies_after_each_death(
    action: Action, template: Path, folder: Path, *, most: int
) -> Iterator[tuple[int, Path]]:
    """Give a copy of the folder for each request that the action died before.

    Args:
        action: is run on a copy.
        template: folder to copy.
        folder: place for the copies, which last until the next one is given.
        most: if the action asks for more changes, so many of them are spread over all.
    """
    total = count_requests(action, template, folder)
    for number in range(min(most, total)):
        request = 1 + number * total // min(most, total)
        copy = shutil.copytree(template, folder / f"dead-{request}", symlinks=True)
        if is_dead_at(action, copy, request):
            yield request, copy
        shutil.rmtree(copy)
