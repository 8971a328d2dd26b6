"""How figures look, whatever a user's matplotlibrc says; nothing here knows pyplot or a screen."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure, FigureBase

from convkit.report.palette import BLUE, NEUTRAL, ORANGE, UNKNOWN, hexadecimal

# Text and axes; in a page it becomes the text's own colour there, light or dark.
INK = "#1c1c1d"
# Lines and marks that read on white and on black.
SEEN, FORETOLD, TRUE, QUIET = "#2f7fc4", "#d95f02", "#8a8a8a", "#8f8f8f"
# So do lines of several kinds, which have marks of their own too.
LINES = ("#2f7fc4", "#d95f02", "#1b9e77", "#a66ad6", "#d6438a", "#8f7a00", "#0f93a8", "#8a8a8a")

_STYLE = {
    "font.family": ["DejaVu Sans"],  # matplotlib brings it along, so that widths are the same everywhere
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.facecolor": "none",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "grid.color": QUIET,
    "grid.alpha": 0.35,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.6,
    "figure.constrained_layout.use": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "convkit",
    "pdf.fonttype": 42,
    "path.simplify": True,
}


_NOTEBOOK_DPI = 80


@contextmanager
def styled() -> Iterator[None]:
    """Draw or save under convkit's style alone."""
    with matplotlib.style.context(["default", _STYLE]), warnings.catch_warnings():
        # The name of a file may be in a script that the font does not have.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def literal(text: str) -> str:
    r"""Write text that is not ours so that no part of it is taken for a formula.

    Examples
    --------
    >>> literal("$HOME/a.png")
    '\\$HOME/a.png'
    """
    return text.replace("$", r"\$")


class Drawing(Figure):
    """A figure that a notebook shows without pyplot."""

    def _repr_png_(self) -> bytes:
        from convkit.report.figures.save import encoded  # it imports this module

        return encoded(self, ".png", dpi=_NOTEBOOK_DPI)


def drawn(
    size: tuple[float, float],
    draw: Callable[[FigureBase], None],
    layout: Literal["constrained", "compressed"] = "constrained",
) -> Figure:
    """Return a new figure of a size in inches, drawn upon under the style."""
    with styled():
        figure = Drawing(figsize=size, layout=layout)
        FigureCanvasAgg(figure)
        draw(figure)
    return figure


def signed_map() -> Colormap:
    """Return the colour map of signed numbers, neutral in its middle; what is NaN is gray."""
    ends = [hexadecimal(colour) for colour in (BLUE, NEUTRAL, ORANGE)]
    return LinearSegmentedColormap.from_list("convkit", ends).with_extremes(bad=hexadecimal(UNKNOWN))


def amount_map() -> Colormap:
    """Return the colour map of numbers that are never negative: the upper half of `signed_map`."""
    ends = [hexadecimal(colour) for colour in (NEUTRAL, ORANGE)]
    return LinearSegmentedColormap.from_list("convkit-amount", ends).with_extremes(bad=hexadecimal(UNKNOWN))
