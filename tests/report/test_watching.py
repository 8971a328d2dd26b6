"""--watch: what is drawn while a descent runs, how often, and where there is nobody to see it."""

import io

import numpy as np
import pytest
from rich.console import Console, RenderableType

from convkit.recovery import Parameters
from convkit.report.watching import Watching


class Looker:
    """A console, and all pictures that were drawn on it."""

    def __init__(self, times: list[float], *, height: int = 24) -> None:
        self.console = Console(width=80, height=height, file=io.StringIO(), color_system=None)
        self.drawn: list[str] = []
        self.slept: list[float] = []
        moments = iter(times)
        self.watch = Watching(len(times), self.console, self.draw, lambda: next(moments, times[-1]), self.slept.append)

    def draw(self, picture: RenderableType) -> None:
        with self.console.capture() as captured:
            self.console.print(picture)
        self.drawn.append(captured.get())


def walk(looker: Looker, steps: int, taps: np.ndarray) -> None:
    for step in range(1, steps + 1):
        looker.watch(step, 10.0**-step, Parameters(taps * step, 0.25))


def test_pictures_tell_step_loss_bias_and_kernel() -> None:
    looker = Looker([float(n) for n in range(5)])
    walk(looker, 5, np.array([[1.0, -2.0]]))
    assert len(looker.drawn) == 5
    first, *_, last = looker.drawn
    assert "step 1 of 5   loss 0.1   bias 0.25" in first
    assert "step 5 of 5   loss 1e-05" in last
    assert last.splitlines()[1] == "loss  █▆▅▃▁"
    assert last.splitlines()[2].split() == ["5", "-10"]


def test_fast_steps_are_not_all_drawn() -> None:
    looker = Looker([0.01 * n for n in range(1000)])
    walk(looker, 1000, np.ones((2, 2)))
    assert 100 <= len(looker.drawn) <= 130  # ten seconds, twelve a second


def test_what_was_over_at_once_is_shown_again_slowly() -> None:
    looker = Looker([0.0] * 40)
    walk(looker, 40, np.ones((1, 2)))
    assert len(looker.drawn) == 1
    looker.watch.end()
    assert len(looker.drawn) == 41
    assert "step 40 of 40" in looker.drawn[-1]
    assert 2.0 < sum(looker.slept) < 6.0


def test_what_took_its_time_is_not_shown_again() -> None:
    looker = Looker([0.5 * n for n in range(10)])
    walk(looker, 10, np.ones((1, 2)))
    looker.watch.end()
    assert len(looker.drawn) == 10
    assert not looker.slept


@pytest.mark.parametrize("side", [3, 31, 63])
def test_pictures_fit_the_terminal(side: int) -> None:
    looker = Looker([0.0, 1.0], height=24)
    walk(looker, 2, np.ones((side, side)))
    for picture in looker.drawn:
        lines = picture.splitlines()
        assert len(lines) <= 23
        assert max(map(len, lines)) <= 80


def test_off_a_terminal_a_note_says_so_and_the_run_goes_on(convkit) -> None:
    done = convkit("learn-kernel", "--watch")
    assert done.returncode == 0
    assert done.stderr == "--watch draws on a terminal only, and stderr is none: the run goes on without it\n"
    assert done.stdout == convkit("learn-kernel").stdout
    assert convkit("learn-kernel", "--watch", "--quiet").stderr == ""


def test_what_takes_no_steps_cannot_be_watched(convkit) -> None:
    done = convkit("learn-kernel", "--watch", "--solver", "exact")
    assert done.returncode == 2
    assert "got the solver exact, which takes no steps" in done.stderr
