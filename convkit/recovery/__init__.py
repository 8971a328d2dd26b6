"""Find a kernel: the problem, the solvers, and what they return."""

from convkit.recovery.descent import Descent, LearningBackend, Status
from convkit.recovery.problem import Loss, Parameters, Problem
from convkit.recovery.rate import largest_curvature
from convkit.recovery.solvers import Solver

__all__ = ["Descent", "LearningBackend", "Loss", "Parameters", "Problem", "Solver", "Status", "largest_curvature"]
