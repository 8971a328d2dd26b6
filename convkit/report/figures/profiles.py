"""Cuts through the kernel: its middle row and column, with error bars."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from convkit.experiment import Recovery
from convkit.report.figures.panel import Panel
from convkit.report.figures.style import QUIET, SEEN, TRUE
from convkit.report.figures.subject import subjects, unfinished

Vector = NDArray[np.float64]


def _draw(figure: FigureBase, found: Recovery) -> None:
    one = subjects(found)[0]
    height, width = one.learned.shape
    cuts = []
    if width > 1:
        cuts.append((f"row {height // 2}", "column", np.s_[height // 2, :]))
    if height > 1:
        cuts.append((f"column {width // 2}", "row", np.s_[:, width // 2]))
    grid = figure.subplots(1, len(cuts), squeeze=False, sharey=True)[0]
    for axes, (title, along, cut) in zip(grid, cuts, strict=True):
        errors = None if one.proven else one.errors[cut]
        _draw_cut(axes, one.learned[cut], errors, one.true[cut] if one.true is not None else None)
        axes.set_title(title)
        axes.set_xlabel(f"{along} (pixels)")
    grid[0].set_ylabel("tap value")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)


def _draw_cut(axes: Axes, learned: Vector, errors: Vector | None, true: Vector | None) -> None:
    places = np.arange(len(learned))
    axes.axhline(0.0, color=QUIET, linewidth=0.8)
    if true is not None:
        axes.plot(places, true, color=TRUE, linewidth=1, linestyle="--", marker="o", fillstyle="none", label="true")
    known = np.ones(len(places), np.bool_) if errors is None else np.isfinite(errors)
    axes.errorbar(
        places[known], learned[known], None if errors is None else 2.0 * errors[known], color=SEEN, marker=".",
        markersize=6, capsize=2.5, elinewidth=1.2, linewidth=1.2,
        label="proven" if errors is None else "learned ± 2 standard errors",
    )  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=True, axis="y")


def _applies(found: Recovery) -> bool:
    kernels = subjects(found)
    return bool(kernels) and kernels[0].learned.size > 1 and bool(np.isfinite(kernels[0].errors).any())


def _caption(found: Recovery) -> str:
    one = subjects(found)[0]
    if one.proven:
        return "The middle row and column, without an error: the kernel is proven."
    if not np.nan_to_num(one.errors).any():
        return "The middle row and column; the error bars are too small to be seen."
    return f"The middle row and column. About one bar in twenty should miss the truth.{unfinished(found)}"


PROFILES = Panel("profiles", "Through the middle", _applies, lambda _: (5.0, 3.2), _draw, _caption)
