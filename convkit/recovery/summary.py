"""What there is to know of a plane before its moments: range and centre, in one pass, and that all is finite."""

from collections.abc import Sequence
from functools import reduce
from math import floor, isfinite, log2, sqrt
from typing import NamedTuple, NoReturn

import numpy as np

from convkit.errors import ImageError
from convkit.recovery.lanes import in_lanes
from convkit.recovery.plane import Plane
from convkit.recovery.tiles import Tile, tiles

# Strips of so many pixels: half a megabyte of float64, which a processor's second-level cache holds.
_STRIP = 1 << 16
# Spectra are sums of a tile's pixels, and their squares are summed over a picture: that must stay below 1e308.
_LARGEST = 1e140


class Summary(NamedTuple):
    """What a pass over a plane's used pixels found.

    Attributes
    ----------
    lowest, highest : float
    centre : float
        About their mean: what to subtract, see `_centre`.
    """

    lowest: float
    highest: float
    centre: float


class _Sums(NamedTuple):
    """Extremes, number, sum and sum of squares of pixels."""

    lowest: float = np.inf
    highest: float = -np.inf
    pixels: int = 0
    total: float = 0.0
    squares: float = 0.0

    def joined(self, other: "_Sums") -> "_Sums":
        return _Sums(
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
            self.pixels + other.pixels,
            self.total + other.total,
            self.squares + other.squares,
        )


def summarize(plane: Plane) -> Summary:
    """Find range and mean of a plane's used pixels, of which there must be one.

    Raises
    ------
    ImageError
        At a used pixel that is NaN, infinite or beyond 1e140, whose square is too large for float64.

    Examples
    --------
    >>> summarize(Plane("image", np.array([[0.0, 1.0, 5.0]]), np.arange(1), np.arange(3)))
    Summary(lowest=0.0, highest=5.0, centre=2.0)
    """
    strips = tiles(plane.shape, max(1, _STRIP // plane.shape[1]), _STRIP)  # as they lie in memory, for speed
    sums = reduce(_Sums.joined, in_lanes(lambda lane: _lane_sums(plane, lane), strips))
    return Summary(sums.lowest, sums.highest, _centre(sums))


def _lane_sums(plane: Plane, lane: Sequence[Tile]) -> _Sums:
    sums = _Sums()
    for tile in lane:
        values = plane.own(tile)
        if not values.size:
            continue
        lowest, highest = float(values.min()), float(values.max())
        if not max(abs(lowest), abs(highest)) <= _LARGEST:
            _refuse(plane, tile)
        # Squares not as a product of vectors: BLAS would start threads of its own, which spin and disturb the lanes.
        squares = float(np.einsum("ij,ij->", values, values))
        sums = sums.joined(_Sums(lowest, highest, values.size, float(values.sum()), squares))
    return sums


def _centre(sums: _Sums) -> float:
    """Return the mean, rounded to a power of two no larger than the standard deviation.

    A rounding of half a deviation costs nothing: what is left of the mean is at most a quarter of the variance.
    In return the differences of 8-bit, 16-bit and most float32 pixels from it are exact, and for integers whole.
    """
    if sums.lowest == sums.highest:
        return sums.lowest
    mean, square = sums.total / sums.pixels, sums.squares / sums.pixels
    variance = square - mean * mean - 1e-13 * square  # less what may be rounding
    if variance <= 0.0:
        return mean
    grid = max(2.0 ** floor(log2(sqrt(variance))), float(np.spacing(abs(mean))))
    return round(mean / grid) * grid


def _refuse(plane: Plane, tile: Tile) -> NoReturn:
    """Name the first pixel that cannot be used, by its place in the array that the caller gave."""
    values = plane.read(tile)  # unused pixels and a zero padding are 0 there
    row, column = np.argwhere(~(np.abs(values) <= _LARGEST))[0]
    value = float(values[row, column])
    place = f"row {plane.rows[tile.top + row]}, column {plane.columns[tile.left + column]} of the {plane.name}"
    if isfinite(value):
        raise ImageError(
            expected=f"pixels of at most {_LARGEST:g}", got=f"{value:g} at {place}", hint="the image in smaller units"
        )
    raise ImageError(
        expected="finite pixels wherever they are used",
        got=f"{value} at {place}",
        hint="a mask that leaves out every output that sees it",
    )
