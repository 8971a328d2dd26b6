"""The noise of a target, beside the rounding that is in it."""

import math
from dataclasses import dataclass

# Noise whose variance is less than this share of the rounding's (a standard deviation of a quarter of a level) does
# not blur which outputs are clipped by more than rounding does.
_UNREAL = 0.75


@dataclass(frozen=True)
class Noise:
    """How far targets lie from their predictions.

    Attributes
    ----------
    variance : float
        Of the residuals, rounding included.
    floor : float
        The part of it that rounding makes up, or what residuals of float targets cannot be told from zero.

    Examples
    --------
    >>> Noise(1.25, 0.25).spread, Noise(0.3, 0.25).is_real
    (1.0, False)
    """

    variance: float
    floor: float

    @property
    def total(self) -> float:
        """Standard deviation with rounding, and never below that."""
        return math.sqrt(max(self.variance, self.floor))

    @property
    def spread(self) -> float:
        """Standard deviation before rounding."""
        return math.sqrt(max(self.variance - self.floor, 0.0))

    @property
    def is_real(self) -> bool:
        """Whether there is noise before rounding."""
        return self.variance - self.floor > _UNREAL * self.floor
