"""The loss as a quadratic of the Gram matrix: descent without another look at the image."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.parameters import Parameters, as_parameters, as_vector

Vector = NDArray[np.float64]


class Quadratic:
    """A loss ``L(w) = L* + s·(w - w*)ᵀG(w - w*)`` and its gradient ``2s·G(w - w*)``.

    Only the gap ``w - w*`` is stepped, so that nothing cancels as it goes to zero.

    Parameters
    ----------
    gram : ndarray, shape (p, p)
        ``G = XᵀX``, the bias's row and column last if there is one.
    optimum : Parameters
        A minimiser ``w*``.
    least : float
        The sum of squares there.
    scale : float
        What the sum of squares is multiplied by.
    start : Parameters
        Where the descent begins.
    bias : bool
        Whether the last unknown is a bias.

    Examples
    --------
    >>> point = Parameters(np.array([[1.0]]))
    >>> q = Quadratic(np.array([[4.0]]), point, 0.5, 1.0, Parameters(np.array([[2.0]])), bias=False)
    >>> q.loss_with_gradient(), q.gradient
    (4.5, array([8.]))
    """

    def __init__(
        self,
        gram: NDArray[np.float64],
        optimum: Parameters,
        least: float,
        scale: float,
        start: Parameters,
        *,
        bias: bool,
    ) -> None:
        self.gram = gram
        self.optimum = optimum
        self.least = least * scale
        self.scale = scale
        self.bias = bias
        self._hessian = 2.0 * scale * gram
        self._aim = as_vector(optimum, bias=bias)
        self.gap = as_vector(start, bias=bias) - self._aim
        self.gradient: Vector = np.zeros_like(self.gap)

    def loss_with_gradient(self) -> float:
        """Return the loss, and leave its gradient in ``gradient``."""
        self.gradient = self._hessian @ self.gap
        return self.least + max(0.5 * float(self.gap @ self.gradient), 0.0)

    def loss(self) -> float:
        """Return the loss."""
        return self.least + max(self.scale * float(self.gap @ self.gram @ self.gap), 0.0)  # never below by rounding

    def move(self, step: Vector) -> None:
        """Add a step to the parameters."""
        self.gap = self.gap + step

    def mark(self) -> Callable[[], Parameters]:
        """Remember where the parameters stand, in a copy: torch's optimizers write into the gap."""
        gap = self.gap.copy()
        return lambda: as_parameters(self._aim + gap, self.optimum.taps.shape, bias=self.bias)
