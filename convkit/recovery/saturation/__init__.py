"""Targets that their number format has clipped: which outputs to believe, and what the others still tell."""

from convkit.recovery.saturation.censored import count_saturated, fit_saturated
from convkit.recovery.saturation.saturated_fit import SaturatedFit, SaturationMethod

__all__ = ["SaturatedFit", "SaturationMethod", "count_saturated", "fit_saturated"]
