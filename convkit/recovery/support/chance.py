"""What chance alone does to a sum of squares, and from where on a tap is there."""

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.significance import deviations

# One false alarm in so many tests. A search makes about a hundred, so that one kernel in a thousand comes out
# a row too large.
_ODDS = 1e-5

CRITICAL = -NormalDist().inv_cdf(_ODDS)


@dataclass(frozen=True)
class Noise:
    """The noise against which taps are judged.

    Attributes
    ----------
    variance : float
        Of one output, in the target's units squared.
    freedom : float
        How many outputs beyond the unknowns it was estimated from.
    least : float
        A sum of squares below this has no practical weight, however significant.
    """

    variance: float
    freedom: float
    least: float = 0.0

    def raised(self, factor: float) -> "Noise":
        """Return the noise with so many times the variance."""
        return replace(self, variance=self.variance * factor)

    def statistic(self, squares: float, taps: int) -> float:
        """Return the F statistic of a fall of the squared residuals by so many taps."""
        return squares / taps / self.variance

    def deviate(self, squares: float, taps: int) -> float:
        """Return the standard normal deviate of that F statistic: at `CRITICAL` 0.07 too low for 8 taps, 0.01 for 100.

        Examples
        --------
        >>> round(Noise(1.0, 1e6).deviate(18.307, 10), 2)  # the 95 % point of χ² with 10 degrees of freedom
        1.65
        """
        return deviations(self.statistic(squares, taps), taps, self.freedom)

    def surpassed(self, taps: NDArray[np.float64], covariance: NDArray[np.float64], squares: float) -> bool:
        """Whether taps differ from zero by more than chance: jointly (Wald's test), or one of them alone.

        A joint test overlooks a single tap among many, the corner of a ring say; each one alone, with Bonferroni's
        correction, overlooks many that are weak.

        Parameters
        ----------
        taps : ndarray, shape (m,)
        covariance : ndarray, shape (m, m)
            For noise of variance 1.
        squares : float
            ``tapsᵀ covariance⁻¹ taps``: by how much the squared residuals would rise without them.
        """
        if squares < self.least:
            return False
        if self.deviate(squares, len(taps)) > CRITICAL:
            return True
        alone = np.square(taps) / np.diag(covariance)
        return bool(alone.max() > max(self.variance * critical(len(taps)) ** 2, self.least))


def critical(tests: int) -> float:
    """Return the deviate that the largest of so many, of either sign, surpasses by chance as rarely as one test does.

    Examples
    --------
    >>> round(critical(1), 2), round(critical(5041), 2)
    (4.42, 6.0)
    """
    return -NormalDist().inv_cdf(_ODDS / (2 * tests))
