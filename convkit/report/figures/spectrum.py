"""What the data can see: the curvatures of the loss, and the directions they leave open or tell least of."""

import numpy as np
from matplotlib.figure import FigureBase
from matplotlib.ticker import MaxNLocator

from convkit.experiment import Recovery
from convkit.experiment.workings import Workings
from convkit.report.figures.matrix import draw_matrix
from convkit.report.figures.panel import Panel
from convkit.report.figures.style import FORETOLD, SEEN
from convkit.report.numbers import compact, spread

_MOST_DIRECTIONS = 3
# Eigenvalues that are not seen are rounding; they are drawn no lower than this share of the largest.
_LOWEST = 1e-18
_MOST_POINTS = 400


def _draw(figure: FigureBase, found: Recovery) -> None:
    assert found.workings is not None
    directions = _directions(found.workings, identifiable=found.identifiability.identifiable)
    grid = figure.add_gridspec(max(1, len(directions)), 2, width_ratios=[2.2, 1.0] if directions else [1.0, 0.001])
    axes = figure.add_subplot(grid[:, 0])
    curvatures = found.workings.curvatures
    count, rank = len(curvatures), found.identifiability.rank
    order = np.arange(1, count + 1)
    kept = np.array(spread(range(count), _MOST_POINTS))
    seen, hidden = kept[kept >= count - rank], kept[kept < count - rank]
    floor = _LOWEST * float(curvatures[-1] or 1.0)
    size = 4.5 if count <= 60 else 2.0
    axes.plot(order[seen], curvatures[seen], "o", color=SEEN, markersize=size, label="seen")
    if hidden.size:
        low = np.maximum(curvatures[hidden], floor)
        axes.plot(order[hidden], low, "x", color=FORETOLD, markersize=size + 1, label="not seen (rounding)")
        figure.legend(loc="outside upper right", ncols=2)
    axes.set(yscale="log", xlabel="direction, from the flattest", ylabel="curvature of the loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=True)
    for place, direction in enumerate(directions):
        title = "flattest direction" if found.identifiability.identifiable else f"open direction {place + 1}"
        draw_matrix(
            figure.add_subplot(grid[place, 1]),
            direction,
            side=1.1 if len(directions) == 1 else 0.75,
            title=title,
            digits=2,
        )


def _directions(workings: Workings, *, identifiable: bool) -> list[np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    if not identifiable:
        return workings.null_directions[:_MOST_DIRECTIONS]
    faintest = workings.faintest_direction
    return [] if faintest is None or faintest.size < 2 else [faintest]


def _caption(found: Recovery) -> str:
    told = found.identifiability
    if not told.identifiable:
        missing = told.parameters - told.rank
        return (
            f"Rank {told.rank} of {told.parameters}: along {missing} directions the loss is flat, and the kernel "
            "may move along them without any output changing."
        )
    return (
        f"Condition number {compact(told.condition_number, 3)}, the steepest over the flattest: descent is held back "
        "by the flattest direction, and there the kernel is known least."
    )


def _size(found: Recovery) -> tuple[float, float]:
    return 5.0, 3.2 if found.identifiability.identifiable else 3.8


SPECTRUM = Panel("spectrum", "What the data can see", lambda found: found.workings is not None, _size, _draw, _caption)
