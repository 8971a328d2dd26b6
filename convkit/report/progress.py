"""Progress on stderr, when it is a terminal."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convkit.recovery import Parameters

Watch = Callable[[int, float, "Parameters"], None]


@contextmanager
def step_progress(steps: int, *, quiet: bool) -> Iterator[Watch | None]:
    """Give a function to call at every step of a descent; None where there is nobody to watch."""
    with _bar("descending", steps, quiet=quiet) as advance:
        yield None if advance is None else lambda *_: advance(1)


@contextmanager
def run_progress(vary: dict[str, list[Any]], *, quiet: bool) -> Iterator[Callable[[], None]]:
    """Give a function to call as each run of a grid ends."""
    total = math.prod(len(values) for values in vary.values()) if vary else 0
    with _bar("running", total, quiet=quiet) as advance:
        yield lambda: None if advance is None else advance(1)


@contextmanager
def amount_progress(told: str, total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Give a function to call with how many more things are done."""
    with _bar(told, total, quiet=quiet) as advance:
        yield lambda count: None if advance is None else advance(count)


@contextmanager
def _bar(told: str, total: int, *, quiet: bool) -> Iterator[Callable[[float], None] | None]:
    # Rich's own test counts FORCE_COLOR as a terminal and would put cursor codes into a pipe.
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn(told), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(told, total=total or None)
        yield lambda count: progress.advance(task, count)
