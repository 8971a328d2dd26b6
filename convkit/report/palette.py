"""The colours of signed numbers: blue below zero, orange above, near white at zero (safe for colour-blind eyes)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

RGB = tuple[int, int, int]

BLUE: RGB = (33, 102, 172)
ORANGE: RGB = (217, 95, 2)
NEUTRAL: RGB = (247, 247, 247)
# What is not known, or open: neither of the three.
UNKNOWN: RGB = (200, 200, 200)


def colour_of(share: float) -> RGB:
    """Return the colour of a number as a share of the largest: -1 is blue, 0 neutral, 1 orange.

    Examples
    --------
    >>> colour_of(0.0) == NEUTRAL, colour_of(-1.0) == BLUE, colour_of(2.0) == ORANGE, colour_of(float("nan")) == UNKNOWN
    (True, True, True, True)
    """
    if share != share:  # NaN
        return UNKNOWN
    towards, share = (ORANGE if share > 0 else BLUE), min(abs(share), 1.0)
    return between(NEUTRAL, towards, share)


def largest(*numbers: NDArray[np.floating[Any]] | None) -> float:
    """Return the size of the largest finite number of all, which gets the strongest colour; 0 where there is none.

    Examples
    --------
    >>> largest(np.array([1.0, -2.0]), None, np.array([np.nan]))
    2.0
    """
    sizes = [np.abs(values[np.isfinite(values)]) for values in numbers if values is not None]
    return max((float(size.max()) for size in sizes if size.size), default=0.0)


def between(one: RGB, other: RGB, share: float) -> RGB:
    """Return the colour so far on the way from one to another.

    Examples
    --------
    >>> between((0, 0, 0), (100, 200, 50), 0.5)
    (50, 100, 25)
    """
    red, green, blue = (round(start + share * (end - start)) for start, end in zip(one, other, strict=True))
    return red, green, blue


def ink_on(colour: RGB) -> RGB:
    """Return black or white, whichever reads better on a colour (WCAG's contrast ratio).

    Examples
    --------
    >>> ink_on(NEUTRAL), ink_on(BLUE), ink_on(ORANGE)
    ((0, 0, 0), (255, 255, 255), (0, 0, 0))
    """
    light = luminance(colour)
    return (0, 0, 0) if (light + 0.05) ** 2 > 1.05 * 0.05 else (255, 255, 255)


def luminance(colour: RGB) -> float:
    """Return the relative luminance of an sRGB colour, from 0 to 1 (IEC 61966-2-1)."""
    linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def hexadecimal(colour: RGB) -> str:
    """Write a colour as ``#rrggbb``.

    Examples
    --------
    >>> hexadecimal(BLUE)
    '#2166ac'
    """
    return "#" + "".join(f"{part:02x}" for part in colour)
