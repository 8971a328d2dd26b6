"""Overlap-save: products of spectra, tile by tile."""

import numpy as np
from numpy.typing import NDArray

_TILE = 512


def correlate(image: NDArray[np.floating], kernel: NDArray[np.floating]) -> NDArray[np.floating]:
    """Valid cross-correlation of ``(H, W)`` with ``(kh, kw)`` by tiled real FFTs in float64.

    The spectrum of a cross-correlation is ``X · conj(K)``; in each tile the outputs whose window does not wrap
    around are kept (overlap-save; Oppenheim & Schafer, *Discrete-Time Signal Processing*, section 8.7).

    Examples
    --------
    >>> y = correlate(np.array([[1.0, 1.0, 0.0, 0.0]]), np.array([[1.0, -1.0]]))
    >>> bool(np.allclose(y, [[0.0, 1.0, 0.0]]))
    True
    """
    kh, kw = kernel.shape
    height, width = image.shape[0] - kh + 1, image.shape[1] - kw + 1
    tile = _tile_length(image.shape[0], kh), _tile_length(image.shape[1], kw)
    step = tile[0] - kh + 1, tile[1] - kw + 1
    spectrum = np.conj(np.fft.rfft2(kernel.astype(np.float64), tile))
    response = np.empty((height, width), image.dtype)
    for top in range(0, height, step[0]):
        for left in range(0, width, step[1]):
            window = image[top : top + tile[0], left : left + tile[1]].astype(np.float64)
            block = np.fft.irfft2(np.fft.rfft2(window, tile) * spectrum, tile)
            kept = response[top : top + step[0], left : left + step[1]]
            kept[...] = block[: kept.shape[0], : kept.shape[1]]
    return response


def _tile_length(image_length: int, kernel_length: int) -> int:
    """Return an FFT-friendly length: of the whole image when it is small, else several kernels long."""
    return next_fast_length(min(image_length, max(_TILE, 4 * kernel_length)))


def next_fast_length(length: int) -> int:
    """Smallest 5-smooth integer that is at least ``length``.

    Examples
    --------
    >>> next_fast_length(509), next_fast_length(31)
    (512, 32)
    """
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1
