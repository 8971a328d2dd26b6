"""Kernels written out, in forms that other programs and `parse_kernel` read."""

import io
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import numpy as np

from convkit.errors import KernelError, OutputError
from convkit.image import atomic_write
from convkit.image.files import named
from convkit.kernel.json_record import write_json
from convkit.kernel.kernel import Kernel, decimal
from convkit.kernel.vips_matrix import write_vips
from convkit.text import closest, shown


class ExportFormat(StrEnum):
    """A form a kernel can be written in."""

    NPY = "npy"
    CSV = "csv"
    VIPS = "vips"
    IMAGEMAGICK = "imagemagick"
    JSON = "json"
    TEXT = "text"


#: What a kernel's file ends in, and the form in which it is then written.
SAVED = {
    ".json": ExportFormat.JSON,
    ".npy": ExportFormat.NPY,
    ".csv": ExportFormat.CSV,
    ".txt": ExportFormat.CSV,
    ".mat": ExportFormat.VIPS,
}


def export_kernel(kernel: Kernel, format: ExportFormat | str) -> bytes:  # noqa: A002
    r"""Write a kernel; reading it back gives the same taps, to the last bit.

    Parameters
    ----------
    kernel : Kernel
    format : ExportFormat or str
        ``npy`` (float64), ``csv``, ``vips`` (a matrix for ``vips conv``), ``imagemagick`` (for ``-convolve``,
        or ``-morphology Correlate``, which does not divide by the sum), ``json`` (with name and bias) or
        ``text``.

    Returns
    -------
    bytes
        The contents of a file; all but ``npy`` are text and end in a line break.

    Raises
    ------
    KernelError
        When the format is unknown, or the kernel has a bias and the format no place for it.

    Examples
    --------
    >>> export_kernel(Kernel.of("0,1;2,3"), "imagemagick")
    b'2x2: 0,1 2,3\n'
    """
    try:
        wanted = ExportFormat(format)
    except ValueError as error:
        raise KernelError(
            expected=f"a format for kernels ({', '.join(ExportFormat)})",
            got=shown(format),
            hint=f"'{closest(format, ExportFormat) or ExportFormat.NPY}'",
        ) from error
    if kernel.bias and wanted not in (ExportFormat.VIPS, ExportFormat.JSON):
        raise KernelError(
            expected="a format that holds a bias",
            got=f"'{wanted}' for a bias of {kernel.bias}",
            hint="'json' or 'vips'",
        )
    return _WRITERS[wanted](kernel)


def save_kernel(kernel: Kernel, path: str | os.PathLike[str]) -> None:
    """Write a kernel to a file in the form that its ending says.

    Raises
    ------
    KernelError
        When the kernel has a bias and the form no place for it.
    OutputError
        For another ending, or a file that cannot be written.
    """
    form = SAVED.get(Path(path).suffix.lower())
    if form is None:
        raise OutputError(
            expected=f"a file for a kernel, ending in {', '.join(SAVED)}", got=named(path), hint="kernel.json"
        )
    content = export_kernel(kernel, form)
    with atomic_write(path) as file:
        file.write(content)


def _npy(kernel: Kernel) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, kernel.taps, allow_pickle=False)
    return buffer.getvalue()


def _csv(kernel: Kernel) -> bytes:
    return "".join(",".join(map(decimal, row)) + "\n" for row in kernel.taps.tolist()).encode()


def _imagemagick(kernel: Kernel) -> bytes:
    rows, columns = kernel.shape
    return f"{columns}x{rows}: {str(kernel).replace(';', ' ')}\n".encode()


_WRITERS: dict[ExportFormat, Callable[[Kernel], bytes]] = {
    ExportFormat.NPY: _npy,
    ExportFormat.CSV: _csv,
    ExportFormat.VIPS: lambda kernel: write_vips(kernel).encode(),
    ExportFormat.IMAGEMAGICK: _imagemagick,
    ExportFormat.JSON: lambda kernel: write_json(kernel).encode(),
    ExportFormat.TEXT: lambda kernel: f"{kernel}\n".encode(),
}
