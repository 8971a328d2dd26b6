"""A found kernel as a program runs it: in one pass or two, with roundings, in whole numbers where it can."""

import math
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.apply import strided
from convkit.convolution.backends import Backend, choose_backend
from convkit.errors import KernelError
from convkit.recovery.factors import integer_factors, keeps_means, leading_factors
from convkit.recovery.problem import Parameters
from convkit.recovery.recording import Recording
from convkit.recovery.snapping import Snapped

Array = NDArray[np.float64]

# Pixels of an integer picture are this near to whole levels; float32 is off by 0.004 at 65535.
_WHOLE = 1e-2
# Sums in float64 are off by far less than this share of the sum of their terms' sizes, by FFT too.
_DOUBLE = 1024 * 2.0**-53
_SINGLE = 2.0**-24
# float64 holds every whole number up to four times this, and their halves.
_EXACT = 2.0**51


class Rounding(StrEnum):
    """How a response became a number of the target's format: to the nearest, towards zero, or as it was."""

    ROUND = "round"
    TRUNCATE = "truncate"
    NONE = "none"


class Passes(StrEnum):
    """Whether the kernel was applied at once, or its row and its column one after the other, rounding in between."""

    ONE = "one"
    ROW_FIRST = "row first"
    COLUMN_FIRST = "column first"


@dataclass(frozen=True, eq=False)
class Program:
    """What a program is believed to do with an image inside its border.

    Attributes
    ----------
    kernel : Parameters or Snapped
        The bias is the program's own, the rounding accounted for: 0 for one that truncates and adds nothing.
    rounding : Rounding
    passes : Passes
    """

    kernel: Parameters | Snapped
    rounding: Rounding = Rounding.ROUND
    passes: Passes = Passes.ONE

    @property
    def taps(self) -> Array:
        """The taps, shape (kh, kw), in image units."""
        return np.asarray(self.kernel.taps, dtype=np.float64)


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
    2⁵³; an FFT's are rounded to them. Everything else is float64 over a divisor of one.

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
        if self.passes is not Passes.ONE:
            self.first, self.first_divisor, self.second = self._split(kernel)

    def _split(self, kernel: Parameters | Snapped) -> tuple[Array, float, Array]:
        """Return the first pass's taps over a divisor, their sum, and the second's over the whole divisor."""
        turned = self.passes is Passes.COLUMN_FIRST
        weights = self.weights.T if turned else self.weights
        whole = self.whole and isinstance(kernel, Snapped)
        pair = integer_factors(weights.astype(np.int64)) if whole else leading_factors(weights)
        total = 0.0 if pair is None else float(pair[1].sum())
        if pair is None or not keeps_means(pair[1]):
            raise KernelError(
                expected="a kernel that is a column times a row whose taps do not cancel",
                got=f"one of shape {self.weights.shape} that is not",
                hint="Passes.ONE",
            )
        first, second = pair[1][None, :] * math.copysign(1.0, total), pair[0][:, None] * total
        return (first.T, abs(total), second.T) if turned else (first, abs(total), second)

    def sums(self, pixels: Array) -> Sums:
        """Return the responses of the windows inside a block of pixels in image units."""
        values = pixels / self.image_level
        steps = np.rint(values)
        whole = self.whole and float(np.abs(values - steps).max(initial=0.0)) <= _WHOLE
        if whole:
            values = steps
        largest = float(np.abs(values).max(initial=0.0))
        size = float(np.abs(self.weights).sum()) * largest + abs(self.constant)
        count = int(np.count_nonzero(self.weights)) + 3  # weight, product and bias are rounded too
        near = min(count, 6.0 * math.sqrt(count)) * _SINGLE * (size + 0.5 * self.divisor)
        exact = whole and size < _EXACT
        slack = 0.0 if exact else _DOUBLE * size
        if self.passes is Passes.ONE:
            return Sums(self._correlated(values, self.weights, whole=exact) + self.constant, slack, near)
        between = self._correlated(values, self.first, whole=exact, stride=1) / self.first_divisor
        # Sums in float64 that fall short of a half or a whole number by a rounding error belong to it.
        between += (0.0 if exact else _DOUBLE * largest) + (0.5 if self.rounding is Rounding.ROUND else 0.0)
        between = np.floor(between) if self.rounding is Rounding.ROUND else np.trunc(between)
        between = np.clip(between, *self.rails, out=between)
        return Sums(self._correlated(between, self.second, whole=exact) + self.constant, slack, near)

    def _correlated(self, values: Array, weights: Array, *, whole: bool, stride: int | None = None) -> Array:
        step = self.stride if stride is None else stride
        shape = values.shape[0] - weights.shape[0] + 1, values.shape[1] - weights.shape[1] + 1
        backend = choose_backend(shape, weights.size // step**2)
        if whole and backend is Backend.FFT:
            # Half an integer must not be lost: the transform's error is about eps·‖values‖·‖weights‖.
            error = 20 * 2.0**-52 * float(np.linalg.norm(values)) * float(np.linalg.norm(weights))
            backend = Backend.FFT if error < 0.25 else Backend.SHIFT
        found: Array = strided(values, weights, step, backend.load())
        return np.rint(found, out=found) if whole else found
