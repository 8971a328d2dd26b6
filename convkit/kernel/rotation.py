"""Turning a kernel about its centre."""

import numpy as np

from convkit.kernel.recipe import Taps

# The eight neighbours of the centre, clockwise from the upper left one.
_RING_ROWS = (0, 0, 0, 1, 2, 2, 2, 1)
_RING_COLUMNS = (0, 1, 2, 2, 2, 1, 0, 0)


def rotated(taps: Taps, angle: int) -> Taps:
    """Turn taps clockwise on the screen, so that Sobel's "brighter to the right" becomes "brighter below".

    Clockwise because image rows count downwards (the x axis turns onto the y axis); it is also the sense
    of ImageMagick's ``Sobel:angle``.

    Parameters
    ----------
    taps : ndarray, shape (kh, kw)
    angle : int
        Degrees: a multiple of 90; for a 3×3 kernel of 45, by which the ring of eight moves on one place.

    Returns
    -------
    ndarray, shape (kh, kw), or (kw, kh) after an odd number of quarter turns

    Examples
    --------
    >>> rotated(np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]), 45)
    array([[-2., -1.,  0.],
           [-1.,  0.,  1.],
           [ 0.,  1.,  2.]])
    """
    quarters, rest = divmod(angle, 90)
    turned = np.rot90(taps, -quarters).copy()
    if rest:
        turned[_RING_ROWS, _RING_COLUMNS] = np.roll(turned[_RING_ROWS, _RING_COLUMNS], 1)
    return turned


def centred(taps: Taps, origin: tuple[int, int]) -> Taps:
    """Pad taps with zeros to the smallest odd size whose middle is ``origin``; leave them if it is already.

    convkit's kernels have no origin of their own: it is their middle, ``(k - 1) // 2``.

    Examples
    --------
    >>> centred(np.array([[1.0, 2.0, 3.0]]), (0, 0))
    array([[0., 0., 1., 2., 3.]])
    """
    padding = []
    for side, at in zip(taps.shape, origin, strict=True):
        reach = max(at, side - 1 - at)
        padding.append((0, 0) if at == (side - 1) // 2 else (reach - at, reach - (side - 1 - at)))
    return np.pad(taps, padding)
