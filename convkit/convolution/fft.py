"""Overlap-save: products of spectra, tile by tile."""

import functools
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.rounding import typical_gray
from convkit.convolution.strips import Array, new_response
from convkit.convolution.torch_modes import without_gradients
from convkit.convolution.torch_threads import of_ours, one_torch_thread
from convkit.threads import share

# Tiles of this length keep most of their outputs and nearly fit the cache; longer kernels want longer ones (at 4096²,
# 63x63: 57 ms with 400, 51 with 640), and the longest so many times their own length.
_TILE, _LONG_TILE = 480, 640
_LONG_KERNEL = 48
_KERNELS = 4.5
# Tiles of torch's, and what a sample of theirs takes beside one of NumPy's: at 4096², 31x31, 40 ms instead of 45.
_TORCH_TILE, _TORCH_SAMPLE = (256, 512), 0.85
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
    new_tile, tile = _way(image, kernel)
    step = tile[0] - kernel.shape[0] + 1, tile[1] - kernel.shape[1] + 1
    kind = np.result_type(image.dtype, np.complex64)
    gain = kernel.dtype.type(kernel.sum(dtype=np.float64))
    spectrum = _spectrum(kernel, tile).astype(kind)
    response = new_response(image, kernel)
    down, across = (range(0, length, each) for length, each in zip(response.shape, step, strict=True))

    def worker() -> Callable[[_Corner], None]:
        pixels, filter_tile = new_tile(tile, spectrum, step[0])

        def compute(first: _Corner) -> None:
            # The last tiles of an image that is large enough begin earlier, so that they are full: what is made up
            # beyond its edges is as bright as they are, and of a wave the response may be much smaller than that.
            top, left = (
                max(0, min(start, side - length)) for start, side, length in zip(first, image.shape, tile, strict=True)
            )
            gray = _load(image, (top, left), pixels)
            filter_tile()
            kept = response[first[0] : top + step[0], first[1] : left + step[1]]
            found = pixels[first[0] - top :, first[1] - left :][: kept.shape[0], : kept.shape[1]]
            np.add(found, gray * gain, out=kept)

        return compute

    with one_torch_thread() if new_tile is _tile_of_torch else nullcontext():
        share([(top, left) for top in down for left in across], worker)
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


_Tile = tuple[NDArray[Any], Callable[[], None]]


def _way(image: NDArray[Any], kernel: NDArray[Any]) -> tuple[Callable[..., _Tile], tuple[int, int]]:
    """Return who transforms, and tiles of which shape: torch where that is faster, and each of its tiles full.

    Intel's transforms take less time than NumPy's in float32, of lengths that are powers of two, as long as a tile
    nearly fits the cache.
    """
    height, width = (length - side + 1 for length, side in zip(image.shape, kernel.shape, strict=True))
    tile = tile_length(height, kernel.shape[0]), tile_length(width, kernel.shape[1])
    full = image.shape[0] >= _TORCH_TILE[0] and image.shape[1] >= _TORCH_TILE[1]
    if full and max(kernel.shape) < _LONG_KERNEL and image.dtype == np.float32 and "torch" in sys.modules:
        from torch.backends import mkl

        def samples(tile: tuple[int, int]) -> int:
            return _samples(height, tile[0], kernel.shape[0]) * _samples(width, tile[1], kernel.shape[1])

        if _TORCH_SAMPLE * samples(_TORCH_TILE) < samples(tile) and mkl.is_available():  # type: ignore[no-untyped-call]
            return _tile_of_torch, _TORCH_TILE
    return _tile_of_numpy, tile


def _tile_of_numpy(shape: tuple[int, int], spectrum: NDArray[Any], rows: int) -> _Tile:
    """Return a tile and what filters it in place, by half its spectrum; only so many rows of the result are wanted.

    A transform that divides by nothing multiplies by an integer 1, for which NumPy (2.0 to 2.4) goes over to double
    precision and is ten times as slow; so both divide by the samples.
    """
    pixels, half = np.empty(shape, spectrum.real.dtype), np.empty_like(spectrum)

    def filter_tile() -> None:
        np.fft.rfft(pixels, axis=1, norm="forward", out=half)
        np.fft.fft(half, axis=0, norm="forward", out=half)
        np.multiply(half, spectrum, out=half)
        np.fft.ifft(half, axis=0, norm="backward", out=half)
        np.fft.irfft(half[:rows], shape[1], axis=1, norm="backward", out=pixels[:rows])

    return pixels, filter_tile


def _tile_of_torch(shape: tuple[int, int], spectrum: NDArray[Any], rows: int) -> _Tile:
    """Do as `_tile_of_numpy` does; the inverse one axis at a time, for torch takes longer for both at once."""
    import torch
    from torch import fft

    of_ours()
    gains = torch.from_numpy(spectrum)
    # Torch's memory begins at a multiple of 64 bytes, on which MKL's rounding may depend.
    pixels, half = torch.empty(shape, dtype=torch.float32, device="cpu"), torch.empty_like(gains)

    def filter_tile() -> None:
        with without_gradients():
            fft.rfft2(pixels, norm="forward", out=half)
            half.mul_(gains)
            fft.ifft(half, dim=0, norm="backward", out=half)
            fft.irfft(half[:rows], shape[1], dim=1, norm="backward", out=pixels[:rows])

    return pixels.numpy(), filter_tile


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
    return min(lengths, key=lambda length: max(least * length, _samples(outputs, length, kernel_length)))


def _samples(outputs: int, tile: int, kernel: int) -> int:
    """Samples along an axis of the tiles that cover it."""
    return tile * -(-outputs // (tile - kernel + 1))


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
