"""Fail every request to the file system in turn: what counts stays, and is never half there."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from errno import EIO, ENOSPC
from pathlib import Path

import pytest

from shardvault.errors import ShardvaultError
from tests.support.crash_disk import put_in_place
from tests.support.failing_disk import FailingDisk, Failure
from tests.support.killing import count_requests
from tests.support.works import WORKS, Work, assert_done, assert_sound

FAILURES = {
    "full once": Failure(ENOSPC, lasts=False),
    "full for ever": Failure(ENOSPC, lasts=True),
    "broken once": Failure(EIO, lasts=False),
    "broken for ever": Failure(EIO, lasts=True),
}
EVERY = 1_000_000
FEW = 8


@pytest.fixture
def template(tmp_path: Path, name: str) -> Path:
    """Give a folder in the state that a work begins with."""
    root = tmp_path / "template"
    root.mkdir()
    WORKS[name].prepare(root)
    return root


def is_done_despite(work: Work, root: Path, at: int, failure: Failure) -> bool:
    """Do a work while the disk fails; say whether it ended well. It must end cleanly."""
    with pytest.MonkeyPatch.context() as patch:
        put_in_place(patch, root, FailingDisk(root, at, failure))
        with contextlib.suppress(ShardvaultError):
            work.run(root)
            return True
    return False


def failed_copies(
    work: Work, template: Path, folder: Path, failure: Failure, most: int
) -> Iterator[Path]:
    """Give a copy of the template for each request at which its disk failed."""
    total = count_requests(work.run, template, folder)
    for number in range(min(most, total)):
        at = 1 + number * total // min(most, total)
        copy = shutil.copytree(template, folder / f"failed-{at}", symlinks=True)
        is_done = is_done_despite(work, copy, at, failure)
        (assert_done if is_done else assert_sound)(copy, work)
        yield copy
        shutil.rmtree(copy)


def check_failures(name: str, template: Path, folder: Path, failure: str, most: int) -> int:
    """Fail a work at so many places, look at what is left, and do it again on a sound disk."""
    work, count = WORKS[name], 0
    for copy in failed_copies(work, template, folder, FAILURES[failure], most):
        work.run(copy)
        assert_done(copy, work)
        count += 1
    return count


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("name", WORKS)
def test_a_disk_that_fails_at_any_of_many_requests_loses_nothing(
    name: str, failure: str, template: Path, tmp_path: Path
) -> None:
    assert check_failures(name, template, tmp_path, failure, FEW) == FEW


@pytest.mark.long(part="disk")
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("name", WORKS)
def test_a_disk_that_fails_at_every_request_loses_nothing(
    name: str, failure: str, template: Path, tmp_path: Path
) -> None:
    assert check_failures(name, template, tmp_path, failure, EVERY) > FEW


@pytest.mark.parametrize("name", ["backup"])
def test_a_sync_that_is_tried_again_after_it_failed_does_damage(
    name: str, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: a store that takes the second sync's word lists what is not there."""
    real = FailingDisk.fsync

    def sync_again(disk: FailingDisk, fd: int) -> None:
        try:
            real(disk, fd)
        except OSError:
            real(disk, fd)

    monkeypatch.setattr(FailingDisk, "fsync", sync_again)
    with pytest.raises((AssertionError, ShardvaultError)):
        check_failures(name, template, tmp_path, "broken once", EVERY)
