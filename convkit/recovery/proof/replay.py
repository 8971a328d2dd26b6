"""The proof: run the found kernel as the program would have, and count the pixels that come out the same."""

import math
import operator
from dataclasses import dataclass
from functools import partial

from convkit.recovery.autocorrelation import transform_length
from convkit.recovery.problem import Problem
from convkit.recovery.proof.arithmetic import FEW_TAPS, Arithmetic
from convkit.recovery.proof.outputs import Outputs
from convkit.recovery.proof.program import Program, Rounding
from convkit.recovery.proof.snapped import Snapped
from convkit.recovery.proof.tally import Tally, Ties
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.tiles import Tile, tiles


@dataclass(frozen=True)
class Replay:
    """How many pixels a program reproduces.

    Attributes
    ----------
    count : int
        Pixels whose window lies inside the image.
    reproduced : int
        Those that come out exactly as they were stored, ties included.
    halves : int
        Those whose response lies exactly between two numbers; a whole one, if truncated.
    rule : Ties or None
        The rule that explains all of the halves; None when none does, there are none, or responses were truncated.
    split : int
        Halves that no rule explains: all or none of them when rounded, those that went down when truncated.
    near : int
        Those whose response lies on the wrong side of the boundary between two numbers, so near to it that a sum in
        single precision may fall on the right one.
    tolerance : float
        How near that is at most, in levels.
    worst : float
        Largest difference between what comes out and what was stored: whole levels, unless nothing was rounded.
    rms : float
        Of the response before rounding (and half a level nearer to zero if truncated) less what was stored, in
        levels, over the pixels that are not stored as a rail: 0.289 = 1/√12 for a right kernel. NaN without such.
    """

    count: int
    reproduced: int
    halves: int
    rule: Ties | None
    split: int
    near: int
    tolerance: float
    worst: float
    rms: float

    @classmethod
    def of(cls, tally: Tally, rounding: Rounding) -> "Replay":
        """Judge a tally; of truncation the rule is known: whole numbers stay."""
        rules = dict(zip(Ties, tally.by_rule, strict=True))
        rule = None
        if rounding is Rounding.TRUNCATE:
            split = tally.halves - rules[Ties.AWAY]
        else:
            rule = next((rule for rule, fits in rules.items() if tally.halves and fits == tally.halves), None)
            split = tally.halves if rule is None else 0
        worst = tally.worst
        if rounding is not Rounding.NONE:
            worst = max(0.0, math.ceil(worst - 0.5 - tally.tolerance))
        return cls(
            count=tally.count,
            reproduced=tally.inside + tally.halves + tally.near,
            halves=tally.halves,
            rule=rule,
            split=split,
            near=tally.near,
            tolerance=tally.tolerance,
            worst=worst,
            rms=math.sqrt(tally.free_squares / tally.free) if tally.free else math.nan,
        )

    @property
    def ties(self) -> int:
        """Pixels that count as reproduced because they may round either way."""
        return self.split + self.near

    @property
    def missed(self) -> int:
        """Pixels that come out differently."""
        return self.count - self.reproduced

    @property
    def exact(self) -> bool:
        """Whether every pixel is reproduced, and there are some."""
        return self.count > 0 and self.missed == 0

    def text(self) -> str:
        """Say it in a line.

        Examples
        --------
        >>> print(Replay(100, 100, 3, None, 3, 1, 1e-4, 0.0, 0.29).text())
        exact: 100 of 100 pixels, 3 exact halves rounded either way, 1 within 0.0001 levels of the boundary
        >>> print(Replay(100, 98, 3, Ties.EVEN, 0, 0, 1e-4, 1.0, 0.3).text())
        98 of 100 pixels, half to even, the others off by at most 1 level
        """
        words = [f"{'exact: ' if self.exact else ''}{self.reproduced} of {self.count} pixels"]
        if self.rule is not None:
            words.append(str(self.rule))
        if self.split:
            words.append(f"{self.split} exact halves rounded either way")
        if self.near:
            words.append(f"{self.near} within {self.tolerance:.1g} levels of the boundary")
        if self.missed:
            words.append(f"the others off by at most {self.worst:.3g} level{'s' if self.worst != 1.0 else ''}")
        return ", ".join(words)


def replay(
    scene: Registered,
    program: Program,
    offset: tuple[int, int],
    recording: Recording,
    *,
    image_level: float | None = None,
) -> Replay:
    """Run a program on an image and count the pixels that come out exactly as stored.

    The responses of a `Snapped` kernel to an integer picture are whole numbers over a divisor, so that exact halves
    are known as such and not guessed; all others are float64. A pixel counts as reproduced when rounding (or
    truncating) and clipping its response gives what was stored. It also counts, as a tie, when the response is an
    exact half and no rule for halves explains all of them, or when the response lies beyond the boundary by less
    than the sum of a program in single precision may err: for ``n`` taps ``min(n + 3, 6·√(n + 3))·2⁻²⁴·(Σ|k|·
    max|x| + |b| + ½)`` levels, where the first is the bound for any order of summation (Higham, *Accuracy and
    Stability of Numerical Algorithms*, section 3.1) and the second holds but for one pixel in 10⁷ when rounding
    errors are independent (Higham & Mary, SIAM J. Sci. Comput. 41(5), 2019). With nothing rounded, pixels that agree
    to that are reproduced. Nothing else counts.

    Parameters
    ----------
    scene : Registered
        Outputs that its mask leaves out are not compared.
    program : Program
    offset : (int, int)
        Where the kernel's first tap sits relative to the output.
    recording : Recording
        Of the target.
    image_level : float, optional
        The image's step; the target's if not given.

    Examples
    --------
    >>> import numpy as np
    >>> picture = np.array([[0, 1, 4, 9]]) / 255
    >>> scene = Registered(picture, np.array([[1, 3, 7]]) / 255)
    >>> half = Snapped(np.array([[1, 1]]), 2)
    >>> replay(scene, Program(half), (0, 0), Recording(1 / 255, 0.0, 1.0)).text()
    'exact: 3 of 3 pixels, half up'
    """
    size = (program.taps.shape[0], program.taps.shape[1])
    arithmetic = Arithmetic(program, recording, image_level, scene.stride)
    problem = Problem((scene.pair(size, offset),), size, scene.stride, summing=scene.summing)
    return Replay.of(problem.total(partial(_tally, arithmetic), operator.add), program.rounding)


def _tally(arithmetic: Arithmetic, part: Problem) -> Tally:
    outputs = Outputs.of_pair(part.pairs[0], part.size, part.stride)
    return outputs.tally(arithmetic, tiles_for(outputs))


def tiles_for(outputs: Outputs) -> list[Tile]:
    """Cut outputs so that a tile and its halo, or four beside each other, make fast lengths for the FFT.

    Two at a time go through one transform, as its real and imaginary part; without transforms, small tiles are better.
    """
    transforms = 2 if outputs.size[0] * outputs.size[1] > FEW_TAPS * outputs.stride**2 else 1
    height, width = (-(-(transform_length(taps - 1) - taps + 1) // outputs.stride) for taps in outputs.size)
    return tiles((outputs.target.shape[0], outputs.target.shape[1]), transforms * height, transforms * width)


def proves(program: Program, found: Replay) -> bool:
    """Whether a replay is the proof of a snapped kernel: it is exact, and nothing was fitted to make it so.

    That is the case when the bias is a whole number of levels, or when chance does not explain the integers anyway.

    Examples
    --------
    >>> import numpy as np
    >>> exact = Replay(100, 100, 0, None, 0, 0, 1e-4, 0.0, 0.29)
    >>> proves(Program(Snapped(np.array([[1, 1]]), 2, chance=0.1)), exact)
    True
    """
    kernel = program.kernel
    return isinstance(kernel, Snapped) and found.exact and (kernel.telling or kernel.bias.denominator == 1)
