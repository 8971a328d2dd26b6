"""From floating-point values to the integer samples of a picture, in strips that stay in the cache."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.threads import share

# Values of a strip.
_STRIP = 1 << 16

Prepare = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Quantised:
    """Samples of a picture, and what they were made from.

    Attributes
    ----------
    samples : ndarray of uint8 or uint16, shape (H, W)
    minimum, maximum : float
        Of the values before they were rounded and cut off.
    clipped : int
        How many values round to below 0 or above 1.
    """

    samples: NDArray[np.unsignedinteger[Any]]
    minimum: float
    maximum: float
    clipped: int


def quantise(values: NDArray[Any], bits: int, prepare: Prepare = np.asarray) -> Quantised:
    """Round finite values, of which 0 is black and 1 white, to samples of 8 or 16 bits.

    Parameters
    ----------
    values : ndarray, shape (H, W)
    bits : int
    prepare : function
        What to do to each strip of values first.

    Examples
    --------
    >>> found = quantise(np.array([[-1.0, 0.2, 1.001]]), 8)
    >>> found.samples, found.clipped
    (array([[  0,  51, 255]], dtype=uint8), 1)
    """
    white = 2**bits - 1
    samples = np.empty(values.shape, np.uint8 if bits == 8 else np.uint16)
    found: list[tuple[float, float, int]] = []
    rows = max(1, _STRIP // values.shape[1])

    def look(top: int) -> None:
        strip = prepare(values[top : top + rows])
        low, high = float(strip.min()), float(strip.max())
        steps = np.multiply(strip, white, dtype=np.float64)
        np.rint(steps, out=steps)
        outside = 0
        # Half a step beyond either end is not outside yet; the extremes tell of most strips that nothing is.
        if low * white < 0 or high * white > white:
            outside = int(np.count_nonzero(steps < 0)) + int(np.count_nonzero(steps > white))
            np.clip(steps, 0, white, out=steps)
        np.copyto(samples[top : top + rows], steps, casting="unsafe")
        found.append((low, high, outside))

    share(range(0, len(values), rows), lambda: look)
    lows, highs, counts = zip(*found, strict=True)
    return Quantised(samples, min(lows), max(highs), sum(counts))
