"""Images out: pictures of 8 or 16 bits, and files that keep every number."""

import os
import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convkit.errors import OutputError
from convkit.image.atomic import atomic_write
from convkit.image.files import named
from convkit.image.image import first_unbounded
from convkit.image.png_write import encode_png
from convkit.image.quantise import quantise
from convkit.text import shown

_DEPTHS = {".png": (8, 16), ".pgm": (8, 16), ".jpg": (8,), ".jpeg": (8,), ".bmp": (8,)}
_PILLOW = {".pgm": "PPM", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP"}

#: Suffixes of files that round to integers and clip to [0, 1].
PICTURE_SUFFIXES = tuple(_DEPTHS)
#: Suffixes of files that keep the numbers (TIFF: as float32).
EXACT_SUFFIXES = (".npy", ".tif", ".tiff", ".csv")

_KNOWN = PICTURE_SUFFIXES + EXACT_SUFFIXES


def save_image(
    path: str | os.PathLike[str], values: ArrayLike, *, bits: int = 8, compression: int | None = None
) -> None:
    """Write an image in the format that its suffix names.

    An existing file is replaced, and only once the new one is complete.

    Parameters
    ----------
    path : str or path-like
        Ending in ``.png``, ``.pgm``, ``.jpg``, ``.jpeg`` or ``.bmp`` for a picture; for the numbers in
        ``.npy`` (just as they are), ``.tif`` or ``.tiff`` (float32), or ``.csv`` (the shortest text that
        reads back the same).
    values : array_like, shape (H, W)
        Finite. Into a picture 0 goes as black and 1 as white, values between are rounded to the nearest step
        and values outside are clipped.
    bits : int
        Of a picture: 8, or 16 for ``.png`` and ``.pgm``.
    compression : int, optional
        Of a PNG: zlib's level, 0 to 9; by default what is fast and small for the picture at hand.

    Raises
    ------
    OutputError
        When suffix, depth or values do not suit, or the file cannot be written.

    Examples
    --------
    >>> from convkit.image import load_image
    >>> path = getfixture("tmp_path") / "a.png"
    >>> save_image(path, [[0.0, 0.2, 7.0]])
    >>> load_image(path)
    array([[0. , 0.2, 1. ]])
    """
    data = encode(values, output_suffix(path), bits=bits, compression=compression)
    with atomic_write(path) as file:
        file.write(data)


def output_suffix(path: str | os.PathLike[str]) -> str:
    """Return the suffix of an output, in lower case, when it names a format that can be written.

    Examples
    --------
    >>> output_suffix("a.PNG")
    '.png'
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _KNOWN:
        raise _unknown(path, f"{Path(path).stem}.png")
    return suffix


def encode(values: ArrayLike, suffix: str, *, bits: int = 8, compression: int | None = None) -> bytes:
    r"""Return the bytes of an image file.

    All of them, rather than into a file, because TIFF and ``.npy`` writers want to seek and a pipe cannot.

    Parameters
    ----------
    values, bits, compression
        As for `save_image`.
    suffix : str
        Of the format, as `output_suffix` gives it.

    Raises
    ------
    OutputError
        When suffix, depth or values do not suit.

    Examples
    --------
    >>> encode([[1, -0.5]], ".csv")
    b'1,-0.5\n'
    """
    if suffix not in _KNOWN:
        raise _unknown(suffix, ".png")
    image = _checked(values)
    if suffix == ".csv":
        return "".join(",".join(map(_shortest, row)) + "\n" for row in image).encode()
    file = BytesIO()
    if suffix == ".npy":
        np.save(file, image, allow_pickle=False)
    elif suffix in EXACT_SUFFIXES:
        _encode_with_pillow(_as_float32(image), "TIFF", file)
    else:
        _check_depth(suffix, bits)
        return encode_samples(_quantised(image, bits), suffix, compression=compression)
    return file.getvalue()


def _check_depth(suffix: str, bits: int) -> None:
    """Refuse a depth that a format of pictures cannot have."""
    if bits not in _DEPTHS[suffix]:
        raise OutputError(
            expected=f"{' or '.join(map(str, _DEPTHS[suffix]))} bits for {suffix}", got=str(bits), hint=".png"
        )


def encode_samples(samples: NDArray[np.unsignedinteger[Any]], suffix: str, *, compression: int | None = None) -> bytes:
    """Return the bytes of a picture of integer samples, of a depth that its format can have."""
    if suffix == ".png":
        return encode_png(samples, compression)
    file = BytesIO()
    _encode_with_pillow(samples, _PILLOW[suffix], file)
    return file.getvalue()


def _checked(values: ArrayLike) -> NDArray[Any]:
    image = np.asarray(values)
    if image.ndim != 2 or not image.size or image.dtype.kind not in "biuf":
        raise OutputError(
            expected="a two-dimensional array of at least one real number",
            got=f"shape {image.shape} of type {image.dtype}",
            hint="one plane of it",
        )
    if bad := first_unbounded(image):
        raise OutputError(expected="finite pixels", got=bad, hint="numpy.nan_to_num on it")
    return image


def _unknown(got: str | os.PathLike[str], hint: str) -> OutputError:
    return OutputError(expected=f"an output that ends in {', '.join(_KNOWN)}", got=named(got), hint=named(hint))


def _quantised(image: NDArray[Any], bits: int) -> NDArray[np.unsignedinteger[Any]]:
    if image.dtype.kind == "u" and image.max() > 1:  # 0..255, most likely, which clipping would turn all white
        raise OutputError(
            expected="pixels in [0, 1]",
            got=f"{image.dtype} up to {image.max()}",
            hint=f"dividing by {np.iinfo(image.dtype).max}",
        )
    return quantise(image, bits).samples


def _as_float32(image: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        rounded = image.astype(np.float32)
    if not np.isfinite(rounded).all():
        raise OutputError(
            expected=f"numbers within ±{np.finfo(np.float32).max:.3g} for float32",
            got=f"{np.abs(image).max():.3g}",
            hint=".npy, which keeps float64",
        )
    return rounded


def _encode_with_pillow(image: NDArray[Any], file_format: str, file: BytesIO) -> None:
    import PIL.Image

    options = {"quality": 95} if file_format == "JPEG" else {}
    try:
        PIL.Image.fromarray(image).save(file, file_format, **options)
    except (OSError, ValueError, struct.error) as error:  # what the format cannot hold, such as 65536 columns
        raise OutputError(
            expected=f"an image that {file_format} can hold",
            got=f"{image.shape[0]} x {image.shape[1]} ({shown(error, 100)})",
            hint=".npy",
        ) from error


def _shortest(value: Any) -> str:
    # NumPy prints a scalar with as many digits as it takes to read it back in its own type.
    return str(value * 1).removesuffix(".0")
