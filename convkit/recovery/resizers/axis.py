"""The ratio of a resizer's sizes on one axis, and where its outputs lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Axis:
    """So many input pixels became so many output pixels: p to q, in lowest terms unless outputs drift against them.

    Examples
    --------
    >>> axis = Axis(30, 20)
    >>> axis.steps, axis.phases, axis.scale, axis.nearest(1)
    (3, 2, 1.5, 1)
    """

    inputs: int
    outputs: int
    drifts: bool = False

    @property
    def ratio(self) -> Fraction:
        """Input pixels an output pixel."""
        return Fraction(self.inputs, self.outputs)

    @property
    def steps(self) -> int:
        """``p``: after so many input pixels all is repeated."""
        return self.inputs if self.drifts else self.ratio.numerator

    @property
    def phases(self) -> int:
        """``q``: outputs ``q·t + phase`` have one kernel."""
        return self.outputs if self.drifts else self.ratio.denominator

    @property
    def scale(self) -> float:
        """Input pixels an output pixel."""
        return self.inputs / self.outputs

    def nearest(self, output: int) -> int:
        """Return the input pixel at or before an output's centre, pixels taken as areas: ``⌊(i + ½)·p/q - ½⌋``."""
        return ((2 * output + 1) * self.steps - self.phases) // (2 * self.phases)

    def around(self, output: int, first: int, taps: Sequence[float] | NDArray[np.float64]) -> list[tuple[float, float]]:
        """Return an output's taps, the first on input pixel ``first``, by their distance from its half-pixel centre.

        Examples
        --------
        >>> Axis(20, 10).around(0, 0, [0.25, 0.75])
        [(-0.5, 0.25), (0.5, 0.75)]
        """
        middle = (output + 0.5) * self.scale - 0.5
        return [(float(first + place - middle), float(tap)) for place, tap in enumerate(taps)]
