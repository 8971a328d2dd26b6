"""Resizers: one kernel for each output phase, and the continuous kernel that these are samples of."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from convkit.errors import ShapeError

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]

MOST_PHASES = 6
# Taps within this of a named filter's are taken for it: 8-bit weights round.
_CLOSE = 2e-3
_DEVIATES = 6.0
# Names that are further off than the nearest by more than this are left out.
_ALIKE = 3e-4


@dataclass(frozen=True)
class Ratio:
    """``steps`` input pixels make ``outputs`` output pixels, in lowest terms, on both axes."""

    steps: int
    outputs: int

    @property
    def scale(self) -> float:
        """Input pixels an output pixel."""
        return self.steps / self.outputs

    @classmethod
    def of(cls, image: tuple[int, int], target: tuple[int, int]) -> "Ratio":
        """Return the ratio of two sizes.

        Raises
        ------
        ShapeError
            When it differs between the axes, or has more phases than can be looked at.

        Examples
        --------
        >>> Ratio.of((30, 60), (20, 40))
        Ratio(steps=3, outputs=2)
        """
        tall, wide = (Fraction(one, other) for one, other in zip(image, target, strict=True))
        if tall != wide or tall.denominator > MOST_PHASES:
            raise ShapeError(
                expected=f"sizes in one ratio p/q on both axes, q at most {MOST_PHASES}",
                got=f"{image[0]}x{image[1]} to {target[0]}x{target[1]}",
                hint="an image whose sides are multiples of 12",
            )
        return cls(tall.numerator, tall.denominator)


@dataclass(frozen=True, eq=False)
class Phase:
    """The kernel of outputs ``q·t + phase``, laid from ``offset`` on relative to the input pixel ``p·t``."""

    phase: tuple[int, int]
    taps: Array
    offset: tuple[int, int]


@dataclass(frozen=True)
class Resampler:
    """A named resizer, and how far its taps are from those found."""

    name: str
    difference: float


def _box(x: Array) -> Array:
    return np.where((x >= -0.5) & (x < 0.5), 1.0, 0.0)


def _triangle(x: Array) -> Array:
    return np.maximum(1.0 - np.abs(x), 0.0)


def _cubic(b: float, c: float) -> Curve:
    """Mitchell & Netravali's family (SIGGRAPH 1988); b = 0 and c = -a is Keys' (IEEE TASSP 29(6), 1981)."""

    def curve(x: Array) -> Array:
        x = np.abs(x)
        near = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + (6 - 2 * b)
        far = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 + (-12 * b - 48 * c) * x + (8 * b + 24 * c)
        return np.where(x < 1, near, np.where(x < 2, far, 0.0)) / 6.0

    return curve


def _lanczos(lobes: int) -> Curve:
    return lambda x: np.where(np.abs(x) < lobes, np.sinc(x) * np.sinc(x / lobes), 0.0)


def _hamming(x: Array) -> Array:
    return np.where(np.abs(x) < 1.0, np.sinc(x) * (0.54 + 0.46 * np.cos(np.pi * x)), 0.0)


CURVES: dict[str, Curve] = {
    "box": _box,
    "triangle (bilinear)": _triangle,
    "bicubic, a = -0.5": _cubic(0.0, 0.5),
    "bicubic, a = -0.75": _cubic(0.0, 0.75),
    "Mitchell": _cubic(1 / 3, 1 / 3),
    "Lanczos 2": _lanczos(2),
    "Lanczos 3": _lanczos(3),
    "Lanczos 4": _lanczos(4),
    "Hamming": _hamming,
}
# Where output i is centred: pixels as areas, or as points that begin together.
_CENTRES = {"half-pixel centres": 0.5, "aligned corners": 0.0}


def name_resampler(phases: Sequence[Phase], ratio: Ratio, error: float = 0.0) -> list[Resampler]:
    """Name the resizers whose taps are within 2e-3 (or six standard errors) of those found, the nearest first.

    Each curve is tried stretched to the output's pixels (antialiased) and as it is; centred on half pixels and on
    corners; and the picking of single pixels, rounded down from either.

    Examples
    --------
    >>> half = Phase((0, 0), np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64, (-1, -1))
    >>> name_resampler([half], Ratio(2, 1))[0].name
    'triangle (bilinear), antialiased, half-pixel centres'
    """
    limit = max(_CLOSE, _DEVIATES * error)
    found = [
        Resampler(name, difference)
        for name, weights in _candidates(ratio)
        if (difference := max(_difference(phase, weights) for phase in phases)) <= limit
    ]
    # Of those that come to the same, the first in the order of the candidates.
    found.sort(key=lambda one: round(one.difference, 9))
    return [one for one in found if one.difference <= found[0].difference + max(_ALIKE, _DEVIATES * error)]


Weights = Callable[[int], tuple[Array, int]]


def _candidates(ratio: Ratio) -> list[tuple[str, Weights]]:
    found: list[tuple[str, Weights]] = [
        ("point-sampled (nearest), the pixel at ⌊i·p/q⌋", _picked(ratio, 0.0)),
        ("point-sampled (nearest), the pixel under the output's centre", _picked(ratio, 0.5)),
    ]
    shrinks = ratio.scale > 1.0
    for place, centre in _CENTRES.items():
        for name, curve in CURVES.items():
            if shrinks:
                found.append((f"{name}, antialiased, {place}", _weights(curve, ratio, centre, ratio.scale)))
            if not shrinks or name != "box":
                told = ", without antialiasing" if shrinks else ""
                found.append((f"{name}{told}, {place}", _weights(curve, ratio, centre, 1.0)))
    return found


def _weights(curve: Curve, ratio: Ratio, centre: float, stretch: float) -> Weights:
    def weights(phase: int) -> tuple[Array, int]:
        middle = (phase + centre) * ratio.scale - centre
        reach = math.ceil(4 * stretch) + 1
        first = math.floor(middle) - reach
        places = np.arange(first, first + 2 * reach + 2, dtype=np.float64)
        values = curve(np.asarray((places - middle) / stretch, dtype=np.float64))
        taps: Array = values / values.sum()
        return taps, first

    return weights


def _picked(ratio: Ratio, centre: float) -> Weights:
    return lambda phase: (np.ones(1), math.floor((phase + centre) * ratio.scale))


def _difference(phase: Phase, weights: Weights) -> float:
    (down, top), (across, left) = (weights(one) for one in phase.phase)
    expected = np.outer(down, across)
    first = min(top, phase.offset[0]), min(left, phase.offset[1])
    last = (
        max(top + down.size, phase.offset[0] + phase.taps.shape[0]),
        max(left + across.size, phase.offset[1] + phase.taps.shape[1]),
    )
    gap = np.zeros((last[0] - first[0], last[1] - first[1]))
    for taps, (row, column), sign in ((expected, (top, left), 1.0), (phase.taps, phase.offset, -1.0)):
        rows, columns = row - first[0], column - first[1]
        gap[rows : rows + taps.shape[0], columns : columns + taps.shape[1]] += sign * taps
    return float(np.abs(gap).max())


def draw_curve(phases: Sequence[Phase], ratio: Ratio) -> list[tuple[float, float]]:
    """Return the continuous kernel down the rows: distance from the output's half-pixel centre, and weight.

    Examples
    --------
    >>> draw_curve([Phase((0, 0), np.full((2, 2), 0.25), (0, 0))], Ratio(2, 1))
    [(-0.5, 0.5), (0.5, 0.5)]
    """
    points = []
    for phase in phases:
        middle = (phase.phase[0] + 0.5) * ratio.scale - 0.5
        weights: Array = phase.taps.sum(axis=1)
        points += [(float(phase.offset[0] + row - middle), float(weight)) for row, weight in enumerate(weights)]
    return sorted(points)
