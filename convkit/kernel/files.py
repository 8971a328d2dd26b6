"""Kernels in files: which reader, and what may be wrong with a file before its numbers are looked at."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np

from convkit.errors import ConvkitError, KernelError
from convkit.image.files import named
from convkit.image.matrix import parse_matrix
from convkit.kernel.kernel import MAX_SIDE, Kernel
from convkit.text import shown

_MAX_BYTES = 2**28  # room for 4096×4096 float64


def is_kernel_file(text: str) -> bool:
    """Whether text ends as the name of a kernel file does.

    Examples
    --------
    >>> is_kernel_file("blur.CSV"), is_kernel_file("0.5")
    (True, False)
    """
    return Path(text).suffix.lower() in _READERS


def read_kernel_file(name: str | os.PathLike[str]) -> Kernel:
    """Read a kernel from a file; its ending says how.

    Parameters
    ----------
    name : str or path-like
        - ``.npy``: a real array of one or two dimensions; never unpickled
        - ``.csv``: a row a line, values separated by commas
        - ``.txt``: kernel text in numbers, a row a line or after ``;``; or a vips matrix
        - ``.mat``: a vips matrix, see `read_vips`
        - ``.json``: rows, an object or a recovery record, see `read_json`
        - ``.png``: a point spread function, made gray and of sum 1. Its pixels are taps as they stand, so that
          a lopsided one needs true convolution (``--flip``) to smear a point into its own picture

    Returns
    -------
    Kernel

    Raises
    ------
    KernelError
        When the file is missing, no regular file, empty, too large or not of its kind.
    """
    _check_readable(name)
    path = Path(name)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise KernelError(
            expected=f"a kernel file ({', '.join(_READERS)})",
            got=named(name),
            hint="a file with one of these endings",
        )
    try:
        return reader(path)
    except OSError as error:
        raise _unreadable(name, error.strerror or "beyond reading") from error
    except ConvkitError as error:
        # The faults of numbers know only of rows and columns; say which file they are in.
        raise KernelError(expected=error.expected, got=f"{error.got} (in {named(name)})", hint=error.hint) from error


def _check_readable(name: str | os.PathLike[str]) -> None:
    try:
        status = Path(name).stat()
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        from convkit.kernel.library import unknown_kernel

        hint = unknown_kernel(Path(name).stem).hint
        raise KernelError(expected="a kernel file that exists", got=named(name), hint=hint) from error
    if not stat.S_ISREG(status.st_mode):
        raise _unreadable(name, "a directory" if stat.S_ISDIR(status.st_mode) else "no regular file")
    if not 0 < status.st_size <= _MAX_BYTES:
        raise _unreadable(name, f"{status.st_size >> 20} MiB" if status.st_size else "empty")


def _unreadable(name: str | os.PathLike[str], why: str) -> KernelError:
    return KernelError(
        expected=f"a readable kernel file of at most {_MAX_BYTES >> 20} MiB",
        got=f"{named(name)} ({why})",
        hint="another file",
    )


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise KernelError(
            expected="a text file", got="bytes that are no text", hint="saving the numbers as .csv or .npy"
        ) from error


def _read_npy(path: Path) -> Kernel:
    try:
        # Mapped, so that a header's promise of a huge array costs nothing.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # numpy lets through whatever a broken header provokes
        raise KernelError(
            expected="an array of numbers saved with numpy.save", got=shown(error, limit=90), hint="saving it anew"
        ) from error
    if not isinstance(array, np.ndarray):
        raise KernelError(expected="a single array", got="an archive of arrays (.npz)", hint="numpy.save")
    if max(array.shape, default=0) > MAX_SIDE:  # before Kernel copies it
        raise KernelError(
            expected=f"a kernel of at most {MAX_SIDE} taps on a side",
            got=f"an array of shape {array.shape}",
            hint="a smaller kernel; is this the image?",
        )
    return Kernel.of(array)


def _read_csv(path: Path) -> Kernel:
    text = _text(path)
    if ";" in text:
        # Else "0,5;0,25", half and a quarter in much of Europe, would quietly become two rows.
        raise KernelError(
            expected="values separated by commas, one row a line",
            got="a ';'",
            hint="',' between values and '.' in them",
        )
    return Kernel(parse_matrix(text, what="a kernel", error=KernelError))


def _read_txt(path: Path) -> Kernel:
    from convkit.kernel.parse import parse_taps  # it imports this module
    from convkit.kernel.vips_matrix import looks_like_vips, read_vips

    text = _text(path)
    if not looks_like_vips(text):
        return Kernel(parse_taps(text))
    if len({len(line.split()) for line in text.splitlines() if line.strip()}) == 1:
        raise KernelError(
            expected="a matrix of one meaning",
            got="a first line that may be a row of taps or the size of a vips matrix",
            hint="commas between plain taps, the ending .mat for a vips matrix",
        )
    return read_vips(text)


def _read_mat(path: Path) -> Kernel:
    from convkit.kernel.vips_matrix import read_vips

    return read_vips(_text(path))


def _read_json(path: Path) -> Kernel:
    from convkit.kernel.json_record import read_json

    return read_json(_text(path))


def _read_png(path: Path) -> Kernel:
    from convkit.image import read_image

    pixels = np.asarray(read_image(path).values, dtype=np.float64)
    total = pixels.sum()
    if not total > 0:
        raise KernelError(
            expected="a point spread function with some light in it", got="a black picture", hint="another picture"
        )
    return Kernel(pixels / total)


_READERS: dict[str, Callable[[Path], Kernel]] = {
    ".npy": _read_npy,
    ".csv": _read_csv,
    ".txt": _read_txt,
    ".mat": _read_mat,
    ".json": _read_json,
    ".png": _read_png,
}
