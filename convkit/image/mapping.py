"""From filter responses, which may be negative or above 1, to values a picture can show."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.image.write import EXACT_SUFFIXES, count_clipped


class Mapping(StrEnum):
    """How responses become picture values in [0, 1].

    ``clip`` cuts off what lies outside; ``abs`` takes the magnitude first and ``offset`` adds ½ first; ``rescale``
    sends the minimum to 0 and the maximum to 1 (a constant to 0); ``none`` leaves every value as it is.
    """

    CLIP = "clip"
    ABS = "abs"
    OFFSET = "offset"
    RESCALE = "rescale"
    NONE = "none"


@dataclass(frozen=True, eq=False)
class Fitted:
    """Values after a mapping.

    Attributes
    ----------
    values : ndarray
        In [0, 1], unless the mapping is ``none``.
    minimum, maximum : float
        Of the mapped values before anything was cut off.
    clipped : int
        How many pixels were cut off: those whose rounded integer lies outside the picture's range.
    """

    values: NDArray[np.floating[Any]]
    minimum: float
    maximum: float
    clipped: int


def fit(values: NDArray[np.floating[Any]], mapping: Mapping, bits: int = 8) -> Fitted:
    """Map responses into the range of a picture of 8 or 16 bits.

    Examples
    --------
    >>> fitted = fit(np.array([[-1.0, 0.5, 3.0]]), Mapping.ABS)
    >>> fitted.values, fitted.maximum, fitted.clipped
    (array([[1. , 0.5, 1. ]]), 3.0, 1)
    """
    mapped = _mapped(values, mapping)
    low, high = float(mapped.min()), float(mapped.max())
    if mapping is Mapping.NONE:
        return Fitted(mapped, low, high, 0)
    return Fitted(np.clip(mapped, 0.0, 1.0), low, high, count_clipped(mapped, bits))


def _mapped(values: NDArray[np.floating[Any]], mapping: Mapping) -> NDArray[np.floating[Any]]:
    if mapping is Mapping.ABS:
        magnitude: NDArray[np.floating[Any]] = np.abs(values)
        return magnitude
    if mapping is Mapping.OFFSET:
        return values + values.dtype.type(0.5)
    if mapping is Mapping.RESCALE:
        low, high = values.min(), values.max()
        spread: NDArray[np.floating[Any]] = values - low
        if high > low:
            spread /= high - low
        return spread
    return values


def choose_mapping(suffix: str, *, zero_sum: bool) -> Mapping:
    """Pick the mapping for a file type: none where floats go out as they are, ``abs`` for edges, else ``clip``.

    Examples
    --------
    >>> choose_mapping(".png", zero_sum=True), choose_mapping(".npy", zero_sum=True)
    (<Mapping.ABS: 'abs'>, <Mapping.NONE: 'none'>)
    """
    if suffix in EXACT_SUFFIXES:
        return Mapping.NONE
    return Mapping.ABS if zero_sum else Mapping.CLIP
