"""Who computes: the registry of backends, and the automatic choice among them."""

import functools
import importlib
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.conv2d import block_products
from convkit.convolution.embedding_bag import WHOLE
from convkit.convolution.fft import tile_length
from convkit.convolution.rounding import row_groups
from convkit.convolution.separable import banded_products, is_separable
from convkit.convolution.shift import operations
from convkit.convolution.strips import ALONE, Largest
from convkit.errors import SettingsError
from convkit.text import choice

Correlate = Callable[..., NDArray[np.floating[Any]]]


class Backend(StrEnum):
    """One way to compute a valid cross-correlation; each is the module of its name, imported when used."""

    NAIVE = "naive"
    SHIFT = "shift"
    MATMUL = "matmul"
    SEPARABLE = "separable"
    CONV2D = "conv2d"
    EMBEDDING_BAG = "embedding_bag"
    FFT = "fft"

    @classmethod
    def parse(cls, text: "str | Backend") -> "Backend | None":
        """Read a backend's name; ``auto`` is None.

        Raises
        ------
        SettingsError
            When there is no such backend.

        Examples
        --------
        >>> Backend.parse("fft"), Backend.parse("auto")
        (<Backend.FFT: 'fft'>, None)
        """
        if isinstance(text, str) and text == "auto":
            return None
        name = choice("--backend", text, ["auto", *cls])
        return None if name == "auto" else cls(name)

    def load(self, device: str = "cpu", seen: Largest | None = None) -> Correlate:
        """Return the backend's function: ``(H, W), (kh, kw) -> (H - kh + 1, W - kw + 1)``.

        Those that `strips.fill` look at the image in passing if they are told to.
        """
        function = _function(self)
        options: dict[str, Any] = {"seen": seen} if self in _IN_STRIPS else {}
        if self is Backend.CONV2D:
            options["device"] = device
        return functools.partial(function, **options)


@functools.cache
def _function(backend: Backend) -> Correlate:
    function: Correlate = importlib.import_module(f"convkit.convolution.{backend}").correlate
    return function


_IN_STRIPS = (Backend.SHIFT, Backend.MATMUL, Backend.SEPARABLE, Backend.CONV2D, Backend.EMBEDDING_BAG)


# What each takes, measured on two cores, float32: nanoseconds a call, a row, and an output for each unit of its work.
_CALL = {
    Backend.SHIFT: 3.6e4,
    Backend.MATMUL: 4.8e4,
    Backend.CONV2D: 3.6e4,
    Backend.EMBEDDING_BAG: 3.2e4,
    Backend.SEPARABLE: 1.5e5,
    Backend.FFT: 3e5,
}
# And to wake the other threads.
_WAKE = 6e4
_ROW = {Backend.MATMUL: 150, Backend.SEPARABLE: 250, Backend.EMBEDDING_BAG: 9}
_SHIFT_OUTPUT, _SHIFT_OPERATION = 0.12, 0.042
_MATMUL_OUTPUT, _MATMUL_COLUMN, _MATMUL_TAP = 0.4, 0.086, 0.012
_SEPARABLE_OUTPUT, _SEPARABLE_PRODUCT = 0.3, 0.018
_SEPARABLE_OUTPUT_WITH_TORCH, _SEPARABLE_PRODUCT_WITH_TORCH = 0.65, 0.0065
_FFT_TILE, _FFT_SAMPLE = 2e4, 2.45
# How many times as long an output takes in float64; torch's conv2d, which has no fast way there, up to 18 times.
_FLOAT64 = {Backend.SHIFT: 2.0, Backend.MATMUL: 2.0, Backend.SEPARABLE: 2.5, Backend.FFT: 1.6}
_CONV2D_GROUP, _CONV2D_OUTPUT, _CONV2D_PRODUCT = 3.5e4, 0.4, 0.0058
_BAG_OUTPUT, _BAG_COLUMN, _BAG_TAP = 0.01, 0.052, 0.015
# Rows of a table under one of the response that the nearest cache does not hold take longer; several tables, copies.
# Larger kernels, of which many taps may be zero, want tables much larger than the response.
_BAG_TAPS = 441
_BAG_NEAR, _BAG_FAR_TAP, _BAG_COPIED = 20000, 0.021, 0.29
# `shift` adds up one product after the other: of more than these, float32 may lose a millionth.
_SHIFT_TAPS = 49


def choose_backend(response_shape: tuple[int, int], kernel: NDArray[np.floating], *, device: str = "cpu") -> Backend:
    """Pick the backend that should be fastest, from a table of measured costs.

    On a CPU torch is only used where the program has loaded it: importing it takes longer than any picture. With it,
    in float32, ``embedding_bag`` takes small pictures and ``conv2d`` others; the numbers then differ by rounding.

    Examples
    --------
    >>> kernel = np.random.default_rng(0).random((31, 31), np.float32)
    >>> choose_backend((4096, 4096), kernel), choose_backend((512, 512), np.eye(3))
    (<Backend.FFT: 'fft'>, <Backend.SHIFT: 'shift'>)
    >>> choose_backend((4096, 4096), np.ones_like(kernel)), choose_backend((4096, 4096), np.array([[1.0, -1.0]]))
    (<Backend.SEPARABLE: 'separable'>, <Backend.SHIFT: 'shift'>)
    """
    if device != "cpu":
        return Backend.CONV2D
    if min(response_shape) < 1:
        return Backend.SHIFT
    taps = kernel.tobytes(), kernel.shape, kernel.dtype
    return _cheapest(response_shape, *taps, with_torch="torch" in sys.modules)


@functools.lru_cache(maxsize=32)
def _cheapest(
    response_shape: tuple[int, int], taps: bytes, shape: tuple[int, int], kind: np.dtype[Any], *, with_torch: bool
) -> Backend:
    """Estimate the nanoseconds that each backend takes, once for many images of one size."""
    height, width = response_shape
    kernel = np.frombuffer(taps, kind).reshape(shape)
    kh, kw = shape
    tile = tile_length(height, kh), tile_length(width, kw)
    kept = (tile[0] - kh + 1) * (tile[1] - kw + 1)
    per_output = {
        Backend.SHIFT: _SHIFT_OUTPUT + _SHIFT_OPERATION * operations(kernel),
        Backend.MATMUL: _MATMUL_OUTPUT + _MATMUL_COLUMN * kw + _MATMUL_TAP * kernel.size,
        Backend.SEPARABLE: _SEPARABLE_OUTPUT + _SEPARABLE_PRODUCT * banded_products(shape),
        Backend.FFT: _FFT_SAMPLE * tile[0] * tile[1] / kept,
    }
    calls = dict(_CALL)
    for backend in (Backend.SHIFT, Backend.MATMUL):
        if height * width <= ALONE:  # one thread
            per_output[backend] *= 2
        else:
            calls[backend] += _WAKE
    if kind == np.float64:
        per_output = {backend: _FLOAT64[backend] * each for backend, each in per_output.items()}
    elif with_torch:
        products = banded_products(shape)
        per_output[Backend.SEPARABLE] = _SEPARABLE_OUTPUT_WITH_TORCH + _SEPARABLE_PRODUCT_WITH_TORCH * products
        per_output[Backend.CONV2D] = _CONV2D_OUTPUT + _CONV2D_PRODUCT * block_products(kernel)
        if kernel.size <= _BAG_TAPS:
            count = np.count_nonzero(kernel)
            tap = _BAG_TAP if count * width <= _BAG_NEAR else _BAG_FAR_TAP
            copied = _BAG_COPIED if height * width * kw > WHOLE else 0
            per_output[Backend.EMBEDDING_BAG] = _BAG_OUTPUT + copied + _BAG_COLUMN * kw + tap * count
    if kind == np.float32 and np.count_nonzero(kernel) > _SHIFT_TAPS:
        del per_output[Backend.SHIFT]
    calls[Backend.FFT] += _FFT_TILE * height * width / kept
    calls[Backend.CONV2D] += _CONV2D_GROUP * len(list(row_groups(kernel)))
    costs = {
        backend: calls[backend] + height * (_ROW.get(backend, 0) + width * each) for backend, each in per_output.items()
    }
    two_passes = costs.pop(Backend.SEPARABLE)
    if two_passes < min(costs.values()) and is_separable(kernel):
        return Backend.SEPARABLE
    return min(costs, key=costs.__getitem__)


def check_device(device: str) -> str:
    """Return the torch device asked for, if it is there.

    Raises
    ------
    SettingsError
        When it is unknown, or CUDA and torch finds none.

    Examples
    --------
    >>> check_device("cpu")
    'cpu'
    """
    if choice("--device", device, ("cpu", "cuda")) == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise SettingsError(
                expected="a CUDA device that torch can use", got="none on this machine", hint="--device cpu"
            )
    return device
