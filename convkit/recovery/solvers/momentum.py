"""Heavy ball: ``v ← βv + ∇L(w)``, ``w ← w − ηv`` with β = 0.9 (Polyak 1964)."""

from collections.abc import Callable

import numpy as np

from convkit.recovery.descent import Objective
from convkit.recovery.quadratic import Quadratic
from convkit.recovery.rates import Rates

BETA = 0.9


def steps(objective: Objective, rate: float) -> Callable[[], float]:
    """Return a function that takes a step with momentum and returns the loss before it."""
    if not isinstance(objective, Quadratic):
        import torch

        from convkit.recovery.torch_steps import torch_steps

        return torch_steps(objective, lambda parameters: torch.optim.SGD(parameters, lr=rate, momentum=BETA))
    velocity = np.zeros_like(objective.gap)

    def take_step() -> float:
        nonlocal velocity
        loss = objective.loss_with_gradient()
        velocity = BETA * velocity + objective.gradient
        objective.move(-rate * velocity)
        return loss

    return take_step


def stable_below(rates: Rates) -> float:
    """Return the limit of the rate, ``2(1 + β) / λmax``."""
    return (1.0 + BETA) * rates.stable_below


def auto_rate(rates: Rates, count: int) -> float:  # noqa: ARG001
    """Return three quarters of plain descent's limit: momentum only widens it, and shorter steps swing less."""
    return 0.75 * rates.stable_below if rates.curvatures.size else 1.0
