"""The points of a grid: which runs there are, and by which keys they are known."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from convkit.experiment.keys import canonical, run_key
from convkit.experiment.settings import Experiment
from convkit.experiment.task import Task
from convkit.experiment.vary import Vary, product
from convkit.text import shown


@dataclass(frozen=True)
class Grid:
    """The product of all that is varied, on top of settings that all runs share.

    Attributes
    ----------
    base : Experiment
    varied : tuple of str
        The keys that are varied.
    tasks : dict of Task
        By key, in order, the last setting changing fastest; values that are given twice count once.

    Examples
    --------
    >>> grid = Grid.of(Experiment(), {"seed": [0, 1], "noise": [0, 0.1, "0.1"]})
    >>> len(grid.tasks), list(grid.tasks.values())[1].changes
    (4, {'seed': 0, 'noise': 0.1})
    """

    base: Experiment
    varied: tuple[str, ...]
    tasks: dict[str, Task]

    @classmethod
    def of(cls, base: Experiment, vary: Vary) -> "Grid":
        """Lay out a grid.

        Raises
        ------
        SettingsError
            When a value is out of its key's range, or the grid is too large.
        """
        tasks: dict[str, Task] = {}
        for changes in product(vary, base):
            key = run_key(canonical(base.model_copy(update=changes)))
            tasks.setdefault(key, Task(key, changes))
        return cls(base, tuple(vary), tasks)

    def differences(self, settings: dict[str, Any], varied: Iterable[str]) -> list[str]:
        """Say what an earlier run's settings differ in from the base, but for what either of the two varied."""
        here = canonical(self.base)
        free = {*self.varied, *varied}
        return [
            f"{name} {_told(settings.get(name))} there and {_told(value)} here"
            for name, value in here.items()
            if name not in free and settings.get(name) != value
        ]


def _told(value: Any) -> str:
    return "unset" if value is None else shown(value) if isinstance(value, str) else str(value)
