"""Walk down the loss: one loop for every optimizer, and the record of the walk."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from convkit.recovery.problem import Parameters, Problem
from convkit.text import choice

if TYPE_CHECKING:
    import torch

    from convkit.recovery.autograd import Forward

# A loss that has grown this much over the first one will not come back.
_BLOWN_UP = 1e6


class Status(StrEnum):
    """How a search ended."""

    CONVERGED = "converged"
    MAX_STEPS = "max-steps"
    DIVERGED = "diverged"


class LearningBackend(StrEnum):
    """Which convolution the gradient flows through."""

    NAIVE = "naive"
    CONV2D = "conv2d"

    @classmethod
    def parse(cls, text: str) -> "LearningBackend":
        """Read a backend's name; ``auto`` is the faster one.

        Raises
        ------
        SettingsError
            When there is no such learning backend.

        Examples
        --------
        >>> LearningBackend.parse("auto")
        <LearningBackend.CONV2D: 'conv2d'>
        """
        name = choice("--backend", text, ["auto", *cls])
        return cls.CONV2D if name == "auto" else cls(name)

    def forward(self) -> "Forward":
        """Return valid cross-correlation of tensors, through which gradients flow."""
        from convkit.convolution import conv2d, naive

        return naive.correlate if self is LearningBackend.NAIVE else conv2d.correlate_tensor


@dataclass(frozen=True, eq=False)
class Descent:
    """What a search found, and how.

    Attributes
    ----------
    found : Parameters
        Correlation taps and bias at the end; of a run that diverged, the last finite ones.
    status : Status
    losses : list of float
        Loss before each step's update.
    final_loss : float
        Loss of ``found``.
    seconds : float
        Wall time of the steps.
    """

    found: Parameters
    status: Status
    losses: list[float]
    final_loss: float
    seconds: float

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return len(self.losses)


@dataclass(frozen=True)
class DescentPlan:
    """How far and how to walk.

    Attributes
    ----------
    steps : int
        The most steps to take.
    rate : float
        Learning rate.
    backend : LearningBackend
    dtype : str
        ``float32`` or ``float64``.
    device : str
    on_step : function, optional
        Called with (step, loss, parameters) after each loss is known and before its update; steps count from 1.
    """

    steps: int
    rate: float
    backend: LearningBackend = LearningBackend.CONV2D
    dtype: str = "float64"
    device: str = "cpu"
    on_step: Callable[[int, float, Parameters], None] | None = None


def descend(
    problem: Problem,
    start: Parameters,
    plan: DescentPlan,
    make_optimizer: "Callable[[list[torch.Tensor], float], torch.optim.Optimizer]",
) -> Descent:
    """Let a torch optimizer walk down the loss of a problem.

    Stops with status ``diverged`` when the loss is not finite or more than 10⁶ times the first.
    """
    import torch

    from convkit.recovery.autograd import Objective

    objective = Objective(problem, plan.backend.forward(), start, dtype=getattr(torch, plan.dtype), device=plan.device)
    optimizer: Any = make_optimizer(objective.parameters, plan.rate)
    began = time.perf_counter()  # a process's first optimizer takes a second to import half of torch
    losses: list[float] = []
    status = Status.MAX_STEPS
    last = start, math.inf
    for step in range(1, plan.steps + 1):
        here = objective.current()
        loss = _step(optimizer, objective.loss_with_gradient)
        losses.append(loss)
        if _blown_up(loss, losses[0]):
            status = Status.DIVERGED
            break
        last = here, loss
        if plan.on_step is not None:
            plan.on_step(step, loss, here)
    if status is not Status.DIVERGED:
        final = objective.loss()
        if _blown_up(final, losses[0]):
            status = Status.DIVERGED
        else:
            last = objective.current(), final
    return Descent(last[0], status, losses, last[1], time.perf_counter() - began)


def _step(optimizer: Any, loss_with_gradient: Callable[[], float]) -> float:
    """Take one step; the loss returned is the one before it, even when the optimizer asks for several."""
    asked: list[float] = []

    def closure() -> float:
        asked.append(loss_with_gradient())
        return asked[-1]

    optimizer.step(closure)
    return asked[0]


def _blown_up(loss: float, first: float) -> bool:
    return not math.isfinite(loss) or loss > _BLOWN_UP * first
