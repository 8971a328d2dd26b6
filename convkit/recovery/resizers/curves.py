"""The curves of which resizers' taps are samples."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]


def _box(x: Array) -> Array:
    return np.where(
        (x > -0.5) & (x <= 0.5), 1.0, 0.0
    )  # as Pillow's and ImageMagick's: the pixel on the left edge is out


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


def _quadratic(x: Array) -> Array:
    x = np.abs(x)
    return np.where(x < 0.5, 0.75 - x**2, np.where(x < 1.5, 0.5 * (x - 1.5) ** 2, 0.0))


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
    "Hermite": _cubic(0.0, 0.0),
    "cubic B-spline": _cubic(1.0, 0.0),
    "quadratic B-spline": _quadratic,
    "Lanczos 2": _lanczos(2),
    "Lanczos 3": _lanczos(3),
    "Lanczos 4": _lanczos(4),
    "Hamming": _hamming,
}
# Lanczos 4 is the widest.
LOBES = 4
