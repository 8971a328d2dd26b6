"""The taps: learned, true, their difference, and how surely they are known."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from convkit.experiment import Recovery
from convkit.report.figures.matrix import MOST_NUMBERED, draw_matrix, draw_scale
from convkit.report.figures.panel import Panel
from convkit.report.figures.subject import Subject, subjects


def _draw(figure: FigureBase, found: Recovery) -> None:
    shown = subjects(found)
    columns = 4 if any(one.true is not None for one in shown) else 2
    grid = np.asarray(figure.subplots(len(shown), columns, squeeze=False))
    for row, one in zip(grid, shown, strict=True):
        _draw_row(list(row), one)


def _draw_row(axes: list[Axes], one: Subject) -> None:
    learned, true = one.learned, one.true
    scale = float(np.abs(learned if true is None else np.concatenate([learned, true])).max())
    of = f" ({one.name})" if one.name else ""
    image = draw_matrix(axes[0], learned, scale=scale, title=f"learned{of}")
    draw_scale(axes[0], image, "tap value")
    axes[0].set(xlabel="column", ylabel="row")
    if true is not None:
        draw_scale(axes[1], draw_matrix(axes[1], true, scale=scale, title="true"), "tap value")
        difference = learned - true
        draw_scale(axes[2], draw_matrix(axes[2], difference, title="learned − true", digits=2), "difference")
    errors = draw_matrix(axes[-1], one.errors, signed=False, title="standard error", digits=2)
    if np.nan_to_num(one.errors).any():
        draw_scale(axes[-1], errors, "standard error")


def _size(found: Recovery) -> tuple[float, float]:
    shown = subjects(found)
    height, width = shown[0].learned.shape
    return 12.0, len(shown) * float(np.clip(2.7 * height / width, 1.3, 2.7))


def _caption(found: Recovery) -> str:
    one = subjects(found)[0]
    said = ["Blue is below zero, orange above, white is zero."]
    if one.proven:
        said.append("The kernel is proven, so its taps have no error.")
    elif np.isnan(one.errors).any():
        said.append("Gray: the data leave these taps open, so their learned values mean nothing.")
    elif not one.errors.any():
        said.append("Without noise the standard errors are rounding alone.")
    if max(one.learned.shape) > MOST_NUMBERED:
        said.append(f"{one.learned.size} taps, too many for numbers in the cells.")
    return " ".join(said)


TAPS = Panel("taps", "The kernel", lambda found: bool(subjects(found)), _size, _draw, _caption)
