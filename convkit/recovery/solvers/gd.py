"""Plain gradient descent: ``w ← w − η∇L(w)``."""

from collections.abc import Callable

from convkit.recovery.descent import Objective
from convkit.recovery.quadratic import Quadratic
from convkit.recovery.rates import Rates


def steps(objective: Objective, rate: float) -> Callable[[], float]:
    """Return a function that takes a step of a fixed rate and returns the loss before it."""
    if not isinstance(objective, Quadratic):
        import torch

        from convkit.recovery.torch_steps import torch_steps

        return torch_steps(objective, lambda parameters: torch.optim.SGD(parameters, lr=rate))

    def take_step() -> float:
        loss = objective.loss_with_gradient()
        objective.move(-rate * objective.gradient)
        return loss

    return take_step


def stable_below(rates: Rates) -> float:
    """Return the limit of the rate, ``2 / λmax``."""
    return rates.stable_below


def auto_rate(rates: Rates, count: int) -> float:
    """Return the rate that leaves the smallest worst loss after so many steps."""
    return rates.best_for(count)
