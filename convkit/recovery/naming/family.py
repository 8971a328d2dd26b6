"""What a family of kernels with parameters is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from convkit.kernel.recipe import Taps
from convkit.recovery.naming.estimate import Estimate

Size = tuple[int, int]
Start = tuple[float, ...]
Build = Callable[[Sequence[float], Size], Taps]


@dataclass(frozen=True)
class Free:
    """A parameter of a family.

    Attributes
    ----------
    name : str
    label : str
        What stands before the number, ``{}``, and after it.
    low, high : float
        How far a fit may go; a length without an end goes to twice the window.
    grain : float
        People choose multiples of this.
    turn : float
        A whole turn of an angle; 0 for what is none.
    idle : bool
        Whether the taps may be blind to it, as those of one row are to a height.
    """

    name: str
    label: str
    low: float
    high: float
    grain: float = 0.05
    turn: float = 0.0
    idle: bool = False


@dataclass(frozen=True)
class Family:
    """A kernel with parameters.

    Attributes
    ----------
    name : str
        As in the library, where it is there.
    title : str
    free : tuple of Free
    build : callable
        Parameters and a size to taps; that of families that no window cuts off is the size seen.
    start : callable
        Where fits begin: one tuple of parameters each, those that are only given last.
    sign : str
        Which kernels it may be: ``positive``, ``zero-sum`` or ``mixed``, taps of both signs.
    centre : str
        What tells its middle: ``mass`` (between pixels too, if its size may be even), ``pixel`` (the mass, to whole
        pixels), ``energy`` (of the squares, likewise), ``peak`` (the largest tap) or ``origin`` (the output pixel).
    windowed : bool
        Whether it is cut off by a window, whose size is to be found.
    unit_sum : bool
    oddity : float
        How implausible it is beforehand, in units of chi-square.
    unless : tuple of str
        Titles of families, or names of templates, that make it superfluous when they fit.
    given : tuple of Free
        Parameters that are not fitted: each start brings its own.
    """

    name: str
    title: str
    free: tuple[Free, ...]
    build: Build
    start: Callable[[Estimate], list[Start]]
    sign: Literal["positive", "zero-sum", "mixed"]
    centre: Literal["mass", "pixel", "energy", "peak", "origin"] = "mass"
    windowed: bool = True
    unit_sum: bool = True
    oddity: float = 3.0
    unless: tuple[str, ...] = ()
    given: tuple[Free, ...] = ()

    def suits(self, estimate: Estimate) -> bool:
        """Whether the signs of the taps allow it."""
        if self.sign == "positive":
            return estimate.positive
        return estimate.zero_sum if self.sign == "zero-sum" else estimate.negative
