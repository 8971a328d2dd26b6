"""Walk down the loss: one loop for every optimizer, and the record of the walk."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from convkit.recovery.parameters import Parameters
from convkit.recovery.trajectory import Recorder, Trajectory

# A loss that has grown this much over the first one will not come back.
_BLOWN_UP = 1e6


class Status(StrEnum):
    """How a search ended."""

    CONVERGED = "converged"
    MAX_STEPS = "max-steps"
    DIVERGED = "diverged"


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
    trajectory : Trajectory or None
        The states on the way, where they were to be kept.
    """

    found: Parameters
    status: Status
    losses: list[float]
    final_loss: float
    seconds: float
    trajectory: Trajectory | None = None

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return len(self.losses)


@dataclass(frozen=True)
class DescentPlan:
    """How far to walk, and who is told on the way.

    Attributes
    ----------
    steps : int
        The most steps to take.
    on_step : function, optional
        Called with (step, loss, parameters) after each loss is known and before its update; steps count from 1.
    arrived : function, optional
        Asked before every step whether the parameters are close enough; then the status is ``converged``.
    keep_steps : bool
        Whether to keep the states on the way.
    """

    steps: int
    on_step: Callable[[int, float, Parameters], None] | None = None
    arrived: Callable[[Parameters], bool] | None = None
    keep_steps: bool = False


class Objective(Protocol):
    """A loss with parameters that a solver may move."""

    def loss(self) -> float:
        """Return the loss."""

    def loss_with_gradient(self) -> float:
        """Return the loss, and keep its gradient for the solver."""

    def mark(self) -> Callable[[], Parameters]:
        """Remember where the parameters stand; the function returned tells, whatever has moved since."""


def descend(objective: Objective, plan: DescentPlan, take_step: Callable[[], float]) -> Descent:
    """Walk down a loss.

    Stops with status ``diverged`` when the loss is not finite or more than 10⁶ times the first.

    Parameters
    ----------
    objective : Objective
    plan : DescentPlan
    take_step : function
        Moves the objective's parameters; returns the loss before the move.
    """
    began = time.perf_counter()
    losses: list[float] = []
    status = Status.MAX_STEPS
    last = objective.mark(), math.inf
    recorder = Recorder() if plan.keep_steps else None
    with np.errstate(over="ignore", invalid="ignore"):  # a loss that overflows is an answer: it diverged
        for step in range(1, plan.steps + 1):
            here = objective.mark()
            if plan.arrived is not None and plan.arrived(here()):
                status = Status.CONVERGED
                break
            loss = take_step()
            losses.append(loss)
            if _blown_up(loss, losses[0]):
                status = Status.DIVERGED
                break
            last = here, loss
            if recorder is not None:
                recorder(step, loss, here())
            if plan.on_step is not None:
                plan.on_step(step, loss, here())
        if status is not Status.DIVERGED:
            final = objective.loss()
            if _blown_up(final, losses[0] if losses else final):
                status = Status.DIVERGED
            else:
                last = objective.mark(), final
                if recorder is not None:
                    recorder(len(losses) + 1, final, last[0]())
    seconds = time.perf_counter() - began
    trajectory = recorder.trajectory() if recorder is not None else None
    return Descent(last[0](), status, losses, last[1], seconds, trajectory)


def _blown_up(loss: float, first: float) -> bool:
    return not math.isfinite(loss) or loss > _BLOWN_UP * first
