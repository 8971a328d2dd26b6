"""ImageMagick's kernels with parameters, after what 6.9.11-60 (Q16) prints with ``morphology:showKernel``.

It prints kernels for ``-morphology Convolve``, which turns them by 180°; here they are for correlation.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from convkit.errors import KernelError
from convkit.kernel.families import unit_sum
from convkit.kernel.kernel import MAX_SIDE, decimal
from convkit.kernel.recipe import Parameter, Recipe, Taps, integer, real, spread, turn
from convkit.kernel.rotation import centred, rotated

_LEAST_TAP = 1 / 65535  # one step of a 16-bit build, where automatic sizes end
_OVERSAMPLING = 3


def _unity(scale: float) -> Taps:
    return np.array([[scale]])


def _gaussian(radius: int, sigma: float) -> Taps:
    return unit_sum(_sampled(_reach(radius, sigma, dimensions=2), sigma))


def _log(radius: int, sigma: float) -> Taps:
    reach = _reach(radius, sigma, dimensions=2)
    return _halves_to_one((2 * sigma**2 - _squares(reach)) * _sampled(reach, sigma))


def _dog(radius: int, sigma1: float, sigma2: float) -> Taps:
    reach = _reach(radius, max(sigma1, sigma2), dimensions=2)
    return _halves_to_one(_sampled(reach, sigma1) / sigma1**2 - _sampled(reach, sigma2) / sigma2**2)


def _blur(radius: int, sigma: float, angle: int) -> Taps:
    reach = _reach(radius, sigma, dimensions=1)
    return rotated(_binned(np.arange(-3 * reach - 1, 3 * reach + 2), sigma), angle)


def _comet(width: int, sigma: float, angle: int) -> Taps:
    width = width or _reach(0, sigma, dimensions=1) + 1
    taps = _binned(np.arange(_OVERSAMPLING * width), sigma)
    # The head, its first tap, is the origin; turned for correlation it is the last. It trails to the right.
    return rotated(centred(taps[:, ::-1], (0, width - 1)), angle)


def _binomial(radius: int) -> Taps:
    row = [math.comb(2 * radius, k) for k in range(2 * radius + 1)]
    return np.outer(row, row).astype(np.float64)


def _rectangle(width: int, height: int) -> Taps:
    return np.ones((height, width))


def _diamond(radius: int) -> Taps:
    up, right = _away(radius)
    return np.where(up + right <= radius, 1.0, 0.0)


def _octagon(radius: int) -> Taps:
    up, right = _away(radius)
    return np.where(up + right <= radius + radius // 2, 1.0, 0.0)


def _square(radius: int) -> Taps:
    return np.ones((2 * radius + 1, 2 * radius + 1))


def _disk(radius: float) -> Taps:
    return np.where(_squares(int(radius)) <= int(radius**2), 1.0, 0.0)


def _ring(radius1: float, radius2: float) -> Taps:
    inner, outer = sorted((radius1, radius2))
    squares = _squares(int(outer))
    return np.where((int(inner**2) < squares) & (squares <= int(outer**2)), 1.0, 0.0)


def _plus(radius: int) -> Taps:
    up, right = _away(radius)
    return np.where((up == 0) | (right == 0), 1.0, 0.0)


def _cross(radius: int) -> Taps:
    up, right = _away(radius)
    return np.where(up == right, 1.0, 0.0)


def _squares(reach: int) -> Taps:
    """Squared distance of each tap from the centre, shape (2·reach + 1, 2·reach + 1)."""
    up, right = _away(reach)
    squares: Taps = up**2 + right**2
    return squares


def _away(reach: int) -> tuple[Taps, Taps]:
    """Distances from the centre along each axis, as a column and a row."""
    away: Taps = np.abs(np.arange(-reach, reach + 1.0))
    return away[:, np.newaxis], away[np.newaxis, :]


def _sampled(reach: int, sigma: float) -> Taps:
    taps: Taps = np.exp(-_squares(reach) / (2 * sigma**2))
    return taps


def _binned(thirds: NDArray[np.int_], sigma: float) -> Taps:
    """One row of a Gaussian sampled at thirds of a pixel, three samples to a tap, of sum 1."""
    bell = np.exp(-(thirds**2) / (2 * (_OVERSAMPLING * sigma) ** 2))
    taps = bell.reshape(-1, _OVERSAMPLING).sum(axis=1)
    return unit_sum(taps[np.newaxis, :])


def _halves_to_one(taps: Taps) -> Taps:
    """Scale the positive taps to sum +1 and the negative ones to sum -1, each where there are any."""
    positive, negative = taps.clip(min=0), taps.clip(max=0)
    return positive / (positive.sum() or 1) - negative / (negative.sum() or 1)


def _reach(radius: int, sigma: float, dimensions: int) -> int:
    """Return the radius given, or (for 0) the last whose outermost tap is worth a step of 16 bits."""
    reach, total = radius or 1, 1 + 2 * math.exp(-1 / (2 * sigma**2))
    if not radius:
        while True:
            edge = math.exp(-((reach + 1) ** 2) / (2 * sigma**2))
            total += 2 * edge
            if edge / total**dimensions < _LEAST_TAP or reach > MAX_SIDE:
                break
            reach += 1
    if 2 * reach + 1 > MAX_SIDE:
        raise KernelError(
            expected=f"a kernel of at most {MAX_SIDE} taps on a side",
            got=f"a spread of {decimal(sigma)} pixels, which takes more",
            hint="a smaller sigma, or a radius such as 9",
        )
    return reach


_RADIUS = integer("radius", 0, 0, 2047)  # 0 is automatic, as in ImageMagick
_SIGMA = spread("sigma", 1.0)
_ANGLE = turn(90)

_TABLE: tuple[tuple[str, str, Callable[..., Taps], tuple[Parameter, ...]], ...] = (
    ("unity", "one tap", _unity, (real("scale", 1.0),)),
    ("gaussian", "sampled Gaussian, sum 1", _gaussian, (_RADIUS, _SIGMA)),
    ("blur", "one-dimensional Gaussian, three samples to a tap, sum 1", _blur, (_RADIUS, _SIGMA, _ANGLE)),
    ("comet", "half a Gaussian, trailing to the right, sum 1", _comet,
     (integer("width", 0, 0, 2048), _SIGMA, _ANGLE)),
    ("log", "Laplacian of a Gaussian, positive centre, halves scaled to ±1", _log, (_RADIUS, _SIGMA)),
    ("dog", "difference of two Gaussians, halves scaled to ±1", _dog,
     (_RADIUS, spread("sigma1", 1.0), spread("sigma2", 1.6))),
    ("binomial", "rows of Pascal's triangle, unscaled", _binomial, (integer("radius", 1, 1, 8),)),
    ("diamond", "ones within a city-block distance", _diamond, (integer("radius", 1, 1, 2047),)),
    ("square", "ones", _square, (integer("radius", 1, 1, 2047),)),
    ("rectangle", "ones", _rectangle, (integer("width", 3), integer("height", 3))),
    ("octagon", "ones in an octagon", _octagon, (integer("radius", 2, 1, 2047),)),
    ("disk", "ones within a circle", _disk, (real("radius", 4.3, 0.4, 2047),)),
    ("plus", "ones along the axes", _plus, (integer("radius", 2, 1, 2047),)),
    ("cross", "ones along the diagonals", _cross, (integer("radius", 2, 1, 2047),)),
    ("ring", "ones between two circles", _ring,
     (real("radius1", 2.5, 0, 2047), real("radius2", 3.5, 0, 2047))),
)  # fmt: skip

FAMILIES = tuple(
    Recipe(f"imagemagick/{name}", "imagemagick", about, parameters, build) for name, about, build, parameters in _TABLE
)
