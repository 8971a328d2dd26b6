"""libvips's matrix files: a line with the size, and perhaps a scale and an offset, above rows of numbers."""

import re

import numpy as np

from convkit.errors import KernelError
from convkit.kernel.kernel import Kernel, decimal
from convkit.text import number, shown

_WHITE = 255  # libvips counts offsets in levels, of which an 8-bit picture has 255 above black


def looks_like_vips(text: str) -> bool:
    r"""Whether the first line could be the size of the numbers below it.

    Examples
    --------
    >>> looks_like_vips("3 1 4\n1 2 1"), looks_like_vips("3 1 4\n1 2 3\n4 5 6")
    (True, False)
    """
    header, _, body = text.strip().partition("\n")
    size = re.fullmatch(r"([0-9]{1,4})[ \t]+([0-9]{1,4})([ \t]+[^\s,;]+){0,2}\s*", header)
    return size is not None and len(body.split()) == int(size[1]) * int(size[2])


def read_vips(text: str) -> Kernel:
    r"""Read a matrix: taps are the values over the scale, the bias is the offset over 255.

    Parameters
    ----------
    text : str
        First line ``width height [scale [offset]]``, then width times height numbers.

    Returns
    -------
    Kernel
        ``vips conv`` correlates, so the taps stay as they are.

    Raises
    ------
    KernelError
        When the first line is none of this kind, or the numbers do not fit it.

    Examples
    --------
    >>> kernel = read_vips("3 1 4 51\n1 2 1")
    >>> print(kernel, kernel.bias)
    0.25,0.5,0.25 0.2
    """
    header, _, body = text.strip().partition("\n")
    columns, rows, scale, offset = _header(header)
    cells = body.split()
    if len(cells) != rows * columns:
        raise KernelError(
            expected=f"{rows} rows of {columns} numbers, as the first line says",
            got=f"{len(cells)} numbers",
            hint="as many as width times height",
        )
    values = []
    for cell in cells:
        value = number(cell)
        if value is None:
            raise KernelError(expected="a kernel of finite numbers", got=shown(cell), hint="numbers such as 0.5 or -1")
        values.append(value)
    with np.errstate(over="ignore"):  # infinite taps are refused by Kernel
        return Kernel(np.reshape(values, (rows, columns)) / scale, bias=offset / _WHITE)


def write_vips(kernel: Kernel) -> str:
    """Write a matrix with a scale of 1, in which every tap is exact."""
    rows, columns = kernel.shape
    lines = [f"{columns} {rows} 1 {decimal(kernel.bias * _WHITE)}"]
    lines += [" ".join(map(decimal, row)) for row in kernel.taps.tolist()]
    return "\n".join(lines) + "\n"


def _header(line: str) -> tuple[int, int, float, float]:
    size = re.fullmatch(r"([1-9][0-9]{0,8})\s+([1-9][0-9]{0,8})(?:\s+(\S+))?(?:\s+(\S+))?", line.strip())
    scale, offset = (number(size[3] or "1"), number(size[4] or "0")) if size else (None, None)
    if size is None or not scale or offset is None:
        raise KernelError(
            expected="a vips matrix, whose first line is 'width height [scale [offset]]'",
            got=shown(line),
            hint="'3 3 16 0' above the rows",
        )
    return int(size[1]), int(size[2]), scale, offset
