"""Plain gradient descent: ``w ← w − η∇L(w)``."""

from convkit.recovery.descent import Descent, DescentPlan, descend
from convkit.recovery.problem import Parameters, Problem
from convkit.recovery.rate import AUTO_FRACTION


def solve(problem: Problem, start: Parameters, plan: DescentPlan) -> Descent:
    """Descend with a fixed rate."""
    import torch

    return descend(problem, start, plan, lambda parameters, rate: torch.optim.SGD(parameters, lr=rate))


def stable_below(curvature: float) -> float | None:
    """Limit of the rate, ``2 / λmax(H)``; None when the loss is flat.

    Examples
    --------
    >>> round(stable_below(124.307), 6)
    0.016089
    """
    return 2.0 / curvature if curvature > 0 else None


def auto_rate(curvature: float) -> float:
    """Return a rate well below the limit."""
    return AUTO_FRACTION * (stable_below(curvature) or 1.0)
