"""Where the weight of a kernel lies and how far it spreads: what the fits start from."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.naming.estimate import Estimate

# Taps below this many standard errors would only add noise, the more the farther out.
_COUNTED = 3.0


@dataclass(frozen=True)
class Moments:
    """Centre and spread of a distribution over rows and columns.

    Attributes
    ----------
    centre : tuple of float
        Row and column.
    rows, columns, mixed : float
        Variances along the axes and their covariance, in pixels squared; rows count downwards.
    """

    centre: tuple[float, float]
    rows: float
    columns: float
    mixed: float

    @classmethod
    def of(cls, weights: NDArray[np.float64]) -> "Moments":
        """Take moments of weights of a sum above 0.

        Examples
        --------
        >>> Moments.of(np.array([[0.0, 1.0, 2.0, 1.0]]))
        Moments(centre=(0.0, 2.0), rows=0.0, columns=0.5, mixed=0.0)
        """
        total = float(weights.sum())
        down, across = (np.arange(float(side)) for side in weights.shape)
        row, column = float(weights.sum(axis=1) @ down) / total, float(weights.sum(axis=0) @ across) / total
        down, across = down - row, across - column
        return cls(
            (row, column),
            max(float(weights.sum(axis=1) @ down**2) / total, 0.0),
            max(float(weights.sum(axis=0) @ across**2) / total, 0.0),
            float(down @ weights @ across) / total,
        )

    @property
    def spread(self) -> float:
        """Standard deviation, the mean of both axes."""
        return math.sqrt((self.rows + self.columns) / 2)

    @property
    def axes(self) -> tuple[float, float, float]:
        """Standard deviations along the long and the short axis, and degrees of the long one counter-clockwise."""
        middle, half = (self.columns + self.rows) / 2, (self.columns - self.rows) / 2
        tilt = math.hypot(half, self.mixed)
        angle = math.degrees(math.atan2(-self.mixed, half)) / 2
        return math.sqrt(middle + tilt), math.sqrt(max(middle - tilt, 0.0)), angle % 180


def mass(estimate: Estimate) -> Moments:
    """Moments of the taps themselves, for kernels that are nowhere negative."""
    counted = np.where(np.abs(estimate.taps) > _COUNTED * estimate.errors, estimate.taps, 0.0)
    for weights in (counted, estimate.taps):
        if weights.sum() > 1e-3 * np.abs(weights).sum() > 0.0:
            return Moments.of(weights)
    return energy(estimate)


def energy(estimate: Estimate) -> Moments:
    """Moments of the taps' squares, less what noise adds to them on average."""
    squares = np.square(estimate.taps)
    # Kernels with taps of both signs lie where these are large, whatever their sum.
    counted = np.where(squares > (_COUNTED * estimate.errors) ** 2, squares - np.square(estimate.errors), 0.0)
    return Moments.of(counted if counted.any() else squares)


def origin(estimate: Estimate) -> tuple[int, int]:
    """The output pixel, as row and column of the block; the nearest tap where it lies outside."""
    row, column = (min(max(-first, 0), side - 1) for first, side in zip(estimate.offset, estimate.shape, strict=True))
    return row, column
