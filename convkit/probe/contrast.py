"""Probes of two random levels, which determine a kernel about as well as any pictures can without clipping."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Levels, and the share of the amplitude, by which pixels are scattered inwards at most. Responses of a symmetric kernel
# to two levels alone come to few values, whose roundings follow the picture: OpenCV's 8-bit Gaussian, seen at levels 16
# and 239, comes out 12 standard errors off; scattered by four levels or more, within chance.
_SCATTER, _SCATTERED = 8, 1 / 8


@dataclass(frozen=True)
class Contrast:
    """Two levels about a mean, in image units.

    Two levels at random are independent from pixel to pixel and as far apart as the amplitude allows: the Gram matrix
    of their windows is nearly a multiple of the identity, the optimum for a given power (Delbracio et al.,
    IJCV 2012, on printed noise targets).

    Examples
    --------
    >>> Contrast(0.5, 0.25).levels(255)
    (64, 128, 192)
    """

    mean: float
    amplitude: float

    def levels(self, steps: int) -> tuple[int, int, int]:
        """Return the dark, the middle and the bright level in whole steps, evenly spaced."""
        middle = round(self.mean * steps)
        half = max(min(round(self.amplitude * steps), middle, steps - middle), 1)
        return middle - half, middle, middle + half

    def values(self, steps: int | None) -> tuple[float, float, float]:
        """Return the three levels in image units."""
        if steps is None:
            return self.mean - self.amplitude, self.mean, self.mean + self.amplitude
        dark, middle, bright = self.levels(steps)
        return dark / steps, middle / steps, bright / steps

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator, steps: int | None) -> Array:
        """Draw a picture of the dark and the bright level, ``(H, W)`` or ``(H, W, 3)``.

        Whole steps are scattered by a few of them, so that the roundings of answers do not follow the picture.

        Examples
        --------
        >>> picture = Contrast(0.5, 0.25).draw((4, 4), np.random.default_rng(0), None)
        >>> sorted(set(picture.ravel().tolist()))
        [0.25, 0.75]
        >>> picture = Contrast(0.5, 0.25).draw((40, 40), np.random.default_rng(0), 255) * 255
        >>> sorted(set(picture[picture < 100].round().astype(int).tolist()))
        [64, 65, 66, 67, 68, 69, 70, 71, 72]
        """
        dark, _, bright = self.values(steps)
        low = rng.random(shape) < 0.5
        if steps is None:
            return np.where(low, dark, bright)
        first, _, last = self.levels(steps)
        most = min(_SCATTER, int(_SCATTERED * (last - first) / 2))
        inwards = rng.integers(0, most + 1, shape)
        drawn: Array = np.where(low, first + inwards, last - inwards) / steps
        return drawn
