from __future__ import annotations

import _thread
import threading
from collections import defaultdict
from collections.abc import Iterator

import pytest

from shardvault.errors import Interrupted, ServerError
from shardvault.workers.local import Lane, map_parallel, run_lanes

LIMIT_S = 10.0


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def ignore() -> None:
    raise AssertionError("nothing failed, so nothing may be aborted")


def test_every_task_is_done_once_by_a_context_of_its_lane() -> None:
    done: list[tuple[str, int]] = []
    lanes = [Lane(["a1", "a2"], range(20)), Lane(["b1"], range(100, 110)), Lane(["c1"], [])]
    run_lanes(lanes, lambda context, task: done.append((context, task)), limit=3, abort=ignore)
    assert sorted(task for _, task in done) == [*range(20), *range(100, 110)]
    assert all((context[0] == "b") == (task >= 100) for context, task in done)


def test_tasks_of_a_lane_start_in_order() -> None:
    started: list[int] = []
    lane = Lane(["only"], range(50))
    run_lanes([lane], lambda _, task: started.append(task), limit=4, abort=ignore)
    assert started == list(range(50))


def test_no_more_tasks_than_the_limit_run_at_once() -> None:
    lock, now, most = threading.Lock(), 0, 0
    together = threading.Barrier(2, timeout=LIMIT_S)

    def work(_: str, task: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        if task == 0:
            together.wait()
        with lock:
            now -= 1

    lanes = [Lane(["a", "b"], [0, 0]), *(Lane([f"x{n}", f"y{n}"], [1, 2, 3]) for n in range(4))]
    run_lanes(lanes, work, limit=2, abort=ignore)
    assert most == 2


def test_a_context_is_used_by_one_thread_at_a_time() -> None:
    locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def work(context: str, _: int) -> None:
        assert locks[context].acquire(blocking=False)
        locks[context].release()

    run_lanes([Lane(["a", "b", "c"], range(300))], work, limit=8, abort=ignore)


def test_the_first_failure_cuts_the_others_off_and_is_raised() -> None:
    aborted, running = threading.Event(), threading.Event()
    calls: list[str] = []
    done: list[int] = []

    def work(context: str, task: int) -> None:
        done.append(task)
        if context == "slow":
            running.set()
            assert aborted.wait(LIMIT_S)
            raise ServerError("cut off")
        assert running.wait(LIMIT_S)
        raise ServerError("the first")

    def abort() -> None:
        calls.append("abort")
        aborted.set()

    lanes = [Lane(["slow"], [1, 2, 3]), Lane(["fast"], [4, 5, 6])]
    with pytest.raises(ServerError, match="the first"):
        run_lanes(lanes, work, limit=4, abort=abort)
    assert calls == ["abort"]
    assert sorted(done) == [1, 4]


def test_ctrl_c_cuts_all_tasks_off_and_ends_all_threads() -> None:
    aborted = threading.Event()
    started = threading.Barrier(2, action=_thread.interrupt_main, timeout=LIMIT_S)

    def work(_: str, __: int) -> None:
        started.wait()  # the last to come here presses the keys
        assert aborted.wait(LIMIT_S)
        raise ServerError("cut off")

    lanes = [Lane(["a"], [1, 2]), Lane(["b"], [3, 4])]
    with pytest.raises(Interrupted) as caught:
        run_lanes(lanes, work, limit=4, abort=aborted.set)
    assert caught.value.exit_code == 130


def test_ctrl_c_while_threads_start_ends_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    aborted = threading.Event()
    real = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name.endswith("(drain)") and started:
            raise KeyboardInterrupt
        started.append(thread)
        real(thread)

    started: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", start)

    def work(_: str, __: int) -> None:
        assert aborted.wait(LIMIT_S)

    with pytest.raises(Interrupted):
        run_lanes([Lane(["a", "b"], [1, 2])], work, limit=4, abort=aborted.set)
    assert len(started) == 1


def test_nothing_to_do_ends_at_once() -> None:
    run_lanes([], lambda _, __: None, limit=1, abort=ignore)
    run_lanes([Lane([], [])], lambda _, __: None, limit=1, abort=ignore)


def test_a_parallel_map_keeps_the_order() -> None:
    assert map_parallel(lambda number: number * 2, range(20), limit=4) == list(range(0, 40, 2))
    assert map_parallel(str, [], limit=4) == []


def test_a_parallel_map_raises_the_error_of_the_first_item_that_failed() -> None:
    def work(number: int) -> int:
        if number >= 3:
            raise ServerError(f"item {number}")
        return number

    with pytest.raises(ServerError, match="item 3"):
        map_parallel(work, range(8), limit=2)
