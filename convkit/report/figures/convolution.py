"""What a kernel does to a picture: before, kernel, after."""

from typing import Any

from matplotlib.figure import Figure, FigureBase
from numpy.typing import NDArray

from convkit.kernel import Kernel
from convkit.report.figures.matrix import draw_matrix, draw_scale
from convkit.report.figures.pictures import draw_picture, is_signed
from convkit.report.figures.style import drawn, literal


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
        draw_scale(axes[0], draw_picture(axes[0], before, "before"), "value (white is 1)")
        for place, kernel in zip(axes[1:-1], kernels, strict=True):
            name = kernel.name or "kernel"
            image = draw_matrix(
                place, kernel.taps, side=2.2, title=literal(name if len(name) < 34 else f"{name[:32]}…")
            )
            draw_scale(place, image, "tap value")
        draw_scale(axes[-1], draw_picture(axes[-1], after, "after"), "value (white is 1)")

        figure.supxlabel(_caption(after), fontsize=8.5, x=0.01, ha="left")

    return drawn((4.0 * (2 + len(kernels)), 3.4), draw, layout="compressed")


def _caption(after: NDArray[Any]) -> str:
    if is_signed(after):
        return (
            "Where the response is negative it is blue, where positive orange; a picture file holds it as --map says."
        )
    return "Black is 0, and white 1 or the largest value beyond."


def kernel_figure(kernel: Kernel) -> Figure:
    """Draw a kernel alone."""

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots()
        image = draw_matrix(axes, kernel.taps, side=3.0, title=literal(kernel.name or "kernel"))
        axes.set(xlabel="column", ylabel="row")
        draw_scale(axes, image, "tap value")

    return drawn((4.6, 3.8), draw)
