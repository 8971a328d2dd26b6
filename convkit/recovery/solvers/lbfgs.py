"""L-BFGS with a line search that satisfies the strong Wolfe conditions (Nocedal & Wright, chapters 3 and 7)."""

from convkit.recovery.descent import Descent, DescentPlan, descend
from convkit.recovery.problem import Parameters, Problem


def solve(problem: Problem, start: Parameters, plan: DescentPlan) -> Descent:
    """Descend by quasi-Newton steps; one direction and its line search count as one step."""
    import torch

    return descend(
        problem,
        start,
        plan,
        lambda parameters, rate: torch.optim.LBFGS(
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


def stable_below(_curvature: float) -> float | None:
    """Return None: the line search only accepts steps that lower the loss."""
    return None


def auto_rate(_curvature: float) -> float:
    """Return 1, the full quasi-Newton step, which the line search tries first."""
    return 1.0
