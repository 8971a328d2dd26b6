"""The recovery problem in its one form: valid windows, a target, and a loss."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Loss(StrEnum):
    """How the squared residuals become one number."""

    SUM = "sum"
    MEAN = "mean"


@dataclass(frozen=True, eq=False)
class Parameters:
    """A point of the search: correlation taps and a bias.

    Attributes
    ----------
    taps : ndarray, shape (kh, kw)
    bias : float
        Zero when the problem has none.
    """

    taps: NDArray[np.floating[Any]]
    bias: float = 0.0

    @classmethod
    def draw(cls, size: tuple[int, int], rng: np.random.Generator, *, bias: bool = True) -> "Parameters":
        """Draw a standard normal start: the taps row by row, then the bias.

        Examples
        --------
        >>> Parameters.draw((1, 2), np.random.default_rng(0)).taps.shape
        (1, 2)
        """
        taps = rng.standard_normal(size)
        drawn = float(rng.standard_normal())
        return cls(taps, drawn if bias else 0.0)


@dataclass(frozen=True, eq=False)
class Problem:
    """Find ``k`` and ``b`` with ``y[i, j] ≈ Σ k[u, v] · x[s·i + u, s·j + v] + b``.

    Padding, flip and offset are settled before: the image holds exactly the windows that the target answers to.

    Attributes
    ----------
    image : ndarray, shape (H, W)
    target : ndarray, shape ((H - kh) // s + 1, (W - kw) // s + 1)
    size : (int, int)
        The kernel's ``(kh, kw)``.
    stride : int
    bias : bool
        Whether ``b`` is sought; if not it is 0.
    loss : Loss
    """

    image: NDArray[np.floating[Any]]
    target: NDArray[np.floating[Any]]
    size: tuple[int, int]
    stride: int = 1
    bias: bool = True
    loss: Loss = Loss.SUM

    @property
    def unknowns(self) -> int:
        """How many numbers are sought."""
        return self.size[0] * self.size[1] + self.bias

    @property
    def loss_scale(self) -> float:
        """What the sum of squares is multiplied by."""
        return 1.0 if self.loss is Loss.SUM else 1.0 / self.target.size
