"""A kernel fitted to a target that may be clipped, and how that was dealt with."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.optimum import Optimum
from convkit.recovery.saturation.masked_fit import Masks


class SaturationMethod(StrEnum):
    """How saturated outputs were dealt with."""

    NONE = "none"
    MASK_BY_VALUE = "mask-by-value"
    MASK_BY_PREDICTION = "mask-by-prediction"
    TOBIT = "tobit"


@dataclass(frozen=True, eq=False)
class SaturatedFit:
    """A kernel fitted to a target that its format may have clipped.

    Attributes
    ----------
    optimum : Optimum
        The kernel; residual squares and count are those of `masks`. For Tobit, `unit_covariance` is `covariance`
        over the noise variance of these, so that the standard errors come out right.
    method : SaturationMethod
    saturated_fraction : float
        Share of the problem's outputs that lie on a rail, from 0 to 1.
    noise : float
        Standard deviation of the residuals, rounding included, in image units; NaN when there are no more outputs
        than unknowns.
    masks : tuple of ndarray of bool, one a pair, of the shape of its target
        The outputs that were fitted, or, of Tobit, which makes use of all, those that are surely not clipped, whose
        residuals are noise alone. Where these are next to none, the outputs off the rails.
    covariance : ndarray, shape (p, p)
        Of the unknowns, taps row by row, then the bias; nothing along directions that the data leave open.
    """

    optimum: Optimum
    method: SaturationMethod
    saturated_fraction: float
    noise: float
    masks: Masks
    covariance: NDArray[np.float64]
