"""Kernels that are a column times a row, or a few of them: two one-dimensional passes each, as matrix products."""

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import islice

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from convkit.convolution.strips import Array, Largest, fill, new_response, strip_rows
from convkit.convolution.torch_modes import without_gradients
from convkit.convolution.torch_threads import of_ours, one_torch_thread

# Output rows and neighbouring columns that one product computes.
_SIDE = 16
# Multiply-adds of one product, which OpenBLAS then keeps on the thread that asked for it (interface/gemm.c).
_PRODUCTS = 1 << 18
# Values between the two passes of a strip: they are still in the cache for the second.
_STRIP = 1 << 19


def correlate(image: NDArray[np.floating], kernel: NDArray[np.floating], *, seen: Largest | None = None) -> Array:
    """Valid cross-correlation of ``(H, W)`` with ``(kh, kw)``, pass by pass.

    Where a program has loaded PyTorch, its ``conv2d`` goes across the rows of float32, twice as fast as NumPy's
    products.

    Examples
    --------
    >>> correlate(np.arange(9.0).reshape(3, 3), np.array([[1.0, 1.0], [2.0, 2.0]]))
    array([[15., 21.],
           [33., 39.]])
    """
    terms = list(crosses(kernel))
    response = new_response(image, kernel)
    image = np.ascontiguousarray(image)
    height, width = response.shape
    groups = -(-width // _SIDE)
    blocks = -(-(_SIDE + kernel.shape[1] - 1) // _SIDE)
    rows = _SIDE * -(-strip_rows(height, width, _STRIP) // _SIDE)
    with_torch = "torch" in sys.modules and image.dtype == np.float32
    across = _across_by_torch if with_torch else _across_by_numpy

    def worker() -> Callable[[Array, Array], None]:
        between = np.zeros((rows, (groups + blocks - 1) * _SIDE), image.dtype)  # zeros to the right of the image
        passes = [(banded(column, _SIDE), across(_blocks(row), between, groups)) for column, row in terms]

        def compute(under: Array, strip: Array) -> None:
            if not passes:
                strip[...] = 0
            for index, (matrix, go_across) in enumerate(passes):
                _go_down(matrix, under, between[: len(strip), : image.shape[1]])
                found = go_across()[: len(strip), :width]
                if index:
                    np.add(strip, found, out=strip)
                else:
                    strip[...] = found

        return compute

    with one_torch_thread() if with_torch else nullcontext():
        fill(response, image, rows, worker, seen)
    return response


def banded_products(kernel_shape: tuple[int, int]) -> int:
    """Multiply-adds that the two passes take for each output, the zeros of their bands included.

    Examples
    --------
    >>> banded_products((31, 31))
    94
    """
    return (_SIDE + kernel_shape[0] - 1) + _SIDE * -(-(_SIDE + kernel_shape[1] - 1) // _SIDE)


# Units in the last place by which a rounded product of a column and a row may differ from that of another column and
# row: half a unit of each of the four taps that meet in a cross, and three operations of half a unit in float64.
_ROUNDING = 3.5

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
    negligible = _ROUNDING * np.finfo(kernel.dtype).eps * np.abs(rest).max()
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


def _go_down(matrix: NDArray[np.floating], under: Array, between: Array) -> None:
    """Correlate the columns: a stack of products, of some rows and columns each, in one call."""
    reach = matrix.shape[1] - len(matrix)
    columns = max(_SIDE, _PRODUCTS // matrix.size)
    for top, rows, down in _pieces(len(between), _SIDE):
        for left, wide, across in _pieces(under.shape[1], columns):
            blocks, found = (
                as_strided(
                    values[top:, left:],
                    (down, across, height, wide),
                    (rows * values.strides[0], wide * values.strides[1], *values.strides),
                )
                for values, height in ((under, rows + reach), (between, rows))
            )
            np.matmul(matrix[:rows, : rows + reach], blocks, out=found)


def _pieces(length: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Cut a length into pieces of one size, and a shorter one: where they begin, their size and how many they are."""
    count, rest = divmod(length, size)
    if count:
        yield 0, size, count
    if rest:
        yield count * size, rest, 1


def _across_by_numpy(blocks: NDArray[np.floating], between: Array, groups: int) -> Callable[[], Array]:
    """Correlate the rows by a product for each block that the neighbouring columns reach."""
    lanes = between.reshape(len(between), -1, _SIDE)
    part, total = np.empty((2, len(between), groups, _SIDE), between.dtype)

    def multiply(index: int, out: Array) -> None:
        for first, size, count in _pieces(groups, _PRODUCTS // _SIDE**2):
            places = slice(first, first + size * count)
            stacks = (len(between), count, size, _SIDE)
            np.matmul(lanes[:, index:][:, places].reshape(stacks), blocks[index], out=out[:, places].reshape(stacks))

    def go_across() -> Array:
        multiply(0, total)
        for index in range(1, len(blocks)):
            multiply(index, part)
            np.add(total, part, out=total)
        return total.reshape(len(between), -1)

    return go_across


def _across_by_torch(blocks: NDArray[np.floating], between: Array, _groups: int) -> Callable[[], Array]:
    """Correlate the rows by a convolution in which neighbouring columns are channels."""
    import torch
    from torch.nn.functional import conv2d

    of_ours()
    channels = torch.from_numpy(between).reshape(len(between), -1, _SIDE).permute(2, 0, 1)[None]
    weight = torch.from_numpy(np.ascontiguousarray(blocks.transpose(2, 1, 0))[:, :, None])
    weight = weight.contiguous(memory_format=torch.channels_last)

    def go_across() -> Array:
        with without_gradients():
            found: Array = conv2d(channels, weight)[0].permute(1, 2, 0).flatten(1).numpy()
        return found

    return go_across
