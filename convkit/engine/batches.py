"""How many items make a task that is worth its scheduling."""

from dataclasses import dataclass

# Scheduling a task costs about 2 ms on both sides of the connection, and a tenth of a second makes that 2 %. Twice
# as much is aimed at, since items differ.
_AIM = 0.2
# The first task on a worker imports what it needs, which says little of the second: a guess grows step by step.
_GROWTH = 4


@dataclass
class Batches:
    """The size of the next batch, from the time that the last one took.

    Examples
    --------
    >>> batches = Batches()
    >>> batches.next_size(waiting=1000, threads=2)
    1
    >>> batches.took(items=1, seconds=0.001)
    >>> batches.next_size(waiting=1000, threads=2), batches.next_size(waiting=8, threads=2)
    (4, 2)
    """

    size: int = 1

    def next_size(self, waiting: int, threads: int) -> int:
        """Return how many of the waiting items to take: towards the end fewer, so that all threads end together."""
        return max(1, min(self.size, waiting // (2 * threads)))

    def took(self, items: int, seconds: float) -> None:
        """Learn from a batch."""
        wanted = _AIM * items / max(seconds, 1e-9)
        self.size = max(1, int(min(wanted, _GROWTH * max(self.size, items))))
