"""How many items make a task that is worth its scheduling."""

# Scheduling a task costs about 2 ms on both sides of the connection, and a tenth of a second makes that 2 %. Twice
# as much is aimed at, since items differ.
_AIM = 0.2
# One scheduler serves all threads: when they are many, tasks must be longer for it to keep up, at half its speed.
_AIM_A_THREAD = 0.004
# The first task on a worker imports what it needs, which says little of the second: a guess grows step by step.
_GROWTH = 4


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
    >>> batches.took(items=400, seconds=0.4)
    >>> batches.next_size(waiting=10**6, threads=2), batches.next_size(waiting=10**7, threads=1000)
    (200, 1600)
    """

    def __init__(self) -> None:
        self._seconds_an_item = _AIM
        self._most = 1

    def next_size(self, waiting: int, threads: int) -> int:
        """Return how many of the waiting items to take: towards the end fewer, so that all threads end together."""
        aim = max(_AIM, _AIM_A_THREAD * threads)
        return max(1, min(int(aim / self._seconds_an_item), self._most, waiting // (2 * threads)))

    def took(self, items: int, seconds: float) -> None:
        """Learn from a batch."""
        self._seconds_an_item = max(seconds, 1e-9) / items
        self._most = _GROWTH * items
