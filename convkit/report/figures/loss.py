"""The loss: as it was seen, as the eigenvalues foretold it, and how near to the limit the rate was."""

import numpy as np
from matplotlib.figure import FigureBase

from convkit.experiment import Recovery
from convkit.report.figures.panel import Panel
from convkit.report.figures.style import FORETOLD, QUIET, SEEN
from convkit.report.numbers import compact, spread

# Points of a curve; more would only make files large.
_MOST_POINTS = 400


def _draw(figure: FigureBase, found: Recovery) -> None:
    axes = figure.subplots()
    kept = spread(found.losses, _MOST_POINTS)
    steps = [entry.step for entry in kept]
    seen = _positive([entry.loss for entry in kept])
    foretold = _positive([entry.predicted for entry in kept])
    axes.plot(steps, seen, color=SEEN, linewidth=3.2 if np.isfinite(foretold).any() else 1.6, alpha=0.75, label="seen")
    if np.isfinite(foretold).any():
        axes.plot(steps, foretold, color=FORETOLD, linewidth=1.3, linestyle=(0, (4, 2)), label="foretold")
    least = found.exact.loss
    lowest = np.nanmin(np.concatenate([seen, foretold]))
    # A floor of rounding alone, decades below what was seen, would only flatten the curve.
    if least is not None and least > 1e-3 * lowest:
        axes.axhline(least, color=QUIET, linewidth=1.0, linestyle=":", label="exact answer")
    axes.set(yscale="log", xlabel="step", ylabel="loss (summed squares)" if _summed(found) else "loss (mean square)")
    axes.set_title(_rate(found), loc="left")
    axes.grid(visible=True)
    figure.legend(loc="outside upper right", ncols=3)


def _rate(found: Recovery) -> str:
    rate = found.learning_rate
    assert rate is not None
    if rate.stable_below is None:
        return f"learning rate {compact(rate.used, 3)}"
    share = 100 * rate.used / rate.stable_below
    where = "BEYOND" if share >= 100 else f"{share:.3g} % of"
    return f"learning rate {compact(rate.used, 3)}, {where} the stable limit {compact(rate.stable_below, 3)}"


def _summed(found: Recovery) -> bool:
    return bool(found.experiment["loss"] != "mean")


def _positive(values: list[float | None]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return what a log scale can show."""
    array = np.array([np.nan if value is None else value for value in values])
    array[~(array > 0)] = np.nan
    return array


def _caption(found: Recovery) -> str:
    said = []
    if found.losses[0].predicted is not None:
        said.append("Plain descent on squares is foretold by its eigenvalues: the dashes should lie on the line.")
    if found.status == "diverged":
        said.append("The loss grows: the rate is beyond the limit.")
    else:
        said.append("A straight fall on this log scale is the slowest direction shrinking by the same share each step.")
    if (every := -(-found.steps // _MOST_POINTS)) > 1:
        said.append(f"{found.steps} steps, about every {every}. drawn.")
    return " ".join(said)


LOSS = Panel(
    "loss",
    "The loss",
    lambda found: found.learning_rate is not None and any((one.loss or 0) > 0 for one in found.losses),
    lambda _: (5.0, 3.2),
    _draw,
    _caption,
)
