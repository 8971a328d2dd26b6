"""The pictures themselves: before and after."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from convkit.experiment import Recovery
from convkit.report.figures.panel import Panel
from convkit.report.figures.style import signed_map
from convkit.report.figures.thinning import thinned

_MOST_PIXELS = 400
# From this share of the largest value on, negative ones matter, and are drawn in their own colour.
_NEGATIVE = 0.02


def draw_picture(axes: Axes, picture: NDArray[Any], title: str) -> ScalarMappable:
    """Draw a picture, shape (H, W) or (H, W, 3), with axes in its own pixels; large ones as block means.

    White is 1, or the largest value beyond it; where there are negative values, zero is neutral.
    """
    small, block = thinned(picture, _MOST_PIXELS)
    height, width = picture.shape[:2]
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    low, high = float(np.nanmin(small)), float(np.nanmax(small))
    if small.ndim == 3:
        image = axes.imshow(np.clip(small, 0.0, 1.0), interpolation="none", extent=extent)
    elif is_signed(small):
        reach = max(high, -low)
        image = axes.imshow(small, cmap=signed_map(), vmin=-reach, vmax=reach, interpolation="none", extent=extent)
    else:
        image = axes.imshow(small, cmap="gray", vmin=0.0, vmax=max(high, 1.0), interpolation="none", extent=extent)
    averaged = f", {block}x{block} averaged" if block > 1 else ""
    axes.set_title(f"{title}, {height}x{width}{averaged}")
    axes.set(xlabel="column (pixels)", ylabel="row (pixels)")
    axes.tick_params(labelsize=7.5)
    return image


def is_signed(picture: NDArray[Any]) -> bool:
    """Whether negative values matter.

    Examples
    --------
    >>> is_signed(np.array([[-1.0, 1.0]])), is_signed(np.array([[-0.001, 1.0]]))
    (True, False)
    """
    low, high = float(np.nanmin(picture)), float(np.nanmax(picture))
    return low < -_NEGATIVE * max(high, -low)


def _draw(figure: FigureBase, found: Recovery) -> None:
    assert found.workings is not None
    left, right = figure.subplots(1, 2)
    draw_picture(left, found.workings.before, "before")
    draw_picture(right, found.workings.after, "after")
    right.set_ylabel("")


def _caption(found: Recovery) -> str:
    assert found.workings is not None
    pairs = len(found.workings.understood.posed.inputs.images)
    several = pairs > (3 if found.workings.understood.posed.inputs.colour else 1)
    return "The largest pair." if several else "What the filter was given, and what it made of it."


def _applies(found: Recovery) -> bool:
    return found.workings is not None and found.workings.understood.posed.inputs.targets is not None


PICTURES = Panel("pictures", "Before and after", _applies, lambda _: (6.0, 2.8), _draw, _caption)
