"""Levenberg's method for a few parameters and a gain, in units in which the errors are independent."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.naming.observation import Observation

Vector = NDArray[np.float64]
Shape = Callable[[Vector], NDArray[np.float64]]

_STEPS = 40
# Above this chi-square per direction, a walk that slows down has ended in the wrong place.
_HOPELESS, _SLOW = 100.0, 0.03
_LEAST_DAMPING, _MOST_DAMPING = 1e-12, 1e8
# Differences for slopes, as a share of a parameter's scale: the cube root of eps balances rounding and curvature.
_NUDGE = 6e-6
# Keeps the equations solvable where a parameter changes nothing.
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Fit:
    """What a fit found.

    Attributes
    ----------
    values, errors : ndarray, shape (n,)
        Parameters and their standard errors; the error of one that does not matter is infinite.
    gain, gain_error : float
    chi2 : float
    """

    values: Vector
    errors: Vector
    gain: float
    gain_error: float
    chi2: float


def fit(observation: Observation, shape: Shape, start: Vector, low: Vector, high: Vector) -> Fit:
    """Minimise the chi-square of ``taps - gain·shape(values)`` within bounds.

    Parameters
    ----------
    observation : Observation
    shape : callable
        Parameters to a block of taps, shape (h, w).
    start, low, high : ndarray, shape (n,)
        Where to begin, and how far each parameter may go.

    Returns
    -------
    Fit
        A local minimum. Its errors are ``sqrt(diag((JᵀJ)⁻¹))``, the gain fitted along (Levenberg 1944;
        Marquardt 1963; Nocedal & Wright, *Numerical Optimization*, section 10.3).
    """
    values = np.clip(start, low, high)
    state = at_point(observation, shape, values)
    damping = 1e-3
    for _ in range(_STEPS):
        slopes = _slopes(observation, shape, state, low, high, both_sides=False)
        squares = slopes @ slopes.T
        pull = slopes @ state.residual
        improved = False
        while damping < _MOST_DAMPING:
            damped = squares + np.diag(damping * np.diag(squares) + _TINY)
            step = np.linalg.solve(damped, pull)[:-1]
            trial = at_point(observation, shape, np.clip(np.nan_to_num(state.values + step), low, high))
            if trial.chi2 < state.chi2:
                damping = max(damping / 10, _LEAST_DAMPING)
                improved = True
                break
            damping *= 10
        if not improved:
            break
        gained, state = state.chi2 - trial.chi2, trial
        if gained < (_SLOW * state.chi2 if state.chi2 > _HOPELESS * observation.judged else 1e-6):
            break
    return _summed_up(state, _slopes(observation, shape, state, low, high, both_sides=True), high - low)


@dataclass(frozen=True, eq=False)
class Point:
    """A point of the walk: model, gain and residual in whitened units, shape (judged,)."""

    values: Vector
    whitened: Vector
    gain: float
    residual: Vector
    chi2: float


def at_point(observation: Observation, shape: Shape, values: Vector) -> Point:
    """Take a model at some parameters, with its best gain."""
    whitened = observation.whiten(shape(values))
    gain, _ = observation.gain(whitened)
    residual = observation.whitened - gain * whitened
    return Point(values, whitened, gain, residual, float(residual @ residual))


def _slopes(
    observation: Observation, shape: Shape, state: Point, low: Vector, high: Vector, *, both_sides: bool
) -> NDArray[np.float64]:
    """Derivatives of the whitened model by each parameter and by the gain, shape (n + 1, judged).

    A walk is content with differences to one side. Errors take both, for at a kink the sides differ.
    """
    blocks, widths = [], []
    here = None if both_sides else shape(state.values)
    for index, value in enumerate(state.values):
        nudge = _NUDGE * max(abs(value), 1e-2 * min(high[index] - low[index], 100.0))
        ahead, behind = state.values.copy(), state.values.copy()
        ahead[index], behind[index] = min(value + nudge, high[index]), max(value - nudge, low[index])
        if here is not None and ahead[index] == value:
            ahead = behind
        blocks.append(shape(ahead) - (shape(behind) if here is None else here))
        widths.append(ahead[index] - (behind[index] if here is None else value))
    slopes = state.gain * observation.whiten(np.array(blocks)) / np.array(widths)[:, np.newaxis]
    return np.vstack([slopes, state.whitened])


def _summed_up(state: Point, slopes: NDArray[np.float64], ranges: Vector) -> Fit:
    lengths = np.append(np.linalg.norm(slopes[:-1], axis=1), np.linalg.norm(slopes[-1]))
    # A parameter that the taps do not feel within its whole range is not one of theirs.
    felt = np.append(lengths[:-1] * ranges > 1.0, lengths[-1] > 0.0)
    errors = np.full(len(lengths), np.inf)
    if felt.any():
        scaled = slopes[felt] / lengths[felt, np.newaxis]
        inverse = np.linalg.pinv(scaled @ scaled.T, rcond=1e-14, hermitian=True)
        errors[felt] = np.sqrt(np.maximum(np.diag(inverse), 0.0)) / lengths[felt]
    return Fit(state.values, errors[:-1], state.gain, float(errors[-1]), state.chi2)
