"""Sums over outputs: all that the tests need to know."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.verdict.blocks import TILES, Block
from convkit.recovery.verdict.features import NAMES, PLACE, Filter

Array = NDArray[np.float64]

RESIDUAL, SQUARE = len(NAMES), len(NAMES) + 1
# Neighbours to the right, below, and on both diagonals.
LAGS = ((0, 1), (1, 0), (1, 1), (1, -1))
# JPEG works on blocks of 8x8 pixels, and 8 is a multiple of the periods of ordered dither and of colour mosaics.
PERIOD = 8
# Outputs in one small matrix product.
_STRETCH = 64


@dataclass(eq=False)
class Tally:
    """Sums over outputs, residuals in standard deviations.

    Attributes
    ----------
    moments : ndarray, shape (TILES², q, q)
        ``Σ z zᵀ`` in each tile of the picture, with the measures, the residual and its square in ``z``.
    pixel, fitted, change, residual : lists of ndarray
        One number an output: the pixel under the largest tap, the fitted value, what the filter makes of the
        pixel beyond its gain, and the residual.
    phases : ndarray, shape (2, PERIOD, PERIOD)
        Sum of the residuals, and their number, by row and column modulo the period.
    neighbours : ndarray, shape (2, len(LAGS))
        Sum of products of neighbouring residuals, and their number.
    agreements : ndarray, shape (2, 2, PERIOD)
        Sum of products of the *signs* of residuals next to each other across and down, and their number, by column
        and by row modulo the period.
    """

    moments: Array
    pixel: list[Array]
    fitted: list[Array]
    change: list[Array]
    residual: list[Array]
    phases: Array
    neighbours: Array
    agreements: Array

    @classmethod
    def empty(cls) -> "Tally":
        """Return sums of nothing."""
        q = len(NAMES) + 2
        shapes = (2, PERIOD, PERIOD), (2, len(LAGS)), (2, 2, PERIOD)
        return cls(np.zeros((TILES**2, q, q)), [], [], [], [], *(np.zeros(shape) for shape in shapes))

    def __add__(self, other: "Tally") -> "Tally":
        """Join the tallies of two sets of outputs."""
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def count(self) -> int:
        """How many outputs were looked at."""
        return sum(len(part) for part in self.residual)

    @property
    def total(self) -> Array:
        """The moments of all tiles."""
        summed: Array = self.moments.sum(axis=0)
        return summed

    def add(self, block: Block, fitted: Array, residual: Array, mask: NDArray[np.bool_], filtered: Filter) -> None:
        """Add a block's outputs."""
        if not mask.any():
            return
        planes = np.empty((SQUARE + 1, *mask.shape))
        filtered.measure(block, fitted, planes[:RESIDUAL])
        planes[RESIDUAL] = residual
        np.square(residual, out=planes[SQUARE])
        columns = planes.reshape(len(planes), -1)
        if not mask.all():
            columns = np.compress(mask.ravel(), columns, axis=1)
        self.moments[block.tile] += _gram(columns)
        pixel, response = columns[PLACE["pixel"]].copy(), columns[PLACE["fitted value"]].copy()
        self.pixel.append(pixel)
        self.fitted.append(response)
        self.change.append(response - float(filtered.taps.sum()) / filtered.size * pixel)
        self.residual.append(columns[RESIDUAL].copy())
        self._add_places(block, np.where(mask, residual, 0.0), mask)

    def _add_places(self, block: Block, residual: Array, mask: NDArray[np.bool_]) -> None:
        rows, columns = (
            (start + np.arange(length)) % PERIOD
            for start, length in zip((block.top, block.left), residual.shape, strict=True)
        )
        place = PERIOD * rows[:, None] + columns
        for sums, values in zip(self.phases, (residual, mask), strict=True):
            sums += np.bincount(place.ravel(), values.ravel(), PERIOD**2).reshape(PERIOD, PERIOD)
        signs = np.sign(residual)
        for k, lag in enumerate(LAGS):
            here, there = _moved(residual.shape, lag)
            both = mask[here] & mask[there]
            self.neighbours[:, k] += np.sum(residual[here] * residual[there]), np.count_nonzero(both)
            if k < 2:  # across, by column; down, by row
                agreeing, pairs = (values.sum(axis=k) for values in (signs[here] * signs[there], both))
                of = (columns if k == 0 else rows)[1:]
                self.agreements[0, k] += np.bincount(of, agreeing, PERIOD)
                self.agreements[1, k] += np.bincount(of, pairs, PERIOD)


def _gram(columns: Array) -> Array:
    """Return ``Z·Zᵀ`` in products so small that BLAS starts no threads of its own, which would disturb ours."""
    whole = columns.shape[1] - columns.shape[1] % _STRETCH
    parts = columns[:, :whole].reshape(len(columns), -1, _STRETCH).transpose(1, 0, 2)
    rest = columns[:, whole:]
    summed: Array = np.matmul(parts, parts.transpose(0, 2, 1)).sum(axis=0) + rest @ rest.T
    return summed


def _moved(shape: tuple[int, int], lag: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    down, across = lag
    here = slice(down, None), slice(max(across, 0), shape[1] + min(across, 0))
    there = slice(None, shape[0] - down), slice(max(-across, 0), shape[1] - max(across, 0))
    return here, there
