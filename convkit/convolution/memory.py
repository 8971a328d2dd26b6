"""Memory of large responses: what the caller has let go of is used again, as long as the system does not need it."""

import mmap
from collections import deque

import numpy as np
from numpy.typing import NDArray

_HUGE_PAGE = 1 << 21
# A larger block is not kept.
_MOST = 1 << 28
# The last block that came back. A deque takes and gives in one step, so that it needs no lock.
_kept: "deque[mmap.mmap]" = deque(maxlen=1)


def new_bytes(size: int) -> NDArray[np.uint8]:
    """Return bytes of any content that begin where a huge page does.

    The system then never gives pages of 4096 bytes, a thousand of them for a picture of 4096², which take a twelfth of
    the time of a 3x3 kernel. Clearing new pages takes longer still, a sixth to a half of it. So a block that nothing
    refers to any more is kept for the next one of about its size, one at a time and up to a quarter of a gigabyte,
    marked as free: the system takes its pages where it needs them (madvise(2), MADV_FREE).

    Examples
    --------
    >>> new_bytes(10_000_000).shape
    (10000000,)
    """
    if not hasattr(mmap, "MADV_FREE"):
        return np.empty(size, np.uint8)
    length = (-(-size // _HUGE_PAGE) + 1) * _HUGE_PAGE
    try:
        block = _take(length) or _map(length)
    except OSError:
        return np.empty(size, np.uint8)  # NumPy says it better, if it has no more memory either
    memory = np.asarray(_Lease(block))
    start = -memory.__array_interface__["data"][0] % _HUGE_PAGE
    return memory[start : start + size]


def _take(length: int) -> mmap.mmap | None:
    try:
        block = _kept.pop()
    except IndexError:
        return None
    return block if length <= len(block) <= length + length // 4 else None


def _map(length: int) -> mmap.mmap:
    block = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return block


class _Lease:
    """What an array in a block refers to; with the last such array the block comes back."""

    def __init__(self, block: mmap.mmap) -> None:
        self._block, self._keep = block, len(block) <= _MOST
        address = np.frombuffer(block, np.uint8).__array_interface__["data"][0]
        self.__array_interface__ = {"version": 3, "typestr": "|u1", "shape": (len(block),), "data": (address, False)}

    def __del__(self, kept: "deque[mmap.mmap]" = _kept, free: int = getattr(mmap, "MADV_FREE", 0)) -> None:
        # Nothing of the module is named here: it may be emptied before the last array when Python ends.
        if self._keep:
            try:
                self._block.madvise(free)
                kept.append(self._block)
            except OSError:  # an old system does not know the advice, and gets the block back
                pass
