"""Pictures, matrices and patterns: read, made, written."""

import os

import numpy as np

from convkit.image.atomic import atomic_write, check_writable
from convkit.image.given import image_from_array, not_finite
from convkit.image.gray import Gray
from convkit.image.image import Image, Kind, Values
from convkit.image.large import read_large
from convkit.image.patterns import PATTERNS, image_stream
from convkit.image.read import MAX_PIXELS, Channels, read_channels, read_image
from convkit.image.rows import Rows, open_large, write_rows
from convkit.image.write import (
    EXACT_SUFFIXES,
    PICTURE_SUFFIXES,
    encode,
    encode_samples,
    output_suffix,
    save_image,
)

__all__ = [
    "EXACT_SUFFIXES",
    "MAX_PIXELS",
    "PATTERNS",
    "PICTURE_SUFFIXES",
    "Channels",
    "Gray",
    "Image",
    "Kind",
    "Rows",
    "atomic_write",
    "check_writable",
    "encode",
    "encode_samples",
    "image_from_array",
    "image_stream",
    "load_image",
    "not_finite",
    "open_large",
    "output_suffix",
    "read_channels",
    "read_image",
    "read_large",
    "save_image",
    "write_rows",
]


def load_image(
    source: str | os.PathLike[str],
    *,
    gray: Gray | str = Gray.BT601,
    background: str | None = None,
    max_pixels: int = MAX_PIXELS,
    rng: "np.random.Generator | None" = None,
) -> Values:
    """Load the numbers of an image, as one gray plane.

    Parameters
    ----------
    source : str or path-like
        A file, a pattern such as ``"noise:size=64"``, a matrix such as ``"2,1,0; 9,5,4"``, or ``"-"`` for
        standard input. A path object is always a file.
    gray, background, max_pixels, rng
        As for `read_image`, which also says what kind of image it was.

    Returns
    -------
    ndarray of float64 or float32, shape (H, W)
        Integer pictures in [0, 1]; float pictures, matrices and patterns as they are.

    Raises
    ------
    ConvkitError
        As `read_image` does.

    Examples
    --------
    >>> load_image("edges")[0]
    array([1., 1., 1., 0., 0., 0., 0., 1.])
    """
    return read_image(source, gray=gray, background=background, max_pixels=max_pixels, rng=rng).values
