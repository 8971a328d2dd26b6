"""How a library kernel is described: its parameters, what they may be, and what makes the taps."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.kernel.kernel import MAX_SIDE, decimal
from convkit.text import number

Taps = NDArray[np.floating[Any]]  # numpy's stubs widen float64 at most operations
Value = int | float | str | tuple[int, int] | None


@dataclass(frozen=True)
class Parameter:
    """One parameter of a library kernel.

    Attributes
    ----------
    name : str
    default : Value
        None is written ``auto``: the kernel's function derives the value from the others.
    allowed : str
        What it may be, to complete "expected size of kernel 'box' to be …".
    read : callable
        Text to value; raises ValueError when the text is none that is allowed.
    """

    name: str
    default: Value
    allowed: str
    read: Callable[[str], Value]

    @property
    def signature(self) -> str:
        """Name and default, as in ``size=auto``."""
        return f"{self.name}={written(self.default)}"


def written(value: Value) -> str:
    """Write a parameter's value so that it reads back the same.

    Examples
    --------
    >>> written(1.0), written((3, 3)), written((3, 5)), written(None)
    ('1', '3', '3x5', 'auto')
    """
    match value:
        case None:
            return "auto"
        case float():
            return decimal(value)
        case (rows, columns):
            return f"{rows}" if rows == columns else f"{rows}x{columns}"
    return str(value)


@dataclass(frozen=True)
class Recipe:
    """A kernel of the library: what it is called and how its taps are made.

    Attributes
    ----------
    name : str
        Canonical name; dialects carry a prefix, as in ``pillow/emboss``.
    group : str
        Heading under which the library lists it.
    about : str
        One line: what it does, and where its numbers come from.
    parameters : tuple of Parameter
        In the order in which they may be given without a name.
    build : callable
        Takes the parameters by name and returns the taps, float64 of shape (kh, kw), for cross-correlation.
    bias : float
        Added to every output, in image units.
    """

    name: str
    group: str
    about: str
    parameters: tuple[Parameter, ...]
    build: Callable[..., Taps]
    bias: float = 0.0


def integer(name: str, default: int, least: int = 1, most: int = MAX_SIDE, *, odd: bool = False) -> Parameter:
    """Make a parameter for a whole number from ``least`` to ``most``."""

    def read(text: str) -> int:
        value = int(text) if re.fullmatch(r"[+-]?[0-9]{1,9}", text) else None
        if value is None or not least <= value <= most or (odd and value % 2 == 0):
            raise ValueError(text)
        return value

    return Parameter(name, default, f"{'an odd' if odd else 'a whole'} number from {least} to {most}", read)


def real(name: str, default: float, least: float = -1e6, most: float = 1e6) -> Parameter:
    """Make a parameter for a number from ``least`` to ``most``."""

    def read(text: str) -> float:
        value = number(text)
        if value is None or not least <= value <= most:
            raise ValueError(text)
        return value

    return Parameter(name, default, f"a number from {decimal(least)} to {decimal(most)}", read)


def spread(name: str, default: float) -> Parameter:
    """Make a parameter for a standard deviation in pixels; at 0.01 a sampled Gaussian is an impulse."""
    return real(name, default, least=0.01)


def window(name: str, default: tuple[int, int] | None, *, odd: bool = False) -> Parameter:
    """Make a parameter for a size: ``5`` is 5×5, ``3x5`` has three rows."""

    def read(text: str) -> tuple[int, int]:
        match = re.fullmatch(r"([0-9]{1,9})(?:[x×]([0-9]{1,9}))?", text)
        if match is None:
            raise ValueError(text)
        sides = int(match[1]), int(match[2] or match[1])
        if not all(1 <= side <= MAX_SIDE and (side % 2 or not odd) for side in sides):
            raise ValueError(text)
        return sides

    return Parameter(name, default, f"N or ROWSxCOLUMNS, {'odd, ' if odd else ''}from 1 to {MAX_SIDE}", read)


def choice(name: str, options: tuple[str, ...]) -> Parameter:
    """Make a parameter for one word of a few, the first by default."""

    def read(text: str) -> str:
        if text not in options:
            raise ValueError(text)
        return text

    return Parameter(name, options[0], f"one of {', '.join(options)}", read)


def turn(step: int) -> Parameter:
    """Make the parameter ``angle``: degrees clockwise in steps; any multiple is brought into one turn."""

    def read(text: str) -> int:
        value = number(text)
        if value is None or math.fmod(value, step):
            raise ValueError(text)
        return int(math.fmod(value, 360)) % 360

    return Parameter("angle", 0, f"a multiple of {step} degrees", read)
