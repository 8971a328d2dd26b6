"""Moments of windows from the windows themselves: blocks of them, multiplied by BLAS."""

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.plane import Plane
from convkit.recovery.tiles import Tile, tiles

# A block of windows has at most so many bytes and windows: enough for BLAS, and little fresh memory.
_BLOCK_BYTES = 32 << 20
_BLOCK_WINDOWS = 1 << 15


def add_patches(
    moments: NDArray[np.float64],
    image: Plane,
    target: Plane,
    size: tuple[int, int],
    *,
    stride: int = 1,
    flip: bool = False,
    kept: NDArray[np.bool_] | None = None,
    sign: int = 1,
) -> None:
    """Add (or take away) the moments of the windows of some outputs.

    Parameters
    ----------
    moments : ndarray, shape (kh·kw + 2, kh·kw + 2)
        Of taps row by row, one and target; changed in place.
    image : Plane
    target : Plane, shape (oh, ow)
    size : (int, int)
        ``(kh, kw)``.
    stride : int
        Distance of the windows.
    flip : bool
        Whether the taps are those of the windows turned by 180°.
    kept : ndarray of bool, shape (oh, ow), optional
        The outputs to add; by default all.
    sign : int
        -1 to take away.

    Examples
    --------
    >>> x, y = (Plane("", np.array([row]), np.arange(1), np.arange(len(row))) for row in ([1, 2, 4], [1, 10]))
    >>> moments = np.zeros((4, 4)); add_patches(moments, x, y, (1, 2)); moments
    array([[  5.,  10.,   3.,  21.],
           [ 10.,  20.,   6.,  42.],
           [  3.,   6.,   2.,  11.],
           [ 21.,  42.,  11., 101.]])
    """
    (kh, kw), p = size, size[0] * size[1]
    capacity = max(1, min(_BLOCK_BYTES // (8 * (p + 2)), _BLOCK_WINDOWS, target.shape[0] * target.shape[1]))
    # One column a window: a tap's row is then a stretch of the image, copied in runs.
    block = np.empty((p + 2, capacity))
    block[p] = 1.0
    filled = 0
    for tile in tiles(target.shape, isqrt(capacity), capacity // isqrt(capacity)):
        height, width = tile.bottom - tile.top, tile.right - tile.left
        chosen = None if kept is None else np.nonzero(kept[tile.top : tile.bottom, tile.left : tile.right])
        count = height * width if chosen is None else len(chosen[0])
        if not count:
            continue
        if filled + count > capacity:
            _add_product(moments, block[:, :filled], sign)
            filled = 0
        columns = block[:, filled : filled + count]
        filled += count
        response = target.read(tile)
        columns[p + 1] = response.ravel() if chosen is None else response[chosen]
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
    _add_product(moments, block[:, :filled], sign)


def _add_product(moments: NDArray[np.float64], block: NDArray[np.float64], sign: int) -> None:
    # NumPy sees that it is one matrix twice: half the products, and a result symmetric to the last bit.
    found = block @ block.T
    if sign > 0:
        moments += found
    else:
        moments -= found
