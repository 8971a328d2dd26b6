"""Image text: one place that tells files, patterns, matrices and standard input apart."""

import os
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import DTypeLike

from convkit.errors import ImageError
from convkit.image.arrays import MAGIC, read_array
from convkit.image.files import named, open_file, open_stdin, unreadable
from convkit.image.gray import Gray, parse_background, parse_gray
from convkit.image.image import Image, Kind, Values, check_finite, check_size
from convkit.image.matrix import parse_matrix
from convkit.image.patterns import PATTERNS, draw_pattern
from convkit.image.pictures import MAGICS, read_picture
from convkit.text import parse_call, shown

MAX_PIXELS = 500_000_000
TEXT_LIMIT = 64_000_000  # bytes of a text matrix; each number becomes a Python float on the way

_JPEG = b"\xff\xd8\xff"
_NUMBER_CHARACTERS = frozenset("0123456789+-.eE/,; \t\r\n")
_MEANT_AS_NUMBERS = re.compile(r"\s*[+-]?\.?\d[^,;/]*[,;][^/.]*$|[,;\s]+$")
_TEXT_START = re.compile(rb"(\xef\xbb\xbf)?\s*[0-9+.#-]")


@dataclass(frozen=True)
class _How:
    gray: Gray
    background: float | None
    max_pixels: int
    dtype: DTypeLike


@dataclass(frozen=True)
class _Source:
    file: BinaryIO
    name: str  # in messages
    stem: str
    path: Path | None = None


def read_image(
    text: str | os.PathLike[str],
    *,
    gray: Gray | str = Gray.BT601,
    background: str | None = None,
    max_pixels: int = MAX_PIXELS,
    rng: "np.random.Generator | None" = None,
    dtype: DTypeLike = np.float64,
) -> Image:
    """Read the image that a text stands for.

    Parameters
    ----------
    text : str or path-like
        In this order: ``-`` for standard input; a pattern, with parameters (``noise``, ``edges:size=64``); a
        matrix, of nothing but numbers and separators (``2,1,0; 9,5,4``); the path of a file. What begins
        with ``./``, ``../`` or ``/``, and any path object, is always a file. Files that end in ``.csv`` or
        ``.txt`` are text matrices, in ``.npy`` NumPy arrays, and all others pictures.
    gray : Gray or str
        How colour becomes gray: bt601, bt709, mean, r, g or b.
    background : str, optional
        The gray to lay under transparent pixels: white, black or a number from 0 to 1. Without it a picture
        with transparent pixels is refused.
    max_pixels : int
        The most pixels to accept.
    rng : numpy.random.Generator, optional
        What random patterns draw from; ``numpy.random.default_rng(0)`` when not given.
    dtype : dtype
        Of integer pictures: float64, or float32 for half the memory. Other images keep their own.

    Returns
    -------
    Image
        Integer pictures in [0, 1], anything else in its own units.

    Raises
    ------
    ImageError
        When the text means nothing, or the image cannot be read or used.
    SettingsError
        When `gray` or `background` mean nothing.
    MissingExtraError
        When the picture needs a library that is not installed.

    Examples
    --------
    >>> read_image("2,1,0; 9,5,4").values
    array([[2., 1., 0.],
           [9., 5., 4.]])
    >>> read_image("edges").shape
    (6, 8)
    """
    how = _How(parse_gray(gray), None if background is None else parse_background(background), max_pixels, dtype)
    if not isinstance(text, str):
        return _read_file(Path(text), how)
    if not text.strip():
        raise ImageError(expected="an image file or a pattern", got=shown(text), hint=", ".join(PATTERNS))
    if text == "-":
        return _read_stdin(how)
    call = parse_call(text)
    if call.name in PATTERNS:
        drawn = draw_pattern(call, rng=rng or np.random.default_rng(0), max_pixels=max_pixels)
        return Image(drawn, Kind.PATTERN, call.name)
    if is_matrix_text(text):
        return _matrix(text, "an image matrix", "matrix", None, how)
    if _MEANT_AS_NUMBERS.match(text) and not os.path.lexists(text):
        parse_matrix(text)  # says which number is none
    return _read_file(Path(text), how)


@dataclass(frozen=True, eq=False)
class Channels:
    """A picture channel by channel.

    Attributes
    ----------
    images : tuple of Image
        One of a gray picture, red, green and blue of a coloured one.
    opacity : ndarray, shape (H, W), or None
        In [0, 1], of a picture that is not opaque throughout.
    lossy : bool
        Whether the file format changes pixels: JPEG.
    """

    images: tuple[Image, ...]
    opacity: Values | None = None
    lossy: bool = False


def read_channels(text: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Channels | None:
    """Read a picture file channel by channel; None for what is no picture file, which `read_image` reads.

    Raises
    ------
    ImageError
        When the picture cannot be read or used.

    Examples
    --------
    >>> read_channels("2,1,0; 9,5,4") is None, read_channels("noise") is None
    (True, True)
    """
    if isinstance(text, str) and (text == "-" or not text.strip() or parse_call(text).name in PATTERNS):
        return None
    path = Path(text)
    if (isinstance(text, str) and is_matrix_text(text)) or path.suffix.lower() in (".csv", ".txt", ".npy"):
        return None
    with open_file(path, names=PATTERNS) as file:
        name = named(path)
        try:
            head = file.read(len(MAGIC))
            if head == MAGIC:
                return None
            file.seek(0)
            raster = read_picture(file, name, max_pixels)
        except OSError as error:
            raise unreadable(name, error) from error
    images = []
    for channel, values in enumerate(raster.planes()):
        if raster.white is None:
            check_finite(values, name)
        images.append(Image(values, Kind.PICTURE, path.stem, raster.level, raster.bits, path, channel))
    return Channels(tuple(images), raster.opacity(), head.startswith(_JPEG))


def is_matrix_text(text: str) -> bool:
    """Tell whether a text is rows of numbers rather than a path.

    Examples
    --------
    >>> is_matrix_text("1/9, -1e3; 0"), is_matrix_text("./5"), is_matrix_text("5.png")
    (True, False, False)
    """
    is_path = text.startswith(("./", "../", "/"))
    return not is_path and _NUMBER_CHARACTERS.issuperset(text) and any(map(str.isdigit, text))


def _read_file(path: Path, how: _How) -> Image:
    with open_file(path, names=PATTERNS) as file:
        source = _Source(file, named(path), path.stem, path)
        try:
            head = file.read(len(MAGIC))
            file.seek(0)
            suffix = path.suffix.lower()
            if suffix in (".csv", ".txt"):
                return _read_text(source, how)
            if suffix == ".npy" or head == MAGIC:
                return _read_npy(source, how)
            return _read_picture(source, how)
        except OSError as error:
            raise unreadable(source.name, error) from error


def _read_stdin(how: _How) -> Image:
    stream, name = open_stdin(), "standard input"
    # Told from the first bytes, because what is no image need not end.
    try:
        head = stream.read(16)
        is_text = _TEXT_START.match(head)
        if not is_text and not head.startswith((MAGIC, *MAGICS)):
            raise ImageError(
                expected="a picture, an .npy array or rows of numbers on standard input",
                got=f"something that begins with {head!r}" if head else "nothing",
                hint="a file instead of '-'",
            )
        source = _Source(BytesIO(head + stream.read(TEXT_LIMIT if is_text else -1)), name, "stdin")
    except OSError as error:
        raise unreadable(name, error) from error
    if is_text:
        return _read_text(source, how)
    return _read_npy(source, how) if head.startswith(MAGIC) else _read_picture(source, how)


def _read_picture(source: _Source, how: _How) -> Image:
    raster = read_picture(source.file, source.name, how.max_pixels)
    values = raster.values(how.gray, how.background, source.name, how.dtype)
    if raster.white is None:
        check_finite(values, source.name)
    return Image(values, Kind.PICTURE, source.stem, raster.level, raster.bits, source.path)


def _read_npy(source: _Source, how: _How) -> Image:
    values, level = read_array(source.file, source.name, how.max_pixels)
    check_finite(values, source.name)
    return Image(values, Kind.MATRIX, source.stem, level, None, source.path)


def _read_text(source: _Source, how: _How) -> Image:
    data = source.file.read(TEXT_LIMIT + 1)
    if len(data) > TEXT_LIMIT:
        raise ImageError(
            expected=f"a text matrix of at most {TEXT_LIMIT:,} bytes",
            got=f"more in {source.name}",
            hint="an .npy file",
        )
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ImageError(
            expected="a matrix as UTF-8 text",
            got=f"the byte 0x{data[error.start]:02x} at offset {error.start} of {source.name}",
            hint="saving it as UTF-8, or giving a picture its own suffix",
        ) from error
    return _matrix(text, f"a matrix in {source.name}", source.stem, source.path, how)


def _matrix(text: str, what: str, stem: str, path: Path | None, how: _How) -> Image:
    values = parse_matrix(text, what=what)
    height, width = values.shape
    check_size(height, width, what, how.max_pixels)
    integers = bool((values == np.rint(values)).all())
    return Image(values, Kind.MATRIX, stem, 1.0 if integers else None, None, path)
