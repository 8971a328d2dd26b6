"""The loss of a problem and its gradient, by autograd through a convolution backend, strip by strip."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from convkit.convolution.apply import strided
from convkit.recovery.parameters import Parameters
from convkit.recovery.problem import Problem

Forward = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
# Rows of an image, the targets of their windows, and which of these are used (None for all).
Strip = tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]

# Outputs computed at once: enough to fill the vector units, few enough that autograd through the two loops, which
# records a kilobyte or two for every output, stays within 100 MB.
_STRIP_OUTPUTS = 1 << 16


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
        # Small images are a strip each, which need not be made anew at every step.
        small = all(pair.target.shape[0] <= rows_at_once(pair.target.shape[1]) for pair in problem.pairs)
        self._kept = list(self._make_strips()) if small else None

    @property
    def parameters(self) -> list[torch.Tensor]:
        """What an optimizer may change."""
        return [self.weight, self.bias] if self.problem.bias else [self.weight]

    def loss_with_gradient(self) -> float:
        """Return the loss, and leave its gradient in the parameters' ``grad``."""
        for parameter in self.parameters:
            parameter.grad = None
        total = 0.0
        for strip in self._strips():
            loss: Any = self._loss_of(strip)
            loss.backward()
            total += loss.item()
        return total

    def loss(self) -> float:
        """Return the loss alone."""
        with torch.no_grad():
            return sum(self._loss_of(strip).item() for strip in self._strips())

    def mark(self) -> Callable[[], Parameters]:
        """Remember where the parameters stand, in a copy: optimizers write into them."""
        taps: NDArray[np.float64] = self.weight.detach().cpu().double().numpy().copy()
        here = Parameters(taps, float(self.bias.detach()))
        return lambda: here

    def _loss_of(self, strip: Strip) -> torch.Tensor:
        image, target, mask = strip
        residual = strided(image, self.weight, self.problem.stride, self.forward) + self.bias - target
        if mask is not None:
            residual = residual[mask]
        knee = self.problem.knee
        if knee is None:
            squares: torch.Tensor = (residual * residual).sum()
            return squares * self.problem.loss_scale
        # PyTorch's loss is ½r² within the knee.
        huber = torch.nn.functional.huber_loss(residual, torch.zeros_like(residual), reduction="sum", delta=knee)
        return 2.0 * self.problem.loss_scale * huber

    def _strips(self) -> Iterable[Strip]:
        return self._kept if self._kept is not None else self._make_strips()

    def _make_strips(self) -> Iterator[Strip]:
        problem, stride = self.problem, self.problem.stride
        for pair in problem.pairs:
            height, rows = pair.target.shape[0], rows_at_once(pair.target.shape[1])
            for top in range(0, height, rows):
                bottom = min(top + rows, height)
                window = pair.image[stride * top : stride * (bottom - 1) + problem.size[0]]
                mask = None if pair.mask is None else torch.tensor(pair.mask[top:bottom], device=self.device)
                yield self._tensor(window), self._tensor(pair.target[top:bottom]), mask

    def _tensor(self, values: NDArray[Any]) -> torch.Tensor:
        return torch.tensor(values, dtype=self.dtype, device=self.device)


def rows_at_once(width: int) -> int:
    """How many output rows to compute at once."""
    return max(1, _STRIP_OUTPUTS // width)
