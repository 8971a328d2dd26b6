"""Overlap-save: products of spectra, tile by tile."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.strips import Array, new_response, typical_gray
from convkit.threads import share

# Tiles of this length keep most of their outputs and nearly fit the cache; longer kernels want longer ones (at 4096²,
# 63x63: 57 ms with 400, 51 with 640), and the longest so many times their own length.
_TILE, _LONG_TILE = 480, 640
_LONG_KERNEL = 48
_KERNELS = 4.5
# More outputs than these are worth waking another thread.
_ALONE = 200

_Corner = tuple[int, int]


def correlate(image: NDArray[np.floating], kernel: NDArray[np.floating]) -> Array:
    """Valid cross-correlation of ``(H, W)`` with ``(kh, kw)`` by tiled FFTs.

    The spectrum of a cross-correlation is ``X · conj(K)``; in each tile the outputs whose window does not wrap
    around are kept (overlap-save; Oppenheim & Schafer, *Discrete-Time Signal Processing*, section 8.7). Each goes
    without its typical gray, which only costs digits; its response to that, ``gray · Σ k``, is added at the end.

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

    def worker() -> Callable[[_Corner], None]:
        pixels, half = np.empty(tile, image.dtype), np.empty(spectrum.shape, kind)

        def compute(corner: _Corner) -> None:
            gray = _load(image, corner, pixels)
            _filter(pixels, half, spectrum, step[0])
            kept = response[corner[0] :, corner[1] :][: step[0], : step[1]]
            np.add(pixels[: kept.shape[0], : kept.shape[1]], gray * gain, out=kept)

        return compute

    share([(top, left) for top in range(0, height, step[0]) for left in range(0, width, step[1])], worker)
    return response


def _spectrum(kernel: NDArray[np.floating], tile: tuple[int, int]) -> NDArray[np.complex128]:
    """Return half the conjugate spectrum, times the samples of a tile, by which both of its transforms divide."""
    # Along the rows that there are, then down all columns: `rfft2` also transforms the zeros below.
    along = np.fft.rfft(kernel.astype(np.float64), tile[1], axis=1)
    return tile[0] * tile[1] * np.conj(np.fft.fft(along, tile[0], axis=0))


def largest_gain(kernel: NDArray[np.floating]) -> float:
    """Return about the most that a kernel makes of a wave of any frequency.

    Examples
    --------
    >>> round(largest_gain(np.array([[1.0, 2.0, 1.0]])), 6), round(largest_gain(np.array([[1.0, -1.0]])), 6)
    (4.0, 2.0)
    """
    height, width = (next_fast_length(2 * side) for side in kernel.shape)
    return float(np.abs(np.fft.rfft2(kernel, (height, width))).max())


def _filter(pixels: NDArray[Any], half: NDArray[Any], spectrum: NDArray[Any], rows: int) -> None:
    """Filter a tile in place, by half its spectrum; of the result only so many rows are wanted.

    A transform that divides by nothing multiplies by an integer 1, for which NumPy (2.0 to 2.4) goes over to double
    precision and is ten times as slow; so both divide by the samples.
    """
    np.fft.rfft(pixels, axis=1, norm="forward", out=half)
    np.fft.fft(half, axis=0, norm="forward", out=half)
    np.multiply(half, spectrum, out=half)
    np.fft.ifft(half, axis=0, norm="backward", out=half)
    np.fft.irfft(half[:rows], pixels.shape[1], axis=1, norm="backward", out=pixels[:rows])


def _load(image: NDArray[np.floating], corner: _Corner, pixels: Array) -> float:
    """Load a tile of the image, without its typical gray, which is returned."""
    window = image[corner[0] :, corner[1] :][: pixels.shape[0], : pixels.shape[1]]
    gray = typical_gray(window)
    height, width = window.shape
    np.subtract(window, gray, out=pixels[:height, :width])
    # Nobody sees what lies beyond the image, but a flat picture stays flat to the last bit if it goes on as it ends.
    pixels[:height, width:] = pixels[:height, width - 1 : width]
    pixels[height:] = pixels[height - 1]
    return gray


@functools.lru_cache
def tile_length(outputs: int, kernel_length: int) -> int:
    """Return the length of which tiles that cover an axis come to the fewest samples.

    Among those that have only small factors and many 2, which are fastest to transform.

    Examples
    --------
    >>> tile_length(100, 15), tile_length(300, 15), tile_length(4066, 31), tile_length(4034, 63)
    (120, 120, 400, 640)
    """
    longest = _TILE if kernel_length < _LONG_KERNEL else max(_LONG_TILE, int(_KERNELS * kernel_length))
    least = 2 if outputs > max(kernel_length, _ALONE) else 1
    shortest = 8 * -(-kernel_length // 8)
    lengths = [length for length in range(shortest, longest + 8, 8) if length == next_fast_length(length)]
    return min(lengths, key=lambda length: length * max(least, -(-outputs // (length - kernel_length + 1))))


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
