"""Kernels as coloured cells in a terminal: blue below zero, orange above, white at zero; numbers where they fit."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from convkit.report.numbers import compact
from convkit.report.palette import colour_of, hexadecimal, ink_on, largest

Matrix = NDArray[np.floating[Any]]


def numbered_cells(values: Matrix, *, digits: int = 4, scale: float | None = None) -> Text:
    """Draw a matrix as cells as wide as its numbers; — for NaN.

    Examples
    --------
    >>> print(numbered_cells(np.array([[1.0, -0.25], [np.nan, 0.0]])).plain)  # doctest: +NORMALIZE_WHITESPACE
      1    -0.25
      —      0
    """
    texts = [[compact(float(value), digits) if math.isfinite(value) else "—" for value in row] for row in values]
    width = cell_width(values, digits=digits)
    reach = (largest(values) or 1.0) if scale is None else scale
    lines = []
    for row, written in zip(values, texts, strict=True):
        line = Text(no_wrap=True)
        for value, text in zip(row, written, strict=True):
            colour = colour_of(float(value) / reach)
            line.append(text.center(width), style=f"{hexadecimal(ink_on(colour))} on {hexadecimal(colour)}")
        lines.append(line)
    return Text("\n").join(lines)


def cell_width(values: Matrix, *, digits: int = 4) -> int:
    """Characters that the widest number of a matrix takes, with a space on either side."""
    return 2 + max(len(compact(float(value), digits)) if math.isfinite(value) else 1 for value in values.ravel())


def heat_cells(values: Matrix, width: int, *, height: int | None = None, scale: float | None = None) -> Text:
    r"""Draw taps as cells two characters wide; larger kernels are averaged over square blocks to fit.

    Parameters
    ----------
    values : ndarray, shape (h, w)
    width : int
        Characters that there are.
    height : int, optional
        Lines that there are, if that matters.
    scale : float, optional
        What gets the strongest colour; default the largest magnitude.

    Examples
    --------
    >>> heat_cells(np.eye(2), width=80).plain
    '    \n    '
    """
    block = -(-2 * values.shape[1] // max(2, width))
    if height is not None:
        block = max(block, -(-values.shape[0] // max(1, height)))
    cells = _block_means(values, block)
    reach = (largest(cells) or 1.0) if scale is None else scale
    lines = []
    for row in cells:
        line = Text(no_wrap=True)
        for value in row:
            line.append("  ", style=f"on {hexadecimal(colour_of(float(value) / reach))}")
        lines.append(line)
    if block > 1:
        lines.append(Text(f"a cell: {block}x{block} taps"))
    return Text("\n").join(lines)


def _block_means(taps: Matrix, block: int) -> Matrix:
    if block == 1:
        return taps
    rows = [taps[i : i + block] for i in range(0, taps.shape[0], block)]
    return np.array([[row[:, j : j + block].mean() for j in range(0, taps.shape[1], block)] for row in rows])
