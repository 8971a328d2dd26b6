"""Kernels as coloured cells: blue below zero, orange above, white at zero (safe for colour-blind eyes)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from convkit.report.palette import colour_of, hexadecimal


def heat_cells(taps: NDArray[np.floating[Any]], width: int) -> Text:
    r"""Draw taps as cells two characters wide; larger kernels are averaged over square blocks to fit the width.

    Examples
    --------
    >>> heat_cells(np.eye(2), width=80).plain
    '    \n    \n'
    """
    block = -(-2 * taps.shape[1] // width)
    cells = _block_means(taps, block)
    scale = float(np.abs(cells).max()) or 1.0
    text = Text()
    for row in cells:
        for value in row:
            text.append("  ", style=f"on {hexadecimal(colour_of(float(value) / scale))}")
        text.append("\n")
    if block > 1:
        text.append(f"each cell is the mean of {block}x{block} taps\n")
    return text


def _block_means(taps: NDArray[np.floating[Any]], block: int) -> NDArray[np.floating[Any]]:
    if block == 1:
        return taps
    rows = [taps[i : i + block] for i in range(0, taps.shape[0], block)]
    return np.array([[row[:, j : j + block].mean() for j in range(0, taps.shape[1], block)] for row in rows])
