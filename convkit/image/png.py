"""PNG: by Pillow, except that 16-bit colour is read at its full depth."""

from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from convkit.image.image import check_size
from convkit.image.pillow import from_pillow, keyed, orientation_of, split_alpha
from convkit.image.raster import Raster, Samples, check_pages, unsupported

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_MAGIC = b"\x89PNG\r\n\x1a\n"
_GRAY, _GRAY_ALPHA = 0, 4  # colour types of the PNG specification


def is_png(file: BinaryIO) -> bool:
    """Tell whether a file starts as a PNG does; leaves it at its start."""
    magic = file.read(len(_MAGIC))
    file.seek(0)
    return magic == _MAGIC


def read_png(file: BinaryIO, name: str, max_pixels: int) -> Raster:
    """Decode a PNG.

    Parameters
    ----------
    file : binary file, seekable
        At its start; read a second time for 16-bit colour.
    name : str
        What to call it in a message.
    max_pixels : int
        The most pixels to accept.

    Returns
    -------
    Raster

    Raises
    ------
    ImageError
        On too many pixels, an animation, and a header that is not the first chunk.
    """
    from PIL.PngImagePlugin import PngImageFile  # by itself: Pillow's own `open` loads what reads other formats first

    picture = PngImageFile(file)
    check_size(picture.height, picture.width, name, max_pixels)
    check_pages(getattr(picture, "n_frames", 1), name)
    file.seek(0)
    header = file.read(26)
    if header[12:16] != b"IHDR":  # Pillow lets it come later; then what stands here is not the depth
        raise unsupported(name, "another chunk before its header", "saving it anew")
    depth, colour = header[24:26]
    if depth == 16 and colour != _GRAY:
        return _read_wide(picture, file, colour)
    return from_pillow(picture, name, key_step=255 // (2**depth - 1) if depth in (2, 4) else 1)


def _read_wide(picture: "ImageFile", file: BinaryIO, colour: int) -> Raster:
    # Pillow unpacks the high byte alone of 16-bit colour, and says nothing. Its unpackers are chosen by name,
    # though: read as if it were 8-bit RGBA, a pixel of gray and alpha is its four bytes; and colour unpacked
    # as "little-endian" yields the low bytes, so that the file is decoded twice.
    if colour == _GRAY_ALPHA:
        return split_alpha(_unpacked(picture, "RGBA").view(">u2"), 65535, orientation_of(picture))
    import PIL.Image

    samples = np.asarray(picture).astype(np.uint16)
    samples <<= 8
    with PIL.Image.open(file, formats=("PNG",)) as again:
        samples |= _unpacked(again, f"{again.mode};16L")
    if picture.mode == "RGBA":
        return split_alpha(samples, 65535, orientation_of(picture))
    key = picture.info.get("transparency")
    alpha = None if key is None else keyed(samples, np.asarray(key))
    return Raster(samples, 65535, alpha, orientation_of(picture))


def _unpacked(picture: "ImageFile", unpacker: str) -> Samples:
    picture.tile = [picture.tile[0]._replace(args=unpacker)]
    return np.asarray(picture)
