"""Rectangles of an image, and the threads that share them out."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Items are dealt to this many lanes on every machine, so that sums come out with the same bits whatever the
# number of processors. Four keep two threads busy to the end, and each lane holds sums of a few megabytes.
_LANES = 4


class Tile(NamedTuple):
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right``, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int


def tiles(shape: tuple[int, int], height: int, width: int) -> list[Tile]:
    """Cut a rectangle into tiles, row by row; the last ones are smaller.

    Examples
    --------
    >>> tiles((3, 2), 2, 5)
    [Tile(top=0, bottom=2, left=0, right=2), Tile(top=2, bottom=3, left=0, right=2)]
    """
    return [
        Tile(top, min(top + height, shape[0]), left, min(left + width, shape[1]))
        for top in range(0, shape[0], height)
        for left in range(0, shape[1], width)
    ]


def in_threads(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Work on items in threads, as many as there are processors up to four.

    Threads pay because NumPy lets go of the interpreter during its transforms and sums.

    Returns
    -------
    list
        What the items came to, in their order.

    Examples
    --------
    >>> in_threads(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    workers = min(len(items), _processors(), _LANES)
    if workers <= 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, items))


def in_lanes(work: Callable[[Sequence[Item]], Result], items: Sequence[Item]) -> list[Result]:
    """Deal items to lanes, each of which is worked on by one thread from beginning to end.

    Parameters
    ----------
    work : function
        From one lane's items, in order, to what they come to.
    items : sequence
        Lane ``k`` gets every fourth, from the ``k``-th on.

    Returns
    -------
    list
        What the lanes came to, in the lanes' order.

    Examples
    --------
    >>> in_lanes(sum, range(6))
    [4, 6, 2, 3]
    """
    return in_threads(work, [lane for k in range(_LANES) if (lane := items[k::_LANES])])


def _processors() -> int:
    """How many processors this process may use: what the system tells, or fewer by ``OMP_NUM_THREADS``.

    Workers of a cluster are told so to keep to one each.
    """
    try:
        available = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        available = os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    return min(available, int(told)) if told.isdecimal() and int(told) else available
