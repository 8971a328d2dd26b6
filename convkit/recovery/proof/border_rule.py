"""What a program may do where its window hangs over the edge of the image."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]


class BorderRule(StrEnum):
    """How a window that hangs over the edge is filled, or what is done instead.

    The first five are paddings of `convkit.convolution`; they come in the order in which a rule is preferred to
    another that reads the same pixels.
    """

    REPLICATE = "replicate"
    SYMMETRIC = "symmetric"
    REFLECT = "reflect"
    ZERO = "zero"
    CIRCULAR = "circular"
    STAGED = "replicate-each-pass"
    RENORMALISED = "renormalised"
    COPIED = "copied"


PADDINGS = (
    BorderRule.REPLICATE,
    BorderRule.SYMMETRIC,
    BorderRule.REFLECT,
    BorderRule.ZERO,
    BorderRule.CIRCULAR,
)


def filled(rule: BorderRule, places: Places, length: int) -> Places:
    """Return the pixel of an axis that a rule puts at each place, -1 for zero.

    Examples
    --------
    >>> filled(BorderRule.REFLECT, np.arange(-2, 4), 3).tolist()
    [2, 1, 0, 1, 2, 1]
    """
    if rule is BorderRule.REPLICATE:
        return np.clip(places, 0, length - 1)
    if rule is BorderRule.CIRCULAR:
        return places % length
    if rule is BorderRule.SYMMETRIC:
        around = places % (2 * length)
        return np.minimum(around, 2 * length - 1 - around)
    if rule is BorderRule.REFLECT:
        period = max(2 * length - 2, 1)
        around = places % period
        return np.minimum(around, period - around) if length > 1 else around
    return np.where((places >= 0) & (places < length), places, -1)
