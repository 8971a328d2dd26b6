"""Laying a kernel on a block of taps."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convkit.kernel.recipe import Taps


class Placed(NamedTuple):
    """A kernel on a block.

    Attributes
    ----------
    block : ndarray, shape (h, w)
        Zero where the kernel does not reach.
    outside : float
        The largest tap that fell beside the block, regardless of its sign.
    """

    block: NDArray[np.float64]
    outside: float


def place(kernel: Taps, shape: tuple[int, int], corner: tuple[int, int]) -> Placed:
    """Lay a kernel on a block of a shape, its first tap at ``corner``, which may be outside.

    Examples
    --------
    >>> place(np.array([[1.0, 2.0, 3.0]]), (1, 2), (0, -1))
    Placed(block=array([[2., 3.]]), outside=1.0)
    """
    block = np.zeros(shape)
    (top, left), (rows, columns) = corner, kernel.shape
    inside = kernel[max(-top, 0) : max(shape[0] - top, 0), max(-left, 0) : max(shape[1] - left, 0)]
    if inside.shape == kernel.shape:
        block[top : top + rows, left : left + columns] = kernel
        return Placed(block, 0.0)
    block[max(top, 0) : max(top + rows, 0), max(left, 0) : max(left + columns, 0)] = inside
    rest = kernel.copy()
    rest[max(-top, 0) : max(shape[0] - top, 0), max(-left, 0) : max(shape[1] - left, 0)] = 0.0
    return Placed(block, float(np.abs(rest).max()))


def corner_of(size: tuple[int, int], centre: tuple[float, float]) -> tuple[int, int] | None:
    """Return where the first tap of a kernel lies whose middle is at ``centre``; None between the taps' places.

    Examples
    --------
    >>> corner_of((3, 2), (1.0, 2.5)), corner_of((3, 3), (1.0, 2.5))
    ((0, 2), None)
    """
    top, left = (at - (side - 1) / 2 for at, side in zip(centre, size, strict=True))
    return (int(top), int(left)) if top == int(top) and left == int(left) else None
