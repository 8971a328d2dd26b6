"""The taps: learned, true, their difference, and how surely they are known."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from convkit.experiment import Recovery
from convkit.report.figures.matrix import draw_matrix, draw_scale, written_cells
from convkit.report.figures.panel import Panel
from convkit.report.figures.subject import Subject, subjects


def _draw(figure: FigureBase, found: Recovery) -> None:
    shown = subjects(found)
    grid = np.asarray(figure.subplots(len(shown), _columns(shown), squeeze=False))
    for row, one in zip(grid, shown, strict=True):
        _draw_row(list(row), one, errors=not _certain(shown))


def _columns(shown: list[Subject]) -> int:
    return (3 if any(one.true is not None for one in shown) else 1) + (not _certain(shown))


def _certain(shown: list[Subject]) -> bool:
    """Whether there are no errors to draw."""
    return all(one.proven for one in shown)


def _draw_row(axes: list[Axes], one: Subject, *, errors: bool) -> None:
    learned, true, side = one.learned, one.true, _side(one)
    scale = float(np.abs(learned if true is None else np.concatenate([learned, true])).max())
    of = f" ({one.name})" if one.name else ""
    image = draw_matrix(axes[0], learned, side=side, scale=scale, title=f"learned{of}")
    draw_scale(axes[0], image, "tap value")
    axes[0].set(xlabel="column", ylabel="row")
    if true is not None:
        draw_scale(axes[1], draw_matrix(axes[1], true, side=side, scale=scale, title="true"), "tap value")
        difference = learned - true
        draw_scale(axes[2], draw_matrix(axes[2], difference, side=side, title="learned − true", digits=2), "difference")
    if errors:
        drawn = draw_matrix(axes[-1], one.errors, side=side, signed=False, title="standard error", digits=2)
        if np.nan_to_num(one.errors).any():
            draw_scale(axes[-1], drawn, "standard error")


def _size(found: Recovery) -> tuple[float, float]:
    shown = subjects(found)
    return 3.0 * _columns(shown), sum(_height(one) for one in shown)


def _height(one: Subject) -> float:
    """Height of a row in inches: large kernels get more."""
    rows, columns = one.learned.shape
    return float(min(max(2.6 * rows / columns, 1.3), 2.6 if max(rows, columns) <= 5 else 3.1))


def _side(one: Subject) -> float:
    """About how large a matrix is drawn, in inches."""
    rows, columns = one.learned.shape
    return float(min(2.0, (_height(one) - 0.6) * max(1.0, columns / rows)))


def _caption(found: Recovery) -> str:
    one = subjects(found)[0]
    said = ["Blue is below zero, orange above, white is zero."]
    if one.proven:
        said.append("The kernel is proven, so its taps have no error.")
    elif np.isnan(one.errors).any():
        said.append("Gray: the data leave these taps open, so their learned values mean nothing.")
    elif not one.errors.any():
        said.append("Without noise the standard errors are rounding alone.")
    if not written_cells(one.learned, _side(one))[0]:
        said.append(f"{one.learned.size} taps, too many for numbers in the cells.")
    return " ".join(said)


TAPS = Panel("taps", "The kernel", lambda found: bool(subjects(found)), _size, _draw, _caption)
