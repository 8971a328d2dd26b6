"""Streaks: what a moving camera draws, and the half Gaussians of ImageMagick's -motion-blur."""

import math

import numpy as np

from convkit.kernel.recipe import Taps


def segment(length: float, angle: float) -> Taps:
    """Length of a line of no width in each pixel that it crosses, of sum 1.

    Parameters
    ----------
    length : float
        In pixels, above 0.
    angle : float
        Degrees counter-clockwise from rightwards.

    Returns
    -------
    ndarray, shape (k, k)
        With the middle of the line on that of the centre pixel; k is odd.

    Examples
    --------
    >>> segment(2.0, 0.0)
    array([[0.  , 0.  , 0.  ],
           [0.25, 0.5 , 0.25],
           [0.  , 0.  , 0.  ]])
    """
    half = length / 2
    reach = max(math.ceil(half - 0.5), 1)
    across, down = math.cos(math.radians(angle)), -math.sin(math.radians(angle))
    edges = np.arange(-reach, reach + 2) - 0.5
    cuts = [np.array([-half, half])]
    cuts += [edges / slope for slope in (across, down) if abs(slope) > 1e-12]
    places = np.unique(np.clip(np.concatenate(cuts), -half, half))
    middles = (places[:-1] + places[1:]) / 2
    rows, columns = (np.rint(middles * slope).astype(int) + reach for slope in (down, across))
    taps = np.zeros((2 * reach + 1, 2 * reach + 1))
    np.add.at(taps, (rows.clip(0, 2 * reach), columns.clip(0, 2 * reach)), np.diff(places) / length)
    return taps


def half_gaussian(sigma: float, angle: float, count: int) -> Taps:
    """Half a Gaussian along a line from the output pixel, rounded to whole pixels, of sum 1.

    The rule of ImageMagick's ``-motion-blur`` (``MotionBlurImage`` in its effect.c): tap i of ``exp(-i²/2σ²)``
    goes to the pixel nearest to i steps along the line.

    Parameters
    ----------
    sigma : float
    angle : float
        Degrees counter-clockwise from rightwards, in which the taps lie.
    count : int
        How many taps.

    Returns
    -------
    ndarray, shape (k, k)
        With the output pixel in its middle.

    Examples
    --------
    >>> half_gaussian(0.5, 180.0, 2).round(3)
    array([[0.   , 0.   , 0.   ],
           [0.119, 0.881, 0.   ],
           [0.   , 0.   , 0.   ]])
    """
    steps = np.arange(count)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    columns = np.ceil(steps * math.cos(math.radians(angle)) - 0.5).astype(int)
    rows = np.ceil(-steps * math.sin(math.radians(angle)) - 0.5).astype(int)
    taps = np.zeros((2 * count - 1, 2 * count - 1))
    np.add.at(taps, (rows + count - 1, columns + count - 1), weights / weights.sum())
    return taps
