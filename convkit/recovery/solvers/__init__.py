"""How the kernel is found, one descent a file: ``steps(objective, rate)`` gives a function that takes a step."""

import importlib
import math
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from convkit.recovery.descent import Objective
from convkit.recovery.rates import Rates
from convkit.text import choice


class Solver(StrEnum):
    """A way to the kernel. Each but ``exact`` walks down the loss, and is the module of its name in this folder."""

    EXACT = "exact"

    GD = "gd"
    MOMENTUM = "momentum"
    ADAM = "adam"
    LBFGS = "lbfgs"

    @classmethod
    def parse(cls, text: str) -> "Solver":
        """Read a solver's name.

        Raises
        ------
        SettingsError
            When there is no such solver.

        Examples
        --------
        >>> Solver.parse("adam")
        <Solver.ADAM: 'adam'>
        """
        return cls(choice("--solver", text, cls))

    @property
    def _module(self) -> Any:
        return importlib.import_module(f"convkit.recovery.solvers.{self}")

    def steps(self, objective: Objective, rate: float) -> Callable[[], float]:
        """Return a function that takes one step and returns the loss before it."""
        take_step: Callable[[], float] = self._module.steps(objective, rate)
        return take_step

    def auto_rate(self, rates: Rates, count: int) -> float:
        """Return a rate with which this solver is stable, chosen for so many steps."""
        rate: float = self._module.auto_rate(rates, count)
        return rate

    def stable_below(self, rates: Rates) -> float | None:
        """Return the rate from which this solver diverges, or None when it has no such limit."""
        limit: float | None = self._module.stable_below(rates)
        return limit if limit is not None and math.isfinite(limit) else None
