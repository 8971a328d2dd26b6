"""An image as its windows see it: padded, centred, and read a tile at a time, whatever it is stored as."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.tiles import Tile


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

    def own(self, tile: Tile) -> NDArray[np.float64]:
        """Return the used pixels of a tile that are the image's own, as they are: 2-D, of any shape."""
        rows, columns = self.rows[tile.top : tile.bottom], self.columns[tile.left : tile.right]
        with np.errstate(over="ignore"):
            values = _gathered(self.pixels, rows, columns).astype(np.float64, copy=False)
        used = (rows >= 0)[:, None] & (columns >= 0)
        if self.coverage is not None:
            used &= self.coverage.of(tile)
        return values if used.all() else values[used][None]


def _gathered(pixels: NDArray[Any], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[Any]:
    """Return ``pixels[rows][:, columns]``: a view where both run on without a gap, as they do inside an image."""
    if _gapless(rows) and _gapless(columns):
        return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return pixels[rows[:, None], columns]


def _gapless(places: NDArray[np.intp]) -> bool:
    return bool(places.size and places[0] >= 0 and (np.diff(places) == 1).all())
