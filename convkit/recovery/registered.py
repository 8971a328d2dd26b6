"""An image and a target on one pixel grid, before anybody knows where the kernel sits or how large it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.problem import Pair, Summing

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Registered:
    """Output ``[i, j]`` lies on image pixel ``[s·i, s·j]``; which pixels around it made the output is open.

    Attributes
    ----------
    image : ndarray, shape (H, W)
    target : ndarray, shape (h, w)
    stride : int
    mask : ndarray of bool, shape (h, w), or None
        True where an output may be used; None for all.
    summing : Summing or None
        Where sums over its windows are made; None for this process.
    """

    image: NDArray[Any]
    target: NDArray[Any]
    stride: int = 1
    mask: NDArray[np.bool_] | None = None
    summing: Summing | None = None

    def interior(self, size: Size, offset: Size, rim: Size = (0, 0)) -> tuple[slice, slice]:
        """Return the rows and columns of the outputs whose windows lie wholly inside the image; empty if none do.

        Parameters
        ----------
        size : (int, int)
            The windows' ``(kh, kw)``.
        offset : (int, int)
            Where a window's first pixel sits relative to its output.
        rim : (int, int)
            Outputs nearer than so many pixels to the image's edge are left out as well.

        Examples
        --------
        >>> scene = Registered(np.zeros((5, 8)), np.zeros((5, 8)))
        >>> scene.interior((3, 3), (-1, -1)), scene.interior((1, 1), (0, 0), rim=(2, 0))
        ((slice(1, 4, None), slice(1, 7, None)), (slice(2, 3, None), slice(0, 8, None)))
        """
        rows, columns = (
            _inside(self.image.shape[axis], self.target.shape[axis], size[axis], offset[axis], self.stride, rim[axis])
            for axis in (0, 1)
        )
        return rows, columns

    def pair(self, size: Size, offset: Size, rim: Size = (0, 0)) -> Pair:
        """Return the windows of one size and place that lie inside the image, and their outputs, as views.

        Examples
        --------
        >>> pair = Registered(np.arange(12.0).reshape(3, 4), np.zeros((3, 4))).pair((3, 1), (-1, 1))
        >>> pair.image.tolist(), pair.target.shape
        ([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0], [9.0, 10.0, 11.0]], (1, 3))
        """
        outputs = self.interior(size, offset, rim)
        pixels = tuple(
            slice(self.stride * out.start + o, self.stride * (out.stop - 1) + o + k) if out.stop > out.start else _NONE
            for out, k, o in zip(outputs, size, offset, strict=True)
        )
        return Pair(self.image[pixels], self.target[outputs], None if self.mask is None else self.mask[outputs])


_NONE = slice(0, 0)


def _inside(image: int, target: int, taps: int, offset: int, stride: int, rim: int) -> slice:
    """Along one axis, the outputs ``i`` whose window and whose own pixel ``stride·i`` lie as far inside as asked."""
    low, high = max(-offset, rim), min(image - taps - offset, image - 1 - rim)
    first = max(0, -(-low // stride))
    last = min(target - 1, high // stride)
    return slice(first, max(last + 1, first))
