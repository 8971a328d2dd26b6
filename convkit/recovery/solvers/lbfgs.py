"""L-BFGS with a line search that satisfies the strong Wolfe conditions (Nocedal & Wright, chapters 3 and 7)."""

from collections.abc import Callable

from convkit.recovery.descent import Objective
from convkit.recovery.rates import Rates


def steps(objective: Objective, rate: float) -> Callable[[], float]:
    """Return a function that takes one direction and its line search, and returns the loss before it."""
    import torch

    from convkit.recovery.torch_steps import torch_steps

    return torch_steps(
        objective,
        lambda parameters: torch.optim.LBFGS(
            parameters,
            lr=rate,
            max_iter=1,
            max_eval=25,  # by default 5/4 of max_iter: a line search of one try, which then stays where it is
            history_size=20,
            # torch's own limits are absolute, and stop a small loss six digits early.
            tolerance_grad=0.0,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        ),
    )


def stable_below(_rates: Rates) -> None:
    """Return None: the line search only accepts steps that lower the loss."""
    return


def auto_rate(_rates: Rates, _count: int) -> float:
    """Return 1, the full quasi-Newton step, which the line search tries first."""
    return 1.0
