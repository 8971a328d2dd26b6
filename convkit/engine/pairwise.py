"""One fixed tree of sums, whoever computes it."""

from collections.abc import Callable, Iterable
from typing import TypeVar

Result = TypeVar("Result")


def combine_pairwise(values: Iterable[Result], combine: Callable[[Result, Result], Result]) -> Result:
    """Combine neighbours, then neighbouring pairs, and so on; what is left over at the end joins last.

    Only one value of each power of two is held at a time, as the carries of a binary counter, so a stream of n values
    takes the memory of log2(n). The rounding error of a sum grows with log2(n) too, not with n (Higham, *Accuracy and
    Stability of Numerical Algorithms*, section 4.2).

    Raises
    ------
    ValueError
        When there are no values.

    Examples
    --------
    >>> combine_pairwise("abcde", lambda a, b: f"({a}{b})")
    '(((ab)(cd))e)'
    """
    carries: list[tuple[int, Result]] = []
    for value in values:
        size = 1
        while carries and carries[-1][0] == size:
            value = combine(carries.pop()[1], value)
            size *= 2
        carries.append((size, value))
    if not carries:
        raise ValueError("nothing to combine")
    _, last = carries.pop()
    while carries:
        last = combine(carries.pop()[1], last)
    return last
