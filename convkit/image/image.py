"""What an image is: its numbers, and where they came from."""

import functools
import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.errors import ImageError
from convkit.threads import extremes

Values = NDArray[np.floating[Any]]  # float64 or float32


class Kind(StrEnum):
    """Where an image's numbers come from, which says how they are to be taken."""

    PICTURE = "picture"
    MATRIX = "matrix"
    PATTERN = "pattern"


@dataclass(frozen=True, eq=False)
class Image:
    """An image and what is known of it.

    Attributes
    ----------
    values : ndarray of float64 or float32, shape (H, W)
        Finite. Integer pictures lie in [0, 1]; float pictures, matrices and patterns are as they are.
    kind : Kind
        A picture, a matrix or a pattern.
    stem : str
        What to name results after: the file's stem, the pattern's name, ``"matrix"`` or ``"stdin"``.
    level : float or None
        One integer step in the units of `values`: 1/255 for an 8-bit picture (and for fewer bits), 1/65535
        for a 16-bit one, 1 for a matrix of integers; None when the numbers are not rounded to steps.
    bits : int or None
        8 or 16, the depth that holds an integer picture; else None.
    path : Path or None
        The file it was read from.
    channel : int or None
        Which of the file's channels it is, where it was read channel by channel.

    Examples
    --------
    >>> Image(np.eye(2), kind=Kind.MATRIX, stem="matrix", level=1.0).shape
    (2, 2)
    """

    values: Values
    kind: Kind
    stem: str
    level: float | None = None
    bits: int | None = None
    path: Path | None = None
    channel: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.values.shape
        return height, width

    @functools.cached_property
    def largest(self) -> float:
        """Largest magnitude among the values; NaN or infinity when one of them is."""
        low, high = extremes(self.values)
        return max(-low, high)


def check_size(height: int, width: int, name: str, max_pixels: int) -> None:
    """Refuse an image without pixels, or one with more than were allowed; meant to run before any decoding.

    Examples
    --------
    >>> check_size(3, 4, "x.png", 12)
    >>> check_size(3, 4, "x.png", 11)
    Traceback (most recent call last):
        ...
    convkit.errors.ImageError: expected at most 11 pixels; got x.png with 3 x 4; try a larger --max-pixels
    """
    if height < 1 or width < 1:
        raise ImageError(
            expected="an image of at least one pixel",
            got=f"{name} with {height} x {width}",
            hint="another file",
        )
    if height * width > max_pixels:
        raise ImageError(
            expected=f"at most {max_pixels:,} pixels",
            got=f"{name} with {height} x {width}",
            hint="a larger --max-pixels",
        )


def check_finite(values: Values, name: str) -> None:
    """Refuse NaN and infinity, saying where the first one is (row and column from 0).

    Examples
    --------
    >>> check_finite(np.array([[0.0, np.inf]]), "x.npy")
    Traceback (most recent call last):
        ...
    convkit.errors.ImageError: expected finite pixels; got inf at [0, 1] of x.npy; try numpy.nan_to_num
    """
    if bad := first_unbounded(values):
        raise ImageError(expected="finite pixels", got=f"{bad} of {name}", hint="numpy.nan_to_num")


def first_unbounded(values: NDArray[Any]) -> str | None:
    """Say where the first NaN or infinity of an array ``(H, W)`` is; None where there is none.

    Examples
    --------
    >>> first_unbounded(np.array([[0.0, 1.0], [np.nan, np.inf]]))
    'nan at [1, 0]'
    """
    if all(map(math.isfinite, extremes(values))):
        return None
    finite = np.isfinite(values)
    row, column = np.unravel_index(int(np.argmin(finite)), finite.shape)
    return f"{values[row, column]} at [{row}, {column}]"
