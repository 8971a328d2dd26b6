"""A single answer where the data leave some open: least squares with a price on large taps."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.normal_equations import NormalEquations, of_taps_alone
from convkit.recovery.parameters import Parameters

# The strengths that generalised cross-validation tries, as shares of the largest eigenvalue. A smaller one would
# divide the rounding of the open directions by next to nothing.
_SHARES = np.logspace(-10, 1, 221)


@dataclass(frozen=True, eq=False)
class Ridge:
    """The minimiser of ``‖y - Xw‖² + λ·‖taps‖²``; the bias has no price.

    Attributes
    ----------
    point : Parameters
    strength : float
        ``λ``, in units of the image squared times the number of outputs.
    freedom : float
        Effective number of unknowns, ``Σ dᵢ / (dᵢ + λ)``, and one for the bias.
    residual_squares : float
        ``‖y - Xw‖²`` there.
    unit_covariance : ndarray, shape (p, p)
        Of the unknowns for noise of variance 1. It says how the answer scatters, not how far the price pulls it
        from the truth.
    """

    point: Parameters
    strength: float
    freedom: float
    residual_squares: float
    unit_covariance: NDArray[np.float64]


def solve_ridge(normal: NormalEquations, strength: float | None) -> Ridge:
    """Solve the normal equations with a ridge.

    Parameters
    ----------
    normal : NormalEquations
    strength : float or None
        ``λ``; None takes the one that generalised cross-validation likes best, the minimum of
        ``n·RSS / (n - freedom)²`` (Golub, Heath & Wahba, Technometrics 21, 1979).

    Returns
    -------
    Ridge

    Examples
    --------
    >>> rows = np.tile([1.0, 2, 4, 3], (3, 1))  # only column sums are determined
    >>> found = solve_ridge(NormalEquations.of(rows, rows[:2, :3], (2, 2)), 1e-6)
    >>> found.point.taps.round(4) + 0
    array([[0.5, 0. ],
           [0.5, 0. ]])
    """
    equations = of_taps_alone(normal)
    values, vectors = np.linalg.eigh(equations.gram)
    values = np.maximum(values, 0.0)
    along = vectors.T @ equations.moment
    chosen = _by_cross_validation(values, along, equations.energy, normal) if strength is None else strength
    damped = values + chosen
    weights = np.divide(along, damped, out=np.zeros_like(along), where=damped > 0)
    taps = vectors @ weights
    # Cov(taps) = (G + λ)⁻¹ G (G + λ)⁻¹; the bias is the targets' mean less that of the patches times the taps.
    spread = vectors * np.divide(np.sqrt(values), damped, out=np.zeros_like(values), where=damped > 0)
    if normal.bias:
        spread = np.vstack([spread, -equations.patch_mean @ spread])
    covariance = spread @ spread.T
    if normal.bias:
        covariance[-1, -1] += 1.0 / normal.count
    return Ridge(
        Parameters(taps.reshape(normal.size), equations.bias(taps)),
        chosen,
        _freedom(values, chosen) + normal.bias,
        _residual_squares(values, along, equations.energy, chosen),
        covariance,
    )


def _by_cross_validation(
    values: NDArray[np.float64], along: NDArray[np.float64], energy: float, normal: NormalEquations
) -> float:
    best, lowest = 0.0, math.inf
    for strength in _SHARES * (values[-1] or 1.0):
        left = normal.count - normal.bias - _freedom(values, strength)
        if left <= 0:
            continue
        score = normal.count * _residual_squares(values, along, energy, strength) / left**2
        if score < lowest:
            best, lowest = float(strength), score
    return best


def _freedom(values: NDArray[np.float64], strength: float) -> float:
    total = values + strength
    return float(np.divide(values, total, out=np.zeros_like(values), where=total > 0).sum())


def _residual_squares(values: NDArray[np.float64], along: NDArray[np.float64], energy: float, strength: float) -> float:
    """``e - 2cᵀw + wᵀGw`` in the eigenvectors' coordinates, with ``w = c / (d + λ)``."""
    total = values + strength
    weights = np.divide(along, total, out=np.zeros_like(along), where=total > 0)
    return max(energy - float(weights @ (2.0 * along - values * weights)), 0.0)
