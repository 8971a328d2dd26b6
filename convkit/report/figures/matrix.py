"""Matrices as heat cells with the numbers in them."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from convkit.report.figures.style import INK, amount_map, signed_map
from convkit.report.palette import hexadecimal, ink_on

# Numbers are written into the cells of matrices up to this many on a side.
MOST_NUMBERED = 9

Matrix = NDArray[np.floating[Any]]


def draw_matrix(
    axes: Axes, values: Matrix, *, scale: float | None = None, signed: bool = True, title: str = "", digits: int = 3
) -> ScalarMappable:
    """Draw a matrix; NaN is gray and marked as open.

    Parameters
    ----------
    axes : Axes
    values : ndarray, shape (h, w)
    scale : float, optional
        What gets the strongest colour; default the largest magnitude.
    signed : bool
        Whether zero is in the middle of the colours, or at their end.
    title : str
    digits : int
        Significant digits of the numbers in small matrices.
    """
    finite = np.abs(values[np.isfinite(values)])
    reach = (float(finite.max()) if finite.size else 0.0) if scale is None else scale
    norm = Normalize(-reach if signed else 0.0, reach or 1.0) if reach else Normalize(-1.0 if signed else 0.0, 1.0)
    colours = signed_map() if signed else amount_map()
    image = axes.imshow(np.ma.masked_invalid(values), cmap=colours, norm=norm, interpolation="none", aspect="equal")
    axes.set_title(title)
    _number_places(axes, values.shape)
    if max(values.shape) <= MOST_NUMBERED:
        size = 8.5 if max(values.shape) <= 5 else 6.0
        for (row, column), value in np.ndenumerate(values):
            red, green, blue, _ = colours(norm(value) if math.isfinite(value) else math.nan, bytes=True)
            ink = hexadecimal(ink_on((int(red), int(green), int(blue))))
            axes.text(column, row, _written(float(value), digits), ha="center", va="center", color=ink, fontsize=size)
    return image


def draw_scale(axes: Axes, image: ScalarMappable, label: str) -> None:
    """Draw what the colours mean beside a matrix."""
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=14)
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
