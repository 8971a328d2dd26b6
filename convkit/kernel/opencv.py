"""OpenCV's kernels with parameters, checked against cv2 5.0 by the tests."""

import numpy as np

from convkit.errors import KernelError
from convkit.kernel.families import bell, gabor
from convkit.kernel.recipe import Recipe, Taps, integer, real, spread

# getGaussianKernel's own rows for a sigma of 0 or less, in 256ths; binomial up to five taps.
_SMALL_BELLS = {
    1: (256,),
    3: (64, 128, 64),
    5: (16, 64, 96, 64, 16),
    7: (8, 28, 56, 72, 56, 28, 8),
    9: (4, 13, 30, 51, 60, 51, 30, 13, 4),
}


def _sobel(ksize: int, dx: int, dy: int) -> Taps:
    """`getDerivKernels`: two-pixel differences, as many as the order, smoothed by two-pixel sums."""
    if not dx + dy or (ksize > 1 and max(dx, dy) >= ksize):
        raise KernelError(
            expected="derivatives dx and dy, not both 0 and each smaller than ksize (unless that is 1)",
            got=f"dx={dx},dy={dy} with ksize={ksize}",
            hint="opencv/sobel:ksize=3,dx=1,dy=0",
        )
    return np.outer(_derivative(dy, ksize), _derivative(dx, ksize))


def _derivative(order: int, ksize: int) -> Taps:
    length = 3 if order and ksize == 1 else ksize
    taps = np.ones(1)
    for factor in [(1, 1)] * (length - 1 - order) + [(-1, 1)] * order:
        taps = np.convolve(taps, factor)
    return taps


def _laplacian(ksize: int) -> Taps:
    """Second derivatives along both axes; ksize 1 is the 3×3 of four neighbours."""
    smooth = np.array([0.0, 1.0, 0.0]) if ksize == 1 else _derivative(0, ksize)
    second = _derivative(2, ksize)
    return np.outer(second, smooth) + np.outer(smooth, second)


def _gaussian(ksize: int, sigma: float) -> Taps:
    """`GaussianBlur`'s window; a ksize of 0 follows from sigma (as for 8 bits), a sigma of 0 from ksize."""
    if ksize == 0:
        if sigma == 0:
            raise KernelError(
                expected="ksize or sigma above 0",
                got="both 0",
                hint="opencv/gaussian:ksize=5 or :ksize=0,sigma=1",
            )
        ksize = round(6 * sigma + 1) | 1
    if ksize % 2 == 0:
        raise KernelError(expected="an odd ksize, or 0", got=str(ksize), hint=f"ksize={ksize + 1}")
    if sigma == 0 and ksize in _SMALL_BELLS:
        row: Taps = np.array(_SMALL_BELLS[ksize]) / 256
    else:
        row = bell(ksize, sigma or 0.3 * ((ksize - 1) / 2 - 1) + 0.8)
    return np.outer(row, row)


def _gabor(ksize: int, sigma: float, theta: float, lambd: float, gamma: float, psi: float) -> Taps:
    """`getGaborKernel`, with its names and radians."""
    return gabor(lambd, np.degrees(theta), sigma, gamma, np.degrees(psi), (ksize, ksize))


FAMILIES = (
    Recipe("opencv/sobel", "opencv", "derivative of order dx, dy",
           (integer("ksize", 3, 1, 31, odd=True), integer("dx", 1, 0, 4), integer("dy", 0, 0, 4)), _sobel),
    Recipe("opencv/laplacian", "opencv", "sum of second derivatives",
           (integer("ksize", 1, 1, 31, odd=True),), _laplacian),
    Recipe("opencv/gaussian", "opencv", "GaussianBlur; ksize 0: 6 sigma + 1 (8-bit), sigma 0: its tables",
           (integer("ksize", 5, 0), real("sigma", 0.0, 0, 500)), _gaussian),
    Recipe("opencv/gabor", "opencv", "getGaborKernel, angles in radians",
           (integer("ksize", 21, 1, 2047, odd=True), spread("sigma", 4.0), real("theta", 0.0),
            real("lambd", 10.0, 0.01), real("gamma", 0.5, 0.01, 100), real("psi", float(np.pi / 2))), _gabor),
)  # fmt: skip
