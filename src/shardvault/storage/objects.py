"""Keep objects in a bucket: S3, Google Cloud Storage or Azure Blob Storage.

An object is one PUT that the store refuses if the name is taken; it appears whole or not at
all, so nothing is ever left half-written. Uploads in parts are not used: some stores ignore
the condition when they put the parts together (Source: Ceph RGW 16.2, measured), and no
object of a repository is larger than one PUT may be (5 GiB at S3, 5000 MiB at Azure).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shardvault.clock import monotonic_s
from shardvault.errors import ObjectExists, ObjectMissing, StorageError, StorageUnavailable
from shardvault.interfaces import Buffer, ObjectStat, StorageFeatures
from shardvault.storage.buckets import Bucket
from shardvault.storage.names import check_name, is_name
from shardvault.storage.patience import Patience, round_up
from shardvault.storage.refusals import RangeRefused, reported

if TYPE_CHECKING:
    from obstore.store import ObjectStore

CUT_LIMIT_S = 0.005
"""Time after which a trial breaks an upload off; too short for one of several MiB [s]."""

_PAGE_NAMES = 1000


class ObjectStorage:
    """Keep objects under the prefix of a bucket; safe for many threads.

    A request that takes longer than its size can explain is cut: ``StorageUnavailable``.
    """

    def __init__(self, bucket: Bucket) -> None:
        self.features = StorageFeatures(atomic_create=True, owner_lock=False)
        self._bucket = bucket
        self._patience = Patience()
        self._witness: str | None = None

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        """Store the parts as one object, all or nothing; they are sent from where they lie.

        Raises:
            ObjectExists: the name is taken; its object is unchanged.
            StorageUnavailable: no answer; whether it was stored is unknown.
            StorageFull: no space; nothing remains under the name.
        """
        import obstore

        views = [memoryview(part).cast("B") for part in parts]
        size_bytes = sum(view.nbytes for view in views)
        try:
            with self._transfer("store", check_name(name), size_bytes) as client:
                obstore.put(client, name, iter(views), mode="create", use_multipart=False)
        except ObjectMissing as error:
            raise StorageError(error.message, hint="is the bucket there?") from None
        except ObjectExists:
            self._confirm(name)
            raise

    def put_cut(self, name: str, parts: Sequence[Buffer]) -> None:
        """Begin to store the parts and break the connection before the end, for a trial."""
        import obstore

        with reported("store", self._bucket.place):
            client = self._bucket.client(CUT_LIMIT_S)
            obstore.put(client, check_name(name), iter(parts), mode="create", use_multipart=False)

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        """Read an object or a part of it; shorter at its end; raises ObjectMissing."""
        if size is None:
            end = self.stat(name).size_bytes
            return self._read_whole(name, end) if offset == 0 else self._read(name, offset, end)
        if size == 0:
            self.stat(name)  # no range is empty, but the object may be missing
        return self._read(name, offset, offset + size)

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        """Give every object whose name begins with the prefix, sorted by name.

        The whole list is read before the first name is given: stores differ in their order.
        """
        import obstore

        folder = prefix.rpartition("/")[0] or None  # stores narrow by whole words only
        with self._transfer("list", prefix, 0) as client:
            pages = obstore.list(client, folder, chunk_size=_PAGE_NAMES)
            listed = [_describe(meta) for page in pages for meta in page]
        found = [stat for stat in listed if stat.name.startswith(prefix) and is_name(stat.name)]
        if not listed:
            self._doubt_emptiness()
        yield from sorted(found, key=lambda stat: stat.name)

    def stat(self, name: str) -> ObjectStat:
        """Describe one object; raises ObjectMissing."""
        import obstore

        with self._transfer("look at", check_name(name), 0) as client:
            found = replace(_describe(obstore.head(client, name)), name=name)
        self._witness = self._witness or name
        return found

    def delete(self, name: str) -> None:
        """Remove an object; raises ObjectMissing."""
        import obstore

        self.stat(name)  # S3 answers the same whether there was an object or not
        with self._transfer("delete", name, 0) as client:
            obstore.delete(client, name)

    @contextlib.contextmanager
    def _transfer(self, verb: str, name: str, size_bytes: int) -> Iterator[ObjectStore]:
        """Give a client whose limit fits the size, and learn from how long it took."""
        client = self._bucket.client(round_up(self._patience.limit_s(size_bytes)))
        begin = monotonic_s()
        is_done = False
        try:
            with reported(verb, f"{self._bucket.place}/{name}"):
                yield client
            is_done = True
        finally:
            self._patience.note(size_bytes, monotonic_s() - begin, is_done=is_done)

    def _read_whole(self, name: str, size_bytes: int) -> bytes:
        import obstore

        with self._transfer("read", name, size_bytes) as client:
            return bytes(obstore.get(client, name).bytes())

    def _read(self, name: str, begin: int, end: int) -> bytes:
        import obstore

        if end <= begin:
            return b""
        try:
            with self._transfer("read", check_name(name), end - begin) as client:
                return bytes(obstore.get_range(client, name, start=begin, end=end))
        except RangeRefused:
            if begin >= self.stat(name).size_bytes:  # stores refuse it, our contract does not
                return b""
            raise

    def _doubt_emptiness(self) -> None:
        """Make sure that a list without names is one, by an object that we saw before.

        A page that some proxy puts in place of the answer parses as an empty list; whoever
        prunes by it would delete everything (Source: restic/restic#4612).
        """
        import obstore

        name = self._witness
        if name is None:
            return
        with self._transfer("list", name, 0) as client:
            pages = obstore.list(client, offset=name[:-1], chunk_size=_PAGE_NAMES)
            is_listed = any(meta["path"] == name for meta in next(iter(pages), ()))
        if not is_listed and self._is_there(name):
            place = self._bucket.place
            raise StorageUnavailable(f"{place}: a list is empty, and object {name} is there")

    def _is_there(self, name: str) -> bool:
        try:
            self.stat(name)
        except ObjectMissing:
            self._witness = None
            return False
        return True

    def _confirm(self, name: str) -> None:
        """Make sure of a conflict: S3 reports one also while another writer is being refused."""
        try:
            self.stat(name)
        except ObjectMissing:
            raise StorageUnavailable(
                f"cannot store {self._bucket.place}/{name}: a conflict, and then no such object"
            ) from None


def _describe(meta: Any) -> ObjectStat:
    return ObjectStat(meta["path"], meta["size"], meta["last_modified"].timestamp())
