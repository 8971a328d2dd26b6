"""The sRGB transfer curve: between the numbers that files hold and linear light (IEC 61966-2-1)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Below these the curve is a straight line of slope 12.92.
_KNEE_ENCODED, _KNEE_LINEAR = 0.04045, 0.0031308


def to_linear(encoded: NDArray[Any]) -> NDArray[np.float64]:
    """Decode sRGB numbers in [0, 1] to linear light in [0, 1]; the curve goes on straight below 0.

    Examples
    --------
    >>> to_linear(np.array([0.0, 0.02, 0.5, 1.0])).round(6).tolist()
    [0.0, 0.001548, 0.214041, 1.0]
    """
    values = np.asarray(encoded, dtype=np.float64)
    curved = np.maximum((values + 0.055) / 1.055, 0.0) ** 2.4
    return np.where(values <= _KNEE_ENCODED, values / 12.92, curved)


def to_encoded(linear: NDArray[Any]) -> NDArray[np.float64]:
    """Encode linear light in [0, 1] as sRGB numbers in [0, 1]: undoes `to_linear`.

    Examples
    --------
    >>> to_encoded(to_linear(np.array([0.01, 0.5]))).round(12).tolist()
    [0.01, 0.5]
    """
    values = np.asarray(linear, dtype=np.float64)
    curved = 1.055 * np.maximum(values, 0.0) ** (1 / 2.4) - 0.055
    return np.where(values <= _KNEE_LINEAR, 12.92 * values, curved)


def linear_slope(encoded: NDArray[Any]) -> NDArray[np.float64]:
    """Return the slope of `to_linear`: how far linear light moves by one unit of the encoded number.

    Examples
    --------
    >>> linear_slope(np.array([0.0, 1.0])).round(4).tolist()
    [0.0774, 2.2749]
    """
    values = np.asarray(encoded, dtype=np.float64)
    curved = 2.4 / 1.055 * np.maximum((values + 0.055) / 1.055, 0.0) ** 1.4
    return np.where(values <= _KNEE_ENCODED, 1 / 12.92, curved)
