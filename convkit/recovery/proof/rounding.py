"""How a program rounds: to the nearest, towards zero, not at all, or once more between a row and a column."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from convkit.recovery.parameters import Parameters
from convkit.recovery.proof.arithmetic import Arithmetic
from convkit.recovery.proof.factors import integer_factors, keeps_means, leading_factors
from convkit.recovery.proof.outputs import Outputs
from convkit.recovery.proof.program import Passes, Program, Rounding
from convkit.recovery.proof.replay import Replay
from convkit.recovery.proof.snapped import Snapped
from convkit.recovery.proof.tally import Tally, Ties
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.tiles import tiles

# Roundings are compared on at most so many tiles of so many outputs a side, spread over the image.
_TILES = 8
_SIDE = 192
# The mean of what is cut off is half a level less 1/(2·divisor): within this for divisors from 8 on.
_MEAN = 1 / 16
_WORDS = {Rounding.ROUND: "rounding to the nearest", Rounding.TRUNCATE: "truncation"}


@dataclass(frozen=True, eq=False)
class FoundRounding:
    """The rounding that explains a target best.

    Attributes
    ----------
    program : Program
        The kernel with the bias that is left once the rounding is accounted for.
    sample : Replay
        How many pixels of the sample it reproduces.
    told : str
        Why it was chosen.
    """

    program: Program
    sample: Replay
    told: str


def find_rounding(
    scene: Registered,
    kernel: Parameters | Snapped,
    offset: tuple[int, int],
    recording: Recording,
    *,
    bias_error: float = 0.0,
    image_level: float | None = None,
) -> FoundRounding:
    """Tell how responses were rounded, and the bias that is left.

    Truncation cuts off half a level in the mean, so that the fitted bias of a program that truncates and adds
    nothing is -1/2 level. As functions, truncation and rounding with half a level less bias are the same; whichever
    leaves a whole number of levels is believed, and rounding when neither does. Where a kernel over a divisor is
    known, that is tried on a sample of the pixels; when no whole bias reproduces them, the least fraction over the
    divisor is told that does, since all biases of an interval of ``1/divisor`` round alike. When pixels are missed and
    the kernel is a column times a row, programs that round between the two are tried as well (SciPy's and Pillow's
    blurs do), and believed when they reproduce more pixels by five standard deviations.

    Parameters
    ----------
    scene : Registered
    kernel : Parameters or Snapped
        With the bias as fitted by least squares.
    offset : (int, int)
    recording : Recording
    bias_error : float
        Standard error of the fitted bias, in image units.
    image_level : float, optional
        The image's step; the target's if not given.

    Examples
    --------
    >>> picture = np.arange(64).reshape(8, 8) ** 2 % 251
    >>> scene = Registered(picture / 255, (picture[:, :-1] + picture[:, 1:]) // 3 / 255)
    >>> third = Parameters(np.full((1, 2), 1 / 3), -1 / 3 / 255)
    >>> found = find_rounding(scene, third, (0, 0), Recording(1 / 255, 0.0, 1.0), bias_error=0.05 / 255)
    >>> found.program.rounding, round(found.program.kernel.bias * 255, 3), found.sample.text()
    (<Rounding.TRUNCATE: 'truncate'>, 0.167, 'exact: 56 of 56 pixels')
    """
    search = _Search(scene, offset, recording, image_level, kernel)
    unrounded = replace(kernel, bias=Fraction(round(kernel.bias))) if isinstance(kernel, Snapped) else kernel
    whole = search.run(Program(kernel if recording.level is None else unrounded, Rounding.NONE))
    if recording.level is None:
        return FoundRounding(whole.program, whole.sample, "the target is not in steps")
    if whole.sample.exact:
        return FoundRounding(whole.program, whole.sample, "every response is a whole number of levels")
    likely, *others = map(search.run, search.one_pass(4.0 * bias_error / recording.level + _MEAN))
    best = min((likely, *others), key=_preference)
    if best.sample.missed and not _clearly_better(best, likely):
        best = likely  # in noise the fitted bias tells more than the pixels that happen to be hit
    if best.sample.missed:
        twice = min(map(search.run, search.two_passes()), key=_preference, default=None)
        if twice is not None and _clearly_better(twice, best):
            first, last = ("row", "column") if twice.program.passes is Passes.ROW_FIRST else ("column", "row")
            told = (
                f"{_WORDS[twice.program.rounding]} after the {first} and again after the {last} reproduces"
                f" {twice.sample.reproduced} of {twice.sample.count} pixels, once at the end {best.sample.reproduced}"
            )
            return replace(twice, told=told)
    bias = _levels(best.program.kernel, recording)
    return replace(best, told=f"{_WORDS[best.program.rounding]} leaves a bias of {bias:.3g} levels")


def replay_sample(
    scene: Registered,
    program: Program,
    offset: tuple[int, int],
    recording: Recording,
    *,
    image_level: float | None = None,
) -> Replay:
    """Replay a program on the sample of the outputs on which roundings are compared, as far as it misses none."""
    search = _Search(scene, offset, recording, image_level, program.kernel)
    arithmetic, tally = search.arithmetic(program), Tally()
    for part in search.parts:
        tally += search.outputs.tally(arithmetic, [part])
        if Replay.of(tally, program.rounding).missed:
            break
    return Replay.of(tally, program.rounding)


def _preference(found: FoundRounding) -> tuple[int, bool, bool, int]:
    """Fewest pixels missed, a whole bias, no rule for halves that programs do not have, fewest ties."""
    kernel, sample = found.program.kernel, found.sample
    fraction = isinstance(kernel, Snapped) and kernel.bias.denominator > 1
    return sample.missed, fraction, sample.rule is Ties.DOWN, sample.ties


def _clearly_better(found: FoundRounding, other: FoundRounding) -> bool:
    """Whether fewer pixels are missed, by five standard deviations of their number."""
    return found.sample.missed + 5.0 * math.sqrt(other.sample.missed) < other.sample.missed


def _off_whole(levels: Fraction | float) -> float:
    return abs(float(levels) - round(levels))


def _levels(kernel: Parameters | Snapped, recording: Recording) -> float:
    return float(kernel.bias) / (1.0 if isinstance(kernel, Snapped) or recording.level is None else recording.level)


def _with_bias(kernel: Parameters | Snapped, levels: Fraction | float, level: float) -> Parameters | Snapped:
    if isinstance(kernel, Snapped):
        return replace(kernel, bias=Fraction(levels))
    return Parameters(kernel.taps, float(levels) * level)


class _Search:
    """Programs with one kernel, tried on a sample of the outputs."""

    def __init__(
        self,
        scene: Registered,
        offset: tuple[int, int],
        recording: Recording,
        image_level: float | None,
        kernel: Parameters | Snapped,
    ) -> None:
        self.recording, self.image_level, self.kernel = recording, image_level, kernel
        self.level = 1.0 if recording.level is None else recording.level
        self.taps = np.asarray(kernel.taps, dtype=np.float64)
        self.outputs = Outputs.inside(scene, (self.taps.shape[0], self.taps.shape[1]), offset)
        parts = tiles((self.outputs.target.shape[0], self.outputs.target.shape[1]), _SIDE, _SIDE)
        chosen = np.unique(np.linspace(0, len(parts) - 1, min(_TILES, len(parts))).astype(int)) if parts else ()
        self.parts = [parts[k] for k in chosen]

    def run(self, program: Program) -> FoundRounding:
        tally = self.outputs.tally(self.arithmetic(program), self.parts)
        return FoundRounding(program, Replay.of(tally, program.rounding), "")

    def arithmetic(self, program: Program) -> Arithmetic:
        return Arithmetic(program, self.recording, self.image_level, self.outputs.stride)

    def one_pass(self, doubt: float) -> Iterator[Program]:
        """Rounding and truncation with the biases that they leave, the likelier first."""
        half, kernel = Fraction(1, 2), self.kernel
        if isinstance(kernel, Snapped):
            whole = (
                self._program(Rounding.ROUND, Fraction(round(kernel.bias))),
                self._program(Rounding.TRUNCATE, Fraction(round(kernel.bias + half))),
            )
            if _off_whole(kernel.bias + half) <= min(doubt, 0.25):
                yield whole[1]
            elif _off_whole(kernel.bias) > doubt:
                yield self._program(Rounding.ROUND, kernel.bias)
            yield from whole
            least = self._least_bias()
            if math.isfinite(least):
                yield self._program(Rounding.ROUND, Fraction(least).limit_denominator(1 << 20))
        else:
            fitted = kernel.bias / self.level
            pair = self._program(Rounding.ROUND, fitted), self._program(Rounding.TRUNCATE, fitted + 0.5)
            yield from pair[::-1] if _off_whole(fitted + 0.5) <= min(doubt, 0.25) else pair

    def two_passes(self) -> Iterator[Program]:
        """Programs that round between the row and the column, if the kernel is their product."""
        if min(self.taps.shape) == 1:
            return
        kernel = self.kernel
        if isinstance(kernel, Snapped) and self.recording.level is not None:
            factors = integer_factors(kernel.numerators.astype(np.float64))
        else:
            factors = leading_factors(self.taps)
        if factors is None:
            return
        gain = float(self.taps.sum())  # of what the first pass, scaled to keep means, cuts off
        for passes, first in ((Passes.ROW_FIRST, factors[1]), (Passes.COLUMN_FIRST, factors[0])):
            if not keeps_means(first):
                continue
            for rounding in (Rounding.ROUND, Rounding.TRUNCATE):
                cut = 0.5 * (1.0 + gain) if rounding is Rounding.TRUNCATE else 0.0
                fitted = _levels(self.kernel, self.recording) + cut
                left = Fraction(round(fitted)) if isinstance(self.kernel, Snapped) else fitted
                yield replace(self._program(rounding, left), passes=passes)

    def _program(self, rounding: Rounding, levels: Fraction | float) -> Program:
        return Program(_with_bias(self.kernel, levels, self.level), rounding)

    def _least_bias(self) -> float:
        """Return the least bias, in levels, with which rounding half up reproduces what the sample stores above a rail.

        It is a fraction over the kernel's divisor, as of a program that adds an integer before it divides; any up to
        one part of the divisor more does the same.
        """
        arithmetic = self.arithmetic(Program(_with_bias(self.kernel, 0, self.level)))
        least = -math.inf
        for part in self.parts:
            pixels, target, used = self.outputs.read(part)
            stored = np.rint(target / self.level)
            lacking = stored - arithmetic.sums(pixels).values / arithmetic.divisor
            bounding = (stored > arithmetic.rails[0]) & (True if used is None else used)
            least = max(least, float(np.max(lacking, where=bounding, initial=-math.inf)) - 0.5)
        return least
