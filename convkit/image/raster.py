"""What every picture decoder hands over: samples as the file holds them, before any arithmetic."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convkit.errors import ImageError
from convkit.image.gray import Gray, flatten, to_gray
from convkit.image.image import Values

Samples = NDArray[Any]  # of an integer, boolean or float type

# EXIF and TIFF number the ways a camera can be held, 1 being upright; each entry turns stored pixels upright.
_UPRIGHT: Mapping[int, Callable[[Values], Values]] = {
    2: np.fliplr,
    3: lambda stored: stored[::-1, ::-1],
    4: np.flipud,
    5: np.transpose,
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].T,
    8: np.rot90,
}


@dataclass(frozen=True, eq=False)
class Raster:
    """A decoded picture.

    Attributes
    ----------
    samples : ndarray, shape (H, W) or (H, W, 3)
        Gray, or red, green and blue.
    white : int or None
        The sample that stands for 1; None for floating-point samples, which are taken as they are.
    alpha : ndarray of float64, shape (H, W), or None
        Opacity in [0, 1].
    orientation : int
        As in EXIF, from 1 (upright) to 8.
    """

    samples: Samples
    white: int | None
    alpha: NDArray[np.float64] | None = None
    orientation: int = 1

    @property
    def bits(self) -> int | None:
        """The picture depth, 8 or 16, that holds its samples."""
        return None if self.white is None else 8 if self.white <= 255 else 16

    @property
    def level(self) -> float | None:
        """One integer step, for values in [0, 1]."""
        return None if self.white is None else 1 / max(self.white, 255)

    def values(self, gray: Gray, background: float | None, name: str, dtype: DTypeLike = np.float64) -> Values:
        """Make one upright gray image of it; ``name`` is what a message calls it.

        ``dtype`` is that of integer pictures; floating-point ones keep their own.
        """
        values = self._plane(gray, dtype)
        if self.alpha is not None:
            values = flatten(values, self.alpha, background, name)
        return self._upright(values)

    def planes(self) -> tuple[Values, ...]:
        """Return the upright channels: one of a gray picture, also when it is stored as colour; else three."""
        if self.samples.ndim == 2 or all(
            np.array_equal(self.samples[..., 0], self.samples[..., channel]) for channel in (1, 2)
        ):
            return (self._upright(self._plane(Gray.R)),)
        return tuple(self._upright(self._plane(gray)) for gray in (Gray.R, Gray.G, Gray.B))

    def opacity(self) -> Values | None:
        """Return the upright opacity of a picture that is not opaque throughout."""
        if self.alpha is None or not (self.alpha < 1).any():
            return None
        return self._upright(self.alpha)

    def _plane(self, gray: Gray, dtype: DTypeLike = np.float64) -> Values:
        if self.white is None and self.samples.ndim == 2 and self.samples.dtype == np.float32:
            return self.samples
        return to_gray(self.samples, self.white or 1, gray, np.float64 if self.white is None else dtype)

    def _upright(self, values: Values) -> Values:
        return np.ascontiguousarray(_UPRIGHT.get(self.orientation, np.asarray)(values))


def unsupported(name: str, what: str, hint: str = "converting it to gray or sRGB first") -> ImageError:
    """Say that a picture holds something that convkit does not read.

    Examples
    --------
    >>> print(unsupported("x.jpg", "CMYK colours"))
    expected a gray or RGB picture; got x.jpg with CMYK colours; try converting it to gray or sRGB first
    """
    return ImageError(expected="a gray or RGB picture", got=f"{name} with {what}", hint=hint)


def check_pages(pages: int, name: str) -> None:
    """Refuse an animation or a stack of pages: which one is meant is not for us to guess.

    Examples
    --------
    >>> check_pages(3, "x.gif")
    Traceback (most recent call last):
        ...
    convkit.errors.ImageError: expected a single picture; got x.gif with 3 pages; try saving one page alone
    """
    if pages != 1:
        raise ImageError(expected="a single picture", got=f"{name} with {pages} pages", hint="saving one page alone")
