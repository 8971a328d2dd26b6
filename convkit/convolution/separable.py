"""Kernels that are a column times a row, or a few of them: two one-dimensional passes each, as matrix products."""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from convkit.threads import share

# Output rows of a strip, and neighbouring columns that one product computes.
_SIDE = 16
# Multiply-adds of one product, which OpenBLAS then keeps on the thread that asked for it (interface/gemm.c).
_PRODUCTS = 1 << 18


def correlate(image: NDArray[np.floating], kernel: NDArray[np.floating]) -> NDArray[np.floating]:
    """Valid cross-correlation of ``(H, W)`` with ``(kh, kw)``, pass by pass.

    Examples
    --------
    >>> correlate(np.arange(9.0).reshape(3, 3), np.array([[1.0, 1.0], [2.0, 2.0]]))
    array([[15., 21.],
           [33., 39.]])
    """
    terms = list(crosses(kernel))
    response = np.empty((image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1), image.dtype)
    if not terms:
        response[...] = 0
    image = np.ascontiguousarray(image)
    for index, (column, row) in enumerate(terms):
        _add_passes(response, image, banded(column, _SIDE), _blocks(row), fresh=not index)
    return response


def banded_products(kernel_shape: tuple[int, int]) -> int:
    """Multiply-adds that the two passes take for each output, the zeros of their bands included.

    Examples
    --------
    >>> banded_products((31, 31))
    94
    """
    return (_SIDE + kernel_shape[0] - 1) + _SIDE * -(-(_SIDE + kernel_shape[1] - 1) // _SIDE)


_Cross = tuple[NDArray[np.floating], NDArray[np.floating]]


def crosses(kernel: NDArray[np.floating]) -> Iterator[_Cross]:
    """Write a kernel as a sum of columns times rows, as few as its rank.

    Crosses through the largest tap that is left (Bebendorf, *Approximation of boundary element matrices*, Numer.
    Math. 86, 2000, with full pivoting): a kernel of rank one, such as box, Gaussian and Sobel, is one cross, and of
    whole numbers it stays whole.

    Examples
    --------
    >>> ((column, row),) = crosses(np.array([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]))
    >>> column, row
    (array([1., 2., 1.]), array([ 1.,  0., -1.]))
    """
    rest = kernel.astype(np.float64)
    negligible = np.finfo(kernel.dtype).eps * np.abs(rest).max()
    for _ in range(min(kernel.shape)):
        i, j = divmod(int(np.abs(rest).argmax()), rest.shape[1])
        if abs(rest[i, j]) <= negligible:
            return
        column, row = rest[:, j].copy(), rest[i] / rest[i, j]
        yield column.astype(kernel.dtype), row.astype(kernel.dtype)
        rest -= np.outer(column, row)


def is_separable(kernel: NDArray[np.floating]) -> bool:
    """Tell whether a kernel is one column times one row, to the precision of its type.

    Examples
    --------
    >>> is_separable(np.ones((2, 3))), is_separable(np.eye(3))
    (True, False)
    """
    return len(list(islice(crosses(kernel), 2))) == 1


def banded(taps: NDArray[np.floating], rows: int) -> NDArray[np.floating]:
    """Matrix ``(rows, rows + k - 1)`` that correlates with ``k`` taps: its rows hold them, each one further right.

    Examples
    --------
    >>> banded(np.array([1.0, 2.0]), 2)
    array([[1., 2., 0.],
           [0., 1., 2.]])
    """
    matrix = np.zeros((rows, rows + len(taps) - 1), taps.dtype)
    for row in range(rows):
        matrix[row, row : row + len(taps)] = taps
    return matrix


def _blocks(row: NDArray[np.floating]) -> NDArray[np.floating]:
    """Cut the matrix that correlates neighbouring outputs into squares, ``(count, side, side)``."""
    matrix = banded(row, _SIDE).T
    count = -(-len(matrix) // _SIDE)
    below = np.zeros((count * _SIDE - len(matrix), _SIDE), row.dtype)
    return np.vstack([matrix, below]).reshape(count, _SIDE, _SIDE)


def _add_passes(
    response: NDArray[np.floating],
    image: NDArray[np.floating],
    down: NDArray[np.floating],
    across: NDArray[np.floating],
    *,
    fresh: bool,
) -> None:
    """Go down the columns and across the rows of each strip; write the result, or add it when it is not the first."""
    height, width = response.shape
    count = len(across)
    groups = -(-width // _SIDE)
    columns = max(_SIDE, _PRODUCTS // down.size)

    def worker() -> Callable[[int], None]:
        between = np.zeros((_SIDE, (groups + count - 1) * _SIDE), image.dtype)  # zeros to the right of the image
        part, total = np.empty((2, _SIDE, groups, _SIDE), image.dtype)

        def passes(top: int) -> None:
            kept = response[top : top + _SIDE]
            rows = len(kept)
            matrix = down[:rows, : down.shape[1] - _SIDE + rows]
            under = image[top : top + matrix.shape[1]]
            for left in range(0, image.shape[1], columns):
                block = under[:, left : left + columns]
                np.matmul(matrix, block, out=between[:rows, left : left + block.shape[1]])
            lanes = between.reshape(_SIDE, -1, _SIDE)
            np.matmul(lanes[:, :groups], across[0], out=total)
            for index in range(1, count):
                np.matmul(lanes[:, index : index + groups], across[index], out=part)
                np.add(total, part, out=total)
            found = total.reshape(_SIDE, -1)[:rows, :width]
            if fresh:
                kept[...] = found
            else:
                np.add(kept, found, out=kept)

        return passes

    share(range(0, height, _SIDE), worker)
