"""Progress on stderr: a bar on a terminal, and for long work a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from convkit.report.messages import say

if TYPE_CHECKING:
    from convkit.recovery import Parameters

Advance = Callable[[int, int], None]
Watch = Callable[[int, float, "Parameters"], None]

# Seconds between two lines where there is no terminal: a log is read afterwards.
_EVERY = 30.0


@contextmanager
def learning_progress(
    steps: int, *, quiet: bool, watched: bool = False
) -> Iterator[tuple[Watch | None, Advance | None]]:
    """Give a function to call at every step of a descent, and one to call as parts of a sum end.

    There are bars on a terminal, or the kernel and its losses for who asked to watch; elsewhere steps are not told, and
    long sums in a line now and then.
    """
    if quiet:
        yield None, None
    elif not sys.stderr.isatty():
        if watched:
            say("--watch draws on a terminal only, and stderr is none: the run goes on without it")
        yield None, Lines(say, "parts")
    elif watched:
        from convkit.report.watching import watching

        with watching(steps) as watch:
            yield watch, None
    else:
        with ExitStack() as stack:
            shown: tuple[str, Advance] | None = None

            def show(told: str, done: int, total: int) -> None:
                nonlocal shown
                if shown is None or shown[0] != told:  # there is one bar at a time
                    stack.close()
                    shown = told, stack.enter_context(_bar(told))
                shown[1](done, total)

            yield lambda step, *_: show("descending", step, steps), partial(show, "summing parts")


@contextmanager
def amount_progress(told: str, total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Give a function to call with how many more things are done."""
    if quiet or not sys.stderr.isatty():
        yield lambda _count: None
        return
    done = 0
    with _bar(told) as show:
        show(done, total)

        def advance(count: int) -> None:
            nonlocal done
            done += count
            show(done, total)

        yield advance


@contextmanager
def run_progress(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a function to call with the number of runs that are done and their total, at first and as each ends."""
    if quiet:
        yield lambda *_: None
    elif sys.stderr.isatty():
        with _bar("running") as show:
            yield show
    else:
        yield Lines(say)


class Lines:
    """Tell of progress in a line every thirty seconds.

    Parameters
    ----------
    tell : function
        Called with each line.
    things : str
        What is counted.
    clock : function
        Seconds since some moment.

    Examples
    --------
    >>> clock = iter([0.0, 10.0, 40.0, 41.0])
    >>> progress = Lines(print, clock=lambda: next(clock))
    >>> for done in (100, 110, 140, 150):
    ...     progress(done, 1000)
    140 of 1000 runs, 1/s, 14 min left
    """

    def __init__(
        self, tell: Callable[[str], None], things: str = "runs", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell = tell
        self._things = things
        self._clock = clock
        self._first: tuple[int, float] | None = None
        self._done = 0
        self._told = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Tell how far the runs are, if it is time."""
        now = self._clock()
        if self._first is None or done < self._done:  # another count begins
            self._first, self._told = (done, now), self._told or now
        elif now - self._told >= _EVERY:
            self._told = now
            rate = (done - self._first[0]) / (now - self._first[1])
            left = f", {duration((total - done) / rate)} left" if rate else ""
            self._tell(f"{done} of {total} {self._things}, {rate:.3g}/s{left}")
        self._done = done


def duration(seconds: float) -> str:
    """Write a time to wait, in the unit that suits it.

    Examples
    --------
    >>> duration(8.2), duration(90), duration(86_400)
    ('8 s', '2 min', '24 h')
    """
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


@contextmanager
def _bar(told: str) -> Iterator[Callable[[int, int], None]]:
    """Draw a bar with count, rate and time left.

    To be used where stderr is a terminal: Rich's own test counts FORCE_COLOR as one and would put cursor codes into a
    pipe.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class RateColumn(TextColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.3g}/s" if task.speed else "")

    columns = TextColumn(told), BarColumn(), MofNCompleteColumn(), RateColumn(""), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(told, start=False, total=None)
        started = False

        def show(done: int, total: int) -> None:
            nonlocal started
            if started:
                progress.update(task, completed=done)
            else:  # what an earlier command has done says nothing of the rate
                progress.reset(task, completed=done, total=total)
                started = True

        yield show
