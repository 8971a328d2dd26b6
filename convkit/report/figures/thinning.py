"""Large pictures in small files: block means that fit a figure."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Pixels on a side of a picture inside a figure.
MOST_PIXELS = 256
# Averaged at a time, so that large pictures are not copied whole.
_PIXELS = 1 << 20


def thinned(picture: NDArray[Any], most: int = MOST_PIXELS) -> tuple[NDArray[np.float64], int]:
    """Return a picture averaged over square blocks until it fits, and the blocks' side; the last ones may be narrower.

    Pixels that are NaN do not count; a block of nothing else is NaN.

    Parameters
    ----------
    picture : ndarray, shape (H, W) or (H, W, channels)
    most : int

    Examples
    --------
    >>> small, side = thinned(np.arange(6.0)[None], 3)
    >>> small.tolist(), side
    ([[0.5, 2.5, 4.5]], 2)
    """
    block = -(-max(picture.shape[:2]) // most)
    if block == 1:
        return np.asarray(picture, np.float64), 1
    rows = block * max(1, _PIXELS // (block * picture.shape[1]))
    strips = [_means(picture[top : top + rows], block) for top in range(0, picture.shape[0], rows)]
    return np.concatenate(strips), block


def _means(strip: NDArray[Any], block: int) -> NDArray[np.float64]:
    values = np.asarray(strip, np.float64)
    known = np.isfinite(values)
    sums, counts = np.where(known, values, 0.0), known.astype(np.float64)
    for axis in (0, 1):
        starts = np.arange(0, values.shape[axis], block)
        sums, counts = np.add.reduceat(sums, starts, axis=axis), np.add.reduceat(counts, starts, axis=axis)
    with np.errstate(invalid="ignore"):
        means: NDArray[np.float64] = sums / counts
    return means
