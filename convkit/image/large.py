"""Images larger than memory, as arrays all the same: mapped where they lie, or from a copy on disk."""

import math
import tempfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from convkit.errors import ImageError
from convkit.image.files import named
from convkit.image.image import Image, Values, check_finite, check_size
from convkit.image.mapped import map_lightly
from convkit.image.rows import Rows, open_large

# Pixels of a strip that is copied.
_STRIP = 1 << 22


def read_large(path: Path, pixels: int, max_pixels: int | None = None) -> Image | None:
    """Map an ``.npy`` array or a TIFF with more than so many pixels; None for all others.

    Plain numbers are mapped where they are. What must be converted or decompressed is written first, row by row, to a
    file without a name in the folder for temporary files, which goes with the process.

    Parameters
    ----------
    path : Path
    pixels : int
        Images up to this size are for `read_image`.
    max_pixels : int, optional
        The most pixels to accept; without it any number, for no memory is needed.

    Returns
    -------
    Image or None
        Of float32 or float64; nothing must be written to its values.

    Raises
    ------
    ImageError
        When there are more pixels, a pixel is NaN or infinite, the file is cut short, or the copy does not fit on disk.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "x.npy"
    >>> np.save(path, np.arange(6, dtype=np.uint8).reshape(3, 2))
    >>> read_large(path, 5).values
    array([[0., 1.],
           [2., 3.],
           [4., 5.]], dtype=float32)
    >>> read_large(path, 6) is None
    True
    """
    opened = open_large(path, pixels)
    if opened is None:
        return None
    rows, file = opened
    with file:
        if max_pixels is not None:
            check_size(*rows.shape, named(path), max_pixels)
        if rows.offset is not None:
            values = _mapped(file, rows, rows.offset)
        else:
            with tempfile.TemporaryFile(prefix="convkit-") as copy:
                values = _copied(copy, rows)
    level = 1.0 if rows.whole else None if rows.white is None else 1.0 / rows.white
    bits = None if rows.white is None else rows.white.bit_length()
    image = Image(values, rows.kind, path.stem, level, bits, path)
    if not math.isfinite(image.largest):  # which is kept for later
        check_finite(values, named(path))
    return image


def _copied(copy: BinaryIO, rows: Rows) -> Values:
    height = max(1, _STRIP // rows.shape[1])
    try:
        for top in range(0, rows.shape[0], height):
            copy.write(rows.read(top, min(top + height, rows.shape[0])).reshape(-1).view(np.uint8).data)
        copy.flush()
    except OSError as error:
        raise ImageError(
            expected=f"room for {rows.shape[0] * rows.shape[1] * rows.dtype.itemsize / 1e9:.1f} GB of temporary files",
            got=f"{error.strerror or error} in {tempfile.gettempdir()}",
            hint="TMPDIR=a folder with room, or the image as float32 .npy, which needs no copy",
        ) from error
    return _mapped(copy, rows, 0)


def _mapped(file: BinaryIO, rows: Rows, offset: int) -> Values:
    try:
        mapped: Values = map_lightly(file, rows.dtype, offset, rows.shape)
    except (OSError, ValueError) as error:
        raise ImageError(
            expected="a whole file", got=f"{named(rows.path)}, cut short", hint="saving it anew"
        ) from error
    return mapped
