"""Try out one promise of a store at a time, in a folder that nobody else uses."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from shardvault.clock import monotonic_s, utc_now
from shardvault.errors import ObjectExists, ObjectMissing, StorageError
from shardvault.interfaces import Buffer, ObjectStat, Storage
from shardvault.storage.wrapper import Wrapper
from shardvault.units import format_duration

WRITERS = 16
RACES = 3
MANY_NAMES = 1001
"""One more than S3, Google and Azure give in one answer."""

MANY_LIMIT_S = 6.0
"""Time to store them; to delete them takes up to twice as long [s]."""

LONGEST_NAME = 200
"""More letters than any object of a repository has in its name."""

SKEW_LIMIT_S = 60.0
"""Difference between the store's clock and ours that needs no word [s]."""

PREFIX = "probe/"
_THREADS = 16
_CUT = "cut"
_CUT_BYTES = 8 * 1024 * 1024


class NotTried(Exception):
    """Say why a trial was not made."""


class Cut(Exception):
    """End an upload in its middle."""


@runtime_checkable
class CutsUploads(Protocol):
    """Add to a store that its uploads can be cut short on the way, for a trial."""

    def put_cut(self, name: str, parts: Sequence[Buffer]) -> None:
        """Begin to store the parts and break the connection before the end."""


@dataclass
class Site:
    """Hold what the trials share: one object that was just stored, and a folder for more.

    Attributes:
        word: name of the folder.
        data: contents of the object.
        can_delete: no delete has been refused so far.
    """

    storage: Storage
    word: str
    data: bytes = field(repr=False)
    can_delete: bool = True

    @property
    def name(self) -> str:
        """Return the name of the object that lies there from the beginning."""
        return self.place("first")

    def place(self, word: str) -> str:
        """Return a name in the folder of the trials."""
        return f"{PREFIX}{self.word}/{word}"

    @contextlib.contextmanager
    def put(self, word: str, data: bytes) -> Iterator[str]:
        """Keep one more object for a while and give its name."""
        name = self.place(word)
        self.storage.put_new(name, [data])
        try:
            yield name
        finally:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Delete an object if the store lets us; the trial of deletes says so if not."""
        try:
            self.storage.delete(name)
        except ObjectMissing:
            pass
        except StorageError:
            self.can_delete = False


Run = Callable[[Site], str]
"""Makes one trial and returns what is wrong, or nothing."""


def try_write(site: Site) -> str:
    """Two parts are one object; an error must not hide a success."""
    half = len(site.data) // 2
    try:
        site.storage.put_new(site.name, [site.data[:half], memoryview(site.data)[half:]])
    except StorageError as error:
        if _is_there(site.storage, site.name):
            return f"a write ends in an error and is done all the same: {error.message}"
        raise
    return ""


def try_read(site: Site) -> str:
    """What was written is there at once, whole and unchanged."""
    found = site.storage.get(site.name)
    if found == site.data:
        return ""
    if site.data.startswith(found):
        return f"an object is cut: of {len(site.data)} bytes {len(found)} come back"
    return f"an object of {len(site.data)} bytes reads back as {len(found)} other bytes"


def try_part(site: Site) -> str:
    """A part is the bytes asked for, also at the end and behind it."""
    size = len(site.data)
    for begin, count in ((0, 10), (size // 2 - 10, 20), (size - 10, 20), (size, 1)):
        if site.storage.get(site.name, begin, count) != site.data[begin : begin + count]:
            return f"{count} bytes from byte {begin} on read back as something else"
    return ""


def try_stat(site: Site) -> str:
    """The size that the store tells is the true one."""
    found = site.storage.stat(site.name)
    if found == ObjectStat(site.name, len(site.data)):
        return ""
    return f"size of an object is {found.size_bytes}, not {len(site.data)}"


def try_missing(site: Site) -> str:
    """What is not there is said to be missing, and nothing else."""
    storage = site.storage
    for what, use in (("read", storage.get), ("looked at", storage.stat)):
        try:
            use(site.place("nothing"))
        except ObjectMissing:
            continue
        return f"an object that was never stored can be {what}"
    return ""


def try_list(site: Site) -> str:
    """What was written is listed at once, with its size."""
    wanted = ObjectStat(site.name, len(site.data))
    is_listed = wanted in site.storage.list(site.place(""))
    return "" if is_listed else "a new object is not listed, or with another size"


def try_prefix(site: Site) -> str:
    """A list holds the names that begin with its prefix, sorted, and no others."""
    with site.put("x-b", b"1"), site.put("x/a", b"2"), site.put("y", b"3"):
        listed = [found.name for found in site.storage.list(site.place("x"))]
    if not set(listed) <= {site.place("x-b"), site.place("x/a")}:
        return "a list names objects that do not begin with its prefix"
    if listed != [site.place("x-b"), site.place("x/a")]:
        return "a list of a prefix is out of order, or incomplete"
    return ""


def try_many(site: Site) -> str:
    """A list is complete however long it is; a slow store is not made to store so much."""
    if not site.can_delete:
        raise NotTried("what it stores could not be deleted")
    names = [site.place(f"many/{number:04}") for number in range(MANY_NAMES)]
    end_s = monotonic_s() + MANY_LIMIT_S

    def put(name: str) -> bool:
        if is_due := monotonic_s() < end_s:
            site.storage.put_new(name, [b"x"])
        return is_due

    with ThreadPoolExecutor(_THREADS) as threads:
        stored = [
            name for name, is_done in zip(names, threads.map(put, names), strict=True) if is_done
        ]
        listed = [found.name for found in site.storage.list(site.place("many/"))]
        list(threads.map(site.drop, stored))
    if listed != stored:
        return f"of {len(stored)} objects {len(set(listed))} are listed"
    if stored != names:
        raise NotTried(f"{MANY_NAMES} objects take more than {MANY_LIMIT_S:.0f} s here")
    return ""


def try_exclusive(site: Site) -> str:
    """Two writers of one name must not both believe that they won."""
    try:
        site.storage.put_new(site.name, [b"second"])
    except ObjectExists:
        is_intact = site.storage.get(site.name) == site.data
        return "" if is_intact else "a refused write changed the object"
    return "a second object of the same name was accepted"


def try_race(site: Site) -> str:
    """Of writers who come at the same moment exactly one wins, and its bytes stay."""
    for race in range(RACES):
        name = site.place(f"race-{race}")
        won = _race(site.storage, name)
        stored = site.storage.get(name) if won else b""
        site.drop(name)
        if len(won) != 1:
            return f"of {WRITERS} writers of one name {len(won)} were told that they won"
        if stored != b"%d" % won[0]:
            return "of writers of one name one was told that it won, and another's bytes stayed"
    return ""


def try_cut(site: Site) -> str:
    """An upload that breaks off leaves nothing, or the whole object."""
    name = site.place(_CUT)
    data = site.data * (_CUT_BYTES // len(site.data))
    with contextlib.suppress(Cut, StorageError):
        _put_cut(site.storage, name, data)
    try:
        stored = site.storage.get(name)
    except ObjectMissing:
        return ""
    site.drop(name)
    return "" if stored == data else f"a broken upload left {len(stored)} of {len(data)} bytes"


def try_delete(site: Site) -> str:
    """What was deleted is gone, and its name is free."""
    name = site.place("gone")
    site.storage.put_new(name, [b"first"])
    try:
        site.storage.delete(name)
    except ObjectMissing:
        return "an object cannot be deleted: the store says that it is missing"
    except StorageError:
        site.can_delete = False
        raise
    if any(found.name == name for found in site.storage.list(name)):
        return "a deleted object is still listed"
    if _is_there(site.storage, name):
        return "a deleted object can still be read"
    with site.put("gone", b"again"):
        is_new = site.storage.get(name) == b"again"
    return "" if is_new else "a deleted object comes back under its name"


def try_absent(site: Site) -> str:
    """Deleting what is not there is reported."""
    try:
        site.storage.delete(site.place("nothing"))
    except ObjectMissing:
        return ""
    return "an object that was never stored can be deleted"


def try_clock(site: Site) -> str:
    """Leases and retention count by the store's clock; people compare it with ours."""
    received_s = site.storage.stat(site.name).received_s
    if received_s is None:
        return "the store does not say when it took an object"
    skew_s = received_s - utc_now().timestamp()
    if abs(skew_s) <= SKEW_LIMIT_S:
        return ""
    side = "ahead of" if skew_s > 0 else "behind"
    return f"the store's clock is {format_duration(abs(skew_s))} {side} ours"


def try_long_name(site: Site) -> str:
    """Names of every length that a repository uses are kept apart."""
    stem = "a" * (LONGEST_NAME - len(site.place("")) - 1)
    with site.put(stem + "1", b"one") as one, site.put(stem + "2", b"two") as two:
        is_kept = (site.storage.get(one), site.storage.get(two)) == (b"one", b"two")
        is_listed = {one, two} <= {found.name for found in site.storage.list(site.place(""))}
    return "" if is_kept and is_listed else f"names of {LONGEST_NAME} letters are not kept apart"


def try_clean_up(site: Site) -> str:
    """Nothing that was deleted comes back; only the broken upload may arrive this late."""
    for name in (site.name, site.place(_CUT)):
        site.drop(name)
    if not site.can_delete:
        raise NotTried("objects cannot be deleted")
    names = (found.name for found in site.storage.list(site.place("")))
    left = [name for name in names if name != site.place(_CUT)]
    return f"a deleted object came back: {left[0]}" if left else ""


def _race(storage: Storage, name: str) -> list[int]:
    """Let all write at once and return who was told that it won."""
    start = threading.Barrier(WRITERS)

    def write(number: int) -> bool:
        start.wait(10)
        try:
            storage.put_new(name, [b"%d" % number])
        except ObjectExists:
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as threads:
        return [number for number, won in enumerate(threads.map(write, range(WRITERS))) if won]


class _Breaking(Sequence[Buffer]):
    """Give the first half of some bytes and break at the second."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int | slice) -> Buffer:  # type: ignore[override]
        if index == 0:
            return self._data[: len(self._data) // 2]
        raise Cut


def _put_cut(storage: Storage, name: str, data: bytes) -> None:
    while isinstance(storage, Wrapper):  # what repeats an upload would mend it
        storage = storage.inner
    if isinstance(storage, CutsUploads):
        storage.put_cut(name, [data])
    else:
        storage.put_new(name, _Breaking(data))


def _is_there(storage: Storage, name: str) -> bool:
    try:
        storage.get(name)
    except ObjectMissing:
        return False
    return True
