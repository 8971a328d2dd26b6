"""Noise next to the rails, which is truncated: only those outputs are seen that it did not carry over."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.recording import Recording

Array = NDArray[np.float64]

# Outputs are used that are predicted so many standard deviations from the rails: the first that leaves enough.
_MARGINS = (4.0, 3.0, 2.0, 1.0, 0.0)
_ENOUGH = 4096
_STEPS = 128


def margin(fitted: Array, sigma: float, recording: Recording) -> float:
    """Choose how far from the rails outputs must be predicted, in image units.

    Selecting by prediction leaves the noise whole; selecting by value cuts it (Greene, Econometrica 49, 1981).

    Examples
    --------
    >>> margin(np.linspace(0, 1, 10000), 0.01, Recording(1 / 255, 0, 1))
    0.04
    """
    for factor in _MARGINS[:-1]:
        if np.count_nonzero(recording.clear(fitted, factor * sigma)) >= _ENOUGH:
            return factor * sigma
    return 0.0


@dataclass(frozen=True, eq=False)
class TruncatedNoise:
    """The mean of Gaussian noise on an output, given that the sum stayed between the rails, as a table.

    ``σ·(φ(a) - φ(b)) / (Φ(b) - Φ(a))`` with the rails at ``a`` and ``b`` standard deviations (Johnson, Kotz &
    Balakrishnan, *Continuous Univariate Distributions* 1, section 13.10.1); subtracted from the residuals it makes
    the generalised residuals of Gourieroux, Monfort, Renault & Trognon (1987).

    Examples
    --------
    >>> TruncatedNoise.of(0.1, Recording(None, 0, 1))(np.array([0.0, 0.5, 2.0])).round(4)
    array([ 0.0798,  0.    , -0.0798])
    """

    fitted: Array
    means: Array

    @classmethod
    def of(cls, sigma: float, recording: Recording) -> "TruncatedNoise":
        """Tabulate up to eight standard deviations from the rails; beyond, the rail's own value holds."""
        rails = [rail for rail in (recording.lowest, recording.highest) if math.isfinite(rail)]
        near = sigma * np.linspace(-8.0 if len(rails) < 2 else 0.0, 8.0, _STEPS)
        fitted = np.unique(np.concatenate([near + recording.lowest, recording.highest - near])) if rails else near
        fitted = fitted[np.isfinite(fitted)]
        if len(rails) == 2:
            fitted = fitted[(fitted >= rails[0]) & (fitted <= rails[1])]
        means = [
            sigma * _truncated_mean((recording.lowest - f) / sigma, (recording.highest - f) / sigma) for f in fitted
        ]
        return cls(fitted, np.array(means))

    def __call__(self, fitted: Array) -> Array:
        """Return the mean for every fitted value."""
        return np.interp(fitted, self.fitted, self.means)


def _truncated_mean(a: float, b: float) -> float:
    kept = 0.5 * (math.erf(b / math.sqrt(2.0)) - math.erf(a / math.sqrt(2.0)))
    return (_density(a) - _density(b)) / max(kept, 1e-12)


def _density(z: float) -> float:
    return math.exp(-0.5 * min(z * z, 1000.0)) / math.sqrt(2.0 * math.pi)
