"""Steps taken by PyTorch's optimizers, on either kind of loss."""

from collections.abc import Callable
from typing import Any

import torch

from convkit.recovery.autograd import AutogradObjective
from convkit.recovery.descent import Objective
from convkit.recovery.quadratic import Quadratic

MakeOptimizer = Callable[[list[torch.Tensor]], torch.optim.Optimizer]


def torch_steps(objective: Objective, make_optimizer: MakeOptimizer) -> Callable[[], float]:
    """Return a function that lets an optimizer take one step.

    It returns the loss before the step, even when the optimizer asks for several.
    """
    held = _QuadraticTensors(objective) if isinstance(objective, Quadratic) else objective
    assert isinstance(held, _QuadraticTensors | AutogradObjective)
    loss_with_gradient = held.loss_with_gradient
    optimizer: Any = make_optimizer(held.parameters)

    def take_step() -> float:
        asked: list[float] = []

        def closure() -> float:
            asked.append(loss_with_gradient())
            return asked[-1]

        optimizer.step(closure)
        return asked[0]

    return take_step


class _QuadraticTensors:
    """Shows a quadratic's gap to an optimizer as a tensor that shares its memory."""

    def __init__(self, quadratic: Quadratic) -> None:
        self.quadratic = quadratic
        quadratic.gap = quadratic.gap.copy()
        self.gap = torch.from_numpy(quadratic.gap).requires_grad_()

    @property
    def parameters(self) -> list[torch.Tensor]:
        return [self.gap]

    def loss_with_gradient(self) -> float:
        loss = self.quadratic.loss_with_gradient()
        self.gap.grad = torch.from_numpy(self.quadratic.gradient)
        return loss
