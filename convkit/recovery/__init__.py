"""Find a kernel: the problem, the normal equations, the solvers, and what they return."""

from convkit.recovery.descent import Descent, DescentPlan, Status, descend
from convkit.recovery.normal_equations import NormalEquations
from convkit.recovery.objective import LearningBackend, make_objective
from convkit.recovery.optimum import Optimum, find_optimum
from convkit.recovery.parameters import Parameters
from convkit.recovery.problem import Loss, Problem
from convkit.recovery.rates import Rates
from convkit.recovery.solvers import Solver
from convkit.recovery.spectrum import Spectrum

__all__ = [
    "Descent",
    "DescentPlan",
    "LearningBackend",
    "Loss",
    "NormalEquations",
    "Optimum",
    "Parameters",
    "Problem",
    "Rates",
    "Solver",
    "Spectrum",
    "Status",
    "descend",
    "find_optimum",
    "make_objective",
]
