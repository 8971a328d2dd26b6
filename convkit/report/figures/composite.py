"""All that applies to a recovery in one figure, each part with its title and what to see in it."""

import textwrap

from matplotlib.figure import Figure, FigureBase

from convkit.experiment import Recovery
from convkit.report.figures.loss import LOSS
from convkit.report.figures.panel import Panel
from convkit.report.figures.pictures import PICTURES
from convkit.report.figures.profiles import PROFILES
from convkit.report.figures.residual import RESIDUAL
from convkit.report.figures.response import RESPONSE
from convkit.report.figures.spectrum import SPECTRUM
from convkit.report.figures.style import drawn, literal
from convkit.report.figures.taps import TAPS
from convkit.report.verdict import verdict

_PANELS = (TAPS, LOSS, RESIDUAL, SPECTRUM, RESPONSE, PROFILES)
_WIDTH = 12.0
# Title and caption of a part, in inches.
_AROUND = 0.75
# Letters of a caption that fit into an inch.
_LETTERS = 15.5


def panels(found: Recovery) -> list[Panel]:
    """Return the figures that a recovery has something to show in, in the order to be seen."""
    return [panel for panel in _PANELS if panel.applies(found)]


def recovery_figure(found: Recovery) -> Figure:
    """Draw every figure that applies, and of a given pair the pictures, in rows of one or two."""
    rows = _rows([*([PICTURES] if PICTURES.applies(found) else []), *panels(found)], found)
    heights = [max(panel.size(found)[1] for panel in row) + _AROUND for row in rows]

    def draw(figure: FigureBase) -> None:
        told = textwrap.fill(verdict(found).line, 130)
        figure.suptitle(literal(told), fontsize=12, x=0.006, ha="left")
        parts = figure.subfigures(len(rows), 1, squeeze=False, height_ratios=heights)
        for (part,), row in zip(parts, rows, strict=True):
            widths = [panel.size(found)[0] for panel in row]
            rest = [_WIDTH - sum(widths)] if sum(widths) < _WIDTH else []
            places = part.subfigures(1, len(row) + len(rest), squeeze=False, width_ratios=widths + rest)[0]
            for place, panel, width in zip(places, row, widths, strict=False):
                panel.draw(place, found)
                place.suptitle(panel.title, fontsize=11, fontweight="bold", x=0.01, ha="left")
                letters = int(_LETTERS * width)
                told = "\n".join(textwrap.wrap(panel.caption(found), letters))
                place.supxlabel(told, fontsize=8.5, x=0.01, ha="left")

    return drawn((_WIDTH, sum(heights) + 0.35), draw)


def _rows(shown: list[Panel], found: Recovery) -> list[list[Panel]]:
    """Put every panel into the first row that has room for it."""
    rows: list[list[Panel]] = []
    for panel in shown:
        for row in rows:
            if sum(one.size(found)[0] for one in row) + panel.size(found)[0] <= _WIDTH:
                row.append(panel)
                break
        else:
            rows.append([panel])
    return rows
