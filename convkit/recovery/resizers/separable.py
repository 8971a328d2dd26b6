"""What is known of a resizer of any ratio: a kernel down the rows for each phase, and one along them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.resizers.axis import Axis
from convkit.recovery.resizers.candidates import Candidate
from convkit.recovery.resizers.phases import Resampler
from convkit.recovery.resizers.weights import Weights, filtered

Array = NDArray[np.float64]
Places = NDArray[np.intp]
#: An image and what became of it, both in the light in which they are compared.
Planes = Sequence[tuple[Array, Array]]


@dataclass(frozen=True, eq=False)
class Side:
    """One axis.

    Attributes
    ----------
    axis : Axis
    outputs : ndarray of int, shape (n,)
        The outputs looked at, one after the other.
    first : ndarray of int, shape (n,)
        Input pixel under the first tap of each.
    taps, errors : ndarray, shape (phases seen, K)
        By `of_phase`.
    """

    axis: Axis
    outputs: Places
    first: Places
    taps: Array
    errors: Array

    @property
    def labels(self) -> Places:
        """The phase of each output."""
        return np.asarray(self.outputs % self.axis.phases, dtype=np.intp)

    @property
    def phases(self) -> Places:
        """The phases seen, ascending."""
        return np.unique(self.labels)

    @property
    def weights(self) -> Weights:
        """The taps of each output."""
        return Weights(self.taps[np.searchsorted(self.phases, self.labels)], self.first)

    def first_of(self, phase: int) -> int:
        """Return the place, among the outputs looked at, of the first of a phase."""
        return int(np.flatnonzero(self.labels == phase)[0])

    @property
    def offsets(self) -> Places:
        """Where each phase's first tap sits, relative to the input pixel ``p·t``."""
        at = [self.first_of(phase) for phase in self.phases]
        steps = self.outputs[at] // self.axis.phases * self.axis.steps
        return np.asarray(self.first[at] - steps, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class Separable:
    """What is known of a resizer that works on rows and columns one after the other.

    Attributes
    ----------
    rows, columns : Side
    bias : float
    residual_squares, count : float, int
        What stays unexplained of the outputs looked at, and their number.
    unknowns : int
    names : tuple of Resampler
        The known resizers that explain the outputs as well, the likeliest first.
    named : Candidate or None
        The first of them.
    nearest : Resampler or None
        The known resizer that leaves least unexplained, however much.
    """

    rows: Side
    columns: Side
    bias: float
    residual_squares: float
    count: int
    unknowns: int
    names: tuple[Resampler, ...]
    named: Candidate | None
    nearest: Resampler | None = None

    @property
    def variance(self) -> float:
        """Of what stays unexplained."""
        return self.residual_squares / max(self.count - self.unknowns, 1)

    def along(self, image: Array) -> Array:
        """Return an image filtered along its rows, ``(H, n)``."""
        return filtered(self.columns.weights, image.T).T

    def left(self, planes: Planes) -> list[tuple[Array, Array]]:
        """Return the outputs looked at, and what stays unexplained of each."""
        targets = chosen(planes, (self.rows, self.columns))
        return [
            (target, target - self.bias - filtered(self.rows.weights, self.along(image)))
            for target, (image, _) in zip(targets, planes, strict=True)
        ]

    def curve(self) -> list[tuple[float, float]]:
        """Return the continuous kernel down the rows: distance from the output's half-pixel centre, and weight."""
        side = self.rows
        points = []
        for phase, taps in zip(side.phases, side.taps, strict=True):
            at = side.first_of(phase)
            points += side.axis.around(int(side.outputs[at]), int(side.first[at]), taps)
        return sorted(points)


def chosen(planes: Planes, sides: tuple[Side, Side]) -> list[Array]:
    """Return the targets' outputs that two sides look at."""
    return [target[np.ix_(sides[0].outputs, sides[1].outputs)] for _, target in planes]
