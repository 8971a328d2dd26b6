"""From colour to gray, and from transparent to opaque: our own sums, in float64."""

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convkit.errors import ImageError, SettingsError
from convkit.image.image import Values
from convkit.text import closest, number, shown
from convkit.threads import share


class Gray(StrEnum):
    """How colour becomes gray, always on the gamma-encoded values as stored."""

    BT601 = "bt601"
    BT709 = "bt709"
    MEAN = "mean"
    R = "r"
    G = "g"
    B = "b"


# Whole numbers over a common divisor: for integer pictures every product and sum below is then exact in
# float64, and one correctly rounded division remains. A neutral pixel (v, v, v) becomes just v / maximum.
_WEIGHTS = {
    Gray.BT601: (299, 587, 114),
    Gray.BT709: (2126, 7152, 722),
    Gray.MEAN: (1, 1, 1),
    Gray.R: (1, 0, 0),
    Gray.G: (0, 1, 0),
    Gray.B: (0, 0, 1),
}
# Values of a strip, which stays in the cache.
_STRIP = 1 << 16


def parse_gray(text: Gray | str) -> Gray:
    """Read the name of a way to gray.

    Examples
    --------
    >>> parse_gray("BT709")
    <Gray.BT709: 'bt709'>
    """
    try:
        return Gray(text.strip().lower())
    except ValueError:
        raise SettingsError(
            expected=f"a way to gray ({', '.join(Gray)})",
            got=shown(text),
            hint=closest(text, Gray) or Gray.BT601,
        ) from None


def parse_background(text: str) -> float:
    """Read the gray to lay under transparent pixels: ``white``, ``black`` or a number from 0 to 1.

    Examples
    --------
    >>> parse_background("white"), parse_background("0.5")
    (1.0, 0.5)
    """
    named = {"black": 0.0, "white": 1.0}
    value = named.get(text.strip().lower(), number(text))
    if value is None or not 0 <= value <= 1:
        raise SettingsError(
            expected="a background of white, black or a gray from 0 to 1",
            got=shown(text),
            hint=closest(text, named) or "white",
        )
    return value


def to_gray(samples: NDArray[Any], maximum: int, gray: Gray, dtype: DTypeLike = np.float64) -> Values:
    """Scale samples to [0, 1] and weigh their channels.

    Parameters
    ----------
    samples : ndarray, shape (H, W) or (H, W, 3)
        Red, green, blue when there are three channels.
    maximum : int
        The sample that stands for 1.
    gray : Gray
        How three channels become one.
    dtype : dtype
        float64, or float32, to which the float64 result is rounded.

    Returns
    -------
    ndarray, shape (H, W)

    Examples
    --------
    >>> to_gray(np.array([[[255, 0, 0]]], dtype=np.uint8), 255, Gray.BT601)
    array([[0.299]])
    """
    values: Values = np.empty(samples.shape[:2], dtype)
    # Whatever a sample of 8 bits can be, once.
    table = (np.arange(256) / maximum).astype(dtype) if samples.dtype == np.uint8 and samples.ndim == 2 else None
    rows = max(1, _STRIP // samples.shape[1])

    def scale(top: int) -> None:
        part, out = samples[top : top + rows], values[top : top + rows]
        if table is not None:
            np.take(table, part, out=out, mode="clip")
        elif part.ndim == 2:
            out[...] = np.divide(part, maximum, dtype=np.float64)
        else:
            out[...] = _weighed(part, maximum, gray)

    share(range(0, len(samples), rows), lambda: scale)
    return values


def _weighed(samples: NDArray[Any], maximum: int, gray: Gray) -> NDArray[np.float64]:
    weights = _WEIGHTS[gray]
    total = np.zeros(samples.shape[:2])
    for channel, weight in enumerate(weights):
        if weight:
            total += np.multiply(samples[..., channel], weight, dtype=np.float64)
    total /= sum(weights) * maximum
    return total


def flatten(gray: Values, alpha: NDArray[np.float64], background: float | None, name: str) -> Values:
    """Lay a picture over a background, as far as it is transparent.

    Gray is a weighted sum, so that blending after it equals blending each channel with a gray background.

    Parameters
    ----------
    gray, alpha : ndarray of float, shape (H, W)
        Pixels, and their opacity in [0, 1].
    background : float or None
        The gray behind. None only suits a picture that is opaque throughout.
    name : str
        What to call the picture in a message.

    Raises
    ------
    ImageError
        When a pixel is transparent and no background was given.

    Examples
    --------
    >>> flatten(np.array([[0.5, 0.5]]), np.array([[1.0, 0.5]]), 1.0, "x.png")
    array([[0.5 , 0.75]])
    """
    transparent = int(np.count_nonzero(alpha < 1))
    if not transparent:
        return gray
    if background is None:
        raise ImageError(
            expected="an opaque picture",
            got=f"{name} with {transparent} transparent pixel{'s'[: transparent > 1]}",
            hint="--background white, black or a gray from 0 to 1",
        )
    blended: Values = gray * alpha + background * (1 - alpha)
    return blended
