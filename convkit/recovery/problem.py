"""The recovery problem in its one form: valid windows, targets, and a loss."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from convkit.engine import SerialEngine
from convkit.recovery.normal_equations import NormalEquations

Sum = TypeVar("Sum")

# Outputs of a part: a large picture is one, and its pixels take a quarter of a gigabyte at most.
_PART = 1 << 24
_STRIPS = 8


class Loss(StrEnum):
    """How the residuals become one number: their squares summed or averaged, or Huber's robust sum."""

    SUM = "sum"
    MEAN = "mean"
    HUBER = "huber"


@dataclass(frozen=True, eq=False)
class Pair:
    """Windows of an image, and what a filter made of each.

    Padding, flip and offset are settled before: the image holds exactly the windows that the target answers to.

    Attributes
    ----------
    image : ndarray, shape (H, W)
    target : ndarray, shape ((H - kh) // s + 1, (W - kw) // s + 1)
    mask : ndarray of bool, shape of the target, or None
        True where an output is used; None for all. What no used output sees may be anything.
    """

    image: NDArray[Any]
    target: NDArray[Any]
    mask: NDArray[np.bool_] | None = None

    @property
    def count(self) -> int:
        """How many outputs are used."""
        return self.target.size if self.mask is None else int(np.count_nonzero(self.mask))

    def used(self, values: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return the targets used, in one row; or what else there is one of for each output."""
        every = self.target if values is None else values
        return every.reshape(-1) if self.mask is None else every[self.mask]


@runtime_checkable  # pydantic looks into what a record holds
class Summing(Protocol):
    """Where the parts of a problem are worked on, and what they come to is summed, in a fixed tree."""

    def __call__(
        self, work: "Callable[[Problem], Sum]", parts: "Sequence[Problem]", combine: Callable[[Sum, Sum], Sum], /
    ) -> Sum:
        """Return the sum; ``work`` and ``combine`` are functions that another process can import."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Find ``k`` and ``b`` with ``y[i, j] ≈ Σ k[u, v] · x[s·i + u, s·j + v] + b`` in every pair.

    Attributes
    ----------
    pairs : tuple of Pair
    size : (int, int)
        The kernel's ``(kh, kw)``.
    stride : int
    bias : bool
        Whether ``b`` is sought; if not it is 0.
    loss : Loss
    knee : float or None
        Of Huber's loss: residuals beyond it count ``2·knee·|r| - knee²`` instead of ``r²``.
    summing : Summing or None
        Where sums over many parts are made; None for this process.
    device : str
        Where the images of its equations are transformed.
    """

    pairs: tuple[Pair, ...]
    size: tuple[int, int]
    stride: int = 1
    bias: bool = True
    loss: Loss = Loss.SUM
    knee: float | None = None
    summing: Summing | None = None
    device: str = "cpu"

    @classmethod
    def of(
        cls,
        image: NDArray[Any],
        target: NDArray[Any],
        size: tuple[int, int],
        *,
        mask: NDArray[np.bool_] | None = None,
        stride: int = 1,
        bias: bool = True,
        loss: Loss = Loss.SUM,
    ) -> "Problem":
        """Pose the problem of a single pair.

        Examples
        --------
        >>> Problem.of(np.ones((6, 8)), np.zeros((6, 7)), (1, 2)).unknowns
        3
        """
        return cls((Pair(image, target, mask),), size, stride, bias, loss)

    @property
    def unknowns(self) -> int:
        """How many numbers are sought."""
        return self.size[0] * self.size[1] + self.bias

    @cached_property
    def count(self) -> int:
        """How many outputs are used."""
        return sum(pair.count for pair in self.pairs)

    def condensed(self) -> NormalEquations:
        """Return the normal equations, summed over the parts.

        Examples
        --------
        >>> Problem.of(np.array([[1, 2, 4]]), np.array([[3, 6]]), (1, 2)).condensed().count
        2.0
        """
        total: NormalEquations = self.total(_condense, operator.add)
        return total

    def total(self, work: "Callable[[Problem], Sum]", combine: Callable[[Sum, Sum], Sum]) -> Sum:
        """Work on every part and combine what they come to, pair by pair, in a tree that their number fixes.

        Examples
        --------
        >>> problem = Problem((Pair(np.ones((3, 3)), np.ones((3, 2))), Pair(np.ones((1, 2)), np.ones((1, 1)))), (1, 2))
        >>> problem.total(lambda part: part.count, operator.add)
        7
        """
        parts = self.parts(_PART)
        if len(parts) == 1:
            return work(parts[0])
        if self.summing is not None:
            return self.summing(work, parts, combine)
        return SerialEngine().tree_reduce(work, parts, combine)

    def parts(self, most: int) -> "list[Problem]":
        """Cut into problems whose equations add up to this one's: of one pair, and of about so many outputs at most.

        Parts of which no output is used are left out, unless that is all of them.

        Examples
        --------
        >>> whole = Problem.of(np.zeros((9, 3)), np.zeros((7, 1)), (3, 3))
        >>> [(part.pairs[0].image.shape, part.count) for part in whole.parts(3)]
        [((5, 3), 3), ((5, 3), 3), ((3, 3), 1)]
        """
        cut = [replace(self, pairs=(part,), summing=None) for pair in self.pairs for part in self._strips(pair, most)]
        return [part for part in cut if part.count] or cut

    def thinned(self, most: int) -> "Problem":
        """Keep at most about so many outputs, in eight strips spread evenly over the pairs.

        Examples
        --------
        >>> Problem.of(np.zeros((102, 12)), np.zeros((100, 10)), (3, 3)).thinned(160).count
        160
        """
        if self.count <= most:
            return self
        parts = self.parts(most // _STRIPS)
        chosen = np.linspace(0, len(parts) - 1, min(_STRIPS, len(parts))).round().astype(int)
        return replace(self, pairs=tuple(parts[number].pairs[0] for number in chosen))

    def _strips(self, pair: Pair, most: int) -> list[Pair]:
        """Cut a pair into rows of outputs."""
        height, width = pair.target.shape
        rows = max(1, most // max(width, 1))
        if rows >= height:
            return [pair]
        return [
            Pair(
                pair.image[top * self.stride : (min(top + rows, height) - 1) * self.stride + self.size[0]],
                pair.target[top : top + rows],
                None if pair.mask is None else pair.mask[top : top + rows],
            )
            for top in range(0, height, rows)
        ]

    @property
    def loss_scale(self) -> float:
        """What the sum over the outputs is multiplied by."""
        return 1.0 / self.count if self.loss is Loss.MEAN else 1.0


def _condense(part: Problem) -> NormalEquations:
    """Return the normal equations of a problem of one pair."""
    (pair,) = part.pairs
    return NormalEquations.of(
        pair.image,
        pair.target,
        part.size,
        stride=part.stride,
        bias=part.bias,
        mask=pair.mask,
        device=part.device,
    )
