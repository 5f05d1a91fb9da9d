"""Record what the local store asks of a file system, die at any of it, and lose power.

What was not synced may be lost, in any part: each changed name of a folder by itself, in
any order, and each sector of a file by itself. What was synced stays.
"""

from __future__ import annotations

import os
import pathlib
import random
import signal
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from shardvault.storage import local

_SECTORS = (512, 4096)


@dataclass(frozen=True)
class Step:
    """Hold one request: what was done, to which path, with which file or bytes.

    Attributes:
        what: create, write, sync, link, unlink, mkdir, sync folder, or mark.
        target: of a link the new path; of a mark its text.
    """

    what: str
    path: str
    file: int = 0
    data: bytes = b""


class Recorder:
    """Stand in for ``os`` in the local store: do what is asked, and note it down.

    Args:
        kill_at: number of the request, from 1, before which the process kills itself.
    """

    def __init__(self, root: Path, kill_at: int | None = None) -> None:
        self.steps: list[Step] = []
        self.requests = 0
        self._kill_at = kill_at
        self._root = root
        self._files: dict[int, int] = {}
        self._folders: dict[int, str] = {}
        self._numbers: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def mark(self, text: str) -> None:
        """Note that something was reported as done."""
        self.steps.append(Step("mark", text))

    def begin(self, what: str) -> None:
        """Count a request that changes something, and die if it is the chosen one.

        Args:
            what: kind of the request, as in ``Step``.
        """
        self.requests += 1
        if self.requests == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT:
            self.begin("create")
        fd = os.open(path, flags, mode)
        name = self._name(path)
        self._files.pop(fd, None)
        self._folders.pop(fd, None)
        if flags & os.O_DIRECTORY:
            self._folders[fd] = name
        elif flags & os.O_EXCL:
            self._files[fd] = self._numbers[name] = len(self.steps) + 1
            self.steps.append(Step("create", name, self._files[fd]))
        return fd

    def writev(self, fd: int, parts: Sequence[Any]) -> int:
        self.begin("write")
        written = os.writev(fd, parts)
        data = b"".join(bytes(part) for part in parts)[:written]
        self.steps.append(Step("write", "", self._files[fd], data))
        return written

    def fsync(self, fd: int) -> None:
        self.begin("sync")
        os.fsync(fd)
        if fd in self._folders:
            self.steps.append(Step("sync folder", self._folders[fd]))
        elif fd in self._files:
            self.steps.append(Step("sync", "", self._files[fd]))

    def link(self, source: Path, target: Path) -> None:
        self.begin("link")
        os.link(source, target)
        number = self._numbers[self._name(source)]
        self._numbers[self._name(target)] = number
        self.steps.append(Step("link", self._name(target), number))

    def unlink(self, path: Path) -> None:
        """Note a file that ``Path.unlink`` removed."""
        self.steps.append(Step("unlink", self._name(path)))

    def mkdir(self, path: Path) -> None:
        """Note a folder that ``Path.mkdir`` made."""
        self.steps.append(Step("mkdir", self._name(path)))

    def _name(self, path: Path) -> str:
        name = os.path.relpath(path, self._root)
        return "" if name == "." else name


def record(monkeypatch: pytest.MonkeyPatch, root: Path, kill_at: int | None = None) -> Recorder:
    """Note all that the local store does under a folder from now on."""
    recorder = Recorder(root, kill_at)
    put_in_place(monkeypatch, root, recorder)
    return recorder


def put_in_place(monkeypatch: pytest.MonkeyPatch, root: Path, recorder: Recorder) -> None:
    """Let the local store ask a recorder instead of the file system."""
    monkeypatch.setattr(local, "os", _as_module(recorder))
    real_unlink, real_mkdir = pathlib.Path.unlink, pathlib.Path.mkdir

    def unlink(path: Path, missing_ok: bool = False) -> None:
        recorder.begin("unlink")
        is_there = path.exists()
        real_unlink(path, missing_ok)
        if is_there and path.is_relative_to(root):
            recorder.unlink(path)

    def mkdir(path: Path, *arguments: Any, **named: Any) -> None:
        recorder.begin("mkdir")
        is_there = path.exists()
        real_mkdir(path, *arguments, **named)
        if not is_there and path.is_relative_to(root):
            recorder.mkdir(path)

    monkeypatch.setattr(pathlib.Path, "unlink", unlink)
    monkeypatch.setattr(pathlib.Path, "mkdir", mkdir)


def _as_module(recorder: Recorder) -> ModuleType:
    return recorder  # type: ignore[return-value]


@dataclass
class _Disk:
    """Follow what is safe and what is not, step by step.

    Attributes:
        data: bytes of each file as written; safe: how many of them were synced.
        names: entries of each folder that were synced; pending: changes that were not.
    """

    data: dict[int, bytearray] = field(default_factory=lambda: defaultdict(bytearray))
    safe: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    names: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    pending: dict[str, list[tuple[str, int | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def take(self, step: Step) -> None:
        folder, _, name = step.path.rpartition("/")
        match step.what:
            case "create" | "link":
                self.pending[folder].append((name, step.file))
            case "mkdir":
                self.pending[folder].append((name, -1))
            case "unlink":
                self.pending[folder].append((name, None))
            case "write":
                self.data[step.file] += step.data
            case "sync":
                self.safe[step.file] = len(self.data[step.file])
            case "sync folder":
                _apply(self.names[step.path], self.pending.pop(step.path, []))

    def lose(self, choose: random.Random) -> dict[str, bytes]:
        """Return the objects, by name, that one possible power loss leaves."""
        kept: dict[str, dict[str, int]] = {}
        for folder in {*self.names, *self.pending}:
            kept[folder] = dict(self.names.get(folder, {}))
            changes = [one for one in self.pending.get(folder, ()) if choose.random() < 0.5]
            choose.shuffle(changes)
            _apply(kept[folder], changes)
        return {
            path: self._tear(number, choose)
            for path, number in _walk(kept, "")
            if not any(word.startswith(".") for word in path.split("/"))
        }

    def _tear(self, number: int, choose: random.Random) -> bytes:
        data, safe = self.data[number], self.safe[number]
        if safe == len(data):
            return bytes(data)
        left = bytearray(data[: choose.randint(safe, len(data))])
        sector = choose.choice(_SECTORS)
        for begin in range(safe - safe % sector, len(left), sector):
            if choose.random() < 0.5:
                first = max(begin, safe)
                end = min(begin + sector, len(left))
                left[first:end] = bytes(end - first)
        return bytes(left)


def _apply(names: dict[str, int], changes: Sequence[tuple[str, int | None]]) -> None:
    for name, number in changes:
        if number is None:
            names.pop(name, None)
        else:
            names[name] = number


def _walk(kept: dict[str, dict[str, int]], folder: str) -> list[tuple[str, int]]:
    found = []
    for name, number in kept.get(folder, {}).items():
        path = f"{folder}/{name}".lstrip("/")
        found += _walk(kept, path) if number == -1 else [(path, number)]
    return found


@dataclass(frozen=True)
class CrashState:
    """Hold what is left, and what had been reported as done before."""

    objects: dict[str, bytes]
    done: frozenset[str]
    step: int


def crash_states(steps: Sequence[Step], count: int, seed: int) -> list[CrashState]:
    """Make up states after a power loss, spread over all steps; equal seeds give equal ones."""
    choose = random.Random(seed)
    stops = sorted(choose.randrange(len(steps) + 1) for _ in range(count))
    disk, done, at = _Disk(), set[str](), 0
    states = []
    for stop in stops:
        for step in steps[at:stop]:
            disk.take(step)
            if step.what == "mark":
                done.add(step.path)
        at = stop
        states.append(CrashState(disk.lose(choose), frozenset(done), stop))
    return states
