"""Residuals next to the rails, where only those outputs are seen that noise did not carry over."""

import math

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.recording import Recording

Array = NDArray[np.float64]

# Outputs are used that are predicted so many standard deviations from the rails: the first that leaves enough.
_MARGINS = (4.0, 3.0, 2.0, 1.0, 0.0)
ENOUGH = 4096
_STEPS = 512


def margin(fitted: Array, sigma: float, recording: Recording) -> float:
    """Choose how far from the rails outputs must be predicted, in image units.

    Selecting by prediction leaves the noise whole; selecting by value cuts it (Greene, Econometrica 49, 1981).

    Examples
    --------
    >>> margin(np.linspace(0, 1, 10000), 0.01, Recording(1 / 255, 0, 1))
    0.04
    """
    for factor in _MARGINS[:-1]:
        if np.count_nonzero(inside(fitted, factor * sigma, recording)) >= ENOUGH:
            return factor * sigma
    return 0.0


def inside(fitted: Array, distance: float, recording: Recording) -> NDArray[np.bool_]:
    """Which outputs are predicted further than a distance from the rails."""
    return (fitted > recording.lowest + distance) & (fitted < recording.highest - distance)


def cut_noise(fitted: Array, sigma: float, recording: Recording) -> Array:
    """Return the mean of Gaussian noise on an output, given that the sum stayed between the rails.

    ``σ·(φ(a) - φ(b)) / (Φ(b) - Φ(a))`` with the rails at ``a`` and ``b`` standard deviations (Johnson, Kotz &
    Balakrishnan, *Continuous Univariate Distributions* 1, section 13.10.1); subtracted from the residuals it makes
    the generalised residuals of Gourieroux, Monfort, Renault & Trognon (1987).

    Examples
    --------
    >>> cut_noise(np.array([0.0, 0.5]), 0.1, Recording(None, 0, 1)).round(4)
    array([0.0798, 0.    ])
    """
    lowest, highest = recording.lowest, recording.highest
    if not (math.isfinite(lowest) or math.isfinite(highest)) or sigma <= 0.0 or not fitted.size:
        return np.zeros_like(fitted)
    grid = np.linspace(float(fitted.min()), float(fitted.max()), _STEPS)
    means = [_cut_mean((lowest - f) / sigma, (highest - f) / sigma) for f in grid]
    return sigma * np.interp(fitted, grid, means)


def _cut_mean(a: float, b: float) -> float:
    kept = 0.5 * (math.erf(b / math.sqrt(2.0)) - math.erf(a / math.sqrt(2.0)))
    return (_density(a) - _density(b)) / max(kept, 1e-12)


def _density(z: float) -> float:
    return math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
