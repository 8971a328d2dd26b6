"""Files mapped into memory: where an array lies in one, and how its pages are kept from piling up."""

import mmap
import os
import threading
import time
import weakref
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

# Resident bytes of mapped files from which on pages are given back; and how often to look, in seconds. Where single
# columns are read, the system brings in 64 KB around each pixel, a gigabyte in 30 ms.
_MANY_BYTES = 1 << 27
_EVERY = 0.002
_STATM = Path("/proc/self/statm")


_files: "weakref.WeakSet[mmap.mmap]" = weakref.WeakSet()
_lock = threading.Lock()
_keeper: threading.Thread | None = None


def map_lightly(file: BinaryIO, dtype: np.dtype[Any], offset: int, shape: tuple[int, int]) -> NDArray[Any]:
    """Map an array read-only, without letting its pages pile up in memory.

    A page that was read stays resident for as long as there is room, though the file can bring it back at any time. So
    while such arrays are about, a thread gives all their pages back whenever they have come to an eighth of a gigabyte,
    on systems that can.

    Raises
    ------
    OSError, ValueError
        When the file is shorter than the array.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "x"
    >>> path.write_bytes(np.arange(6.0).tobytes())
    48
    >>> with path.open("rb") as file:
    ...     map_lightly(file, np.dtype(np.float64), 0, (2, 3))
    array([[0., 1., 2.],
           [3., 4., 5.]])
    """
    mapped = np.memmap(file, dtype, "r", offset, shape)
    if mapped.nbytes > _MANY_BYTES and hasattr(mmap, "MADV_DONTNEED") and _STATM.exists():
        _keep(mapped._mmap)  # type: ignore[attr-defined]
    return np.asarray(mapped)


def _keep(file: mmap.mmap) -> None:
    global _keeper
    with _lock:
        _files.add(file)
        if _keeper is None:
            _keeper = threading.Thread(target=_give_back, name="convkit-pages", daemon=True)
            _keeper.start()


def _give_back() -> None:
    """Look every now and then, until nothing is mapped any more."""
    global _keeper
    # Opened once: each call to the system lets go of Python's lock, and may wait for it for 5 ms afterwards.
    statm = os.open(_STATM, os.O_RDONLY)
    try:
        while True:
            time.sleep(_EVERY)
            with _lock:
                files = list(_files)
                if not files:
                    _keeper = None
                    return
            _give_back_many(files, os.pread(statm, 256, 0))
            del files
    finally:
        os.close(statm)


def let_go() -> None:
    """Give all pages back at once if they have come to an eighth of a gigabyte.

    For whoever reads a few columns here and there: 64 KB for each of their pixels have come together before the thread
    that looks every now and then sees them.
    """
    with _lock:
        files = list(_files)
    if files:
        _give_back_many(files, _STATM.read_bytes())


def _give_back_many(files: list[mmap.mmap], statm: bytes) -> None:
    if int(statm.split()[2]) * mmap.PAGESIZE > _MANY_BYTES:
        for file in files:
            file.madvise(mmap.MADV_DONTNEED)


def window_in(view: NDArray[Any], whole: NDArray[Any]) -> tuple[slice, slice] | None:
    """Return the rows and columns of a 2-D array that a view shows, if it is a view of it without gaps.

    Examples
    --------
    >>> whole = np.zeros((5, 6))
    >>> window_in(whole[1:3, 2:], whole), window_in(np.zeros((2, 2)), whole)
    ((slice(1, 3, None), slice(2, 6, None)), None)
    """
    if view.dtype != whole.dtype or view.strides != whole.strides or not view.size or min(whole.strides) <= 0:
        return None
    bytes_in = view.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    row, rest = divmod(bytes_in, whole.strides[0])
    column = rest // whole.strides[1]
    inside = row >= 0 and row + view.shape[0] <= whole.shape[0] and column + view.shape[1] <= whole.shape[1]
    if not inside or not np.may_share_memory(view, whole):
        return None
    return slice(row, row + view.shape[0]), slice(column, column + view.shape[1])
