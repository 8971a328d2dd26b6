"""The default engine: one item after the other, in this process."""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TypeVar

from convkit.engine.blas import one_blas_thread
from convkit.engine.pairwise import combine_pairwise
from convkit.engine.protocol import Advance, Outcome

Item = TypeVar("Item")
Result = TypeVar("Result")


def counted(items: Sequence[Item], advance: Advance | None) -> Iterator[Item]:
    """Give the items one by one, and tell how many have been worked on since."""
    for done, item in enumerate(items):
        if advance is not None:
            advance(done, len(items))
        yield item
    if advance is not None:
        advance(len(items), len(items))


class SerialEngine:
    """See `Engine`. A task that kills its process ends this one.

    Examples
    --------
    >>> engine = SerialEngine()
    >>> [outcome.value for outcome in engine.map_unordered(abs, [-1, 2])]
    [1, 2]
    >>> engine.tree_reduce(abs, [-1, 2, -3], max)
    3
    """

    def map_unordered(
        self, work: Callable[[Item], Result], items: Sequence[Item], /
    ) -> Generator[Outcome[Result], None, None]:
        """Work on the items in their order."""
        for index, item in enumerate(items):
            yield Outcome(index, work(item))

    def tree_reduce(
        self,
        work: Callable[[Item], Result],
        items: Sequence[Item],
        combine: Callable[[Result, Result], Result],
        advance: Advance | None = None,
        /,
    ) -> Result:
        """Combine as the items are worked on: no more than log2(n) results are held."""
        with one_blas_thread():
            return combine_pairwise(map(work, counted(items, advance)), combine)

    def close(self) -> None:
        """Nothing to let go of."""
