"""Where a kernel is laid on an image: padding, stride and flip, decided once for every backend."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.errors import SettingsError, ShapeError
from convkit.text import closest, shown


class Padding(StrEnum):
    """What the image is continued with beyond its border."""

    VALID = "valid"
    ZERO = "zero"
    REPLICATE = "replicate"
    REFLECT = "reflect"
    SYMMETRIC = "symmetric"
    CIRCULAR = "circular"
    FULL = "full"

    @classmethod
    def parse(cls, text: "str | Padding") -> "Padding":
        """Read a padding by its own name or by that of another program.

        Raises
        ------
        SettingsError
            When no program's name fits, or when the name means different things in different programs.

        Examples
        --------
        >>> Padding.parse("reflect101"), Padding.parse("wrap")
        (<Padding.REFLECT: 'reflect'>, <Padding.CIRCULAR: 'circular'>)
        """
        name = str(text).strip().lower()
        if name in _DIALECTS:
            return _DIALECTS[name]
        near = closest(name, _DIALECTS)
        raise SettingsError(
            expected=f"a padding ({', '.join(cls)})",
            got=shown(text),
            hint=f"--padding {near or 'zero'}",
        )


_DIALECTS = {str(padding): padding for padding in Padding} | {
    "edge": Padding.REPLICATE,
    "nearest": Padding.REPLICATE,
    "border": Padding.REPLICATE,
    "wrap": Padding.CIRCULAR,
    "periodic": Padding.CIRCULAR,
    "reflect101": Padding.REFLECT,
    "reflect_101": Padding.REFLECT,
    "mirror": Padding.REFLECT,
    "same": Padding.ZERO,
    "zeros": Padding.ZERO,
    "constant": Padding.ZERO,
}

#: What `numpy.pad` calls the paddings.
NUMPY_MODES: dict[Padding, Any] = {
    Padding.ZERO: "constant",
    Padding.FULL: "constant",
    Padding.REPLICATE: "edge",
    Padding.REFLECT: "reflect",
    Padding.SYMMETRIC: "symmetric",
    Padding.CIRCULAR: "wrap",
}


@dataclass(frozen=True)
class Convention:
    """How ``y`` follows from ``x``: ``y[i, j] = Σ k[u, v] · x[s·i + u + o₀, s·j + v + o₁]``.

    Attributes
    ----------
    padding : Padding
        ``valid`` keeps the outputs whose window lies inside the image; ``full`` every window that touches it;
        the others give one output per pixel, with ``(k - 1) // 2`` pixels added before and the rest after.
    stride : int
        Every ``stride``-th output is kept, from the first on.
    flip : bool
        False is cross-correlation, the formula above; True turns the kernel by 180°: true convolution.
    """

    padding: Padding = Padding.VALID
    stride: int = 1
    flip: bool = False

    def __post_init__(self) -> None:
        if self.stride < 1:
            raise SettingsError(
                expected="a stride of at least 1", got=str(self.stride), hint="--stride 1, which keeps every output"
            )

    @property
    def operation(self) -> str:
        """``cross-correlation`` or ``convolution``."""
        return "convolution" if self.flip else "cross-correlation"

    def margins(self, kernel_shape: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """Pixels added (before, after) the rows and (before, after) the columns.

        Examples
        --------
        >>> Convention(Padding.ZERO).margins((3, 4))
        ((1, 1), (1, 2))
        """
        if self.padding is Padding.VALID:
            return (0, 0), (0, 0)
        kh, kw = kernel_shape
        if self.padding is Padding.FULL:
            return (kh - 1, kh - 1), (kw - 1, kw - 1)
        return ((kh - 1) // 2, kh // 2), ((kw - 1) // 2, kw // 2)

    def offset(self, kernel_shape: tuple[int, int]) -> tuple[int, int]:
        """Where the window's first pixel sits relative to the output pixel: ``(o₀, o₁)``.

        Examples
        --------
        >>> Convention().offset((3, 3)), Convention(Padding.ZERO).offset((3, 3))
        ((0, 0), (-1, -1))
        """
        (top, _), (left, _) = self.margins(kernel_shape)
        return -top, -left

    def output_shape(self, image_shape: tuple[int, int], kernel_shape: tuple[int, int]) -> tuple[int, int]:
        """Shape of the response of an image.

        Examples
        --------
        >>> Convention(stride=2).output_shape((6, 8), (1, 2))
        (3, 4)
        """
        (top, bottom), (left, right) = self.margins(kernel_shape)
        return (
            (image_shape[0] + top + bottom - kernel_shape[0]) // self.stride + 1,
            (image_shape[1] + left + right - kernel_shape[1]) // self.stride + 1,
        )

    def pad(self, image: NDArray[Any], kernel_shape: tuple[int, int]) -> NDArray[Any]:
        """Continue an image so that its valid windows are those of this convention.

        Raises
        ------
        ShapeError
            When the kernel is larger than the image.
        """
        check_fits(image.shape, kernel_shape)
        if self.padding is Padding.VALID or kernel_shape == (1, 1):
            return image
        return np.pad(image, self.margins(kernel_shape), mode=NUMPY_MODES[self.padding])


def check_fits(image_shape: tuple[int, ...], kernel_shape: tuple[int, int]) -> None:
    """Raise ShapeError when a kernel is larger than the image it is to be laid on."""
    if kernel_shape[0] > image_shape[0] or kernel_shape[1] > image_shape[1]:
        raise ShapeError(
            expected=f"a kernel no larger than the image ({image_shape[0]}x{image_shape[1]})",
            got=f"a {kernel_shape[0]}x{kernel_shape[1]} kernel",
            hint="a smaller kernel or a larger image",
        )
