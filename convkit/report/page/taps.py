"""Kernels for the page: small ones as tables with every number, large ones as pictures."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.report.numbers import compact
from convkit.report.page.heat import heat_picture, shade_class
from convkit.report.palette import largest

# Up to this many taps on a side, every tap is a cell with its number.
MOST_CELLS = 11

Taps = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Cell:
    """A number, and the class that colours it."""

    text: str
    tone: str


@dataclass(frozen=True)
class View:
    """A kernel to show: rows of cells or, of a large one, a picture.

    Attributes
    ----------
    title, note : str
        What it is, and what the colours mean.
    shape : (int, int)
    rows : list of lists of Cell
        Empty for a large kernel.
    picture : str
        Its ``data:`` address; empty for a small one.
    """

    title: str
    note: str
    shape: tuple[int, int]
    rows: list[list[Cell]]
    picture: str = ""

    @property
    def cells(self) -> list[Cell]:
        """The cells, row by row."""
        return [cell for row in self.rows for cell in row]


def view(
    title: str, taps: Taps, *, scale: float | None = None, note: str = "", unknown: Any = None, digits: int = 4
) -> View:
    """Show a kernel.

    Parameters
    ----------
    title : str
    taps : ndarray (kh, kw)
    scale : float, optional
        The size of a number in full colour; the largest of the kernel's own.
    note : str
        What the colours mean, where the title does not tell.
    unknown : ndarray of bool (kh, kw), optional
        Taps that the data leave open.
    digits : int
        Significant ones.
    """
    scale = largest(taps) if scale is None else scale
    open_taps = np.zeros(taps.shape, dtype=bool) if unknown is None else unknown
    shape = int(taps.shape[0]), int(taps.shape[1])
    if max(shape) > MOST_CELLS:
        return View(title, note, shape, [], heat_picture(np.where(open_taps, 0.0, taps), scale))
    rows = [
        [
            cell(float(value), scale, digits) if not hidden else Cell("—", "open")
            for value, hidden in zip(*both, strict=True)
        ]
        for both in zip(taps, open_taps, strict=True)
    ]
    return View(title, note, shape, rows)


def cell(value: float, scale: float, digits: int) -> Cell:
    """Show a number in its colour."""
    return Cell(compact(value, digits), shade_class(value, scale))
