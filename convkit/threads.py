"""Share work among the cores: NumPy lets go of Python's lock while it computes on large arrays."""

import contextvars
import functools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Job = TypeVar("Job")

# Values looked at together: few enough to be still in the cache when a second look follows the first.
_STRIP = 1 << 18

_pool: ThreadPoolExecutor | None = None


@functools.cache
def thread_count() -> int:
    """How many threads to use: the cores allowed, or fewer by ``OMP_NUM_THREADS``, as other numerical libraries do.

    Workers of a cluster are told so to keep to one each.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(allowed, int(asked)) if asked.isdecimal() and int(asked) else allowed


def share(jobs: Sequence[Job], worker: Callable[[], Callable[[Job], None]]) -> None:
    """Do every job, on as many threads as help.

    Each thread has a run of neighbouring jobs, and takes the last ones of another's when it is done. Where whoever is
    free takes the next one, two threads write to the same new pages of memory at once: a tenth slower at 4096².

    Parameters
    ----------
    jobs : sequence
        In any order, and independent of one another.
    worker : function
        Called once on each thread, to get its scratch memory; returns the function that does one job.

    Examples
    --------
    >>> done = []
    >>> share([1, 2, 3], lambda: done.append)
    >>> sorted(done)
    [1, 2, 3]
    """
    threads = min(thread_count(), len(jobs))
    if threads < 2:
        _each(jobs, worker())
        return
    ends = [len(jobs) * index // threads for index in range(threads + 1)]
    runs = [deque(jobs[start:end]) for start, end in pairwise(ends)]

    def drain(mine: int) -> None:
        work = worker()
        _each(_taken(runs[mine].popleft), work)
        for other in runs[:mine] + runs[mine + 1 :]:
            _each(_taken(other.pop), work)

    # In a copy of this context each: NumPy's errstate belongs to it.
    running = [_helpers().submit(contextvars.copy_context().run, drain, index) for index in range(1, threads)]
    try:
        drain(0)
    finally:
        # One that has not begun finds nothing left to do. Waiting for it would be for ever where this is itself the
        # work of a helper.
        begun = [helper for helper in running if not helper.cancel()]
        wait(begun)
    for helper in begun:
        helper.result()


def _each(jobs: Iterable[Job], work: Callable[[Job], None]) -> None:
    for job in jobs:
        work(job)


def _taken(take: Callable[[], Job]) -> Iterator[Job]:
    """Take from a queue, which others take from too, until it is empty."""
    while True:
        try:
            job = take()
        except IndexError:
            return
        yield job


def _helpers() -> ThreadPoolExecutor:
    """Return the threads that wait for work; starting new ones takes longer than filtering a small picture."""
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(max(1, thread_count() - 1), thread_name_prefix="convkit")
    return _pool


def _forget_pool() -> None:
    """Forget, in a forked child, the threads that only its parent has."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def extremes(values: NDArray[Any]) -> tuple[float, float]:
    """Minimum and maximum of an array ``(H, W)``; NaN when it holds one.

    Examples
    --------
    >>> extremes(np.array([[3.0, -1.0], [0.0, 2.0]]))
    (-1.0, 3.0)
    """
    found: list[tuple[float, float]] = []
    look_through(values, lambda strip: found.append((float(strip.min()), float(strip.max()))))
    low, high = np.array(found).T
    return float(low.min()), float(high.max())


def look_through(values: NDArray[Any], look: Callable[[NDArray[Any]], None]) -> None:
    """Look at an array ``(H, W)`` in strips of rows, on all threads.

    Examples
    --------
    >>> look_through(np.eye(2), print)
    [[1. 0.]
     [0. 1.]]
    """
    rows = max(1, _STRIP // max(1, values.shape[1]))
    share(range(0, len(values), rows), lambda: lambda top: look(values[top : top + rows]))
