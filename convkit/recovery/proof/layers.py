"""Kernels that a program does not run as they stand: the picture itself beside a blur, and blurs in several passes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.kernel.dialects import pillow_pass
from convkit.recovery.naming import Match

Array = NDArray[np.floating[Any]]

# How often Pillow runs its box along each axis.
_PASSES = 3


@dataclass(frozen=True, eq=False)
class Layers:
    """``own`` times the pixel itself, and the rest of the kernel: a blur.

    Inside the image that is the kernel. At its edge it need not be: the pixel itself has no window to be filled, and
    a blur in passes fills what lies beyond the edge before each of them, from what the pass before made.

    Attributes
    ----------
    own : float
    row : ndarray, shape (2r + 1,), or None
        Taps of one of three passes along each axis; None for a blur in one.
    """

    own: float = 0.0
    row: Array | None = None

    @classmethod
    def of(cls, names: Iterable[Match]) -> "Layers":
        """Return those of the likeliest name that tells any.

        Examples
        --------
        >>> from convkit.recovery.naming import name_kernel
        >>> from convkit.kernel import named_kernel
        >>> taps = named_kernel("pillow/unsharp-mask:radius=3,percent=50").taps
        >>> layers = Layers.of(name_kernel(taps, np.zeros((361, 361)), (-9, -9)).names)
        >>> round(layers.own, 6), layers.row.round(3)
        (1.5, array([0.071, 0.171, 0.171, 0.171, 0.171, 0.171, 0.071]))
        """
        for match in names:
            told = {parameter.name: parameter.value for parameter in match.parameters}
            match match.name:
                case "unsharp" | "imagemagick/unsharp":
                    return cls(match.gain * (1 + told["amount"]))
                case "pillow/unsharp-mask":
                    return cls(match.gain * (1 + told["percent"] / 100), pillow_pass(told["radius"]))
                case "pillow/gaussian-blur":
                    return cls(0.0, pillow_pass(told["radius"]))
        return cls()

    @property
    def reach(self) -> int:
        """How many pixels the passes see to either side, all together."""
        return 0 if self.row is None else _PASSES * (len(self.row) // 2)


def blurred(pixels: Array, row: Array) -> Array:
    """Run a row along the rows, then down the columns, three times each; the edge is repeated before every pass.

    Examples
    --------
    >>> blurred(np.array([[0.0, 0.0, 27.0]]), np.full(3, 1 / 3))
    array([[ 5.,  9., 13.]])
    """
    reach = len(row) // 2
    for _ in range(2):
        for _ in range(_PASSES):
            filled = np.pad(pixels, ((0, 0), (reach, reach)), mode="edge")
            pixels = np.lib.stride_tricks.sliding_window_view(filled, len(row), axis=1) @ row
        pixels = pixels.T
    return pixels
