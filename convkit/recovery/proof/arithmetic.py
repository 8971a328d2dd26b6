"""What a program answers, in whole numbers where it can: exact halves are then known, not guessed."""

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.apply import strided
from convkit.convolution.backends import Backend
from convkit.errors import KernelError
from convkit.recovery.proof.factors import integer_factors, keeps_means, leading_factors
from convkit.recovery.proof.program import Passes, Program, Rounding
from convkit.recovery.proof.snapped import Snapped
from convkit.recovery.recording import Recording

Array = NDArray[np.float64]

# Pixels of an integer picture are this near to whole levels; float32 is off by 0.004 at 65535.
_WHOLE = 1e-2
DOUBLE = 1024 * 2.0**-53
"""Sums in float64 are off by far less than this share of the sum of their terms' sizes, by FFT too."""

_SINGLE = 2.0**-24
# float64 holds every whole number up to four times this, and their halves.
_EXACT = 2.0**51
# From here on transforms are faster than a multiply-add for every tap.
FEW_TAPS = 49


class Sums(NamedTuple):
    """Responses of a block, before the last rounding.

    Attributes
    ----------
    values : ndarray
        In levels, times the arithmetic's divisor.
    slack : float
        How far they may be off; 0 when they are exact.
    near : float
        How far those of a program in single precision may be off.
    """

    values: Array
    slack: float
    near: float


class Arithmetic:
    """Responses of a program in levels of the target, as numerators over one divisor.

    Integers over a divisor applied to an integer picture give whole numbers, which float64 sums hold exactly below
    2⁵³; those of an FFT are rounded to whole. Everything else is float64 over a divisor of one.

    Parameters
    ----------
    program : Program
    recording : Recording
        Of the target; without a level, one image unit.
    image_level : float, optional
        The image's step; the target's if not given.
    stride : int

    Examples
    --------
    >>> box = Program(Snapped(np.ones((1, 2), int), 2))
    >>> arithmetic = Arithmetic(box, Recording(1 / 255, 0.0, 1.0))
    >>> arithmetic.divisor, arithmetic.sums(np.array([[1, 2, 4]]) / 255).values
    (2.0, array([[3., 6.]]))
    """

    def __init__(
        self, program: Program, recording: Recording, image_level: float | None = None, stride: int = 1
    ) -> None:
        self.level = 1.0 if recording.level is None else recording.level
        self.image_level = self.level if image_level is None else image_level
        self.rounding, self.passes, self.stride = program.rounding, program.passes, stride
        self.rails = recording.lowest / self.level, recording.highest / self.level
        kernel = program.kernel
        self.divisor, self.whole = 1.0, isinstance(kernel, Snapped) and recording.level is not None
        if isinstance(kernel, Snapped) and self.whole:
            unit = Fraction(self.image_level / self.level).limit_denominator(1 << 20)
            divisor = math.lcm(kernel.divisor * unit.denominator, kernel.bias.denominator)
            scale = divisor // (kernel.divisor * unit.denominator) * unit.numerator
            self.divisor = float(divisor)
            self.weights = kernel.numerators.astype(np.float64) * scale
            self.constant = float(kernel.bias * divisor)
        else:
            bias = float(kernel.bias) * self.level if isinstance(kernel, Snapped) else kernel.bias
            self.weights = program.taps * (self.image_level / self.level)
            self.constant = bias / self.level
        self.unit = self.divisor * self.image_level / self.level
        """What weighs as much as a tap of one."""
        self.first, self.last = self._split()
        # Weights, products and the bias are rounded too.
        count = int(np.count_nonzero(self.weights)) + 3
        self.reach, self.growth = float(np.abs(self.weights).sum()), min(count, 6.0 * math.sqrt(count))

    def _split(self) -> tuple[tuple[Array, float] | None, Array]:
        """Return the taps of a first pass and the divisor that makes it keep means, and those of the last pass."""
        if self.passes is Passes.ONE:
            return None, self.weights
        turned = self.passes is Passes.COLUMN_FIRST
        weights = self.weights.T if turned else self.weights
        factors = integer_factors(weights) if self.whole else leading_factors(weights)
        if factors is None or not keeps_means(factors[1]):
            raise KernelError(
                expected="a kernel that is a column times a row whose taps do not cancel",
                got=f"one of shape {self.weights.shape} that is not",
                hint="Passes.ONE",
            )
        total = float(factors[1].sum())
        first, last = factors[1][None, :] * math.copysign(1.0, total), factors[0][:, None] * total
        return ((first.T, abs(total)), last.T) if turned else ((first, abs(total)), last)

    def sums(self, pixels: Array) -> Sums:
        """Return the responses of the windows inside a block of pixels in image units."""
        values = pixels * (1.0 / self.image_level)
        whole = False
        if self.whole:
            steps = np.rint(values)
            values -= steps
            whole = _largest(values) <= _WHOLE
            values = steps if whole else values + steps
        largest = _largest(values)
        size = self.reach * largest + abs(self.constant)
        exact = whole and size < _EXACT
        slack = 0.0 if exact else DOUBLE * size
        if self.first is not None:
            sums = self._correlated(values, self.first[0], 1, largest if exact else None)
            values = self._stored(sums / self.first[1], 0.0 if exact else DOUBLE * largest)
            largest = _largest(values)
        response = self._correlated(values, self.last, self.stride, largest if exact else None)
        response += self.constant
        return Sums(response, slack, self.growth * _SINGLE * (size + 0.5 * self.divisor))

    def _stored(self, between: Array, slack: float) -> Array:
        """Return a first pass as it is stored; sums that miss a boundary by a rounding error belong to it."""
        between += slack + (0.5 if self.rounding is Rounding.ROUND else 0.0)
        between = np.floor(between) if self.rounding is Rounding.ROUND else np.trunc(between)
        return np.clip(between, *self.rails, out=between)

    def _correlated(self, values: Array, weights: Array, stride: int, largest: float | None) -> Array:
        """Correlate; whole numbers of at most ``largest`` stay whole."""
        # Sums in the order of the taps are exact on whole numbers, and so are transforms that are rounded.
        backend = Backend.SHIFT if weights.size <= FEW_TAPS * stride**2 else Backend.FFT
        if largest is not None and backend is Backend.FFT:
            # The transform's error, about eps·‖values‖·‖weights‖, must not reach half an integer.
            norms = largest * math.sqrt(values.size * float(np.square(weights).sum()))
            backend = Backend.FFT if 20 * 2.0**-52 * norms < 0.25 else Backend.SHIFT
        found: Array = strided(values, weights, stride, backend.load())
        if largest is not None and backend is Backend.FFT:
            np.rint(found, out=found)
        return found


def _largest(values: Array) -> float:
    return max(float(values.max(initial=0.0)), -float(values.min(initial=0.0)))
