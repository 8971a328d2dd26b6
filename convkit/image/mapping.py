"""From filter responses, which may be negative or above 1, to values a picture can show."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.image.quantise import Prepare, Quantised, quantise
from convkit.image.write import EXACT_SUFFIXES
from convkit.threads import extremes


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
    mapped = _mapper(values, mapping)(values)
    if mapping is Mapping.NONE:
        return Fitted(mapped, *extremes(mapped), 0)
    found = quantise(mapped, bits)
    return Fitted(np.clip(mapped, 0.0, 1.0), found.minimum, found.maximum, found.clipped)


def fit_picture(values: NDArray[np.floating[Any]], mapping: Mapping, bits: int = 8) -> Quantised:
    """Map responses to the samples of a picture of 8 or 16 bits, without a copy of them in between.

    Examples
    --------
    >>> fit_picture(np.array([[-1.0, 0.2, 3.0]]), Mapping.ABS).samples
    array([[255,  51, 255]], dtype=uint8)
    """
    return quantise(values, bits, _mapper(values, mapping))


def _mapper(values: NDArray[np.floating[Any]], mapping: Mapping) -> Prepare:
    """Return what does the mapping to any part of the values."""
    if mapping is Mapping.ABS:
        return np.abs
    if mapping is Mapping.OFFSET:
        return lambda part: part + part.dtype.type(0.5)
    if mapping is Mapping.RESCALE:
        low, high = map(values.dtype.type, extremes(values))
        return lambda part: (part - low) / (high - low if high > low else 1)
    return np.asarray


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
