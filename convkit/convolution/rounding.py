"""How rounding errors add up in float32, and what keeps them small: short sums, and the typical gray taken away."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of every so many rows and columns one is looked at for the typical gray; of a small image about so many.
_SAMPLED, _SAMPLES = 16, 8
# Products that are added up one after the other, at most: in float32 the sum of 49 equal ones is up to 0.8 millionths
# off, of 81 it is 1.3; and of 49 that cancel on stripes up to 1.4 millionths of the response.
_CHAIN, _CANCELLING_CHAIN = 61, 45
# How much larger than the response its sums may be, for the longest of those that cancel; shorter ones err less.
# And at most so much, for the taps are rounded as well.
_HEADROOM, _MOST = 2.25, 8.0
# Taps that do not cancel: their sum is nearly that of their magnitudes.
_NEARLY = 0.9


def cancels(kernel: NDArray[np.floating]) -> bool:
    """Tell whether taps cancel, so that a response may be much smaller than what was added up to it.

    Examples
    --------
    >>> cancels(np.array([[1.0, 2.0, 1.0]])), cancels(np.array([[1.0, -1.0]]))
    (False, True)
    """
    return bool(abs(kernel.sum(dtype=np.float64)) < _NEARLY * np.abs(kernel).sum(dtype=np.float64))


def partial_sums(kernel: NDArray[np.floating]) -> float:
    """Return about how large the sums may become that lead to an output of an image in [-1, 1], a small one too.

    Taps are added up row by row. Where an image has stripes, the rows of a kernel may each be met by one, so that their
    sums add up before they cancel; within a row taps cancel soon, and its errors do not all go one way.

    Examples
    --------
    >>> partial_sums(np.array([[1.0, 1.0], [-1.0, -1.0]])), partial_sums(np.array([[1.0, -1.0], [1.0, -1.0]]))
    (4.0, 2.8284271247461903)
    """
    across = np.abs(kernel.sum(axis=1, dtype=np.float64)).sum()
    rows = np.abs(kernel).sum(axis=1, dtype=np.float64)
    return float(min(max(across, rows.max() * len(kernel) ** 0.5), rows.sum()))


def headroom(kernel: NDArray[np.floating]) -> float:
    """Return how much larger than the largest response the sums that lead to it may be, in float32.

    A millionth of the response was lost at 8 times as much where nine products were added up, at 2.7 where 36 were:
    measured on stripes, ramps and narrow pictures, with kernels whose halves cancel.

    Examples
    --------
    >>> round(headroom(np.ones((3, 3))), 2), round(headroom(np.ones((5, 9))), 2)
    (6.94, 2.25)
    """
    return float(min(_MOST, _HEADROOM * (_CANCELLING_CHAIN / max(1, int(np.count_nonzero(kernel)))) ** 0.7))


def row_groups(kernel: NDArray[np.floating]) -> Iterator[tuple[int, NDArray[np.floating]]]:
    """Cut a kernel into groups of rows of not too many taps: where they begin, and they themselves."""
    top = 0
    chain = _CANCELLING_CHAIN if cancels(kernel) else _CHAIN
    for rows in np.array_split(kernel, min(len(kernel), -(-kernel.size // chain))):
        yield top, rows
        top += len(rows)


def typical_gray(image: NDArray[np.floating[Any]]) -> float:
    """Return about the mean of an image: in three significant bits, and whole if the pixels are.

    So nothing is lost when it is taken away. What is left is small in even areas, where rounding errors all go one
    way; its response, ``gray · Σ k``, is added in the end.

    Examples
    --------
    >>> typical_gray(np.full((9, 9), 0.7)), typical_gray(np.full((9, 9), 100.0)), typical_gray(np.eye(9))
    (0.75, 96.0, 0.0)
    """
    down, across = (max(1, min(side // _SAMPLES, _SAMPLED)) for side in image.shape)
    looked_at = image[::down, ::across]
    mean = float(looked_at.mean(dtype=np.float64))
    limits = np.finfo(image.dtype)
    if not abs(mean) < limits.max * limits.eps / 4:  # more could take the largest number beyond itself
        return 0.0
    mantissa, exponent = math.frexp(mean)
    gray = math.ldexp(round(mantissa * 8), exponent - 3)
    return float(round(gray)) if (np.rint(looked_at) == looked_at).all() else gray
