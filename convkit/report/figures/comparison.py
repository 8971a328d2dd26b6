"""Runs side by side: their error against what was varied, and the least that any estimate can have."""

import json
import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

from convkit.errors import SettingsError
from convkit.experiment import Comparison
from convkit.experiment.grouping import ROUNDING
from convkit.experiment.runs import Run
from convkit.report.columns import told
from convkit.report.figures.style import LINES, QUIET, drawn, literal

_MARKS = "osD^vP*X"
# Lines beyond this many would not be told apart; the first ones are drawn.
MOST_LINES = 8

# Letters of a line of the caption.
_LINE = 110
# Letters of a name, and of all names that stand below the axis side by side.
_LONG, _MOST_LETTERS = 24, 70

Lines = dict[str, dict[Any, list[Run]]]


def comparison_figure(result: Comparison, key: str | None = None, *, captioned: bool = False) -> Figure:
    """Draw the error of the taps against a varied setting, a line for each combination of the others.

    Runs that differ in nothing but their seed are one point: the root of their mean square, between the smallest and
    the largest. The Cramér-Rao bound is the root mean square of the standard errors, where there is noise.

    Parameters
    ----------
    result : Comparison
    key : str, optional
        What to go along; default the setting with numbers that varies most.
    captioned : bool
        Whether what to see is written below.

    Raises
    ------
    SettingsError
        When the key is not varied.
    """
    key = along(result) if key is None else key
    if key not in result.vary:
        raise SettingsError(expected="a varied setting to draw along", got=key, hint=" or ".join(result.vary))
    lines = _lines(result, key)

    def draw(figure: FigureBase) -> None:
        _draw(figure, result, key, lines)
        if captioned and (told_below := caption(result, key)):
            figure.supxlabel(textwrap.fill(told_below, _LINE), fontsize=8.5, x=0.01, ha="left")

    return drawn((7.5, 4.4), draw)


def along(result: Comparison) -> str:
    """Return the setting to go along: one with numbers, and rather not the seed.

    Examples
    --------
    >>> along(Comparison(vary={"size": [[1, 2], [3, 3]], "noise": [0.0, 0.1]}, runs=[], largest_difference=None))
    'noise'
    """

    def rank(key: str) -> tuple[bool, bool, int]:
        values = result.vary[key]
        return len(values) > 1 and key != "seed", _numeric(values), len(values)

    return max(result.vary, key=rank)


def caption(result: Comparison, key: str | None = None) -> str:
    """Say what to see in the figure."""
    key = along(result) if key is None else key
    said = []
    if any(_known_error(one) for one in result.runs):
        said.append(
            "On its dotted line a point does as well as any unbiased estimate can (Cramér-Rao), but for chance."
        )
    if "seed" in result.vary and key != "seed" and len(result.vary["seed"]) > 1:
        said.append(f"Points are over {len(result.vary['seed'])} seeds, bars from the best to the worst of them.")
    left_out = len(_every_line(result, key)) - MOST_LINES
    if left_out > 0:
        said.append(f"{left_out} more lines are not drawn.")
    return " ".join(said)


def _draw(figure: FigureBase, result: Comparison, key: str, lines: Lines) -> None:
    axes = figure.subplots()
    values = result.vary[key]
    numeric = _numeric(values)
    places = {json.dumps(value): float(value) if numeric else float(i) for i, value in enumerate(values)}
    errors = any(tap_error(one) is not None for runs in lines.values() for group in runs.values() for one in group)
    measure = tap_error if errors else _loss
    bounded = False
    for number, (name, groups) in enumerate(lines.items()):
        colour = LINES[number % len(LINES)]
        # Wide ones below narrow ones, so that lines which coincide are all seen.
        width = 1.4 + 2.4 * (len(lines) - 1 - number) / max(1, len(lines) - 1) if len(lines) > 1 else 1.4
        bounded |= _draw_line(axes, groups, places, measure, (name, colour, _MARKS[number % len(_MARKS)], width))
    if bounded:
        axes.plot([], [], ":", color=QUIET, label="Cramér-Rao bound")
    axes.set(xlabel=key.replace("_", " "), ylabel="tap error (root mean square)" if errors else "final loss")
    if any(line.get_ydata()[0] > 0 for line in axes.lines if len(line.get_ydata())):  # type: ignore[arg-type, index, operator]
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        if high < 3 * low:  # errors that agree are not to look as if they differed
            axes.set_ylim(low / 3, 3 * high)
    if not numeric:
        names = [_short(told(value)) for value in values]
        turned = sum(map(len, names)) > _MOST_LETTERS
        axes.set_xticks(
            range(len(values)),
            [literal(name) for name in names],
            rotation=30.0 if turned else 0.0,
            ha="right" if turned else "center",
        )
    elif min(values) > 0 and max(values) / min(values) > 20:
        axes.set_xscale("log")
    axes.grid(visible=True)
    if len(lines) > 1 or bounded:
        figure.legend(loc="outside right upper", title=_others(result, key))


def _draw_line(
    axes: Axes, groups: dict[Any, list[Run]], places: dict[str, float], measure: Any, look: tuple[str, Any, str, float]
) -> bool:
    """Draw a line with its bars and its bound; tell whether there is a bound."""
    name, colour, mark, width = look
    at, middle, low, high, bound = [], [], [], [], []
    for value, runs in groups.items():
        found = [error for one in runs if (error := measure(one)) is not None and one.status != "diverged"]
        if not found:
            continue
        rms = math.sqrt(math.fsum(error * error for error in found) / len(found))
        least = [error for one in runs if (error := _known_error(one)) is not None]
        at.append(places[value])
        middle.append(rms)
        low.append(rms - min(found))
        high.append(max(found) - rms)
        bound.append(math.sqrt(math.fsum(e * e for e in least) / len(least)) if least else math.nan)
    order = np.argsort(at, kind="stable")
    x, y, bars, below = (np.array(values)[..., order] for values in (at, middle, [low, high], bound))
    axes.errorbar(
        x, y, bars if np.any(bars) else None, color=colour, marker=mark, markersize=4.0 + width, capsize=2.5,
        linewidth=width, elinewidth=1.2,
        label=literal(_short(name, 2 * _LONG)),
    )  # fmt: skip
    if np.isfinite(below).any() and measure is tap_error:
        axes.plot(x, below, ":", color=colour, linewidth=0.8 + width / 2)
        return True
    return False


def _short(name: str, most: int = _LONG) -> str:
    """Leave out the middle of a long name: both ends tell more of a file."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[1 - most // 2 :]}"


def _lines(result: Comparison, key: str) -> Lines:
    return dict(list(_every_line(result, key).items())[:MOST_LINES])


def _every_line(result: Comparison, key: str) -> Lines:
    """Runs by the settings that make a line, and within it by the value to go along."""
    others = [other for other in result.vary if other not in (key, "seed")]
    lines: Lines = {}
    for one in result.runs:
        name = ", ".join(told(one.settings.get(other)) for other in others)
        lines.setdefault(name, {}).setdefault(json.dumps(one.settings.get(key)), []).append(one)
    return lines


def _others(result: Comparison, key: str) -> str | None:
    return ", ".join(other.replace("_", " ") for other in result.vary if other not in (key, "seed")) or None


def _numeric(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def tap_error(one: Run) -> float | None:
    """Return the root mean square of a run's tap errors; None where the truth is unknown or has another size."""
    if one.kernel is None or one.true is None or one.kernel.shape != one.true.shape:
        return None
    return math.sqrt(float(np.square(one.kernel - one.true).mean()))


def _known_error(one: Run) -> float | None:
    """Return the root mean square of a run's standard errors; None where they are open or only rounding."""
    if one.kernel is None or one.standard_error is None or not np.isfinite(one.standard_error).all():
        return None
    error = math.sqrt(float(np.square(one.standard_error).mean()))
    return error if error > ROUNDING * float(np.abs(one.kernel).max()) else None


def _loss(one: Run) -> float | None:
    return one.final_loss
