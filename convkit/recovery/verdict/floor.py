"""Whether the residual is no more than number formats make it."""

import numpy as np

from convkit.recovery.optimum import Optimum
from convkit.recovery.recording import Recording
from convkit.recovery.verdict.judgement import Evidence
from convkit.recovery.verdict.regression import rare_chi_square
from convkit.recovery.verdict.sample import Extremes

# Two passes that each round leave at most twice the variance of one, level²/12.
_TWO_PASSES = 2.0
# Pillow's GaussianBlur rounds six times, and in step where it blurs so little that most changes are rounded away: up to
# 8.2 times the variance on pictures/scene.png at radius 0.5, where blur and rounding are about equal.
MOST = 9.0
_ROUNDINGS = 6
# What so many roundings, each of which the passes after it do not magnify, can come to: half a level each.
REACH = _ROUNDINGS / 2.0
# Share of the signal that sums of a few hundred products in float32 may be off by (ε = 6e-8).
_FLOAT = 2.0**-20
# As many outputs as a fair coin lands on one side once in a million.
_SIDED = 20


def floor_evidence(optimum: Optimum, recording: Recording, scale: float) -> Evidence:
    """Hold the residual's variance against that of one rounding (Widrow, Kollár & Liu 1996).

    Parameters
    ----------
    optimum : Optimum
    recording : Recording
    scale : float
        Largest magnitude of the target, for a target without a level.

    Returns
    -------
    Evidence
        Effect: the variance in roundings, ``σ² / (level²/12)``; for a target without a level ``σ²`` in units of
        what float32 makes of its largest number.
    """
    freedom = max(optimum.count - optimum.spectrum.rank, 1.0)
    unit = recording.rounding_variance or max((_FLOAT * scale) ** 2, 1e-300)
    roundings = optimum.residual_squares / freedom / unit
    # Sums of squares of few outputs scatter.
    ceiling = max(_TWO_PASSES, rare_chi_square(freedom) / freedom)
    rms = (optimum.residual_squares / freedom) ** 0.5
    if recording.level is None and recording.rounding_variance > 0.0:
        told = f"residual {rms:.3g} in linear light, one rounding of the encoded numbers leaves {unit**0.5:.3g} there"
    elif recording.level is None:
        told = f"residual {rms:.2g}, float arithmetic leaves up to {unit**0.5:.2g}"
    else:
        levels = rms / recording.level
        told = f"residual {levels:.3f} levels, one rounding leaves 0.289"
    return Evidence("rounding floor", roundings, MOST, roundings, ceiling, roundings <= max(MOST, ceiling), told)


def reach_evidence(extremes: Extremes, recording: Recording) -> Evidence:
    """Hold the largest residual against what six roundings can come to: half a level each."""
    reach = 0.0 if recording.level is None else extremes.reach / recording.level
    told = f"the largest residual is {reach:.1f} levels, {_ROUNDINGS} roundings leave at most {REACH:.0f}"
    return Evidence("largest residual", reach, REACH, reach, REACH, reach <= REACH, told)


def clipping_evidence(extremes: Extremes, recording: Recording, slack: float) -> Evidence:
    """Look for clipping elsewhere than at the rails: outputs predicted beyond the target's own extremes.

    Noise takes an output above its prediction as often as below, so that each one predicted beyond the highest
    value has an even chance to exceed it, which none did: the sign test (Arbuthnot 1710; Dixon & Mood 1946).
    """
    beyond = {"below": 0, "above": 0}
    if extremes.lowest > recording.lowest + slack:
        beyond["below"] = extremes.below
    if extremes.highest < recording.highest - slack:
        beyond["above"] = extremes.above
    side = max(beyond, key=beyond.__getitem__)
    count, value = beyond[side], extremes.lowest if side == "below" else extremes.highest
    shown = f"{value:.4g}" if recording.level is None else f"{np.rint(value / recording.level):.0f}"
    told = f"{count} outputs are predicted {side} {shown}, beyond which the target has none: it is clipped there"
    if not count:
        told = "no output is predicted beyond the target's extremes"
    return Evidence("clipping", count, _SIDED, count / max(extremes.count, 1), 0.0, count <= _SIDED, told)
