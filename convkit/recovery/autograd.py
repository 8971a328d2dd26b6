"""The loss of a problem and its gradient, by autograd through a convolution backend, strip by strip."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from convkit.convolution.apply import strided
from convkit.convolution.conv2d import strip_rows
from convkit.recovery.problem import Parameters, Problem

Forward = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class AutogradObjective:
    """A problem's loss as a function of torch parameters.

    The image is walked in strips of rows and their gradients add up, so that memory does not grow with the
    image: in float64 ``F.conv2d`` copies its input once per tap, and the two loops record every window.

    Parameters
    ----------
    problem : Problem
    forward : function
        Valid cross-correlation of tensors; gradients flow through it.
    start : Parameters
        Initial values of the parameters.
    dtype : torch.dtype
    device : str
    """

    def __init__(
        self,
        problem: Problem,
        forward: Forward,
        start: Parameters,
        *,
        dtype: torch.dtype = torch.float64,
        device: str = "cpu",
    ) -> None:
        self.problem = problem
        self.forward = forward
        self.dtype = dtype
        self.device = device
        self.weight = torch.tensor(start.taps, dtype=dtype, device=device, requires_grad=True)
        self.bias = torch.tensor(start.bias, dtype=dtype, device=device, requires_grad=problem.bias)
        # A small image is one strip, which need not be made anew at every step.
        self._only_strip = next(self._make_strips()) if self._rows >= problem.target.shape[0] else None

    @property
    def parameters(self) -> list[torch.Tensor]:
        """What an optimizer may change."""
        return [self.weight, self.bias] if self.problem.bias else [self.weight]

    def loss_with_gradient(self) -> float:
        """Return the loss, and leave its gradient in the parameters' ``grad``."""
        for parameter in self.parameters:
            parameter.grad = None
        total = 0.0
        for image, target in self._strips():
            residual = strided(image, self.weight, self.problem.stride, self.forward) + self.bias - target
            loss = (residual * residual).sum() * self.problem.loss_scale
            loss.backward()
            total += loss.item()
        return total

    def loss(self) -> float:
        """Return the loss alone."""
        with torch.no_grad():
            total = 0.0
            for image, target in self._strips():
                residual = strided(image, self.weight, self.problem.stride, self.forward) + self.bias - target
                total += float((residual * residual).sum()) * self.problem.loss_scale
        return total

    def mark(self) -> Callable[[], Parameters]:
        """Remember where the parameters stand, in a copy: optimizers write into them."""
        taps: NDArray[np.float64] = self.weight.detach().cpu().double().numpy().copy()
        here = Parameters(taps, float(self.bias.detach()))
        return lambda: here

    @property
    def _rows(self) -> int:
        return strip_rows(self.problem.target.shape[1])

    def _strips(self) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
        return [self._only_strip] if self._only_strip is not None else self._make_strips()

    def _make_strips(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        problem, stride = self.problem, self.problem.stride
        height = problem.target.shape[0]
        for top in range(0, height, self._rows):
            bottom = min(top + self._rows, height)
            window = problem.image[stride * top : stride * (bottom - 1) + problem.size[0]]
            yield self._tensor(window), self._tensor(problem.target[top:bottom])

    def _tensor(self, values: NDArray[Any]) -> torch.Tensor:
        return torch.tensor(values, dtype=self.dtype, device=self.device)
