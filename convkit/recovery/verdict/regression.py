"""Regressions from moments: how much of a residual further columns explain."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.significance import largest_by_chance

Array = NDArray[np.float64]
Columns = NDArray[np.intp]

# A column that the ones before explain but for this share says nothing new.
_COLLINEAR = 1e-9
# 4.75 standard deviations: one false alarm in a million tests.
RARE = 4.75


@dataclass(frozen=True)
class Explained:
    """What columns explain of a residual beyond what others do.

    Attributes
    ----------
    share : float
        Of the residual's variance, less what as many columns of chance would explain (Ezekiel 1930, "adjusted R²").
    statistic, threshold : float
        F statistic, and what it exceeds once in a million by chance.
    """

    share: float
    statistic: float
    threshold: float

    @property
    def significant(self) -> bool:
        """Whether chance is ruled out."""
        return self.statistic > self.threshold


def residual_squares(moments: Array, columns: Columns, response: int) -> tuple[float, int]:
    """Return the squares that a regression leaves, and its rank.

    Parameters
    ----------
    moments : ndarray, shape (q, q)
        ``Σ z zᵀ``.
    columns : ndarray of int
        The regressors' places in ``z``.
    response : int
        The response's place.

    Examples
    --------
    >>> z = np.array([[1.0, 1, 1], [0, 1, 2], [1, 3, 6]])
    >>> left, rank = residual_squares(z @ z.T, np.array([0, 1]), 2)
    >>> round(left, 12), rank
    (0.166666666667, 2)
    """
    values, directions = _directions(moments, columns)
    along = directions.T @ moments[columns, response]
    return max(float(moments[response, response]) - float(np.square(along) @ (1.0 / values)), 0.0), len(values)


def regression(moments: Array, columns: Columns, response: int, count: float) -> tuple[Array, Array]:
    """Return the coefficients of a regression and their standard errors.

    Examples
    --------
    >>> z = np.array([[1.0, 1, 1], [0, 1, 2], [1, 3, 6]])
    >>> values, errors = regression(z @ z.T, np.array([0, 1]), 2, 3)
    >>> values.round(3), errors.round(3)
    (array([0.833, 2.5  ]), array([0.373, 0.289]))
    """
    values, directions = _directions(moments, columns)
    squares, rank = residual_squares(moments, columns, response)
    variance = squares / max(count - rank, 1.0)
    coefficients = directions @ (directions.T @ moments[columns, response] / values)
    return coefficients, np.sqrt(variance * (np.square(directions) @ (1.0 / values)))


def _directions(moments: Array, columns: Columns) -> tuple[Array, Array]:
    """Independent combinations of the regressors: their squares, and their weights as columns."""
    scale = np.sqrt(np.diag(moments)[columns])
    scale[scale == 0] = 1.0
    values, vectors = np.linalg.eigh(moments[np.ix_(columns, columns)] / np.outer(scale, scale))
    kept = values > _COLLINEAR * max(float(values[-1]), 1e-300)
    return values[kept], vectors[:, kept] / scale[:, None]


def explained(moments: Array, base: Columns, extra: Columns, response: int, count: float) -> Explained:
    """Test whether further columns explain what a regression on the base leaves (Wald's F test).

    Examples
    --------
    >>> rng = np.random.default_rng(0); z = rng.standard_normal((3, 1000)); z[2] += z[1]
    >>> found = explained(z @ z.T, np.array([0]), np.array([1]), 2, 1000)
    >>> found.significant, round(found.share, 1)
    (True, 0.5)
    """
    before, rank = residual_squares(moments, base, response)
    after, full = residual_squares(moments, np.concatenate([base, extra]), response)
    return compared(before, rank, after, full, count)


def compared(before: float, rank: int, after: float, full: int, count: float) -> Explained:
    """Compare two nested regressions by the squares they leave, their ranks, and the number of outputs."""
    freedom, more = count - full, full - rank
    if more <= 0 or freedom <= 0 or before <= 0:
        return Explained(0.0, 0.0, math.inf)
    after = max(after, 1e-15 * before)
    statistic = ((before - after) / more) / (after / freedom)
    return Explained(1.0 - (after / freedom) / (before / (count - rank)), statistic, rare_chi_square(more) / more)


def rare_chi_square(freedom: float) -> float:
    """Return what χ² exceeds once in a million.

    Examples
    --------
    >>> round(rare_chi_square(10), 1)  # exactly: 46.9
    47.9
    """
    return freedom * largest_by_chance(freedom, RARE)
