"""Windows of an image in blocks of bounded size, and their moments through BLAS."""

from collections.abc import Iterator
from math import isqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.plane import Plane
from convkit.recovery.tiles import Tile, tiles

# A block of windows has at most so many bytes and windows: enough for BLAS, and little fresh memory.
_BLOCK_BYTES = 32 << 20
_BLOCK_WINDOWS = 1 << 15


# A mask, or what each output counts for.
Weights = NDArray[np.float64] | NDArray[np.bool_]


class Block(NamedTuple):
    """Some windows.

    Attributes
    ----------
    columns : ndarray, shape (kh·kw + 2, m)
        One column a window: its pixels row by row, 1, and the target. Overwritten by the next block.
    weights : ndarray, shape (m,), or None
        What each counts for; None for 1.
    """

    columns: NDArray[np.float64]
    weights: NDArray[np.float64] | None


def patch_blocks(
    image: Plane,
    target: Plane,
    size: tuple[int, int],
    *,
    stride: int = 1,
    flip: bool = False,
    weights: Weights | None = None,
) -> Iterator[Block]:
    """Yield the windows of the outputs with a weight above 0, block after block.

    Parameters
    ----------
    image : Plane
    target : Plane, shape (oh, ow)
    size : (int, int)
        ``(kh, kw)``.
    stride : int
        Distance of the windows.
    flip : bool
        Whether windows are turned by 180°.
    weights : ndarray of float64 or bool, shape (oh, ow), optional
        By default all 1.

    Examples
    --------
    >>> x, y = (Plane("", np.array([row]), np.arange(1), np.arange(len(row))) for row in ([1, 2, 4], [1, 10]))
    >>> next(patch_blocks(x, y, (1, 2))).columns
    array([[ 1.,  2.],
           [ 2.,  4.],
           [ 1.,  1.],
           [ 1., 10.]])
    """
    (kh, kw), p = size, size[0] * size[1]
    capacity = max(1, min(_BLOCK_BYTES // (8 * (p + 2)), _BLOCK_WINDOWS, target.shape[0] * target.shape[1]))
    # One column a window: a tap's row is then a stretch of the image, copied in runs.
    block, counted = np.empty((p + 2, capacity)), None if weights is None else np.empty(capacity)
    filled = 0
    for tile in tiles(target.shape, isqrt(capacity), capacity // isqrt(capacity)):
        height, width = tile.bottom - tile.top, tile.right - tile.left
        weight = None if weights is None else weights[tile.top : tile.bottom, tile.left : tile.right]
        chosen = None if weight is None else np.nonzero(weight)
        count = height * width if chosen is None else len(chosen[0])
        if not count:
            continue
        if filled + count > capacity:
            yield Block(block[:, :filled], None if counted is None else counted[:filled])
            filled = 0
        columns = block[:, filled : filled + count]
        response = target.read(tile)
        columns[p] = 1.0
        columns[p + 1] = response.ravel() if chosen is None else response[chosen]
        if counted is not None and weight is not None and chosen is not None:
            counted[filled : filled + count] = weight[chosen]
        filled += count
        top, left = tile.top * stride, tile.left * stride
        pixels = image.read(Tile(top, top + (height - 1) * stride + kh, left, left + (width - 1) * stride + kw))
        # Every tap sees the same places, moved.
        across = pixels.shape[1]
        places = None if chosen is None else (chosen[0] * across + chosen[1]) * stride
        flat = pixels.ravel()
        for k in range(p):
            u, v = divmod(p - 1 - k if flip else k, kw)
            if places is None:
                seen = pixels[u : u + height * stride : stride, v : v + width * stride : stride]
                columns[k].reshape(height, width)[...] = seen[:height, :width]
            else:
                columns[k] = flat[places + (u * across + v)]
    if filled:
        yield Block(block[:, :filled], None if counted is None else counted[:filled])


def add_patches(
    moments: NDArray[np.float64],
    image: Plane,
    target: Plane,
    size: tuple[int, int],
    *,
    stride: int = 1,
    flip: bool = False,
    weights: Weights | None = None,
    sign: int = 1,
) -> None:
    """Add (or take away) the moments of the windows of some outputs: ``Σ w·z·zᵀ``.

    Parameters
    ----------
    moments : ndarray, shape (kh·kw + 2, kh·kw + 2)
        Of taps row by row, one and target; changed in place.
    image, target, size, stride, flip, weights
        As for `patch_blocks`.
    sign : int
        -1 to take away.

    Examples
    --------
    >>> x, y = (Plane("", np.array([row]), np.arange(1), np.arange(len(row))) for row in ([1, 2, 4], [1, 10]))
    >>> moments = np.zeros((4, 4)); add_patches(moments, x, y, (1, 2), weights=np.array([[1, 0.5]])); moments.round(9)
    array([[ 3. ,  6. ,  2. , 11. ],
           [ 6. , 12. ,  4. , 22. ],
           [ 2. ,  4. ,  1.5,  6. ],
           [11. , 22. ,  6. , 51. ]])
    """
    for columns, weight in patch_blocks(image, target, size, stride=stride, flip=flip, weights=weights):
        if weight is not None and (weight != 1.0).any():
            columns *= np.sqrt(weight)  # on both sides of the product, so that it stays symmetric
        # NumPy sees that it is one matrix twice: half the products, and a result symmetric to the last bit.
        found = columns @ columns.T
        if sign > 0:
            moments += found
        else:
            moments -= found
