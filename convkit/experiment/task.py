"""What is done for one point of a grid, here or in a worker: a run, told in a line."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convkit.errors import ConvkitError
from convkit.experiment.keys import INPUTS, canonical
from convkit.experiment.learn import run
from convkit.experiment.runs import SavedRun, outcome_of
from convkit.experiment.settings import Experiment
from convkit.image.files import is_file
from convkit.image.patterns import PATTERNS
from convkit.kernel.library import is_known
from convkit.recovery.solution import LastSolution
from convkit.text import parse_call


@dataclass(frozen=True)
class Task:
    """A point of a grid: its key, and the settings in which it differs from the base."""

    key: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """What came of a task.

    Attributes
    ----------
    line : str
        A `SavedRun` as it is kept on disk: runs travel in that form, so that one made here and one made elsewhere
        have the same bits.
    error : ConvkitError or None
        The mistake for which the run failed.
    """

    line: str
    error: ConvkitError | None = None


# Runs that follow each other in a process often differ in nothing that the data depend on.
_solve = LastSolution()


def execute(base: Experiment, folder: str, task: Task) -> Done:
    """Run one point of a grid; whatever goes wrong in it is its record.

    Parameters
    ----------
    base : Experiment
    folder : str
        Where the names of files are relative to.
    task : Task

    Examples
    --------
    >>> done = execute(Experiment(steps=1), ".", Task("a key", {"size": (9, 9)}))
    >>> SavedRun.model_validate_json(done.line).status, done.error is None
    ('failed', False)
    """
    notes: list[str] = []
    try:
        checked = base.replace(**task.changes)
        found = run(_located(checked, folder), announce=notes.append, solve=_solve)
        return Done(_line(base, task, notes, **outcome_of(found)))
    except ConvkitError as error:
        return Done(failed(base, task, str(error), notes), error)
    except Exception as error:  # one run of many: the others go on, and the record tells
        return Done(failed(base, task, f"{type(error).__name__}: {error}", notes))


def varied_settings(base: Experiment, task: Task) -> dict[str, Any]:
    """Return the settings that a task changes, as JSON values; a backend left open is told as the one taken.

    Examples
    --------
    >>> varied_settings(Experiment(), Task("a key", {"backend": None, "noise": 0.5}))
    {'backend': 'gram', 'noise': 0.5}
    """
    settled = base.model_copy(update=dict(task.changes)).settled().resolved()
    return {name: settled[name] for name in task.changes}


def failed(base: Experiment, task: Task, error: str, notes: list[str] | None = None) -> str:
    """Return the line of a run that came to nothing."""
    return _line(base, task, notes or [], status="failed", error=error)


def _line(base: Experiment, task: Task, notes: list[str], **outcome: Any) -> str:
    everything = canonical(base.model_copy(update=dict(task.changes)))
    settings = varied_settings(base, task)
    return SavedRun(key=task.key, settings=settings, experiment=everything, notes=notes, **outcome).to_line()


def _located(experiment: Experiment, folder: str) -> Experiment:
    """Name files by their whole paths where this process is in another folder than the one who asks."""
    if folder == str(Path.cwd()):
        return experiment
    found = {}
    for name in INPUTS:
        text = getattr(experiment, name)
        if not isinstance(text, str | os.PathLike) or _is_a_name(name, text):
            continue
        if is_file(Path(folder, text)):
            found[name] = str(Path(folder, text))
    return experiment.model_copy(update=found)


def _is_a_name(setting: str, text: str | os.PathLike[str]) -> bool:
    """Whether text names a kernel or a pattern, which wins over a file."""
    if not isinstance(text, str):
        return False
    return is_known(text) if setting in ("kernel", "expect") else parse_call(text).name in PATTERNS
