"""Overlap-save: products of spectra, two tiles at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.strips import Array, new_response, typical_gray
from convkit.threads import share

# Tiles of this length keep most of their outputs and nearly fit the cache; longer kernels want longer ones (at 4096²,
# 95x95: 69 ms with 400, 64 with 480), and the longest so many times their own length.
_TILE, _LONG_TILE = 400, 480
_LONG_KERNEL = 56
_KERNELS = 4.5

_Corner = tuple[int, int]


def correlate(image: NDArray[np.floating], kernel: NDArray[np.floating]) -> Array:
    """Valid cross-correlation of ``(H, W)`` with ``(kh, kw)`` by tiled FFTs.

    The spectrum of a cross-correlation is ``X · conj(K)``; in each tile the outputs whose window does not wrap
    around are kept (overlap-save; Oppenheim & Schafer, *Discrete-Time Signal Processing*, section 8.7). Because the
    kernel is real, two tiles go through one complex transform, as its real and imaginary part. Each without its
    typical gray, which only costs digits; its response to that, ``gray · Σ k``, is added at the end.

    Examples
    --------
    >>> y = correlate(np.array([[1.0, 1.0, 0.0, 0.0]]), np.array([[1.0, -1.0]]))
    >>> bool(np.allclose(y, [[0.0, 1.0, 0.0]]))
    True
    """
    kh, kw = kernel.shape
    height, width = image.shape[0] - kh + 1, image.shape[1] - kw + 1
    tile = tile_length(height, kh), tile_length(width, kw)
    step = tile[0] - kh + 1, tile[1] - kw + 1
    kind = np.result_type(image.dtype, np.complex64)
    gain = kernel.dtype.type(kernel.sum(dtype=np.float64))
    spectrum = _spectrum(kernel, tile).astype(kind)
    response = new_response(image, kernel)
    corners = [(top, left) for top in range(0, height, step[0]) for left in range(0, width, step[1])]

    def worker() -> Callable[[list[_Corner]], None]:
        both = np.empty(tile, kind)

        def compute(pair: list[_Corner]) -> None:
            parts = [both.real, both.imag][: len(pair)]
            if len(pair) == 1:
                both.imag = 0
            grays = [_load(image, corner, part) for corner, part in zip(pair, parts, strict=True)]
            _filter(both, spectrum, step[0])
            for (top, left), part, gray in zip(pair, parts, grays, strict=True):
                kept = response[top : top + step[0], left : left + step[1]]
                np.add(part[: kept.shape[0], : kept.shape[1]], gray * gain, out=kept)

        return compute

    share([corners[first : first + 2] for first in range(0, len(corners), 2)], worker)
    return response


def _spectrum(kernel: NDArray[np.floating], tile: tuple[int, int]) -> NDArray[np.complex128]:
    """Return the conjugate spectrum, times the samples of a tile, by which both of its transforms divide."""
    # Along the rows that there are, then down all columns: `fft2` also transforms the zeros below.
    along = np.fft.fft(kernel.astype(np.float64), tile[1], axis=1)
    return tile[0] * tile[1] * np.conj(np.fft.fft(along, tile[0], axis=0))


def _filter(tiles: NDArray[Any], spectrum: NDArray[Any], rows: int) -> None:
    """Multiply the spectrum of tiles in place; of the result only so many rows are wanted.

    A transform that divides by nothing multiplies by an integer 1, for which NumPy (2.0 to 2.4) goes over to double
    precision and is ten times as slow; so both divide by the samples.
    """
    np.fft.fft(tiles, axis=1, norm="forward", out=tiles)
    np.fft.fft(tiles, axis=0, norm="forward", out=tiles)
    np.multiply(tiles, spectrum, out=tiles)
    np.fft.ifft(tiles, axis=0, norm="backward", out=tiles)
    np.fft.ifft(tiles[:rows], axis=1, norm="backward", out=tiles[:rows])


def _load(image: NDArray[np.floating], corner: _Corner, part: NDArray[np.floating]) -> float:
    """Put a tile of the image into a part of the complex one, without its typical gray, which is returned."""
    window = image[corner[0] : corner[0] + part.shape[0], corner[1] : corner[1] + part.shape[1]]
    gray = typical_gray(window)
    height, width = window.shape
    np.subtract(window, gray, out=part[:height, :width])
    part[height:] = 0
    part[:height, width:] = 0
    return gray


def tile_length(outputs: int, kernel_length: int) -> int:
    """Return an FFT-friendly length near the best one that leaves little of the last tile unused.

    Examples
    --------
    >>> tile_length(100, 15), tile_length(4082, 15), tile_length(399, 114)
    (120, 400, 540)
    """
    usual = _TILE if kernel_length < _LONG_KERNEL else _LONG_TILE
    longest = max(usual, int(_KERNELS * kernel_length)) - kernel_length + 1
    tiles = -(-outputs // longest)
    length = next_fast_length(-(-outputs // tiles) + kernel_length - 1)
    # The columns of a tile as wide as a power of two fall on the same lines of the cache: a third slower.
    slow = length > usual and length.bit_count() == 1
    return next_fast_length(length + 1) if slow else length


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
