"""Responses beside the numbers that were stored: which ones the rounding explains."""

import math
from dataclasses import dataclass
from enum import StrEnum
from operator import add

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.proof.arithmetic import Arithmetic, Sums
from convkit.recovery.proof.program import Rounding

Array = NDArray[np.float64]

_NO_HALVES: tuple[int, ...] = (0, 0, 0, 0)


class Ties(StrEnum):
    """Where exact halves go; in the order in which a rule is believed when several explain all."""

    UP = "half up"
    EVEN = "half to even"
    AWAY = "half away from zero"
    DOWN = "half down"


@dataclass(frozen=True)
class Tally:
    """Counts that add up over parts of an image.

    A response is clipped to the rails first, then its distance from the stored number is judged. Truncation towards
    zero is rounding of what lies half a level nearer to zero, with halves away from zero.

    Attributes
    ----------
    count : int
        Pixels compared.
    inside : int
        Less than half a level away: reproduced under any rule for halves.
    halves : int
        Half a level away, to within what float64 may err (exactly, in whole numbers).
    by_rule : tuple of four int
        How many of the halves each of `Ties` explains.
    near : int
        Beyond half a level by no more than a sum in single precision may err (which is more than float64 may).
    worst : float
        The largest distance, in levels.
    squares : float
        Sum of the squared distances, in levels².
    free, free_squares : int, float
        The same over the pixels that are not stored as a rail.
    tolerance : float
        The largest distance that counted as near, in levels.
    """

    count: int = 0
    inside: int = 0
    halves: int = 0
    by_rule: tuple[int, ...] = _NO_HALVES
    near: int = 0
    worst: float = 0.0
    squares: float = 0.0
    free: int = 0
    free_squares: float = 0.0
    tolerance: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.count + other.count,
            self.inside + other.inside,
            self.halves + other.halves,
            tuple(map(add, self.by_rule, other.by_rule)),
            self.near + other.near,
            max(self.worst, other.worst),
            self.squares + other.squares,
            self.free + other.free,
            self.free_squares + other.free_squares,
            max(self.tolerance, other.tolerance),
        )

    @classmethod
    def of(cls, sums: Sums, target: Array, arithmetic: Arithmetic, used: NDArray[np.bool_] | None = None) -> "Tally":
        """Compare responses with the target.

        Parameters
        ----------
        sums : Sums
            Overwritten.
        target : ndarray, shape of the sums
            In image units.
        arithmetic : Arithmetic
            The one that made the sums.
        used : ndarray of bool, optional
            Which pixels count; all by default.
        """
        divisor, (low, high) = arithmetic.divisor, arithmetic.rails
        response = sums.values
        stored = target * (1.0 / arithmetic.level)
        if arithmetic.rounding is not Rounding.NONE:
            np.rint(stored, out=stored)
        if used is not None:
            response, stored = response[used], stored[used]
        if not response.size:
            return cls()
        if arithmetic.rounding is Rounding.TRUNCATE:
            # Below zero, nearer to it is up; a response of zero stays.
            response -= 0.5 * divisor if low >= 0.0 else _signs(response, sums.slack) * (0.5 * divisor)
        free: NDArray[np.bool_] | bool = True
        if math.isfinite(low) or math.isfinite(high):
            np.maximum(response, low * divisor, out=response)
            np.minimum(response, high * divisor, out=response)
            free = (stored > low) & (stored < high)
        distance = np.subtract(response, stored * divisor, out=response)
        sizes = np.abs(distance)
        halves, by_rule, near = 0, _NO_HALVES, 0
        if arithmetic.rounding is Rounding.NONE:
            inside = int(np.count_nonzero(sizes <= sums.near))
        else:
            half = 0.5 * divisor
            odd = sizes >= half - sums.slack
            inside = sizes.size - int(np.count_nonzero(odd))
            halves, by_rule = _halves(distance[odd], stored[odd], half, sums.slack)
            near = int(np.count_nonzero(sizes[odd] <= half + sums.near)) - halves
        np.square(distance, out=distance)
        return cls(
            count=sizes.size,
            inside=inside,
            halves=halves,
            by_rule=by_rule,
            near=near,
            worst=float(sizes.max()) / divisor,
            squares=float(distance.sum()) / divisor**2,
            free=sizes.size if free is True else int(np.count_nonzero(free)),
            free_squares=float(np.sum(distance, where=free)) / divisor**2,
            tolerance=sums.near / divisor,
        )


def _signs(response: Array, slack: float) -> Array:
    signs: Array = np.sign(response) * (np.abs(response) > slack)
    return signs


def _halves(distance: Array, stored: Array, half: float, slack: float) -> tuple[int, tuple[int, ...]]:
    """Count exact halves, and how many of them each rule would have stored as they were."""
    exact = np.abs(np.abs(distance) - half) <= slack
    down, stored = distance[exact] > 0.0, stored[exact]  # stored below the response
    even = stored % 2.0 == 0.0
    up = int(np.count_nonzero(~down))
    # The response is half a level above what was stored, or below it; away from zero is up where it is positive.
    positive = np.where(down, stored + 0.5, stored - 0.5) > 0.0
    return len(down), (up, int(np.count_nonzero(even)), int(np.count_nonzero(positive != down)), len(down) - up)
