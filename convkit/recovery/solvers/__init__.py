"""How the kernel is found, one solver a file: ``solve(problem, start, plan) -> Descent``."""

import importlib
from collections.abc import Callable
from enum import StrEnum

from convkit.recovery.descent import Descent, DescentPlan
from convkit.recovery.problem import Parameters, Problem
from convkit.text import choice

Solve = Callable[[Problem, Parameters, DescentPlan], Descent]


class Solver(StrEnum):
    """A way down the loss; each is the module of its name in this folder."""

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

    def load(self) -> Solve:
        """Return the solver's function."""
        solve: Solve = importlib.import_module(f"convkit.recovery.solvers.{self}").solve
        return solve

    def auto_rate(self, curvature: float) -> float:
        """Return a rate with which this solver is stable on a loss of the given largest curvature."""
        rate: Callable[[float], float] = importlib.import_module(f"convkit.recovery.solvers.{self}").auto_rate
        return rate(curvature)

    def stable_below(self, curvature: float) -> float | None:
        """Return the rate from which this solver diverges, or None when it has no such limit."""
        limit: Callable[[float], float | None] = importlib.import_module(
            f"convkit.recovery.solvers.{self}"
        ).stable_below
        return limit(curvature)
