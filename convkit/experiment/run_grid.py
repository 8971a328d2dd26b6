"""Run a grid: on any engine, from where an earlier command left off, keeping what is done."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from convkit.engine import Outcome, open_engine
from convkit.errors import ConvkitError, SettingsError
from convkit.experiment.comparison import Comparison
from convkit.experiment.grid import Grid
from convkit.experiment.learn import Announce
from convkit.experiment.runs import Run, SavedRun
from convkit.experiment.runs_file import RunsFile, read_saved
from convkit.experiment.settings import Experiment
from convkit.experiment.task import Done, Task, execute, failed, varied_settings
from convkit.experiment.vary import Vary, read_vary
from convkit.image.files import named
from convkit.recovery import LearningBackend

# So many different sentences about runs are announced.
_MOST_NOTES = 3


@dataclass(frozen=True)
class Plan:
    """Which runs of a grid are there, and which are still to do.

    Attributes
    ----------
    base : Experiment
        What all runs share.
    done : dict of SavedRun
        By key; runs that failed are among them, unless they are to be tried again.
    left : list of Task
    """

    base: Experiment
    done: dict[str, SavedRun]
    left: list[Task]

    @property
    def total(self) -> int:
        """How many runs the grid has."""
        return len(self.done) + len(self.left)

    def first(self, count: int) -> list[dict[str, Any]]:
        """Return the varied settings of the first runs that are left, as JSON values."""
        return [varied_settings(self.base, task) for task in self.left[:count]]


def compare(
    experiment: Experiment | None = None,
    *,
    vary: Vary | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
    save: str | Path | None = None,
    fresh: bool = False,
    retry_failed: bool = False,
    fail_fast: bool = False,
    on_run: Callable[[Run], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    announce: Announce | None = None,
    **settings: Any,
) -> Comparison:
    """Run an experiment once for every combination of the values varied.

    Parameters
    ----------
    experiment : Experiment, optional
        The settings that all runs share; or give them by name.
    vary : dict of lists, optional
        Values by setting; without it, the learning backends.
    jobs : int, optional
        Run in so many processes on this machine; a script must then do so below ``if __name__ == "__main__":``.
    cluster : str, optional
        Run on a Dask cluster: the scheduler's address or scheduler file. Without both, runs follow each other here.
    save : str or Path, optional
        A file that keeps every run as a line of JSON as soon as it ends. Runs that it holds are not done again.
    fresh : bool
        Start the file anew.
    retry_failed : bool
        Do runs again that are in the file as failed.
    fail_fast : bool
        Stop at the first run that fails.
    on_run : function, optional
        Called with each run as it ends, in no fixed order.
    on_progress : function, optional
        Called with the number of runs done and their total, at the start and as each run ends.
    announce : function, optional
        Called with one sentence when there is something to say.

    Returns
    -------
    Comparison
        The runs in the order of the grid, the last key changing fastest. They have the same bits wherever they ran, if
        this process was started with ``OMP_NUM_THREADS=1``, as workers are: BLAS rounds otherwise in several threads.

    Raises
    ------
    ConvkitError
        When a setting is out of range, the file cannot be used, or every run fails in the same way.
    EngineLostError
        When the cluster goes away; what had ended by then is saved.

    Examples
    --------
    >>> result = compare(steps=5, lr=0.01)
    >>> [run.settings for run in result.runs], result.largest_difference < 1e-12
    ([{'backend': 'naive'}, {'backend': 'conv2d'}, {'backend': 'gram'}], True)
    """
    base = (experiment or Experiment()).replace(**settings)
    grid = _grid(base, vary)
    with ExitStack() as stack:
        file = None
        if save is not None:
            file = stack.enter_context(RunsFile.open(save, fresh=fresh, announce=announce))
        plan = _plan(grid, file.runs if file is not None else {}, save, retry_failed=retry_failed)
        report = _Report(plan, file, on_run, on_progress, announce)
        if plan.left:
            engine = stack.enter_context(closing(open_engine(jobs, cluster, announce=announce)))
            work: Callable[[Task], Done] = partial(execute, base, str(Path.cwd()))
            outcomes = stack.enter_context(closing(engine.map_unordered(work, plan.left)))
            report.follow(outcomes, fail_fast=fail_fast)
    return Comparison.of([report.runs[key] for key in grid.tasks if key in report.runs])


def plan(
    experiment: Experiment, *, vary: Vary | None = None, save: str | Path | None = None, retry_failed: bool = False
) -> Plan:
    """Tell what `compare` would do, and do nothing.

    Examples
    --------
    >>> plan(Experiment(), vary={"seed": [0, 1], "noise": [0, 0.1]}).total
    4
    """
    saved = read_saved(save) if save is not None and Path(save).exists() else {}
    return _plan(_grid(experiment, vary), saved, save, retry_failed=retry_failed)


def _grid(base: Experiment, vary: Vary | None) -> Grid:
    return Grid.of(base, read_vary(vary) if vary else {"backend": [str(backend) for backend in LearningBackend]})


def _plan(grid: Grid, saved: dict[str, SavedRun], path: str | Path | None, *, retry_failed: bool) -> Plan:
    for one in saved.values():
        differences = grid.differences(one.experiment, one.settings)
        if differences:
            raise SettingsError(
                expected=f"the settings that the runs in {named(str(path))} share",
                got="; ".join(differences),
                hint="another file, or --fresh to start this one anew",
            )
    done = {
        key: saved[key] for key in grid.tasks if key in saved and not (retry_failed and saved[key].status == "failed")
    }
    return Plan(grid.base, done, [task for key, task in grid.tasks.items() if key not in done])


class _Report:
    """Keeps what comes, and tells of it."""

    def __init__(
        self,
        plan: Plan,
        file: RunsFile | None,
        on_run: Callable[[Run], None] | None,
        on_progress: Callable[[int, int], None] | None,
        announce: Announce | None,
    ) -> None:
        self.runs = dict(plan.done)
        self._plan = plan
        self._file = file
        self._on_run = on_run
        self._on_progress = on_progress
        self._announce = announce
        self._held: list[tuple[str, SavedRun]] = []
        self._errors: list[ConvkitError] = []
        self._said: set[str] = set()
        self._progress()

    def follow(self, outcomes: Iterator[Outcome[Done]], *, fail_fast: bool) -> None:
        """Take runs as they come.

        Until one works, the fault may lie in what all of them share, which is one error and no comparison: so long
        they are held back.
        """
        try:
            for outcome in outcomes:
                done = outcome.value
                if done is None:
                    done = Done(failed(self._plan.base, self._plan.left[outcome.index], str(outcome.error)))
                one = self._take(done)
                if len(self._errors) < len(self.runs):
                    self._release()
                if fail_fast and one.status == "failed":
                    break
            else:
                if self._errors and len(self._errors) == len(self.runs) and len({*map(str, self._errors)}) == 1:
                    self._held.clear()
                    raise self._errors[0]
        finally:
            self._release()

    def _take(self, done: Done) -> SavedRun:
        one = SavedRun.model_validate_json(done.line)
        self.runs[one.key] = one
        self._held.append((done.line, one))
        if done.error is not None:
            self._errors.append(done.error)
        return one

    def _release(self) -> None:
        while self._held:
            line, one = self._held.pop(0)
            if self._file is not None:
                self._file.append(line)
            for note in one.notes:
                self._say(note)
            if self._on_run is not None:
                self._on_run(one)
            self._progress()

    def _say(self, note: str) -> None:
        """Announce a note once; of thousands that differ in a number, the first few."""
        if self._announce is None or note in self._said or len(self._said) > _MOST_NOTES:
            return
        self._said.add(note)
        self._announce(
            note if len(self._said) <= _MOST_NOTES else "more was said of the runs: see their notes (--json)"
        )

    def _progress(self) -> None:
        if self._on_progress is not None:
            self._on_progress(len(self.runs) - len(self._held), self._plan.total)
