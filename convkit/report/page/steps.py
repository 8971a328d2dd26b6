"""A descent to walk along with the slider: kernel, loss and frequency response at each of its steps."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convkit.experiment import Recovery
from convkit.report.figures.response import magnitude
from convkit.report.numbers import compact, spread
from convkit.report.page.chart import Axis, path
from convkit.report.page.taps import MOST_CELLS, View, view
from convkit.report.palette import largest
from convkit.report.recovery import logged_losses

if TYPE_CHECKING:
    from convkit.recovery.trajectory import Trajectory

# Stops of the slider, and taps in all of them: what a page can carry.
_MOST_STOPS = 60
_MOST_TAPS = 40_000
# Rows of the table of losses.
_MOST_ROWS = 20
# Points of a drawn loss and of a drawn response.
_MOST_POINTS = 300
_FREQUENCIES = 49

# Drawings, and the room that their labels take.
WIDTH, HEIGHT = 360, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 10, 36


@dataclass(frozen=True)
class Stop:
    """Where the slider can stand: all that it changes, ready to be shown."""

    told: str
    loss: str
    x: float
    y: float
    across: str
    down: str
    taps: View


@dataclass(frozen=True)
class Walk:
    """Everything that the slider's part of the page shows.

    Attributes
    ----------
    stops : list of Stop
        The last is what the descent ended with.
    loss_x, loss_y, response_x, response_y : Axis
    losses, predicted : str
        Paths; empty where nothing was foretold.
    true_across, true_down : str
        Paths of the true kernel's response; empty where it is unknown.
    note : str
        Which steps are left out, if any.
    table : list of (str, str, str)
        Steps, losses seen and foretold, for those who read without the slider.
    """

    stops: list[Stop]
    loss_x: Axis
    loss_y: Axis
    response_x: Axis
    response_y: Axis
    losses: str
    predicted: str
    true_across: str
    true_down: str
    note: str
    table: list[tuple[str, str, str]]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def json(self) -> str:
        """What the script needs of the stops."""
        return json.dumps([_as_json(stop) for stop in self.stops], allow_nan=False)


def _as_json(stop: Stop) -> dict[str, object]:
    moving: dict[str, object] = {
        "told": stop.told, "loss": stop.loss, "x": stop.x, "y": stop.y, "across": stop.across, "down": stop.down
    }  # fmt: skip
    if stop.taps.picture:
        return moving | {"picture": stop.taps.picture}
    return moving | {
        "taps": [cell.text for cell in stop.taps.cells],
        "tones": [cell.tone for cell in stop.taps.cells],
    }


def walk(found: Recovery) -> Walk | None:
    """Lay out a descent; None where there was none, or its states were not kept."""
    trajectory = found.trajectory
    if found.learning_rate is None or trajectory is None or not len(trajectory):
        return None
    most = max(2, min(_MOST_STOPS, _MOST_TAPS // trajectory.kernels[0].size))
    kept = trajectory.thinned(most)
    loss_x, loss_y = _loss_axes(found, kept)
    true = found.kernel.comparable_true if found.kernel is not None else None
    responses = [_response(taps) for taps in kept.kernels]
    known = [*responses, _response(true)] if true is not None else responses
    top = largest(*(part for pair in known for part in pair))
    response_x = Axis(0.0, 0.5, _LEFT, WIDTH - _RIGHT)
    response_y = Axis(0.0, 1.05 * top or 1.0, HEIGHT - _BOTTOM, _TOP)

    def drawn(response: NDArray[np.float64]) -> str:
        frequencies = np.linspace(0.0, 0.5, _FREQUENCIES)
        return path((response_x.at(f), response_y.at(size)) for f, size in zip(frequencies, response, strict=True))

    scale = largest(kept.kernels[-1], true)
    stops = []
    for index, (across, down) in enumerate(responses):
        step, loss = int(kept.steps[index]), float(kept.losses[index])
        at = loss_x.at(step), loss_y.at(loss)
        shown = view("", kept.kernels[index], scale=scale)
        stops.append(Stop(_told(step, found.steps), compact(loss, 4), *at, drawn(across), drawn(down), shown))
    true_paths = [drawn(part) for part in _response(true)] if true is not None else ["", ""]
    return Walk(
        stops=stops,
        loss_x=loss_x,
        loss_y=loss_y,
        response_x=response_x,
        response_y=response_y,
        losses=_line(found, loss_x, loss_y, predicted=False),
        predicted=_line(found, loss_x, loss_y, predicted=True),
        true_across=true_paths[0],
        true_down=true_paths[1],
        note=_note(found, kept),
        table=_table(found),
    )


def _told(step: int, steps: int) -> str:
    """Name a state: it is seen before a step's update, the last one after all of them."""
    return f"step {step} of {steps}" if step <= steps else f"the end, after {steps} steps"


def _loss_axes(found: Recovery, kept: "Trajectory") -> tuple[Axis, Axis]:
    values = np.array([*(entry.loss for entry in found.losses), *kept.losses], dtype=np.float64)
    values = values[np.isfinite(values) & (values > 0)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.1, 1.0)
    room = max(1.0, (10.0 * low / high) ** 0.5)  # at least one power of ten is to be seen
    last = max(found.losses[-1].step, int(kept.steps[-1]))
    return (
        Axis(1.0, float(max(last, 2)), _LEFT, WIDTH - _RIGHT, whole=True),
        Axis(low / room, high * room, HEIGHT - _BOTTOM, _TOP, logarithmic=True),
    )


def _line(found: Recovery, x: Axis, y: Axis, *, predicted: bool) -> str:
    points = [
        (x.at(entry.step), y.at(loss))
        for entry in spread(found.losses, _MOST_POINTS)
        if (loss := entry.predicted if predicted else entry.loss) is not None and np.isfinite(loss)
    ]
    return path(points) if points else ""


def _response(taps: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Size of the frequency response along the rows and down the columns, from 0 to half a cycle a pixel."""
    frequencies = np.linspace(0.0, 0.5, _FREQUENCIES)
    still = np.zeros(_FREQUENCIES)
    return magnitude(taps, still, frequencies), magnitude(taps, frequencies, still)


def _note(found: Recovery, kept: "Trajectory") -> str:
    parts = []
    if (np.diff(kept.steps) > 1).any():
        parts.append(f"The slider stops at {len(kept)} of {found.steps} steps, evenly spread.")
    if max(kept.kernels[0].shape) > MOST_CELLS:
        parts.append("The picture shows a pixel a tap.")
    return " ".join(parts)


def _table(found: Recovery) -> list[tuple[str, str, str]]:
    """Steps as the terminal shows them, of a long descent some."""
    chosen = spread(logged_losses(found), _MOST_ROWS)
    return [(str(entry.step), compact(entry.loss, 4), compact(entry.predicted, 4)) for entry in chosen]
