"""A kernel of integers over one divisor: what a program wrote."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.parameters import Parameters

# A smaller chance is no explanation.
TELLING = 0.01


@dataclass(frozen=True, eq=False)
class Snapped:
    """A kernel of integers over one divisor.

    Attributes
    ----------
    numerators : ndarray of int64, shape (kh, kw)
    divisor : int
        At least 1; it and the numerators have no common factor.
    bias : Fraction
        In levels of the target.
    chance : float
        Expected number of divisors up to this one that a kernel of real numbers would fit as well.

    Examples
    --------
    >>> print(Snapped(np.array([[1, 2, 1], [2, 4, 2]]), 12).text())
    1,2,1; 2,4,2 / 12
    """

    numerators: NDArray[np.int64]
    divisor: int
    bias: Fraction = Fraction(0)
    chance: float = 0.0

    @property
    def telling(self) -> bool:
        """Whether chance is no explanation (at most 0.01); of another, only a replay is a proof."""
        return self.chance <= TELLING

    @property
    def taps(self) -> NDArray[np.float64]:
        """The taps, ``numerators / divisor``."""
        taps: NDArray[np.float64] = self.numerators / self.divisor
        return taps

    def parameters(self, level: float | None) -> Parameters:
        """Return taps and bias in image units, for a target of that level."""
        return Parameters(self.taps, float(self.bias) * (1.0 if level is None else level))

    def text(self) -> str:
        """Write it as ``1,2,1; 2,4,2; 1,2,1 / 16``; a divisor of 1 is left out."""
        rows = "; ".join(",".join(map(str, row)) for row in self.numerators.tolist())
        return rows if self.divisor == 1 else f"{rows} / {self.divisor}"
