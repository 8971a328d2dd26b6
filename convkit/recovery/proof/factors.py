"""The column and the row that a separable kernel is the product of."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

# Up to this many taps the weights, a matrix of their number squared, are inverted in a fraction of a second.
_MOST_TAPS = 1024
_ROUNDS = 50
# The second singular value of a separable estimate, over the first, is of the order of its relative error.
_SEPARABLE = 0.05


class Factor(NamedTuple):
    """One side of a separable kernel, and how well it is known."""

    values: Vector
    covariance: Matrix


def estimated_factors(taps: Matrix, covariance: Matrix) -> tuple[Factor, Factor] | None:
    """Fit ``column · rowᵀ`` to estimated taps, weighted by their covariance.

    The scale is the row's: its taps sum to one, or their sizes do where they cancel. Alternating weighted least
    squares from the leading singular vectors; the covariance is that of the free directions at the answer.

    Parameters
    ----------
    taps : ndarray, shape (kh, kw)
    covariance : ndarray, shape (kh·kw, kh·kw)

    Returns
    -------
    column, row : Factor
        Or None for a kernel that is not nearly separable, or has more than 1024 taps.

    Examples
    --------
    >>> column, row = estimated_factors(np.outer([1.0, 2.0], [0.25, 0.5, 0.25]), 1e-6 * np.eye(6))
    >>> column.values.round(9), row.values.round(9)
    (array([1., 2.]), array([0.25, 0.5 , 0.25]))
    """
    kh, kw = taps.shape
    pair = leading_factors(taps)
    if pair is None or taps.size > _MOST_TAPS:
        return None
    column, row = pair
    weights = np.linalg.pinv(covariance, hermitian=True)
    pull = weights @ taps.ravel()
    for _ in range(_ROUNDS):
        before = np.outer(column, row)
        spread = np.kron(np.eye(kh), row[:, None])
        column = np.linalg.lstsq(spread.T @ weights @ spread, spread.T @ pull)[0]
        spread = np.kron(column[:, None], np.eye(kw))
        row = np.linalg.lstsq(spread.T @ weights @ spread, spread.T @ pull)[0]
        column, row = column * _scale(row), row / _scale(row)
        if np.abs(np.outer(column, row) - before).max() <= 1e-12 * np.abs(before).max():
            break
    free = np.linalg.svd(_gauge(row)[None, :])[2][1:].T  # changes of the row that keep its scale
    tangent = np.hstack([np.kron(np.eye(kh), row[:, None]), np.kron(column[:, None], free)])
    both = np.linalg.pinv(tangent.T @ weights @ tangent, hermitian=True)
    return Factor(column, both[:kh, :kh]), Factor(row, free @ both[kh:, kh:] @ free.T)


def leading_factors(taps: Matrix) -> tuple[Vector, Vector] | None:
    """Return the best column and row by singular values, the row scaled; None for a kernel not nearly separable.

    Examples
    --------
    >>> leading_factors(np.array([[0.0, 1.0], [1.0, 0.0]])) is None
    True
    """
    left, values, right = np.linalg.svd(taps)
    if not values[0] > 0.0 or (len(values) > 1 and values[1] > _SEPARABLE * values[0]):
        return None
    column, row = left[:, 0] * values[0], right[0]
    return column * _scale(row), row / _scale(row)


def integer_factors(numerators: Matrix) -> tuple[Vector, Vector] | None:
    """Return whole numbers whose outer product is a matrix of whole numbers, the row's without a common factor.

    Returns
    -------
    column, row : ndarray
        Or None, if there are none.

    Examples
    --------
    >>> integer_factors(np.array([[2.0, 4.0], [3.0, 6.0]]))
    (array([2., 3.]), array([1., 2.]))
    """
    if not numerators.any():
        return None
    first = numerators[np.flatnonzero(numerators.any(axis=1))[0]]
    row = first / math.gcd(*first.astype(np.int64).tolist())
    place = int(np.flatnonzero(row)[0])
    column = numerators[:, place] // row[place]
    return (column, row) if np.array_equal(np.outer(column, row), numerators) else None


def keeps_means(row: Vector) -> bool:
    """Whether the taps of a row do not nearly cancel, so that they can be scaled to sum to one.

    Examples
    --------
    >>> keeps_means(np.array([1, 2, 1])), keeps_means(np.array([1, 0, -1]))
    (True, False)
    """
    return bool(abs(row.sum()) > 0.1 * np.abs(row).sum())


def _gauge(row: Vector) -> Vector:
    """What of a row is scaled to one: its sum, or the sum of its sizes where that is nearly zero."""
    return np.ones(len(row)) if keeps_means(row) else np.sign(row)


def _scale(row: Vector) -> float:
    return float(_gauge(row) @ row)
