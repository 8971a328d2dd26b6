"""Targets that their number format has clipped: which outputs to believe, and what the others still tell."""

from convkit.recovery.saturation.censored import SaturatedFit, SaturationMethod, count_saturated, fit_saturated

__all__ = ["SaturatedFit", "SaturationMethod", "count_saturated", "fit_saturated"]
