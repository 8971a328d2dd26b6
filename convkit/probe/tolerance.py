"""What answers may be off by, and whether a departure is more than that."""

from dataclasses import dataclass

import numpy as np

from convkit.image import Image
from convkit.image.srgb import linear_slope, to_linear
from convkit.probe.contrast import Array
from convkit.recovery.verdict import Evidence
from convkit.recovery.verdict.floor import MOST

# Departures below this share of the answers' variance are left to roundings; JPEG drops small differences.
_LEAST = 4e-4
_LEAST_IN_JPEG = 0.1
# Share of the largest number that programs in single precision may be off by.
_FLOAT = 2.0**-18
# Several noisy answers scatter.
_SCATTER = 1.5


@dataclass(frozen=True)
class Tolerance:
    """What an answer may be off by.

    Attributes
    ----------
    noise : float
        Standard deviation of the noise in one answer, in image units.
    lossy : bool
        Whether it went through JPEG.
    linear_light : bool
        Whether answers are to be taken as linear light.
    """

    noise: float = 0.0
    lossy: bool = False
    linear_light: bool = False

    @property
    def least(self) -> float:
        """The share of the variance below which a departure is not looked at."""
        return _LEAST_IN_JPEG if self.lossy else _LEAST

    def light(self, values: Array) -> Array:
        """Return answers in the light that they are tested in."""
        return to_linear(values) if self.linear_light else values

    def variance(self, answer: Image) -> float:
        """Return how much roundings and noise may add to the variance of one answer."""
        values = np.asarray(answer.values, dtype=np.float64)
        slope = float(np.square(linear_slope(values)).mean()) if self.linear_light else 1.0
        unit = (
            answer.level**2 / 12.0 * MOST if answer.level is not None else (_FLOAT * float(np.abs(values).max())) ** 2
        )
        return slope * (unit + _SCATTER * self.noise**2)

    def evidence(
        self, test: str, departure: float, *, allowed: float, variance: float, holds: str, fails: str
    ) -> Evidence:
        """Hold the mean square of a departure against what is allowed.

        Parameters
        ----------
        test : str
            What it is called.
        departure : float
            Mean square.
        allowed : float
            What roundings and noise may make of it.
        variance : float
            Of the answers that depart.
        holds, fails : str
            What either outcome says; ``{}`` stands for the departure's share of the contrast.

        Returns
        -------
        Evidence
            Statistic: the RMS departure in units of what is allowed; effect: its share of the variance.

        Examples
        --------
        >>> Tolerance().evidence("t", 4.0, allowed=1.0, variance=100.0, holds="the same", fails="off by {}").told
        'off by 20%'
        """
        share = departure / variance if variance > 0.0 else 0.0
        passed = departure <= allowed or share <= self.least
        excess = (departure / allowed) ** 0.5 if allowed > 0.0 else 0.0
        told = holds if passed else fails.format(f"{share**0.5:.0%}")
        return Evidence(test, excess, 1.0, share, self.least, passed, told)
