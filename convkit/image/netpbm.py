"""PGM and PPM: read by ourselves, because Pillow rounds any maximum other than 255 (and 65535, if gray)."""

import re
from typing import BinaryIO

import numpy as np

from convkit.errors import ImageError
from convkit.image.image import check_size
from convkit.image.raster import Raster, Samples

_SEPARATOR = rb"(?:\s|#[^\r\n]*[\r\n])+"
_HEADER = re.compile(rb"P([2356])" + 3 * (_SEPARATOR + rb"(\d{1,9})") + rb"\s")
_HEADER_LIMIT = 4096  # bytes, comments included
_PLAIN_LIMIT = 64_000_000  # bytes of pixels spelled out as text, each of which becomes a Python integer


def is_netpbm(file: BinaryIO) -> bool:
    """Tell whether a file starts as a gray or colour Netpbm picture does; leaves it at its start."""
    magic = file.read(3)
    file.seek(0)
    return re.fullmatch(rb"P[2356][\s#]", magic) is not None


def read_netpbm(file: BinaryIO, name: str, max_pixels: int) -> Raster:
    """Decode a PGM or PPM, plain or raw, with any maximum up to 65535.

    Parameters
    ----------
    file : binary file
        At its start.
    name : str
        What to call it in a message.
    max_pixels : int
        The most pixels to accept.

    Returns
    -------
    Raster
        Whose white is the maximum that the header states.

    Examples
    --------
    >>> from io import BytesIO
    >>> raster = read_netpbm(BytesIO(b"P2 3 1 15  0 7 15"), "a.pgm", max_pixels=3)
    >>> raster.samples, raster.white
    (array([[ 0,  7, 15]]), 15)
    """
    header = _HEADER.match(file.read(_HEADER_LIMIT))
    if not header:
        raise _damaged(name, "no width, height and maximum after its first two bytes")
    kind, width, height, white = (int(group) for group in header.groups())
    check_size(height, width, name, max_pixels)
    if not 1 <= white <= 65535:
        raise _damaged(name, f"a maximum of {white}")
    channels = 1 if kind in (2, 5) else 3
    count = height * width * channels
    file.seek(header.end())
    samples = _plain(file, count, name) if kind in (2, 3) else _raw(file, count, white)
    if samples.size < count:
        raise _damaged(name, f"{samples.size} of {count} samples")
    if samples.min() < 0 or samples.max() > white:
        raise _damaged(name, f"samples beyond its maximum of {white}")
    return Raster(samples.reshape((height, width) if channels == 1 else (height, width, 3)), white)


def _raw(file: BinaryIO, count: int, white: int) -> Samples:
    sample = np.dtype(">u2" if white > 255 else "u1")
    data = file.read(count * sample.itemsize)
    return np.frombuffer(data, sample, len(data) // sample.itemsize)


def _plain(file: BinaryIO, count: int, name: str) -> Samples:
    text = file.read(_PLAIN_LIMIT + 1)
    if len(text) > _PLAIN_LIMIT:
        raise ImageError(
            expected=f"at most {_PLAIN_LIMIT:,} bytes of plain PGM or PPM",
            got=f"more in {name}",
            hint="the raw form of it, or PNG",
        )
    return np.array([int(token) for token in re.sub(rb"#[^\r\n]*", b"", text).split()[:count]])


def _damaged(name: str, what: str) -> ImageError:
    return ImageError(expected="a whole PGM or PPM picture", got=f"{name} with {what}", hint="saving it anew")
