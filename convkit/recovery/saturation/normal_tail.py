"""Tails of the normal distribution without cancellation, however far out."""

import math

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

# Chebyshev coefficients of (1 + x)·R(x) in t = (x - 5) / (x + 5), which runs from -1 to 1; R is Mills' ratio. The
# form is that of Shepherd & Laframboise, Math. Comp. 36(153), 1981; the numbers are from 48 nodes at 40 digits,
# and what is left out is below 2e-17.
_MIDDLE = 5.0
_COEFFICIENTS = (
    1.1579976221305186,
    -0.1633449388451398,
    -0.013683136055781576,
    0.03082200019810004,
    -0.016220073012046806,
    0.005616691016460094,
    -0.0014133933783549216,
    0.0002502625460725661,
    -2.468907239728387e-05,
    -1.0107964061837592e-06,
    7.495419179740573e-07,
    -7.600274268728337e-08,
    -1.1574771441328644e-08,
    3.333386472599843e-09,
    7.538039628171347e-11,
    -1.1104247263727495e-10,
    3.5092437765510503e-12,
    3.689495386175086e-12,
    -2.337669777638391e-13,
    -1.3271797523541814e-13,
    9.92170699588946e-15,
    5.276004995461465e-15,
    -3.3730976940964336e-16,
    -2.2804338775434787e-16,
)
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


def mills_ratio(x: Vector) -> Vector:
    """Return ``R(x) = (1 - Φ(x)) / φ(x)`` for ``x >= 0``, to about 1e-15 of itself; about ``1 / x`` far out.

    Examples
    --------
    >>> mills_ratio(np.array([0.0, 1.0, 1e9])).round(10).tolist()
    [1.2533141373, 0.6556795424, 1e-09]
    """
    smooth = np.polynomial.chebyshev.chebval((x - _MIDDLE) / (x + _MIDDLE), _COEFFICIENTS)
    ratio: Vector = smooth / (1.0 + x)
    return ratio


def log_normal_tail(a: Vector) -> tuple[Vector, Vector]:
    """Return ``log Φ(a)`` and its slope, the inverse Mills ratio ``φ(a) / Φ(a)``.

    Parameters
    ----------
    a : ndarray
        Finite, of absolute value below 1e150.

    Returns
    -------
    logarithm, slope : ndarray, shape of ``a``
        For ``a << 0`` they approach ``-a²/2`` and ``-a``.

    Examples
    --------
    >>> logarithm, slope = log_normal_tail(np.array([-1e6, 0.0, 9.0]))
    >>> logarithm.round(3).tolist(), slope.round(6).tolist()
    ([-500000000014.734, -0.693, -0.0], [1000000.000001, 0.797885, 0.0])
    """
    ratio = mills_ratio(np.abs(a))
    half_square = 0.5 * a * a
    density = np.exp(-half_square) / _ROOT_TWO_PI
    above = np.multiply(density, ratio)  # what lies beyond |a|
    below = a < 0.0
    logarithm: Vector = np.where(below, np.log(ratio / _ROOT_TWO_PI) - half_square, np.log1p(-above))
    slope: Vector = np.where(below, 1.0 / ratio, density / (1.0 - above))
    return logarithm, slope
