"""Strips of rows: filled on all cores, and looked at while they are in the cache."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.memory import new_bytes
from convkit.threads import share, thread_count

# Waking another thread takes longer than so many outputs of a few taps.
ALONE = 1 << 17
# Bytes of a response from which on its memory is looked after.
_LARGE = 1 << 22
# Bytes of blocks that the C library should keep.
_KEPT = 1 << 24

Array = NDArray[np.floating[Any]]


class Largest:
    """The largest magnitude of all numbers shown, by any thread; NaN when one of them is.

    Examples
    --------
    >>> largest = Largest()
    >>> largest.add(np.array([3.0, -4.0]))
    >>> largest.add(np.array([0.5]))
    >>> largest.value
    4.0
    """

    def __init__(self) -> None:
        self._found: list[float] = []

    def __bool__(self) -> bool:
        """Whether any numbers were shown."""
        return bool(self._found)

    def add(self, values: Array) -> None:
        """Look at an array of float32 or float64 that is not empty.

        Floating-point numbers are ordered as their bits are, read as integers, and after them come the negative ones,
        upside down, so that one look is enough where there are none; infinity is larger than all, and NaN than that.
        """
        signed, unsigned = (np.int32, np.uint32) if values.itemsize == 4 else (np.int64, np.uint64)
        bits = int(values.view(unsigned).max())
        sign = 1 << (8 * values.itemsize - 1)
        if bits >= sign:
            bits = max(bits - sign, int(values.view(signed).max()))
        self._found.append(float(np.array(bits, unsigned).view(values.dtype)))

    @property
    def value(self) -> float:
        """The largest magnitude."""
        return math.nan if any(map(math.isnan, self._found)) else max(self._found)


def new_response(image: Array, kernel: Array) -> Array:
    """Return an array for the response ``(H - kh + 1, W - kw + 1)``, of the image's type, to be filled.

    Examples
    --------
    >>> new_response(np.eye(5), np.ones((2, 3))).shape
    (4, 3)
    """
    shape = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    size = shape[0] * shape[1] * image.itemsize
    return np.empty(shape, image.dtype) if size < _LARGE else new_bytes(size).view(image.dtype).reshape(shape)


@functools.cache
def keep_freed_memory() -> None:
    """Have the C library keep the scratch memory of a strip for the next one, once for the process.

    glibc gives blocks back to the system, which must clear them for the next strip, until one as large, of at most
    32 MB, has been freed (mallopt(3), M_MMAP_THRESHOLD): up to 13,000 page faults at 4096².
    """
    np.empty(_KEPT, np.uint8)


def fill(
    response: Array, image: Array, rows: int, worker: Callable[[], Callable[[Array, Array], None]], seen: Largest | None
) -> None:
    """Compute a response strip by strip.

    Parameters
    ----------
    response : ndarray, shape (H - kh + 1, W - kw + 1)
        To be filled.
    image : ndarray, shape (H, W)
    rows : int
        Rows of the response in a strip.
    worker : function
        Called once on each thread, to get its scratch memory; returns the function that is given the rows of the image
        under a strip of the response, and that strip, which it fills.
    seen : Largest, optional
        Of the image, which is looked at in passing.

    Examples
    --------
    >>> response = np.empty((4, 2))
    >>> def add_rows(under, strip):
    ...     np.add(under[:-1, :2], under[1:, :2], out=strip)
    >>> fill(response, np.eye(5), 3, lambda: add_rows, None)
    >>> response[:, 0]
    array([1., 0., 0., 0.])
    """
    height = len(response)
    reach = len(image) - height
    keep_freed_memory()

    def watched() -> Callable[[int], None]:
        compute = worker()

        def one(top: int) -> None:
            strip = response[top : top + rows]
            under = image[top : top + len(strip) + reach]
            compute(under, strip)
            if seen is not None:
                seen.add(under[: len(strip)] if top + rows < height else under)

        return one

    share(range(0, height, rows), watched)


def strip_rows(height: int, width: int, most: int, alone: int = ALONE) -> int:
    """Return how many rows of a response a strip should have.

    Every thread gets as many strips as the others, of at most about ``most`` outputs; what is too small to be worth
    waking another thread, no more than ``alone`` outputs, is one strip.

    Examples
    --------
    >>> rows = 1000 * thread_count()
    >>> strip_rows(rows, 1000, 600_000), strip_rows(rows, 1000, 2_000_000), strip_rows(100, 100, 1000)
    (500, 1000, 100)
    """
    if height * width <= alone:
        return height
    strips = -(-height * width // most)
    return -(-height // (thread_count() * -(-strips // thread_count())))
