"""Kernel text: numbers, a name of the library, ImageMagick's notation, or a file."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convkit.errors import KernelError
from convkit.image.matrix import parse_matrix
from convkit.kernel.files import is_kernel_file, read_kernel_file
from convkit.kernel.kernel import Kernel
from convkit.kernel.library import is_known, named_kernel, unknown_kernel
from convkit.kernel.rotation import centred
from convkit.text import number, shown

_DIVIDED = re.compile(r"\((?P<rows>[^()]*)\)\s*(?:/(?P<divisor>[^/]*))?", re.DOTALL)
_GEOMETRY = re.compile(
    r"(?P<width>[1-9][0-9]{0,8})(?:x(?P<height>[1-9][0-9]{0,8}))?(?:\+(?P<x>[0-9]{1,9})\+(?P<y>[0-9]{1,9}))?\s*:"
    r"(?P<values>.*)",
    re.DOTALL,
)


def parse_kernel(text: str) -> Kernel:
    """Read kernel text.

    Parameters
    ----------
    text : str
        One of

        - numbers: ``1,-1`` · rows by ``;``: ``0,1;2,3`` · fractions: ``1/9`` · a common divisor:
          ``(1,2,1;2,4,2;1,2,1)/16``
        - a name of the library, with parameters: ``sobel``, ``gaussian:sigma=1.2,size=9``, ``box:5``. A name
          wins over a file of that name; ``./sobel`` is the file
        - a file: ``.npy .csv .txt .json .mat`` (a vips matrix) or ``.png`` (a PSF); see `read_kernel_file`
        - ImageMagick's notation, width first: ``3x3: 1,2,1 2,4,2 1,2,1``. The taps are taken as they stand,
          as its ``-convolve`` does; holes (``nan`` or ``-``) count as 0, and an origin that is not the middle
          (``3x1+0+0:``) is brought there by zeros

    Returns
    -------
    Kernel
        For cross-correlation, whatever the source.

    Raises
    ------
    KernelError
        When the text means nothing, or a file cannot be read.

    Examples
    --------
    >>> parse_kernel("(1,2,1)/4").taps
    array([[0.25, 0.5 , 0.25]])
    >>> print(parse_kernel("2x2: 0,1 2,3"), parse_kernel("box:1x2"))
    0,1;2,3 0.5,0.5
    """
    text = text.strip()
    if not text:
        raise KernelError(expected="kernel text", got="an empty text", hint="'1,-1' or 'sobel'")
    if text.startswith("--"):
        raise KernelError(
            expected="kernel text",
            got=f"an option, {shown(text)}",
            hint="a kernel after the option, such as '1,-1'",
        )
    if is_kernel_file(text):
        return read_kernel_file(text)
    if _starts_with_a_number(text):
        return Kernel(parse_taps(text))
    if is_known(text):
        return named_kernel(text)
    if _exists(text) or text.startswith(("./", "../", "/")):
        return read_kernel_file(text)
    if text[0] in "+-.0123456789" or _first_word(text) in ("", "nan", "inf"):
        return Kernel(parse_taps(text))  # to say which of its values is no number
    raise unknown_kernel(text)


def parse_taps(text: str) -> NDArray[np.float64]:
    """Read taps written as numbers, in any of the notations; shape (kh, kw).

    Examples
    --------
    >>> parse_taps("0,1; 2,3")
    array([[0., 1.],
           [2., 3.]])
    """
    text = text.strip()
    if text.startswith("("):
        return _divided(text)
    if ":" in text:
        return _imagemagick(text)
    return parse_matrix(text, what="a kernel", error=KernelError)


def _starts_with_a_number(text: str) -> bool:
    first = re.split(r"[,;:\s]", text, maxsplit=1)[0]
    return text[0] == "(" or number(first) is not None or (text[0].isdigit() and ":" in text)


def _first_word(text: str) -> str:
    match = re.match(r"[a-z]*", text.lower())
    return match[0] if match else ""


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long, or with a null character: no such file
        return False


def _divided(text: str) -> NDArray[np.float64]:
    match = _DIVIDED.fullmatch(text)
    divisor = number(match["divisor"] or "1") if match else None
    if match is None or not divisor:
        raise KernelError(
            expected="rows in parentheses, divided by a number other than 0",
            got=shown(text),
            hint="'(1,2,1;2,4,2;1,2,1)/16'",
        )
    with np.errstate(over="ignore"):  # infinite taps are refused by Kernel
        return parse_matrix(match["rows"], what="a kernel", error=KernelError) / divisor


def _imagemagick(text: str) -> NDArray[np.float64]:
    """Read ``WIDTHxHEIGHT+X+Y: values``, rows from the top."""
    match = _GEOMETRY.fullmatch(text)
    values = match["values"].rstrip("; \n") if match else ""
    if match is None or ";" in values:
        raise KernelError(
            expected="one kernel in ImageMagick's notation, not rotated or listed",
            got=shown(text),
            hint="'3x3: 1,2,1 2,4,2 1,2,1'",
        )
    columns = int(match["width"])
    rows = int(match["height"] or columns)
    cells = values.replace(",", " ").split()
    if len(cells) != rows * columns:
        raise KernelError(
            expected=f"{rows * columns} values after '{text.partition(':')[0]}:'",
            got=str(len(cells)),
            hint="as many numbers as width times height",
        )
    taps = np.array([_value(cell) for cell in cells]).reshape(rows, columns)
    origin = int(match["y"] or (rows - 1) // 2), int(match["x"] or (columns - 1) // 2)
    if origin[0] >= rows or origin[1] >= columns:
        raise KernelError(
            expected=f"an origin inside the {columns}x{rows} kernel",
            got=f"+{origin[1]}+{origin[0]}",
            hint=f"+{(columns - 1) // 2}+{(rows - 1) // 2}, the middle",
        )
    return np.asarray(centred(taps, origin), dtype=np.float64)


def _value(cell: str) -> float:
    """Read one of ImageMagick's values; a hole adds nothing to a convolution, so it counts as 0."""
    if cell.lower() in ("nan", "-"):
        return 0.0
    value = number(cell)
    if value is None:
        raise KernelError(expected="a kernel of finite numbers", got=shown(cell), hint="numbers such as 0.5 or -1")
    return value
