"""Run tasks in threads of this process, bound to the sessions of their shard."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar, runtime_checkable

from shardvault.errors import Interrupted

_Context = TypeVar("_Context")
_Task = TypeVar("_Task")
_Context_contra = TypeVar("_Context_contra", contravariant=True)
_Task_co = TypeVar("_Task_co", covariant=True)
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_POLL_S = 0.2  # a wait this short lets the main thread see Ctrl-C
_LATER_S = 0.05  # until a queue that had nothing yet is asked again


class Later(Enum):
    """Say that there is no task now, but there may be one soon."""

    LATER = "later"


@runtime_checkable
class TaskQueue(Protocol[_Context_contra, _Task_co]):
    """Choose the next task for a context; safe for many threads."""

    def __len__(self) -> int:
        """Return how many tasks wait."""

    def take(self, context: _Context_contra) -> _Task_co | Later | None:
        """Take a task away; Later if tasks may come, None if none will."""


class _InOrder(Generic[_Context, _Task]):
    """Give tasks in their order, whoever asks."""

    def __init__(self, tasks: Iterable[_Task]) -> None:
        self._tasks = deque(tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def take(self, _context: _Context) -> _Task | None:
        """Take the first task away."""
        try:
            return self._tasks.popleft()
        except IndexError:
            return None


@dataclass(frozen=True)
class Lane(Generic[_Context, _Task]):
    """Tie tasks to the contexts that may work on them: a shard and its sessions."""

    contexts: Sequence[_Context]
    tasks: Iterable[_Task] | TaskQueue[_Context, _Task]


def run_lanes(
    lanes: Sequence[Lane[_Context, _Task]],
    work: Callable[[_Context, _Task], None],
    *,
    limit: int,
    abort: Callable[[], None],
) -> None:
    """Work on all tasks of all lanes, at most ``limit`` at the same time.

    Each context is used by one thread at a time. Tasks of a lane start in order, or as its
    own queue chooses. After
    the first failure no task starts, ``abort`` is called once to cut running ones off, and
    that failure is raised when all threads have ended.

    Args:
        lanes: contexts with their tasks.
        work: does one task with one context.
        limit: tasks at the same time, over all lanes.
        abort: makes running tasks fail soon, by closing their sockets.
    """
    run = _Run(work, abort, threading.BoundedSemaphore(limit))
    queues = [(lane, _open_queue(lane.tasks)) for lane in lanes]
    threads = [
        threading.Thread(target=run.drain, args=(context, queue), daemon=True)
        for lane, queue in queues
        for context in lane.contexts[: len(queue)]
    ]
    run.work_off(threads)


def _open_queue(
    tasks: Iterable[_Task] | TaskQueue[_Context, _Task],
) -> TaskQueue[_Context, _Task]:
    return tasks if isinstance(tasks, TaskQueue) else _InOrder(tasks)


class _Run(Generic[_Context, _Task]):
    """Hold what the threads of one run share."""

    def __init__(
        self,
        work: Callable[[_Context, _Task], None],
        abort: Callable[[], None],
        permits: threading.BoundedSemaphore,
    ) -> None:
        self._work = work
        self._abort = abort
        self._permits = permits
        self._lock = threading.Lock()
        self._failure: BaseException | None = None
        self._stopped = threading.Event()

    def drain(self, context: _Context, queue: TaskQueue[_Context, _Task]) -> None:
        """Take tasks until there are none or one failed."""
        while self._failure is None:
            with self._permits:
                task = queue.take(context)
                if task is None:
                    return
                if not isinstance(task, Later):
                    self._do(context, task)
                    continue
            self._stopped.wait(_LATER_S)

    def _do(self, context: _Context, task: _Task) -> None:
        try:
            self._work(context, task)
        except BaseException as error:  # noqa: BLE001  # handed to the main thread
            self._fail(error)

    def work_off(self, threads: Sequence[threading.Thread]) -> None:
        """Start all threads and wait for them, then raise the first failure."""
        try:
            for thread in threads:
                thread.start()
            self._wait(threads)
        except KeyboardInterrupt:
            self._fail(Interrupted("interrupted"))
            self._wait(threads)
        if self._failure is not None:
            raise self._failure

    def _wait(self, threads: Sequence[threading.Thread]) -> None:
        for thread in threads:
            while thread.is_alive():
                thread.join(_POLL_S)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            is_first = self._failure is None
            if is_first:
                self._failure = error
        if is_first:
            self._stopped.set()
            self._abort()


def map_parallel(
    function: Callable[[_Item], _Result], items: Sequence[_Item], *, limit: int
) -> list[_Result]:
    """Apply a function to every item in threads; results in order, the first error raised.

    Interrupted, it does not wait for its threads: one may hang on a server.
    """
    if not items:
        return []
    pool = ThreadPoolExecutor(min(limit, len(items)))
    try:
        results = list(pool.map(function, items))
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()
    return results
