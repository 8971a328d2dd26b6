"""Images that come as arrays rather than files."""

import math
from typing import Any

import numpy as np

from convkit.errors import ImageError
from convkit.image.image import Image, Kind


def image_from_array(values: Any, *, finite: bool = True) -> Image:
    """Take an array as a matrix: its numbers as they are.

    Parameters
    ----------
    values : array_like, shape (H, W)
        Real and finite. Integers keep a level of 1; float32 and float64 stay what they are, types of one or two bytes
        become float32, others float64.
    finite : bool
        False leaves it to the caller to refuse NaN and infinity, with `not_finite`.

    Raises
    ------
    ImageError
        When it is ragged, not two-dimensional, empty, or holds anything but finite real numbers.

    Examples
    --------
    >>> image_from_array([[1, 2], [3, 4]]).level
    1.0
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ImageError(
            expected="an image with rows of one length",
            got="rows of several lengths",
            hint="rows such as [[1, 2], [3, 4]]",
        ) from error
    if array.ndim != 2 or not array.size or array.dtype.kind not in "biuf":
        raise ImageError(
            expected="an image of shape (height, width), of real numbers",
            got=f"an array of shape {array.shape}, dtype {array.dtype}",
            hint="one channel at a time, such as image[..., 0]",
        )
    integer = array.dtype.kind in "biu"
    if array.dtype not in (np.float32, np.float64):
        # Which holds all numbers of two bytes.
        array = array.astype(np.float32 if array.itemsize <= 2 else np.float64)
    image = Image(array, kind=Kind.MATRIX, stem="array", level=1.0 if integer else None)
    if finite and not math.isfinite(image.largest):
        raise not_finite()
    return image


def not_finite() -> ImageError:
    """Return the error that refuses NaN and infinity."""
    return ImageError(expected="an image of finite numbers", got="NaN or infinity", hint="numpy.nan_to_num(image)")
