"""Work shared among the cores: how many, errors, and work within work."""

import os
import threading

import numpy as np
import pytest

from convkit import threads
from convkit.recovery.lanes import in_threads


@pytest.mark.parametrize(("told", "count"), [("1", 1), ("0", None), ("4,2", None), ("", None), ("100000", None)])
def test_threads_are_as_many_as_processors_or_as_told(
    monkeypatch: pytest.MonkeyPatch, told: str, count: int | None
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    threads.thread_count.cache_clear()
    try:
        assert threads.thread_count() == (count or len(os.sched_getaffinity(0)))
    finally:
        threads.thread_count.cache_clear()


def test_work_within_work_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for helpers that wait for it would never end."""
    monkeypatch.setattr(threads, "thread_count", lambda: 4)
    inner = [[0] * 9 for _ in range(9)]

    def outer(i: int) -> int:
        threads.share(range(9), lambda: lambda j: inner[i].__setitem__(j, i * j))
        return sum(inner[i])

    assert in_threads(outer, range(9)) == [36 * i for i in range(9)]


def test_an_error_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda value: 1 // value, [1, 2, 0, 3])
    assert in_threads(np.square, [2, 3]) == [4, 9]


def test_an_error_of_a_helper_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    caller, failed = threading.current_thread(), threading.Event()

    def work(_: int) -> None:
        if threading.current_thread() is caller:
            assert failed.wait(10)
            return
        failed.set()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        threads.share([0, 1], lambda: work)
