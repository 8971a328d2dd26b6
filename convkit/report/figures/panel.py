"""A figure of one idea: when it applies, how large it is, how it is drawn, and what to see in it."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure, FigureBase

from convkit.experiment import Recovery
from convkit.report.figures.style import drawn


@dataclass(frozen=True)
class Panel:
    """One of the figures of a recovery.

    Attributes
    ----------
    name : str
        One word.
    title : str
    applies : function
        Whether a recovery has what it shows.
    size : function
        Width and height in inches.
    draw : function
        Draws onto a figure, or a part of one.
    caption : function
        What to see, in a sentence or two.
    """

    name: str
    title: str
    applies: Callable[[Recovery], bool]
    size: Callable[[Recovery], tuple[float, float]]
    draw: Callable[[FigureBase, Recovery], None]
    caption: Callable[[Recovery], str]

    def figure(self, found: Recovery) -> Figure:
        """Draw it alone, without title and caption."""
        return drawn(self.size(found), lambda figure: self.draw(figure, found))
