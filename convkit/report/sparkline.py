"""A curve in one line of text."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeGuard

from convkit.report.numbers import compact, spread

if TYPE_CHECKING:
    from convkit.experiment import Recovery

_NARROWEST, _WIDEST = 16, 60
_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None], width: int, *, reach: tuple[float, float] | None = None) -> str:
    """Draw positive numbers on a log scale; a space where there is none.

    Parameters
    ----------
    values : sequence of float or None
    width : int
        Most characters; longer curves are drawn at evenly spread places, the last one among them.
    reach : (float, float), optional
        What the lowest and the highest bar stand for; default the smallest and the largest number.

    Examples
    --------
    >>> sparkline([100.0, 10.0, 1.0, 0.1, 0.0], 10)
    '█▆▃▁ '
    """
    values = spread(values, width)
    shown = [value for value in values if _drawable(value)]
    if not shown:
        return " " * len(values)
    low, high = (math.log(end) for end in (reach or (min(shown), max(shown))))
    span = (high - low) or 1.0

    def bar(value: float | None) -> str:
        if not _drawable(value):
            return " "
        share = (math.log(value) - low) / span
        return _BARS[min(max(round(share * 7), 0), 7)]

    return "".join(bar(value) for value in values)


def curve_lines(found: "Recovery", width: int) -> list[str]:
    """Draw the loss, and below it what was foretold of it, in lines that fit a terminal."""
    losses = [one.loss for one in found.losses]
    foretold = [one.predicted for one in found.losses]
    shown = [value for value in (*losses, *foretold) if _drawable(value)]
    if len(losses) < 2 or not shown:
        return []
    first, last = (compact(losses[i], 3) for i in (0, -1))
    told = f"  {first} to {last}, log scale"
    room = width - len("foretold  ")
    if room - len(told) < _NARROWEST:
        told = ""
    most = max(2, min(_WIDEST, room - len(told)))
    reach = min(shown), max(shown)
    lines = [f"loss      {sparkline(losses, most, reach=reach)}{told}"]
    if any(value is not None for value in foretold):
        lines.append(f"foretold  {sparkline(foretold, most, reach=reach)}")
    return lines


def _drawable(value: float | None) -> TypeGuard[float]:
    return value is not None and value > 0 and math.isfinite(value)
