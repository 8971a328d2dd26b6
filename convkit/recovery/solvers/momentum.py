"""Heavy ball: ``v ← βv + ∇L(w)``, ``w ← w − ηv`` with β = 0.9 (Polyak 1964)."""

from convkit.recovery.descent import Descent, DescentPlan, descend
from convkit.recovery.problem import Parameters, Problem
from convkit.recovery.rate import AUTO_FRACTION

BETA = 0.9


def solve(problem: Problem, start: Parameters, plan: DescentPlan) -> Descent:
    """Descend with a fixed rate and momentum."""
    import torch

    return descend(problem, start, plan, lambda parameters, rate: torch.optim.SGD(parameters, lr=rate, momentum=BETA))


def stable_below(curvature: float) -> float | None:
    """Limit of the rate, ``2(1 + β) / λmax(H)``; None when the loss is flat.

    Examples
    --------
    >>> stable_below(2.0)
    1.9
    """
    return 2.0 * (1.0 + BETA) / curvature if curvature > 0 else None


def auto_rate(curvature: float) -> float:
    """Return plain descent's sound rate: momentum only widens the limit, and a smaller rate oscillates less."""
    return AUTO_FRACTION * 2.0 / curvature if curvature > 0 else AUTO_FRACTION
