"""Matrices as heat cells with the numbers in them."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from convkit.report.figures.style import INK, amount_map, signed_map
from convkit.report.palette import hexadecimal, ink_on, largest

# Points of the largest and the smallest letters in cells; numbers that fit neither are left out.
_LARGEST, _SMALLEST = 8.5, 4.8
# A digit's width over the size of its letters, with some room.
_WIDE = 0.66

Matrix = NDArray[np.floating[Any]]


def draw_matrix(
    axes: Axes,
    values: Matrix,
    *,
    side: float,
    scale: float | None = None,
    signed: bool = True,
    title: str = "",
    digits: int = 3,
) -> ScalarMappable:
    """Draw a matrix; NaN is gray and marked as open.

    Parameters
    ----------
    axes : Axes
    values : ndarray, shape (h, w)
    side : float
        How large the drawing will be about, in inches: numbers are written where they fit into the cells.
    scale : float, optional
        What gets the strongest colour; default the largest magnitude.
    signed : bool
        Whether zero is in the middle of the colours, or at their end.
    title : str
    digits : int
        Significant digits of the numbers, fewer where that lets them fit.
    """
    reach = largest(values) if scale is None else scale
    norm = Normalize(-reach if signed else 0.0, reach or 1.0) if reach else Normalize(-1.0 if signed else 0.0, 1.0)
    colours = signed_map() if signed else amount_map()
    image = axes.imshow(np.ma.masked_invalid(values), cmap=colours, norm=norm, interpolation="none", aspect="equal")
    axes.set_title(title)
    _number_places(axes, values.shape)
    texts, size = written_cells(values, side, digits)
    for ((row, column), value), text in zip(np.ndenumerate(values), texts, strict=False):
        red, green, blue, _ = colours(norm(value) if math.isfinite(value) else math.nan, bytes=True)
        ink = hexadecimal(ink_on((int(red), int(green), int(blue))))
        axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=size)
    return image


def written_cells(values: Matrix, side: float, digits: int = 3) -> tuple[list[str], float]:
    """Write numbers that fit into cells, row by row, and the size of their letters in points; none if none fit.

    Examples
    --------
    >>> written_cells(np.array([[0.25, -1.0]]), 2.0), written_cells(np.ones((63, 63)), 2.0)
    ((['0.25', '-1'], 8.5), ([], 0.0))
    """
    cell = 72.0 * side / max(values.shape)
    if cell < _SMALLEST:
        return [], 0.0
    whole = [_written(float(value), digits) for value in values.ravel()]
    short = [_written(float(value), min(digits, 2)) for value in values.ravel()]
    for texts in (whole, short, [text.replace("0.", ".") for text in short]):
        size = min(_LARGEST, cell / (_WIDE * max(map(len, texts))))
        if size >= _SMALLEST:
            return texts, size
    return [], 0.0


def draw_scale(axes: Axes, image: ScalarMappable, label: str) -> None:
    """Draw what the colours mean beside a matrix."""
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(image, cax=axes.inset_axes((1.04, 0.0, 0.05, 1.0)))
    bar.set_label(label)
    bar.ax.tick_params(labelsize=7.5)
    bar.outline.set_linewidth(0.5)


def _number_places(axes: Axes, shape: tuple[int, ...]) -> None:
    """Count rows and columns from 0, a few of them where there are many."""
    for axis, side in ((axes.yaxis, shape[0]), (axes.xaxis, shape[1])):
        every = -(-side // 9)
        axis.set_ticks(range(0, side, every))
        axis.set_tick_params(length=0, labelsize=7.5)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set(color=INK, linewidth=0.5)


def _written(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return "open"
    text = f"{value:.{digits}g}"
    return "0" if float(text) == 0 else text.replace("e-0", "e-").replace("e+0", "e")
