"""What every engine promises: three calls, the same answers."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from convkit.errors import ConvkitError

Item = TypeVar("Item")
Result = TypeVar("Result")


# Called with how many things are done, and of how many.
Advance = Callable[[int, int], None]


class EngineLostError(ConvkitError):
    """A cluster that went away in the middle of the work: what had arrived by then is kept."""

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """What became of one item.

    Attributes
    ----------
    index : int
        The item's place in the sequence.
    value : Result or None
        What the work returned.
    error : str or None
        Why there is no value: the item took its worker down, every time.
    """

    index: int
    value: Result | None = None
    error: str | None = None


class Engine(Protocol):
    """A place to run many tasks.

    Functions and items must be picklable, and the functions importable by the workers. They must not mind being run
    twice: a worker that dies takes finished results with it. Items are small, paths rather than pixels.
    """

    def map_unordered(
        self, work: Callable[[Item], Result], items: Sequence[Item], /
    ) -> Generator[Outcome[Result], None, None]:
        """Work on every item; give each outcome as it comes. To close the generator calls off what still runs.

        Raises
        ------
        EngineLostError
            When the engine goes away.
        Exception
            What the work itself raises, as it is; the remaining items are dropped.
        """

    def tree_reduce(
        self,
        work: Callable[[Item], Result],
        items: Sequence[Item],
        combine: Callable[[Result, Result], Result],
        advance: Advance | None = None,
        /,
    ) -> Result:
        """Work on every item and combine neighbours, pair by pair, in a tree that depends on their number alone.

        So floating-point sums have the same bits on every engine: linear algebra keeps to one thread an item. An item
        should be worth a tenth of a second. ``advance`` is called with the number of items done and their total, at
        first and as they end.

        Raises
        ------
        ValueError
            When there are no items.
        EngineLostError
            When the engine goes away, or an item takes down every worker that it meets.
        """

    def close(self) -> None:
        """Stop what still runs and let go of all processes; more than once does no harm."""
