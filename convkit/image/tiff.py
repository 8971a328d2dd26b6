"""TIFF: by Pillow what it reads exactly, the rest by tifffile."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from convkit.errors import ImageError, MissingExtraError
from convkit.image.image import check_size
from convkit.image.pillow import from_pillow, split_alpha
from convkit.image.raster import Raster, Samples, check_pages, unsupported

if TYPE_CHECKING:
    import tifffile
    from PIL.TiffImagePlugin import TiffImageFile

_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # either byte order; + is the 64-bit variety

# Tags and values of the TIFF specification.
_BITS, _PHOTOMETRIC, _EXTRA, _FORMAT, _ORIENTATION = 258, 262, 338, 339, 274
_WIDTH, _HEIGHT, _STRIPS, _ROWS_PER_STRIP, _SAMPLES, _PLANAR = 256, 257, 273, 278, 277, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILES = 322, 323, 324
_SEPARATE = 2
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_CHANNELS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3}
_PREMULTIPLIED, _STRAIGHT = 1, 2
_UNSIGNED, _UNDEFINED = 1, 4


def is_tiff(file: BinaryIO) -> bool:
    """Tell whether a file starts as a TIFF does; leaves it at its start."""
    magic = file.read(4)
    file.seek(0)
    return magic in _MAGICS


def read_tiff(file: BinaryIO, name: str, max_pixels: int) -> Raster:
    """Decode a TIFF of one page.

    Parameters
    ----------
    file : binary file, seekable
        At its start.
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
        On several pages, CMYK and other colours, channels of unknown meaning, complex numbers.
    MissingExtraError
        When only tifffile could read it, and is not installed.
    """
    from PIL.TiffImagePlugin import TiffImageFile

    try:
        picture = TiffImageFile(file)
    except SyntaxError:  # Pillow's word for "not a kind I know"
        return _read_with_tifffile(file, name, max_pixels)
    check_size(picture.height, picture.width, name, max_pixels)
    check_pages(picture.n_frames, name)
    if picture.mode in ("CMYK", "LAB"):
        raise unsupported(name, f"{picture.mode} colours")
    extra = picture.tag_v2.get(_EXTRA, ())
    _check_extra(extra, name)
    if not has_all_pieces(picture.tag_v2.get):
        raise _missing(name)
    if not _exact(picture):
        return _read_with_tifffile(file, name, max_pixels)
    raster = from_pillow(picture, name)
    if _PREMULTIPLIED in extra and raster.alpha is not None and raster.alpha.min() < 1:
        return _read_with_tifffile(file, name, max_pixels)  # Pillow divides colour by alpha, and truncates
    if picture.mode.startswith("I;16"):
        # Pillow leaves 12-bit samples unscaled, and forgets to invert where zero is white.
        white = 2 ** picture.tag_v2[_BITS][0] - 1
        inverted = picture.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
        return Raster(white - raster.samples if inverted else raster.samples, white)
    return raster


def _exact(picture: "TiffImageFile") -> bool:
    """Tell whether Pillow keeps every bit: it cuts 16-bit colour to 8 and takes signed for unsigned."""
    tags = picture.tag_v2
    bits, form = set(tags.get(_BITS, (1,))), set(tags.get(_FORMAT, (_UNSIGNED,)))
    if picture.mode == "F":
        return bool(tags.get(_PHOTOMETRIC) == _BLACK_IS_ZERO)
    wide = picture.mode.startswith("I;16")
    return form <= {_UNSIGNED, _UNDEFINED} and picture.mode not in ("I", "La") and (wide or max(bits) <= 8)


def _read_with_tifffile(file: BinaryIO, name: str, max_pixels: int) -> Raster:
    try:
        import tifffile
    except ImportError as error:
        raise MissingExtraError(
            expected="tifffile, for TIFF beyond 8 bits, 16-bit gray and float32 gray",
            got=f"{name}, and no tifffile installed",
            hint="pip install 'convkit[science]'",
        ) from error
    file.seek(0)
    with tifffile.TiffFile(file) as pages:
        check_pages(len(pages.pages), name)
        page = pages.pages.first
        check_size(page.imagelength, page.imagewidth, name, max_pixels)
        _check_extra(page.extrasamples, name)
        if not has_all_pieces(page.tags.valueof):
            raise _missing(name)
        channels = page.samplesperpixel - len(page.extrasamples)
        if channels != _CHANNELS.get(page.photometric) or page.imagedepth != 1:
            colours = getattr(page.photometric, "name", page.photometric)
            raise unsupported(name, f"{channels} channels of {colours}")
        samples = np.moveaxis(page.asarray(), 0, -1) if page.axes == "SYX" else page.asarray()
        if samples.shape[:2] != (page.imagelength, page.imagewidth):  # tifffile only logs what it could not find
            raise _missing(name)
        return _raster(
            samples,
            name,
            inverted=page.photometric == _WHITE_IS_ZERO,
            extra=page.extrasamples,
            orientation=page.tags.valueof(_ORIENTATION, default=1),
        )


def has_all_pieces(tag: Callable[[int], Any]) -> bool:
    """Tell whether a page names as many strips or tiles as it has; decoders leave black, in silence, what is not named.

    Parameters
    ----------
    tag : function
        Gives the value of the tag of a number; None without one.

    Examples
    --------
    >>> page = {256: 24, 257: 20, 278: 16, 273: (8, 392)}  # width, height, rows of a strip, where they begin
    >>> has_all_pieces(page.get), has_all_pieces({**page, 273: (8,)}.get)
    (True, False)
    """
    height, width, strips, tiles = tag(_HEIGHT), tag(_WIDTH), tag(_STRIPS), tag(_TILES)
    if (strips is None) == (tiles is None):
        return False
    starts = strips if tiles is None else tiles
    if tiles is None:
        tall, wide = min(tag(_ROWS_PER_STRIP) or height, height), width
    else:
        tall, wide = tag(_TILE_HEIGHT), tag(_TILE_WIDTH)
    planes = tag(_SAMPLES) or 1 if tag(_PLANAR) == _SEPARATE else 1
    whole = all(isinstance(number, int) for number in (height, width, tall, wide, planes, *_listed(starts)))
    if not whole or min(height, width, tall, wide) < 1:
        return False
    return bool(-(-height // tall) * -(-width // wide) * planes == len(_listed(starts)))


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _missing(name: str) -> ImageError:
    return unsupported(name, "pixels missing", "saving it anew")


def gray_samples(page: "tifffile.TiffPage") -> int | None:
    """White of a gray page whose samples mean what they say: 0 for floats; None for a page that needs more care."""
    plain = page.photometric == _BLACK_IS_ZERO and page.samplesperpixel == 1 and page.imagedepth == 1
    upright = page.tags.valueof(_ORIENTATION, default=1) == 1
    if not plain or not upright or not has_all_pieces(page.tags.valueof):
        return None
    if page.dtype is None or page.bitspersample != 8 * page.dtype.itemsize:
        return None
    if page.dtype.kind == "u" and page.dtype.itemsize <= 2:
        return int(np.iinfo(page.dtype).max)
    return 0 if page.dtype.kind == "f" and page.dtype.itemsize in (4, 8) else None


def _raster(samples: Samples, name: str, *, inverted: bool, extra: tuple[int, ...], orientation: int) -> Raster:
    white = int(np.iinfo(samples.dtype).max) if samples.dtype.kind in "ui" else None
    if samples.dtype.kind not in "uif" or samples.dtype.itemsize > (4 if white else 8):
        raise unsupported(name, f"samples of type {samples.dtype}", "converting it to float32 first")
    if inverted:
        if samples.dtype.kind != "u":
            raise unsupported(name, f"{samples.dtype} samples of which zero is white", "storing zero as black")
        samples = white - samples
    if samples.dtype == np.float16:
        samples = samples.astype(np.float32)
    if not extra:
        return Raster(samples, white, None, orientation)
    raster = split_alpha(samples, white or 1, orientation)
    colour, alpha = raster.samples, raster.alpha
    if extra[0] == _PREMULTIPLIED and alpha is not None:
        opacity = alpha if colour.ndim == 2 else alpha[..., None]
        colour = np.divide(colour, opacity, out=np.zeros(colour.shape), where=opacity > 0)
    return Raster(colour, white, alpha, orientation)


def _check_extra(extra: tuple[int, ...], name: str) -> None:
    if len(extra) > 1 or not {*extra} <= {_PREMULTIPLIED, _STRAIGHT}:
        raise unsupported(name, "an extra channel of unknown meaning", "saving it without")
