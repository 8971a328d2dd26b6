"""Who computes: the registry of backends, and the automatic choice among them."""

import functools
import importlib
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.errors import SettingsError
from convkit.text import choice

# Measured on two cores: to this many taps, shifted multiply-adds beat the FFT (4096², 7x7: 355 ms against 278).
_SHIFT_TAPS = 36
# Below this many products every backend takes under 2 ms, and the one that is exact on integers is chosen.
_SMALL_WORK = 1_000_000

Correlate = Callable[..., NDArray[np.floating[Any]]]


class Backend(StrEnum):
    """One way to compute a valid cross-correlation; each is the module of its name, imported when used."""

    NAIVE = "naive"
    SHIFT = "shift"
    CONV2D = "conv2d"
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
        name = choice("--backend", text, ["auto", *cls])
        return None if name == "auto" else cls(name)

    def load(self, device: str = "cpu") -> Correlate:
        """Return the backend's function: ``(H, W), (kh, kw) -> (H - kh + 1, W - kw + 1)``."""
        function: Correlate = importlib.import_module(f"convkit.convolution.{self}").correlate
        return functools.partial(function, device=device) if self is Backend.CONV2D else function


def choose_backend(response_shape: tuple[int, int], taps: int, *, device: str = "cpu") -> Backend:
    """Pick the fastest backend that gives the same numbers.

    Examples
    --------
    >>> choose_backend((4096, 4096), 9), choose_backend((4096, 4096), 225)
    (<Backend.SHIFT: 'shift'>, <Backend.FFT: 'fft'>)
    """
    if device != "cpu":
        return Backend.CONV2D
    if taps <= _SHIFT_TAPS or response_shape[0] * response_shape[1] * taps <= _SMALL_WORK:
        return Backend.SHIFT
    return Backend.FFT


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
