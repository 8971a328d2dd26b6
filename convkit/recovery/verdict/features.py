"""What a residual is held against: measures of each window, linear ones and curved ones.

A linear filter's residual follows none of them. The curved ones are the lowest powers of what non-linear filters look
at: the fitted value (a curve after the filter, a Wiener system; Ramsey 1969), the filtered square of the image (a
curve before it, a Hammerstein system), the pixel's difference from its surroundings (bilateral filters, unsharp
masks with a threshold), the local contrast and skewness (median filters, local normalisation), the gradient
(magnitudes), the extremes of the neighbourhood (rank filters).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.backends import Backend, choose_backend
from convkit.recovery.parameters import Parameters
from convkit.recovery.verdict.blocks import Block

Array = NDArray[np.float64]

_SIDES = ("top row", "bottom row", "left column", "right column", "top", "bottom", "left", "right")
CORE = ("one", "fitted value", "pixel", "mean of the window", "mean around", "slope down", "slope across")
INSIDE = tuple(f"{side}, inside" for side in _SIDES)
OUTSIDE = tuple(f"{side}, outside" for side in _SIDES)
CURVED = {
    "the fitted value": ("f²", "f³"),
    "the pixel's value": ("c²", "c³"),
    "the local mean": ("m²", "m³"),
    "the pixel's difference from the local mean": ("d²", "d³", "|d|", "d|d|"),
    "what the filter changes": ("e²", "e³", "|e|", "e|e|"),
    "the local contrast": ("v", "s", "vm", "sm", "ds", "dm", "es", "third moment", "third moment about the pixel"),
    "the gradient's magnitude": ("g²", "g"),
    "the local extremes": ("highest", "lowest"),
    "the filtered square of the image": ("k∗x²", "k∗x² - f²"),
}
NAMES = (*CORE, *INSIDE, *OUTSIDE, *(name for names in CURVED.values() for name in names))
PLACE = {name: place for place, name in enumerate(NAMES)}


def places(*names: str) -> NDArray[np.intp]:
    """Where measures stand in a column."""
    return np.array([PLACE[name] for name in names], np.intp)


@dataclass(frozen=True, eq=False)
class Filter:
    """A kernel, and the unit in which images are measured, so that powers of them are of like size.

    Attributes
    ----------
    point : Parameters
    stride : int
    origin, unit : float
        Mean and standard deviation of the image.
    """

    point: Parameters
    stride: int
    origin: float
    unit: float

    @property
    def taps(self) -> Array:
        """The kernel's taps."""
        return np.asarray(self.point.taps, np.float64)

    @property
    def size(self) -> float:
        """Sum of the taps' absolute values."""
        return float(np.abs(self.taps).sum()) or 1.0

    def fitted(self, block: Block) -> Array:
        """Return the filter's answer to a block, of shape (h, w), in image units."""
        return self._correlated(block.pixels[1:-1, 1:-1]) + self.point.bias

    def measure(self, block: Block, fitted: Array, out: Array) -> None:
        """Write the measures of every window of a block.

        Parameters
        ----------
        block : Block
        fitted : ndarray, shape (h, w)
            The filter's answer.
        out : ndarray, shape (len(NAMES), h, w)
        """
        taps, size = self.taps, self.size
        gain = float(taps.sum()) / size
        x = (block.pixels - self.origin) / self.unit
        windows = _Windows(x, (taps.shape[0], taps.shape[1]), self.stride, block.target.shape)
        row, column = (int(place) for place in np.unravel_index(int(np.argmax(np.abs(taps))), taps.shape))
        f = (fitted - self.point.bias) / (size * self.unit) - gain * self.origin / self.unit
        c, m = windows.at(row, column), windows.mean()
        near = windows.near()
        around = sum(near, np.zeros_like(f)) / len(near)
        d, e, down, across = c - around, f - gain * c, near[7] - near[1], near[5] - near[3]
        v, skew, skew_about_pixel = (
            _mean_power(near, about, power) for about, power in ((around, 2), (around, 3), (c, 3))
        )
        s = np.sqrt(v)
        g = np.square(down) + np.square(across)
        square = self._correlated(np.square(x[1:-1, 1:-1])) / size
        rows = (
            *(np.ones_like(f), f, c, m, around, down, across),
            *windows.sides(),
            *_powers(f)[:2],
            *_powers(c)[:2],
            *_powers(m)[:2],
            *_powers(d),
            *_powers(e),
            *(v, s, v * m, s * m, d * s, d * m, e * s, skew, skew_about_pixel),
            *(g, np.sqrt(g)),
            *(np.maximum.reduce(near), np.minimum.reduce(near)),
            *(square, square - np.square(f)),
        )
        for place, values in zip(out, rows, strict=True):
            place[...] = values

    def _correlated(self, pixels: Array) -> Array:
        taps = self.taps
        shape = (pixels.shape[0] - taps.shape[0] + 1, pixels.shape[1] - taps.shape[1] + 1)
        backend: Backend = choose_backend(shape, taps)
        answer = backend.load()(np.ascontiguousarray(pixels), taps)[:: self.stride, :: self.stride]
        return np.asarray(answer, np.float64)


def _mean_power(pixels: list[Array], about: Array, power: int) -> Array:
    total = np.zeros_like(about)
    for pixel in pixels:
        deviation = pixel - about
        square = deviation * deviation
        total += square if power == 2 else square * deviation
    return total / len(pixels)


def _powers(z: Array) -> tuple[Array, Array, Array, Array]:
    square, size = z * z, np.abs(z)
    return square, square * z, size, z * size


@dataclass(frozen=True, eq=False)
class _Windows:
    """Windows of ``size`` at a distance of ``stride``, and one pixel more around them all."""

    x: Array
    size: tuple[int, int]
    stride: int
    shape: tuple[int, int]

    def at(self, row: int, column: int) -> Array:
        """Return the pixel that each window has there; rows -1 and kh lie just outside."""
        return self._cut(self._cut(self.x, row, 0), column, 1)

    def near(self) -> list[Array]:
        """Return the middle pixel of each window among its eight neighbours, row by row."""
        row, column = self._middle
        return [self.at(row + u, column + v) for u in (-1, 0, 1) for v in (-1, 0, 1)]

    def mean(self) -> Array:
        """Return each window's mean."""
        inside = _sliding_sums(_sliding_sums(self.x[1:-1, 1:-1], self.size[0], 0), self.size[1], 1)
        return inside[:: self.stride, :: self.stride] / (self.size[0] * self.size[1])

    def sides(self) -> list[Array]:
        """Return means of outermost rows and columns and their middle pixels, first inside, then outside."""
        (kh, kw), (row, column) = self.size, self._middle
        rows = self._cut(_sliding_sums(self.x, kw, 1), 0, 1) / kw
        columns = self._cut(_sliding_sums(self.x, kh, 0), 0, 0) / kh
        return [
            side
            for top, bottom, left, right in ((0, kh - 1, 0, kw - 1), (-1, kh, -1, kw))
            for side in (
                *(self._cut(rows, top, 0), self._cut(rows, bottom, 0)),
                *(self._cut(columns, left, 1), self._cut(columns, right, 1)),
                *(self.at(top, column), self.at(bottom, column), self.at(row, left), self.at(row, right)),
            )
        ]

    @property
    def _middle(self) -> tuple[int, int]:
        return (self.size[0] - 1) // 2, (self.size[1] - 1) // 2

    def _cut(self, values: Array, place: int, axis: int) -> Array:
        stretch = slice(1 + place, 2 + place + self.stride * (self.shape[axis] - 1), self.stride)
        return values[stretch] if axis == 0 else values[:, stretch]


def _sliding_sums(values: Array, length: int, axis: int) -> Array:
    sums = np.cumsum(values, axis=axis)
    first = np.take(sums, [length - 1], axis=axis)
    here, before = (slice(length, None), slice(None, -length))
    rest = sums[here] - sums[before] if axis == 0 else sums[:, here] - sums[:, before]
    return np.concatenate([first, rest], axis=axis)
