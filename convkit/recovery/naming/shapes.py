"""Formulas of kernels that the library does not have, or not with these parameters."""

import math
from collections.abc import Callable

import numpy as np

from convkit.kernel.families import bell
from convkit.kernel.recipe import Taps

_ERF = np.vectorize(math.erf, otypes=[np.float64])


def integrated_bell(length: int, sigma: float) -> Taps:
    """A Gaussian integrated over each pixel, of sum 1, shape (length,).

    Examples
    --------
    >>> integrated_bell(3, 0.5).round(3)
    array([0.158, 0.685, 0.158])
    """
    edges = (np.arange(length + 1) - length / 2) / (sigma * math.sqrt(2))
    areas = np.diff(_ERF(edges))
    return np.asarray(areas / areas.sum())


def binned_bell(length: int, sigma: float) -> Taps:
    """A Gaussian sampled at thirds of a pixel, three samples to a tap, of sum 1 (ImageMagick's ``-blur``).

    Examples
    --------
    >>> binned_bell(9, 1.0).round(6).tolist()[4:]
    [0.384572, 0.241811, 0.059897, 0.00579, 0.000216]
    """
    thirds = np.arange(3 * length) - (3 * length - 1) / 2
    taps = np.exp(-(thirds**2) / (18 * sigma**2)).reshape(-1, 3).sum(axis=1)
    return np.asarray(taps / taps.sum())


def two_bells(down: float, across: float, size: tuple[int, int]) -> Taps:
    """A Gaussian of one sigma along the columns and another along the rows, of sum 1.

    Examples
    --------
    >>> two_bells(2.0, 0.5, (3, 3)).round(2)
    array([[0.03, 0.25, 0.03],
           [0.04, 0.28, 0.04],
           [0.03, 0.25, 0.03]])
    """
    return np.outer(bell(size[0], down), bell(size[1], across))


def tilted_gaussian(long: float, short: float, angle: float, size: tuple[int, int]) -> Taps:
    """A Gaussian of elliptic section, its long axis at ``angle`` degrees counter-clockwise, of sum 1.

    Examples
    --------
    >>> tilted_gaussian(2.0, 0.5, 0.0, (3, 3)).round(2)
    array([[0.03, 0.04, 0.03],
           [0.25, 0.28, 0.25],
           [0.03, 0.04, 0.03]])
    """
    down, across = offsets(size)
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    along, aside = across * cosine - down * sine, across * sine + down * cosine
    return _unit(np.exp(-((along / long) ** 2 + (aside / short) ** 2) / 2))


def moved_gaussian(sigma: float, down: float, right: float, size: tuple[int, int]) -> Taps:
    """A Gaussian whose middle lies beside that of the window, of sum 1.

    Examples
    --------
    >>> moved_gaussian(0.5, 0.0, 0.5, (1, 4)).round(2)
    array([[0.  , 0.11, 0.79, 0.11]])
    """
    rows, columns = offsets(size)
    bells = [np.exp(-((rows - down) ** 2) / (2 * sigma**2)), np.exp(-((columns - right) ** 2) / (2 * sigma**2))]
    return _unit(bells[0] * bells[1])


def gaussian_slope(sigma: float, angle: float, size: tuple[int, int]) -> Taps:
    """First derivative of a Gaussian, positive towards ``angle`` degrees counter-clockwise; answers 1 to slope 1.

    Examples
    --------
    >>> gaussian_slope(1.0, 0.0, (1, 3)).round(2) + 0.0
    array([[-0.5,  0. ,  0.5]])
    """
    down, across = offsets(size)
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    along = across * cosine - down * sine
    taps: Taps = along * np.exp(-(down**2 + across**2) / (2 * sigma**2))
    return np.asarray(taps / (np.sum(taps * along) or 1.0))


def box_between(height: float, width: float, down: float = 0.0, right: float = 0.0) -> Taps:
    """A box of any height and width, its middle beside that of the kernel; each tap is the area covered, of sum 1.

    Examples
    --------
    >>> box_between(1.0, 2.0)[2]
    array([0.  , 0.25, 0.5 , 0.25, 0.  ])
    """
    return np.outer(_covered(height, down), _covered(width, right))


def _covered(length: float, middle: float) -> Taps:
    reach = math.ceil(length / 2) + 1
    edges = np.arange(-reach, reach + 2) - 0.5
    return np.asarray(np.diff(np.clip(edges, middle - length / 2, middle + length / 2)) / length)


def bilinear_shift(down: float, right: float) -> Taps:
    """Move the picture by less than a pixel: linear weights of two pixels along each axis, shape (3, 3).

    Examples
    --------
    >>> bilinear_shift(0.0, 0.25)[1]
    array([0.25, 0.75, 0.  ])
    """
    rows, columns = (np.array([max(by, 0.0), 1 - abs(by), max(-by, 0.0)]) for by in (down, right))
    return np.outer(rows, columns)


def separable(profile: Callable[[int, float], Taps]) -> Callable[[float, tuple[int, int]], Taps]:
    """Make a kernel of a sigma and a size from a profile of a length and a sigma."""

    def build(sigma: float, size: tuple[int, int]) -> Taps:
        return np.outer(profile(size[0], sigma), profile(size[1], sigma))

    return build


def offsets(size: tuple[int, int]) -> tuple[Taps, Taps]:
    """Distances from the middle: a column that grows downwards, a row that grows to the right."""
    down, across = (np.arange(side) - (side - 1) / 2 for side in size)
    return down[:, np.newaxis], across[np.newaxis, :]


def _unit(taps: Taps) -> Taps:
    return np.asarray(taps / taps.sum())
