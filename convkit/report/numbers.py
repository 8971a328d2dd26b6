"""Numbers in rows, without any library: for small results and for scripts that read them."""

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

# Whole numbers below this are written out; floats hold all of them.
_EXACT = 2**53


def compact(value: float | None, digits: int = 6) -> str:
    """Write a number in few characters: integers as they are, others to some significant digits; — for None.

    Examples
    --------
    >>> compact(34.0), compact(-0.0), compact(0.123456789), compact(None)
    ('34', '0', '0.123457', '—')
    """
    if value is None:
        return "—"
    if math.isfinite(value) and value == int(value) and abs(value) < _EXACT:
        return str(int(value))
    return f"{value:.{digits}g}"


def spread(values: Sequence[T], most: int) -> list[T]:
    """Return at most so many of some values, evenly spread, the first and the last among them.

    Examples
    --------
    >>> spread([1.0, 2.0, 3.0, 4.0, 5.0], 3)
    [1.0, 3.0, 5.0]
    """
    if len(values) <= most or most < 2:
        return list(values[-most:])
    return [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]


def matrix_lines(rows: Iterable[Iterable[float]]) -> list[str]:
    """Write rows of numbers with their columns aligned.

    Examples
    --------
    >>> matrix_lines([[34.0, 22.0], [-1.5, 0.0]])
    ['  34   22', '-1.5    0']
    """
    cells = [[compact(value) for value in row] for row in rows]
    width = max(len(cell) for row in cells for cell in row)
    return [" ".join(cell.rjust(width) for cell in row) for row in cells]
