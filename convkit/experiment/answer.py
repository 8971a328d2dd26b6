"""The best that the data allow: what every run knows, however far its descent comes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery import Optimum, Problem
from convkit.recovery.constraints import Constrained
from convkit.recovery.huber import Robust
from convkit.recovery.ridge import Ridge
from convkit.recovery.saturation import SaturatedFit


@dataclass(frozen=True, eq=False)
class Answer:
    """The minimiser of a problem's loss, and the one under a price or constraints.

    Attributes
    ----------
    problem : Problem
        With the knee of a robust loss,
        and masks that leave out what is clipped.
    optimum : Optimum
    held : Ridge, Constrained or None
    robust : Robust or None
        How the optimum of a robust loss was found.
    saturated : SaturatedFit or None
        How the optimum was found where the targets have rails.
    """

    problem: Problem
    optimum: Optimum
    held: Ridge | Constrained | None = None
    robust: Robust | None = None
    saturated: SaturatedFit | None = None

    def standard_errors(self, level: float | None) -> NDArray[np.float64]:
        """Standard error of each unknown, taps row by row and then the bias; NaN where the data leave it open."""
        errors = self.optimum.standard_errors(level)
        if self.held is not None:
            known = np.isfinite(errors) | isinstance(self.held, Constrained)
            errors[known] = np.sqrt(np.diag(self.covariance(level))[known])
        return errors

    def covariance(self, level: float | None) -> NDArray[np.float64]:
        """Covariance of the unknowns, shape (p, p); of those that are open, of the shortest solution."""
        unit = self.optimum.unit_covariance if self.held is None else self.held.unit_covariance
        return self.optimum.noise_variance(level) * unit
