"""Look for canaries: words that must not be where others can read them."""

from __future__ import annotations

import base64
import os
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

_PAUSE_S = 0.001


class CanarySearch:
    """Find canaries in bytes, as they are, in hexadecimal and in base64.

    Args:
        canaries: what to look for, by the name that a finding tells.
    """

    def __init__(self, canaries: Mapping[str, str]) -> None:
        self._forms = {
            form: name for name, text in canaries.items() for form in _forms_of(text.encode())
        }

    def find(self, where: str, data: bytes) -> Iterator[str]:
        """Name each canary in the bytes, and the place."""
        for form, name in self._forms.items():
            if form in data:
                yield f"{name} in {where}"

    def find_in_files(self, folder: Path) -> Iterator[str]:
        """Name each canary in the names and contents of all files below a folder."""
        for path in folder.rglob("*"):
            yield from self.find("a file name", str(path.relative_to(folder)).encode())
            if path.is_file():
                yield from self.find(str(path), path.read_bytes())


def _forms_of(text: bytes) -> tuple[bytes, ...]:
    # Where base64 begins in a longer text is unknown; its middle is the same at one of three.
    shifted = (base64.b64encode(b"\0" * shift + text)[4:-4] for shift in range(3))
    return (text, text.hex().encode(), *shifted)


class ProcessSampler:
    """Read arguments and environment of a process and all it starts, a thousand times a second.

    Args:
        pid: of a process that leads a session of its own.
        ignored: variables that the user put there.
    """

    def __init__(self, pid: int, search: CanarySearch, ignored: Iterable[str] = ()) -> None:
        self.samples = 0
        self.leaks: set[str] = set()
        self._session = pid
        self._search = search
        self._ignored = tuple(f"{name}=".encode() for name in ignored)
        self._known: set[str] = set()
        self._ours: set[str] = set()
        self._is_ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_ended.wait(_PAUSE_S):
            present = {name for name in os.listdir("/proc") if name.isdigit()}
            self._ours |= {name for name in present - self._known if self._is_ours(name)}
            self._known = present
            for pid in self._ours & present:
                self._look(pid)

    def _is_ours(self, pid: str) -> bool:
        try:
            return os.getsid(int(pid)) == self._session
        except ProcessLookupError:
            return False

    def _look(self, pid: str) -> None:
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return
        self.samples += 1
        kept = [one for one in environment.split(b"\0") if not one.startswith(self._ignored)]
        self.leaks.update(self._search.find("arguments", arguments))
        self.leaks.update(self._search.find("environment", b"\0".join(kept)))


def find_open_to_others(folder: Path) -> list[str]:
    """Name each file that is not 0600 and each folder that is not 0700, the top one too."""
    return [
        f"{oct(stat.S_IMODE(path.lstat().st_mode))} {path}"
        for path in (folder, *folder.rglob("*"))
        if stat.S_IMODE(path.lstat().st_mode) != (0o700 if path.is_dir() else 0o600)
    ]
