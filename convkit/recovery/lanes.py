"""Work shared among threads so that sums have the same bits on every machine."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from convkit.threads import share

Item = TypeVar("Item")
Result = TypeVar("Result")

# Items are dealt to this many lanes on every machine, so that sums come out with the same bits whatever the
# number of processors. Four keep two threads busy to the end, and each lane holds sums of a few megabytes.
_LANES = 4


def in_threads(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Work on items, in threads where there are several.

    Returns
    -------
    list
        What the items came to, in their order.

    Examples
    --------
    >>> in_threads(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    found: dict[int, Result] = {}

    def at(index: int) -> None:
        found[index] = work(items[index])

    share(range(len(items)), lambda: at)
    return [found[index] for index in range(len(items))]


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
