"""Look on while a descent runs: step, loss and kernel, drawn again and again in one place of a terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from convkit.recovery import Parameters
from convkit.recovery.trajectory import Recorder
from convkit.report.heat import Matrix, cell_width, heat_cells, numbered_cells
from convkit.report.numbers import compact
from convkit.report.sparkline import sparkline
from convkit.report.table import has_colour

# Seconds between two pictures; more often nobody sees.
_EVERY = 0.08
# A descent that is over sooner than this is shown once more, in about this time.
_SOON, _SLOWLY = 1.0, 4.0
_WIDEST = 60


class Watching:
    """What is shown of a descent.

    Parameters
    ----------
    steps : int
        How many are asked for.
    console : Console
    draw : function
        Called with each picture.
    clock, sleep : function
        Seconds since some moment, and a pause of so many.
    """

    def __init__(
        self,
        steps: int,
        console: Console,
        draw: Callable[[RenderableType], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._steps = steps
        self._console = console
        self._draw = draw
        self._clock = clock
        self._sleep = sleep
        self._recorder = Recorder()
        self._began: float | None = None
        self._shown = -np.inf

    def __call__(self, step: int, loss: float, point: Parameters) -> None:
        """Take a step; draw it if it is time."""
        self._recorder(step, loss, point)
        now = self._clock()
        if self._began is None:
            self._began = now
        if now - self._shown >= _EVERY:
            self._shown = now
            losses = self._recorder.trajectory().losses.tolist()
            self._draw(self.picture(step, losses, np.asarray(point.taps), point.bias))

    def end(self) -> None:
        """Show the steps of a descent again that was over before anybody could look."""
        if self._began is None or self._clock() - self._began >= _SOON:
            return
        states = self._recorder.trajectory()
        losses = states.losses.tolist()
        for place, (step, taps, bias) in enumerate(zip(states.steps, states.kernels, states.biases, strict=True)):
            self._draw(self.picture(int(step), losses[: place + 1], taps, float(bias)))
            self._sleep(min(0.15, _SLOWLY / len(states)))

    def picture(self, step: int, losses: list[float], taps: Matrix, bias: float) -> RenderableType:
        """Draw a state: in numbers, the loss so far as a curve, and the kernel as large as fits."""
        width, height = self._console.width, self._console.height
        told = f"step {step} of {self._steps}   loss {compact(losses[-1], 4)}   bias {compact(bias, 3)}"
        curve = sparkline(losses, min(_WIDEST, width - len("loss  ")))
        lines: list[RenderableType] = [Text(told, no_wrap=True), Text(f"loss  {curve}", no_wrap=True)]
        # A line is left below, for the cursor.
        if cell_width(taps, digits=3) * taps.shape[1] <= width and taps.shape[0] <= height - 4:
            lines.append(numbered_cells(taps, digits=3))
        elif has_colour(self._console):
            lines.append(heat_cells(taps, width, height=height - 5))
        return Group(*lines)


@contextmanager
def watching(steps: int) -> Iterator[Watching]:
    """Draw on stderr, which is a terminal, and leave no trace at the end."""
    console = Console(stderr=True, highlight=False, emoji=False)
    with Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop") as live:
        watch = Watching(steps, console, lambda picture: live.update(picture, refresh=True))
        yield watch
        watch.end()
