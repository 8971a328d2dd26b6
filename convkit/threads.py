"""Share work among the cores: NumPy lets go of Python's lock while it computes on large arrays."""

import contextvars
import functools
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
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
    """Do every job, on as many threads as help; whoever is free takes the next.

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
    remaining = iter(jobs)

    def drain() -> None:
        _each(remaining, worker())

    helpers = min(thread_count(), len(jobs)) - 1 if len(jobs) > 1 else 0
    if not helpers:
        drain()
        return
    # In a copy of this context each: NumPy's errstate belongs to it.
    running = [_helpers().submit(contextvars.copy_context().run, drain) for _ in range(helpers)]
    try:
        drain()
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
    rows = max(1, _STRIP // max(1, values.shape[1]))

    def look(top: int) -> None:
        strip = values[top : top + rows]
        found.append((float(strip.min()), float(strip.max())))

    share(range(0, len(values), rows), lambda: look)
    low, high = np.array(found).T
    return float(low.min()), float(high.max())
