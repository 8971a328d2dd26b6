"""Probe pictures: two random levels, which determine a kernel about as well as any pictures can without clipping."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


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

        Examples
        --------
        >>> picture = Contrast(0.5, 0.25).draw((4, 4), np.random.default_rng(0), None)
        >>> sorted(set(picture.ravel().tolist()))
        [0.25, 0.75]
        """
        dark, _, bright = self.values(steps)
        return np.where(rng.random(shape) < 0.5, dark, bright)
