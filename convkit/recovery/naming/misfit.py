"""How far a named kernel lies from the taps that were recovered."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.naming.estimate import LIMIT, MOST_TAPS, Estimate, Taps
from convkit.recovery.significance import deviations, outlier_bound


@dataclass(frozen=True)
class Misfit:
    """How far a kernel lies from the taps.

    Attributes
    ----------
    chi2 : float
        ``rᵀ C⁺ r`` of the differences ``r``.
    freedom : int
        Judged directions less fitted parameters.
    fits : bool
        Whether chance explains all of it.
    """

    chi2: float
    freedom: int
    fits: bool

    @property
    def ratio(self) -> float:
        """Chi-square per degree of freedom; 0 where nothing is left to judge by."""
        return self.chi2 / self.freedom if self.freedom > 0 else 0.0


def misfit(estimate: Estimate, model: Taps, parameters: int, whitened: NDArray[np.float64] | None = None) -> Misfit:
    """Judge a kernel laid on the block.

    Three things must be within chance: the sum of squares of all differences, each by itself (so that one
    wrong tap does not drown among a hundred right ones), and their sum of squares under the kernel alone.

    Parameters
    ----------
    estimate : Estimate
    model : ndarray, shape (h, w)
        Gain included.
    parameters : int
        How many numbers were fitted, gain included.
    whitened : ndarray, shape (judged,), optional
        The model, whitened.
    """
    white = estimate.whiten(model) if whitened is None else whitened
    residual = estimate.whitened - white
    chi2 = float(residual @ residual)
    freedom = estimate.judged - parameters
    fits = (
        deviations(chi2 / max(freedom, 1), max(freedom, 1), estimate.samples) <= LIMIT
        and float(np.abs(residual).max(initial=0.0)) <= outlier_bound(estimate.judged)
        and float((np.abs(estimate.taps - model) / _errors_left(estimate, model, white)).max())
        <= outlier_bound(estimate.taps.size)
        and _fits_under(estimate, model, parameters)
    )
    return Misfit(chi2, max(freedom, 0), fits)


def _errors_left(estimate: Estimate, model: Taps, whitened: NDArray[np.float64]) -> Taps:
    """Standard errors of the differences: fitting the gain takes its share, ``C - mmᵀ / (mᵀC⁻¹m)``."""
    energy = float(whitened @ whitened)
    taken = np.square(model) / energy if energy else np.zeros_like(model)
    variances = np.square(estimate.errors)
    return np.sqrt(np.maximum(variances - taken, 0.01 * variances))


def _fits_under(estimate: Estimate, model: Taps, parameters: int) -> bool:
    """Judge the taps where a small kernel is not zero, by their own covariance."""
    under = np.flatnonzero(model)
    freedom = len(under) - parameters
    if estimate.covariance is None or freedom < 1 or 2 * len(under) > estimate.taps.size or len(under) > MOST_TAPS:
        return True
    residual = (estimate.taps - model).ravel()[under]
    chi2 = float(residual @ np.linalg.solve(estimate.covariance_of(under), residual))
    return deviations(max(chi2, 0.0) / freedom, freedom, estimate.samples) <= LIMIT
