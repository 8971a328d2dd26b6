"""A kernel without a free parameter, and the ways in which it may lie."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.bounding_box import bounding_box
from convkit.recovery.naming.match import Parameter
from convkit.recovery.naming.orientation import Orientation, orientations

Taps = NDArray[np.float64]

_BASIS = "frei-chen-"


def is_dialect(name: str) -> bool:
    """Whether a name is one program's, or one of a basis, and not well known.

    Examples
    --------
    >>> is_dialect("sobel"), is_dialect("pillow/emboss"), is_dialect("frei-chen-3")
    (False, True, True)
    """
    return "/" in name or name.startswith(_BASIS)


@dataclass(frozen=True, eq=False)
class Laid:
    """A template in one orientation, its rim of zeros cut off.

    Attributes
    ----------
    orientation : Orientation
    taps : ndarray, shape (h, w)
    size : tuple of int
        Rows and columns before the cut.
    cut : tuple of int
        Rows and columns cut off above and to the left.
    """

    orientation: Orientation
    taps: Taps
    size: tuple[int, int]
    cut: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Template:
    """A kernel that only a gain, a flip, a turn and an offset can change.

    Attributes
    ----------
    name, title : str
        In the library, and for people.
    taps : ndarray, shape (kh, kw)
    parameters : tuple of Parameter
    oddity : float
        How implausible it is beforehand, in units of chi-square.
    rounded : bool
        Whether it is one of many roundings of the same bell.
    """

    name: str
    title: str
    taps: Taps
    parameters: tuple[Parameter, ...] = ()
    oddity: float = 0.0
    rounded: bool = False

    @property
    def plain(self) -> bool:
        """Whether the name is convkit's own and well known, not one program's."""
        return not is_dialect(self.name)

    @property
    def averages(self) -> bool:
        """Whether it is a mean of pixels: no tap negative, of sum 1."""
        return bool((self.taps >= 0).all()) and abs(self.taps.sum() - 1) < 1e-9

    @property
    def half_turn_matters(self) -> bool:
        """Whether correlation and convolution with it differ."""
        return not np.array_equal(self.taps, self.taps[::-1, ::-1])

    @cached_property
    def laid(self) -> tuple[Laid, ...]:
        """The ways in which it may lie."""
        found = []
        for orientation, taps in orientations(self.taps):
            rows, columns = bounding_box(taps != 0) or (slice(0, 1), slice(0, 1))
            size = taps.shape[0], taps.shape[1]
            found.append(Laid(orientation, taps[rows, columns], size, (rows.start, columns.start)))
        return tuple(found)

    @cached_property
    def form(self) -> tuple[tuple[int, int], bytes]:
        """The same for kernels that are equal up to gain, flip, turn and a rim of zeros, or are one rounded bell."""
        if self.rounded:
            return (0, 0), self.name.encode()
        candidates = []
        for _, taps in orientations(self.laid[0].taps):
            unit = taps / np.abs(taps).max()
            for signed in (unit, -unit):
                rounded = np.rint(1e9 * signed).astype(np.int64)
                candidates.append(((rounded.shape[0], rounded.shape[1]), rounded.tobytes()))
        return min(candidates)
