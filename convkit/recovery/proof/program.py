"""A found kernel as a program runs it: in one pass or two, and with roundings."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.parameters import Parameters
from convkit.recovery.proof.snapped import Snapped

Array = NDArray[np.float64]


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


def centred(program: Program, offset: tuple[int, int]) -> tuple[Program, tuple[int, int]]:
    """Fill the kernel up with zeros until its window is centred on the output.

    A program treats the rim that its own window leaves in its own way, and windows are centred even when taps on one
    side are zero: Pillow's emboss has its two taps in a 3x3 window, and copies a rim all around.

    Examples
    --------
    >>> program, offset = centred(Program(Parameters(np.array([[-1.0, 1.0]]))), (0, -1))
    >>> program.taps, offset
    (array([[-1.,  1.,  0.]]), (0, -1))
    """
    reaches = [
        max(-start, start + taps - 1, 0) for start, taps in zip(offset, np.shape(program.kernel.taps), strict=True)
    ]
    widths = [
        (reach + start, reach - start - taps + 1)
        for reach, start, taps in zip(reaches, offset, np.shape(program.kernel.taps), strict=True)
    ]
    kernel = program.kernel
    if isinstance(kernel, Snapped):
        kernel = replace(kernel, numerators=np.pad(kernel.numerators, widths))
    else:
        kernel = replace(kernel, taps=np.pad(kernel.taps, widths))
    return replace(program, kernel=kernel), (-reaches[0], -reaches[1])
