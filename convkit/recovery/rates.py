"""What the eigenvalues of the normal equations say of a descent: stable rates, the best ones, and its course."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.spectrum import Spectrum

# A descent that takes more steps than this has not arrived in anybody's lifetime.
_NEVER = 2**60

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rates:
    """Learning rates for a quadratic loss with Hessian eigenvalues ``λ`` (theory: error shrinks by ``1 - η·λ``).

    Attributes
    ----------
    curvatures : ndarray
        Eigenvalues of the Hessian ``2·s·G`` along the directions seen, ascending, all positive.

    Examples
    --------
    >>> rates = Rates(np.array([12.0, 19.692757, 124.307243]))
    >>> round(rates.stable_below, 6), round(rates.best, 6)
    (0.016089, 0.014673)
    """

    curvatures: Vector

    @property
    def stable_below(self) -> float:
        """Gradient descent converges for rates below ``2 / λmax``; infinity for a flat loss."""
        return 2.0 / float(self.curvatures[-1]) if self.curvatures.size else math.inf

    @property
    def best(self) -> float:
        """The best fixed rate after many steps, ``2 / (λmin + λmax)``."""
        return 2.0 / float(self.curvatures[0] + self.curvatures[-1]) if self.curvatures.size else 1.0

    @property
    def best_momentum(self) -> tuple[float, float]:
        """Polyak's rate and β for the heavy ball, ``4 / (√λmax + √λmin)²`` and ``((√κ - 1) / (√κ + 1))²``."""
        if not self.curvatures.size:
            return 1.0, 0.0
        low, high = math.sqrt(self.curvatures[0]), math.sqrt(self.curvatures[-1])
        return 4.0 / (high + low) ** 2, ((high - low) / (high + low)) ** 2

    def best_for(self, steps: int) -> float:
        """The rate that leaves the smallest worst loss after so many steps: ``min max_i λi·(1 - η·λi)^(2·steps)``.

        Below ``1 / λmax`` every factor falls with η, so the minimum lies between there and the limit. In between
        the worst of the directions that overshoot is the steepest one, whose loss grows with η, and that of the
        others falls: where the two meet is found by bisection.

        Examples
        --------
        >>> Rates(np.array([1.0, 1.0])).best_for(10)
        1.0
        """
        if not self.curvatures.size:
            return 1.0
        return _best_rate(self.curvatures.tobytes(), steps)

    def steps_to(self, reduction: float, rate: float) -> float:
        """Steps after which the slowest direction's error is down to a share of what it was.

        Infinity for a rate at or beyond the limit.

        Examples
        --------
        >>> round(Rates(np.array([1.0, 3.0])).steps_to(1e-6, rate=0.5), 1)
        19.9
        """
        if rate >= self.stable_below:
            return math.inf
        # 1 - |1 - rλ|, without the rounding of 1 - rλ when it is next to 1.
        progress = float(np.minimum(rate * self.curvatures, 2.0 - rate * self.curvatures).min(initial=1.0))
        if progress <= 0.0:
            return math.inf
        return math.log(reduction) / math.log1p(-progress) if progress < 1.0 else 1.0

    def momentum_steps_to(self, reduction: float) -> float:
        """Steps that the best momentum takes for the same: each shrinks the error by ``√β`` in the long run.

        Examples
        --------
        >>> round(Rates(np.array([1.0, 9.0])).momentum_steps_to(1e-6), 1)
        19.9
        """
        shrinks = math.sqrt(self.best_momentum[1])
        return math.log(reduction) / math.log(shrinks) if shrinks > 0.0 else 1.0


@lru_cache(maxsize=64)  # runs that differ in noise, start or solver share the curvatures
def _best_rate(curvatures: bytes, steps: int) -> float:
    """Find the rate of `Rates.best_for` by bisection."""
    values = np.frombuffer(curvatures)
    low, high = 1.0 / float(values[-1]), 2.0 / float(values[-1])
    if len(values) == 1:
        return low
    logs = np.log(values)
    with np.errstate(divide="ignore"):
        for _ in range(200):
            middle = 0.5 * (low + high)
            if middle in (low, high):
                break
            left = logs + 2.0 * steps * np.log(np.abs(1.0 - middle * values))
            if left[-1] < left[:-1].max():
                low = middle
            else:
                high = middle
    return 0.5 * (low + high)


def predicted_arrival(spectrum: Spectrum, scale: float, gap: Vector, rate: float, tolerance: float) -> float:
    """Steps of plain descent until no unknown is further than a tolerance from the optimum; infinity if never.

    Only the part of the gap that the data see counts. The distance falls from step to step, but for oscillations
    next to the limit, so the first step within the tolerance is found by doubling and halving.

    Examples
    --------
    >>> predicted_arrival(Spectrum.of(np.eye(1)), 1.0, np.array([1.0]), 0.25, 0.126)
    3.0
    """
    along = spectrum.vectors.T @ spectrum.shortened(gap)
    factors = 1.0 - 2.0 * scale * rate * spectrum.eigenvalues

    def arrived(steps: int) -> bool:
        with np.errstate(over="ignore", invalid="ignore"):
            left = spectrum.vectors @ (np.sign(factors) ** steps * np.abs(factors) ** steps * along)
        return bool(np.abs(left).max() <= tolerance)

    if arrived(0):
        return 0.0
    high = 1
    while not arrived(high):
        high *= 2
        if high > _NEVER:
            return math.inf
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if arrived(middle) else (middle, high)
    return float(high)


def predicted_losses(
    spectrum: Spectrum, scale: float, gap: Vector, rate: float, steps: Any, least: float = 0.0
) -> Vector:
    """Loss before each of the given steps of plain descent, from the start's distance to the optimum.

    Parameters
    ----------
    spectrum : Spectrum
    scale : float
        What the sum of squares is multiplied by.
    gap : ndarray, shape (p,)
        Start minus optimum.
    rate : float
    steps : array_like of int
        Counted from 1, the step that sees the start.
    least : float
        Loss at the optimum.
    """
    along = np.square(spectrum.vectors.T @ gap) * spectrum.eigenvalues * scale
    with np.errstate(over="ignore", invalid="ignore"):  # beyond the limit the loss goes to infinity
        factors = np.abs(1.0 - 2.0 * scale * rate * spectrum.eigenvalues)
        powers = factors[None, :] ** (2.0 * (np.asarray(steps, dtype=np.float64)[:, None] - 1.0))
        losses: Vector = least + powers @ along
    return losses
