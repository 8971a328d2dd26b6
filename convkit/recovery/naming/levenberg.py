"""Levenberg's method for a few parameters and a gain, in units in which the errors are independent."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.naming.estimate import LIMIT, Estimate
from convkit.recovery.significance import largest_by_chance

Vector = NDArray[np.float64]
Shape = Callable[[Vector], NDArray[np.float64]]

_STEPS = 40
# A walk that gains less than this share where chance does not explain the rest has ended in the wrong place.
_SLOW = 0.03
# Gains in chi-square that no longer matter: they move parameters by 0.03 standard errors.
_ENOUGH, _ENOUGH_WHEN_EXACT = 1e-3, 1e-6
_LEAST_DAMPING, _MOST_DAMPING = 1e-12, 1e8
# Differences for slopes, as a share of a parameter's scale: the cube root of eps balances rounding and curvature.
_NUDGE = 6e-6
# Keeps the equations solvable where a parameter changes nothing.
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Point:
    """Parameters of a model, its best gain, and what it leaves; vectors in whitened units, shape (judged,).

    Attributes
    ----------
    values : ndarray, shape (n,)
    whitened : ndarray
        The model without its gain.
    gain : float
    residual : ndarray
    chi2 : float
    """

    values: Vector
    whitened: Vector
    gain: float
    residual: Vector
    chi2: float


def at_point(estimate: Estimate, shape: Shape, values: Vector) -> Point:
    """Take a model at some parameters, with its best gain."""
    whitened = estimate.whiten(shape(values))
    gain, _ = estimate.gain(whitened)
    residual = estimate.whitened - gain * whitened
    return Point(values, whitened, gain, residual, float(residual @ residual))


def fit(estimate: Estimate, shape: Shape, start: Vector, low: Vector, high: Vector) -> Point:
    """Minimise the chi-square of ``taps - gain·shape(values)`` within bounds.

    Parameters
    ----------
    estimate : Estimate
    shape : callable
        Parameters to a block of taps, shape (h, w).
    start, low, high : ndarray, shape (n,)
        Where to begin, and how far each parameter may go.

    Returns
    -------
    Point
        A local minimum (Levenberg 1944; Marquardt 1963; Nocedal & Wright, *Numerical Optimization*, section 10.3).
    """
    state = at_point(estimate, shape, np.clip(start, low, high))
    damping = 1e-3
    hopeless = 2.0 * estimate.judged * largest_by_chance(estimate.judged, LIMIT)
    enough = _ENOUGH if estimate.covariance is not None else _ENOUGH_WHEN_EXACT
    for _ in range(_STEPS):
        slopes = _slopes(estimate, shape, state, low, high, both_sides=False)
        squares, pull = slopes @ slopes.T, slopes @ state.residual
        before = state.chi2
        while damping < _MOST_DAMPING:
            step = np.linalg.solve(squares + np.diag(damping * np.diag(squares) + _TINY), pull)[:-1]
            trial = at_point(estimate, shape, np.clip(state.values + step, low, high))
            if trial.chi2 < state.chi2:
                state = trial
                damping = max(damping / 10, _LEAST_DAMPING)
                break
            damping *= 10
        if before - state.chi2 <= (_SLOW * before if before > hopeless else enough):
            break
    return state


def standard_errors(estimate: Estimate, shape: Shape, point: Point, low: Vector, high: Vector) -> Vector:
    """Standard errors of parameters and gain at a minimum, ``sqrt(diag((JᵀJ)⁻¹))``, shape (n + 1,).

    That of a parameter which the taps do not feel within its whole range is infinite.
    """
    slopes = _slopes(estimate, shape, point, low, high, both_sides=True)
    lengths = np.linalg.norm(slopes, axis=1)
    felt = lengths * np.append(high - low, 1.0) > np.append(np.ones(len(low)), 0.0)
    errors = np.full(len(lengths), np.inf)
    scaled = slopes[felt] / lengths[felt, np.newaxis]
    inverse = np.linalg.pinv(scaled @ scaled.T, rcond=1e-14, hermitian=True)
    errors[felt] = np.sqrt(np.maximum(np.diag(inverse), 0.0)) / lengths[felt]
    return errors


def _slopes(
    estimate: Estimate, shape: Shape, state: Point, low: Vector, high: Vector, *, both_sides: bool
) -> NDArray[np.float64]:
    """Derivatives of the whitened model by each parameter and by the gain, shape (n + 1, judged).

    A walk is content with differences to one side. Errors take both, for at a kink the sides differ.
    """
    rows = []
    for index, value in enumerate(state.values):
        nudge = _NUDGE * max(abs(value), 1e-2 * min(high[index] - low[index], 100.0))
        ahead, behind = state.values.copy(), state.values.copy()
        ahead[index], behind[index] = min(value + nudge, high[index]), max(value - nudge, low[index])
        if not both_sides:
            ahead, behind = (ahead, state.values) if ahead[index] > value else (state.values, behind)
        width = float(ahead[index] - behind[index])
        ends = [state.whitened if at is state.values else estimate.whiten(shape(at)) for at in (ahead, behind)]
        rows.append(state.gain * (ends[0] - ends[1]) / width)
    return np.array([*rows, state.whitened])
