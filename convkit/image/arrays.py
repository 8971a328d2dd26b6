"""Arrays that NumPy saved: memory-mapped, and never unpickled."""

import math
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from convkit.errors import ImageError
from convkit.image.image import Values, check_size
from convkit.text import shown

MAGIC = npy.MAGIC_PREFIX


@dataclass(frozen=True)
class Header:
    """What an ``.npy`` file says of its array, and where the numbers begin."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    offset: int

    @property
    def order(self) -> Literal["C", "F"]:
        """NumPy's letter for rows first or columns first."""
        return "F" if self.fortran else "C"


def read_array(file: BinaryIO, name: str, max_pixels: int) -> tuple[Values, float | None]:
    """Read a 2-D array from an ``.npy`` file.

    A file on disk is mapped, not loaded: its float64 and float32 pixels come in as they are touched, and
    writing to the result never reaches the file.

    Parameters
    ----------
    file : binary file
        At its start; a file on disk, or one in memory.
    name : str
        What to call it in a message.
    max_pixels : int
        The most pixels to accept.

    Returns
    -------
    values : ndarray of float32 (from float16, float32) or float64 (from all else), shape (H, W)
        The numbers as they are.
    level : float or None
        1.0 when the array holds integers or booleans.

    Raises
    ------
    ImageError
        When it is no such file, is cut short, or is not two-dimensional and real.
    """
    header = read_header(file, name)
    _check(header, name, max_pixels)
    try:
        raw = _map(file, header)
    except (OSError, ValueError) as error:
        raise _damaged(name, error) from error
    if header.dtype.kind != "f":
        return raw.astype(np.float64), 1.0
    wanted = np.float32 if header.dtype.itemsize <= 4 else np.float64
    return raw.astype(wanted, copy=False), None  # a byte-swapped array is put into native order here


def read_header(file: BinaryIO, name: str) -> Header:
    """Read the header of an ``.npy`` file.

    Raises
    ------
    ImageError
        When it is damaged.
    """
    try:
        version = npy.read_magic(file)
        # Version 3 differs only in field names beyond Latin-1, and an image has no fields.
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, fortran, dtype = read(file)
    except Exception as error:  # NumPy reports a damaged header as whatever it stumbled over
        raise _damaged(name, error) from error
    return Header(shape, fortran, dtype, file.tell())


def _check(header: Header, name: str, max_pixels: int) -> None:
    if header.dtype.kind not in "biuf":
        raise ImageError(
            expected="an array of real numbers",
            got=f"{name} of type {shown(header.dtype)}",
            hint="array.real, or array.astype(float), saved anew",
        )
    if len(header.shape) != 2:
        raise ImageError(
            expected="a two-dimensional array",
            got=f"{name} of shape {shown(header.shape)}",
            hint="one plane of it, such as array[..., 0]" if len(header.shape) > 2 else "array[None, :]",
        )
    height, width = header.shape
    check_size(height, width, name, max_pixels)


def _map(file: BinaryIO, header: Header) -> NDArray[Any]:
    if isinstance(file, BytesIO):
        flat = np.frombuffer(file.getvalue(), header.dtype, math.prod(header.shape), header.offset)
        return flat.reshape(header.shape, order=header.order).copy(order="K")
    mapped = np.memmap(file, header.dtype, "c", header.offset, header.shape, header.order)
    return np.asarray(mapped)  # a plain array: callers need not know


def _damaged(name: str, error: Exception) -> ImageError:
    return ImageError(
        expected="a whole .npy file", got=f"{name} ({shown(error, 100)})", hint="numpy.save(file, array) anew"
    )
