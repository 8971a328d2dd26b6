"""Pictures: decoded by Pillow where it is right, and around it where it is not."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from convkit.errors import ImageError
from convkit.image.files import decoding
from convkit.image.image import check_size
from convkit.image.netpbm import is_netpbm, read_netpbm
from convkit.image.pillow import from_pillow
from convkit.image.png import is_png, read_png
from convkit.image.raster import Raster, check_pages
from convkit.image.tiff import is_tiff, read_tiff

# Pillow knows many more; some of them start other programs, and each is a door into the machine.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "PPM", "WEBP")

#: What the files of these formats begin with.
MAGICS = (b"\x89PNG", b"\xff\xd8\xff", b"II", b"MM", b"BM", b"GIF8", b"P", b"RIFF")

# Decoders log what they dislike about a file; in a program that sets up no logging, Python would print it on
# stderr. Our error says it.
for _library in ("PIL", "tifffile"):
    logging.getLogger(_library).addHandler(logging.NullHandler())

_pillow = threading.Lock()


def read_picture(file: BinaryIO, name: str, max_pixels: int) -> Raster:
    """Decode a picture; its first bytes, not its name, say of which format.

    Parameters
    ----------
    file : binary file, seekable
        At its start.
    name : str
        What to call it in a message.
    max_pixels : int
        The most pixels to accept; checked against the header, before any are decoded.

    Returns
    -------
    Raster

    Raises
    ------
    ImageError
        When it is no picture, is damaged or cut short, has several pages, or colours other than gray and RGB.
    MissingExtraError
        When it is a TIFF that Pillow cannot read rightly, and tifffile is not installed.
    """
    with _by_pillow(name):
        if is_tiff(file):
            return read_tiff(file, name, max_pixels)
        if is_netpbm(file):
            return read_netpbm(file, name, max_pixels)
        if is_png(file):
            return read_png(file, name, max_pixels)
        return _read_other(file, name, max_pixels)


def _read_other(file: BinaryIO, name: str, max_pixels: int) -> Raster:
    import PIL.Image
    import PIL.WebPImagePlugin  # Pillow loads it by itself only when asked for every format it knows

    try:
        picture = PIL.Image.open(file, formats=FORMATS)
    except PIL.UnidentifiedImageError as error:
        raise ImageError(
            expected=f"a picture ({', '.join(FORMATS)}), an .npy array, or a text matrix in .csv or .txt",
            got=f"{name}, which is none of these, or damaged",
            hint="a PNG or TIFF of it",
        ) from error
    check_size(picture.height, picture.width, name, max_pixels)
    # A stereo or HDR photograph (MPO) holds a second picture, not meant to be seen on its own.
    check_pages(1 if picture.format == "MPO" else getattr(picture, "n_frames", 1), name)
    return from_pillow(picture, name)


@contextmanager
def _by_pillow(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into one of our errors, and keep its warnings to ourselves.

    Pillow's own limit on pixels is a global variable; it gives way to ``max_pixels`` inside this block and is
    put back after it. The lock keeps two threads from putting back each other's.
    """
    import PIL.Image

    with _pillow, warnings.catch_warnings(), decoding(name):
        warnings.simplefilter("ignore")
        limit, PIL.Image.MAX_IMAGE_PIXELS = PIL.Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            PIL.Image.MAX_IMAGE_PIXELS = limit
