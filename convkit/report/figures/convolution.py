"""What a kernel does to a picture: before, kernel, after."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from numpy.typing import NDArray

from convkit.kernel import Kernel
from convkit.report.figures.matrix import draw_matrix, draw_scale
from convkit.report.figures.style import drawn, literal, signed_map
from convkit.report.figures.thinning import thinned

_MOST_PIXELS = 400
# From this share of the largest response on, negative ones matter, and are drawn in their own colour.
_NEGATIVE = 0.02


def convolution_figure(before: NDArray[Any], kernels: list[Kernel], after: NDArray[Any]) -> Figure:
    """Draw a picture, the kernels that were applied, and the response; large pictures as block means.

    Parameters
    ----------
    before, after : ndarray, shape (H, W)
        In image units, before any mapping into a file's range.
    kernels : list of Kernel
        At least one.
    """

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots(1, 2 + len(kernels))
        _draw_picture(axes[0], before, "before")
        for place, kernel in zip(axes[1:-1], kernels, strict=True):
            name = kernel.name or "kernel"
            image = draw_matrix(
                place, kernel.taps, side=2.2, title=literal(name if len(name) < 24 else f"{name[:22]}…")
            )
            draw_scale(place, image, "tap value")
        _draw_picture(axes[-1], after, "after")

    return drawn((4.0 * (2 + len(kernels)), 3.4), draw, layout="compressed")


def kernel_figure(kernel: Kernel) -> Figure:
    """Draw a kernel alone."""

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots()
        image = draw_matrix(axes, kernel.taps, side=3.0, title=literal(kernel.name or "kernel"))
        axes.set(xlabel="column", ylabel="row")
        draw_scale(axes, image, "tap value")

    return drawn((4.6, 3.8), draw)


def _draw_picture(axes: Axes, picture: NDArray[Any], title: str) -> None:
    small, block = thinned(picture, _MOST_PIXELS)
    low, high = float(np.nanmin(small)), float(np.nanmax(small))
    height, width = picture.shape
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    if low < -_NEGATIVE * max(high, -low):
        reach = max(high, -low)
        image = axes.imshow(small, cmap=signed_map(), vmin=-reach, vmax=reach, interpolation="none", extent=extent)
    else:
        top = high if high > 0 else 1.0
        image = axes.imshow(small, cmap="gray", vmin=0.0, vmax=top, interpolation="none", extent=extent)
    told = f", each {block}x{block} pixels averaged" if block > 1 else ""
    axes.set_title(f"{title}, {height}x{width}{told}")
    axes.set(xlabel="column (pixels)", ylabel="row (pixels)")
    axes.tick_params(labelsize=7.5)
    draw_scale(axes, image, "value (white is 1)")
