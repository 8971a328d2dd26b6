"""Adam: steps scaled by running moments of the gradient (Kingma & Ba 2015, arXiv 1412.6980)."""

from collections.abc import Callable

from convkit.recovery.descent import Objective
from convkit.recovery.rates import Rates


def steps(objective: Objective, rate: float) -> Callable[[], float]:
    """Return a function that takes a step with Adam's default moments and returns the loss before it."""
    import torch

    from convkit.recovery.torch_steps import torch_steps

    return torch_steps(objective, lambda parameters: torch.optim.Adam(parameters, lr=rate))


def stable_below(_rates: Rates) -> None:
    """Return None: a step is never much longer than the rate, whatever the curvature."""
    return


def auto_rate(_rates: Rates, _count: int) -> float:
    """Return 0.1 per step, in tap units: from a standard normal start, 40 steps reach every tap below about 4."""
    return 0.1
