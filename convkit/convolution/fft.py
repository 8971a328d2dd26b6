"""Overlap-save: products of spectra, two tiles at a time."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.conv2d import one_torch_thread
from convkit.convolution.strips import Array, Seen, typical_gray
from convkit.threads import share

# Tiles of this length keep most of their outputs and fit the cache; longer kernels want longer ones, measured at 4096²
# (63x63: 59 ms with 320, 52 with 576; 127x127: 90 and 71), and the longest four times their own length.
_TILE, _LONG_TILE = 320, 576
_KERNELS = 9
_FEWEST_KERNELS = 4

_Transform = Callable[[NDArray[np.complexfloating[Any, Any]]], None]
_Corner = tuple[int, int]


def correlate(image: NDArray[np.floating], kernel: NDArray[np.floating], *, seen: Seen | None = None) -> Array:
    """Valid cross-correlation of ``(H, W)`` with ``(kh, kw)`` by tiled FFTs.

    The spectrum of a cross-correlation is ``X · conj(K)``; in each tile the outputs whose window does not wrap
    around are kept (overlap-save; Oppenheim & Schafer, *Discrete-Time Signal Processing*, section 8.7). Because the
    kernel is real, two tiles go through one complex transform, as its real and imaginary part. Each without its
    typical gray, which only costs digits; its response to that, ``gray · Σ k``, is added at the end.

    The transforms are PyTorch's where a program has loaded it, on the CPU twice as fast as NumPy's.

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
    spectrum = np.conj(np.fft.fft2(kernel.astype(np.float64), tile)).astype(kind)
    response = np.empty((height, width), image.dtype)
    corners = [(top, left) for top in range(0, height, step[0]) for left in range(0, width, step[1])]

    with _transforms() as (forward, backward):

        def worker() -> Callable[[list[_Corner]], None]:
            both = np.empty(tile, kind)

            def compute(pair: list[_Corner]) -> None:
                parts = [both.real, both.imag][: len(pair)]
                both.imag = 0
                grays = [_load(image, corner, part) for corner, part in zip(pair, parts, strict=True)]
                forward(both)
                np.multiply(both, spectrum, out=both)
                backward(both)
                for (top, left), part, gray in zip(pair, parts, grays, strict=True):
                    kept = response[top : top + step[0], left : left + step[1]]
                    np.add(part[: kept.shape[0], : kept.shape[1]], gray * gain, out=kept)
                    if seen is not None:
                        seen.image.add(image[top : top + tile[0], left : left + tile[1]])
                        seen.response.add(kept)

            return compute

        share([corners[first : first + 2] for first in range(0, len(corners), 2)], worker)
    return response


def _load(image: NDArray[np.floating], corner: _Corner, part: NDArray[np.floating]) -> float:
    """Put a tile of the image into a part of the complex one, without its typical gray, which is returned."""
    window = image[corner[0] : corner[0] + part.shape[0], corner[1] : corner[1] + part.shape[1]]
    gray = typical_gray(window)
    height, width = window.shape
    np.subtract(window, gray, out=part[:height, :width])
    part[height:] = 0
    part[:height, width:] = 0
    return gray


@contextmanager
def _transforms() -> Iterator[tuple[_Transform, _Transform]]:
    """Give the two-dimensional complex transforms in place, there and back."""
    if "torch" not in sys.modules:
        yield _numpy_transforms()
        return
    import torch

    def there(values: NDArray[Any]) -> None:
        tensor = torch.from_numpy(values)
        torch.fft.fft2(tensor, out=tensor)

    def back(values: NDArray[Any]) -> None:
        tensor = torch.from_numpy(values)
        torch.fft.ifft2(tensor, out=tensor)

    # One transform on each of our threads, rather than each on all of torch's.
    with one_torch_thread(), torch.inference_mode():
        yield there, back


def _numpy_transforms() -> tuple[_Transform, _Transform]:
    # Axis by axis: NumPy 2.4's `ifft2` leaves `out` alone.
    def there(values: NDArray[Any]) -> None:
        np.fft.fft(values, axis=1, out=values)
        np.fft.fft(values, axis=0, out=values)

    def back(values: NDArray[Any]) -> None:
        np.fft.ifft(values, axis=0, out=values)
        np.fft.ifft(values, axis=1, out=values)

    return there, back


def tile_length(outputs: int, kernel_length: int) -> int:
    """Return an FFT-friendly length near the best one that leaves little of the last tile unused.

    Examples
    --------
    >>> tile_length(100, 15), tile_length(4082, 15)
    (120, 320)
    """
    length = max(_TILE, min(_LONG_TILE, _KERNELS * kernel_length), _FEWEST_KERNELS * kernel_length)
    longest = length - kernel_length + 1
    tiles = -(-outputs // longest)
    return next_fast_length(-(-outputs // tiles) + kernel_length - 1)


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
