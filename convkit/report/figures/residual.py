"""What is left: the residual picture, and its histogram against what rounding alone leaves."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import MaxNLocator

from convkit.experiment import Recovery
from convkit.experiment.workings import MOST_OUTPUTS, Workings
from convkit.report.figures.matrix import draw_scale
from convkit.report.figures.panel import Panel
from convkit.report.figures.style import FORETOLD, SEEN, signed_map
from convkit.report.figures.thinning import thinned

_BINS = 41
# Magnitudes below this share of the target's are rounding of float64.
_ROUNDING = 1e-11


def _draw(figure: FigureBase, found: Recovery) -> None:
    assert found.workings is not None
    residual, unit, level = found.workings.residual, _unit(found), found.workings.level
    values = residual[np.isfinite(residual)] / (level or 1.0)
    left, right = figure.subplots(1, 2, width_ratios=[1.0, 1.25])
    small, _ = thinned(residual / (level or 1.0))
    # What is but rounding of float64 shall look like nothing.
    least = _ROUNDING * _largest(found.workings) / (level or 1.0)
    reach = max(float(np.abs(values).max()), least) if values.size else 0.0
    strong = max(float(np.quantile(np.abs(values), 0.995)), least) if values.size else 0.0
    image = left.imshow(
        small, cmap=signed_map(), vmin=-(strong or 1.0), vmax=strong or 1.0, interpolation="none", aspect="equal"
    )
    left.set(title="target − fitted", xlabel="column (pixels)", ylabel="row (pixels)")
    left.tick_params(labelsize=7.5)
    for axis in (left.xaxis, left.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    _true_ticks(left, residual.shape, small.shape)
    draw_scale(left, image, unit)
    edge = reach or 1.0
    if level is not None:  # room for what rounding alone leaves
        edge = max(edge, 0.75)
    bins = np.linspace(-edge, edge, _BINS + 1)
    heights, _ = np.histogram(values, bins)
    right.stairs(heights, bins, fill=True, color=SEEN, alpha=0.75, label="seen")
    if level is not None:
        width = bins[1] - bins[0]
        right.stairs([values.size * width], [-0.5, 0.5], color=FORETOLD, linewidth=1.5, label="rounding alone")
        figure.legend(loc="outside upper right", ncols=2)
    right.xaxis.set_major_locator(MaxNLocator(nbins=6))
    right.set(xlabel=f"residual ({unit})", ylabel="outputs")
    if level is not None and edge > 2:  # a sharp peak and thin tails
        right.set_yscale("log")
        right.set_ylim(bottom=0.7)
    right.grid(visible=True)


def _true_ticks(axes: Axes, shape: tuple[int, ...], small: tuple[int, ...]) -> None:
    """Let the axes tell pixels of the whole residual though its picture is averaged."""
    image = axes.images[0]
    if shape != small:
        image.set_extent((-0.5, shape[1] - 0.5, shape[0] - 0.5, -0.5))


def _largest(workings: Workings) -> float:
    return float(np.abs(workings.pair.target).max())


def _unit(found: Recovery) -> str:
    assert found.workings is not None
    return "levels" if found.workings.level is not None else "image units"


def _caption(found: Recovery) -> str:
    workings = found.workings
    assert workings is not None
    residual, level = workings.residual, workings.level
    values = residual[np.isfinite(residual)]
    rms = math.sqrt(float(np.square(values).mean())) if values.size else math.nan
    said = []
    if rms <= _ROUNDING * _largest(workings):
        said.append("Nothing but the rounding of double precision: the exact answer explains every output.")
    elif level is not None:
        said.append(
            f"Root mean square {rms / level:.3g} levels, of rounding alone 0.289. A box of half a level to either side "
            "is what rounding leaves; a picture that still shows the scene is not linear, or the kernel is too small."
        )
    else:
        said.append(f"Root mean square {rms:.3g}. Grain without structure is noise; a scene that shows is a misfit.")
    blocks = thinned(residual)[1]
    if workings.partial:
        said.append(f"The middle {residual.shape[0]}x{residual.shape[1]} outputs (at most {MOST_OUTPUTS} a side).")
    if blocks > 1:
        said.append(f"Each pixel of the picture is the mean of {blocks}x{blocks}.")
    return " ".join(said)


RESIDUAL = Panel(
    "residual", "What is left", lambda found: found.workings is not None, lambda _: (7.0, 3.2), _draw, _caption
)
