"""How a target's numbers were stored: in steps, and between two rails."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Recording:
    """A target's number format.

    Attributes
    ----------
    level : float or None
        The step that numbers were rounded to, in image units; None when they were not.
    lowest, highest : float
        The rails: the format holds nothing beyond them, so that a response beyond is stored as the rail.
    decoded_variance : float
        Mean variance of the rounding of numbers that were rounded in steps and then taken to linear light, where the
        steps have no one size: ``level² / 12`` times the mean squared slope of the decoding; 0 of all others.

    Examples
    --------
    >>> eight_bits = Recording(1 / 255, 0.0, 1.0)
    >>> eight_bits.saturated(np.array([0.0, 0.5, 1.0])).tolist()
    [True, False, True]
    """

    level: float | None = None
    lowest: float = -math.inf
    highest: float = math.inf
    decoded_variance: float = 0.0

    def saturated(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Which values lie on a rail."""
        if not self.clips:
            return np.zeros(values.shape, np.bool_)
        slack = 0.0 if self.level is None else self.level / 4
        on_rail: NDArray[np.bool_] = (values <= self.lowest + slack) | (values >= self.highest - slack)
        return on_rail

    def clear(self, values: NDArray[Any], margin: float) -> NDArray[np.bool_]:
        """Which values, such as predictions, lie between the rails and further than a margin from either.

        Examples
        --------
        >>> Recording(None, 0.0, 1.0).clear(np.array([-1.0, 0.25, 0.5]), 0.25).tolist()
        [False, False, True]
        """
        found: NDArray[np.bool_] = (values > self.lowest + margin) & (values < self.highest - margin)
        return found

    @property
    def clips(self) -> bool:
        """Whether there are rails at all."""
        return math.isfinite(self.lowest) or math.isfinite(self.highest)

    @property
    def rounding_variance(self) -> float:
        """Variance of the rounding error, ``level² / 12`` (Widrow, Kollár & Liu, IEEE TIM 45(2), 1996); 0 if none."""
        return self.decoded_variance if self.level is None else self.level**2 / 12.0
