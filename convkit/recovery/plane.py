"""An image as its windows see it: padded, centred, and read a tile at a time, whatever it is stored as."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor, isfinite, log2, sqrt
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from convkit.errors import ImageError
from convkit.recovery.tiles import Tile, in_lanes, tiles

# A tile of float64 fits a processor's second-level cache.
_TILE = 512
# Spectra of tiles are sums of 512² pixels, and are squared and summed over a picture: that must stay below 1e308.
_LARGEST = 1e140


@dataclass(frozen=True, eq=False)
class Coverage:
    """Which pixels of a padded image lie in a window whose output is used.

    Attributes
    ----------
    outputs : ndarray of bool, shape (oh, ow)
        The outputs used.
    size : (int, int)
        Shape of the windows.
    stride : int
        Their distance.
    """

    outputs: NDArray[np.bool_]
    size: tuple[int, int]
    stride: int

    def of(self, tile: Tile) -> NDArray[np.bool_]:
        """Return which pixels of a tile are covered.

        Examples
        --------
        >>> Coverage(np.array([[True, False, True]]), (1, 2), 2).of(Tile(0, 1, 1, 6))
        array([[ True, False, False,  True,  True]])
        """
        kh, kw = self.size
        # The windows that reach into the tile start here at the earliest.
        top, left = tile.top - kh + 1, tile.left - kw + 1
        starts = np.zeros((tile.bottom - top, tile.right - left), np.bool_)
        first = max(0, -(-top // self.stride)), max(0, -(-left // self.stride))
        used = self.outputs[
            first[0] : (tile.bottom - 1) // self.stride + 1, first[1] : (tile.right - 1) // self.stride + 1
        ]
        grid = starts[first[0] * self.stride - top :: self.stride, first[1] * self.stride - left :: self.stride]
        grid[: used.shape[0], : used.shape[1]] = used
        return _any_of_next(_any_of_next(starts, kh).T, kw).T


def _any_of_next(flags: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Return, for every row with ``count - 1`` rows after it, whether any of these ``count`` is set (by doubling)."""
    span = 1
    while span < count:
        step = min(span, count - span)
        flags = flags[:-step] | flags[step:]
        span += step
    return flags


@dataclass(frozen=True, eq=False)
class Plane:
    """Pixels to be read tile by tile as float64.

    Attributes
    ----------
    name : str
        What a message calls it.
    pixels : ndarray, shape (H, W), any real dtype
        Maybe mapped from a file; only the tiles asked for are touched.
    rows, columns : ndarray of int, shapes (Hp,) and (Wp,)
        Which row and column of ``pixels`` lies at each place of the padded image; -1 where it is continued with 0.
    coverage : Coverage, optional
        Pixels outside it are never used; None when all are.
    shift : float
        Subtracted from every pixel, those of a zero padding included.
    """

    name: str
    pixels: NDArray[Any]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    coverage: Coverage | None = None
    shift: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width with the padding."""
        return len(self.rows), len(self.columns)

    def transposed(self) -> "Plane":
        """Return the plane with rows and columns exchanged."""
        covered = self.coverage
        if covered is not None:
            covered = Coverage(covered.outputs.T, covered.size[::-1], covered.stride)
        return replace(self, pixels=self.pixels.T, rows=self.columns, columns=self.rows, coverage=covered)

    def read(self, tile: Tile) -> NDArray[np.float64]:
        """Return a tile's pixels less the shift, and 0 for those that are never used (which may be NaN).

        Examples
        --------
        >>> plane = Plane("image", np.array([[10, 20]], np.uint8), np.array([0]), np.array([-1, 0, 1]), shift=5.0)
        >>> plane.read(Tile(0, 1, 0, 3))
        array([[-5.,  5., 15.]])
        """
        rows, columns = self.rows[tile.top : tile.bottom], self.columns[tile.left : tile.right]
        with np.errstate(over="ignore"):  # long doubles beyond float64 become infinite, and are found to be
            values: NDArray[np.float64] = np.subtract(
                _gathered(self.pixels, rows, columns), self.shift, dtype=np.float64
            )
        values[rows < 0] = -self.shift
        values[:, columns < 0] = -self.shift
        if self.coverage is not None:
            values[~self.coverage.of(tile)] = 0.0
        return values

    def used(self, tile: Tile) -> NDArray[np.bool_] | None:
        """Return which pixels of a tile are the image's own and used; None when all are."""
        rows, columns = self.rows[tile.top : tile.bottom] >= 0, self.columns[tile.left : tile.right] >= 0
        if self.coverage is None:
            return None if rows.all() and columns.all() else rows[:, None] & columns
        return self.coverage.of(tile) & rows[:, None] & columns


def _gathered(pixels: NDArray[Any], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[Any]:
    """Return ``pixels[rows][:, columns]``: a view where both run on without a gap, as they do inside an image."""
    if _gapless(rows) and _gapless(columns):
        return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return pixels[rows[:, None], columns]


def _gapless(places: NDArray[np.intp]) -> bool:
    return bool(places.size and places[0] >= 0 and (np.diff(places) == 1).all())


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
    """Number of pixels, extremes, mean, and sum of squared deviations from that mean."""

    pixels: int
    lowest: float
    highest: float
    mean: float
    squares: float

    def merged(self, other: "_Sums") -> "_Sums":
        """Join two sets (Chan, Golub & LeVeque, *The American Statistician* 37, 1983)."""
        pixels = self.pixels + other.pixels
        apart, share = other.mean - self.mean, other.pixels / pixels
        return _Sums(
            pixels,
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
            self.mean + apart * share,
            self.squares + other.squares + apart * apart * self.pixels * share,
        )


def summarize(plane: Plane) -> Summary:
    """Find range and mean of a plane's used pixels, of which there must be one, in one pass.

    Raises
    ------
    ImageError
        At a used pixel that is NaN, infinite or beyond 1e140, whose square is too large for float64.

    Examples
    --------
    >>> summarize(Plane("image", np.array([[0.0, 1.0, 5.0]]), np.arange(1), np.arange(3)))
    Summary(lowest=0.0, highest=5.0, centre=2.0)
    """
    found: _Sums | None = None
    for sums in in_lanes(lambda lane: _lane_sums(plane, lane), tiles(plane.shape, _TILE, _TILE)):
        found = sums if found is None else found.merged(sums) if sums else found
    assert found is not None
    return Summary(found.lowest, found.highest, _centre(found))


def _lane_sums(plane: Plane, lane: Sequence[Tile]) -> _Sums | None:
    total: _Sums | None = None
    for tile in lane:
        values, used = plane.read(tile), plane.used(tile)
        if used is not None:
            values = values[used]
        if not values.size:
            continue
        lowest, highest = float(values.min()), float(values.max())
        if not max(abs(lowest), abs(highest)) <= _LARGEST:
            _refuse(plane, tile)
        mean = float(values.mean())
        # Not as a product of vectors: BLAS would start threads of its own, which spin and steal those of the lanes.
        sums = _Sums(values.size, lowest, highest, mean, float(np.square(values - mean).sum()))
        total = sums if total is None else total.merged(sums)
    return total


def _centre(sums: _Sums) -> float:
    """Return the mean, rounded to a power of two no larger than the standard deviation.

    A rounding of half a deviation costs nothing: what is left of the mean is at most a quarter of the variance.
    In return the differences of 8-bit, 16-bit and most float32 pixels from it are exact, and for integers whole.
    """
    deviation = sqrt(sums.squares / sums.pixels)
    if deviation == 0.0:
        return sums.lowest
    grid = max(2.0 ** floor(log2(deviation)), float(np.spacing(abs(sums.mean))))
    return round(sums.mean / grid) * grid


def _refuse(plane: Plane, tile: Tile) -> NoReturn:
    """Name the first pixel that cannot be used, by its place in the array that the caller gave."""
    values, used = plane.read(tile), plane.used(tile)
    bad = ~(np.abs(values) <= _LARGEST)
    row, column = np.argwhere(bad if used is None else bad & used)[0]
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
