"""Which of the known resizers explain the outputs of one."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.recording import Recording
from convkit.recovery.resizers.candidates import Candidate, candidates
from convkit.recovery.resizers.phases import CLOSE, DEVIATES, IN_STEPS, STEPS, Resampler
from convkit.recovery.resizers.separable import Planes, Separable, Side
from convkit.recovery.resizers.weights import filtered, matrix

Array = NDArray[np.float64]
# Known resizers, and the variance that each leaves unexplained.
Tried = list[tuple[Candidate, float]]

# Variance that arithmetic in single precision leaves of numbers in [0, 1].
_FLOAT = 1e-12
# A known resizer explains the outputs when it leaves at most so many times the variance that the taps found do, or what
# a rounding after either pass leaves (of which the taps found may follow some), half as much again for chance; and as
# much as the nearest one when it leaves at most so many times its variance.
_EXPLAINS, _ROUNDINGS, _AS_WELL = 1.5, 2.0, 1.02


def variances_left(planes: Planes, targets: list[Array], sides: tuple[Side, Side], recording: Recording) -> Tried:
    """Return the variance that each known resizer leaves unexplained, but for a constant."""
    count = sum(target.size for target in targets)
    free = [~recording.saturated(target) for target in targets]
    found = []
    for one in candidates(sides[0].axis, sides[1].axis, anywhere=True):
        down, along = (one.weights(side.outputs, side.axis) for side in sides)
        fitted = [filtered(along, filtered(down, image).T).T for image, _ in planes]
        off = [(target - fit)[inside] for target, fit, inside in zip(targets, fitted, free, strict=True)]
        middle = sum(float(each.sum()) for each in off) / max(sum(each.size for each in off), 1)
        left = [
            np.square(target - np.clip(fit + middle, recording.lowest, recording.highest)).sum()
            for target, fit in zip(targets, fitted, strict=True)
        ]
        found.append((one, float(sum(left)) / count))
    return found


def taps_of(candidate: Candidate, side: Side) -> Side:
    """Return a side with a known resizer's taps in its windows."""
    taps = np.zeros_like(side.taps)
    for number, phase in enumerate(side.phases):
        at = side.first_of(phase)
        weights = candidate.weights(side.outputs[at : at + 1], side.axis)
        row = matrix(replace(weights, first=weights.first - side.first[at]), taps.shape[1])[0]
        taps[number] = row
    return replace(side, taps=taps, errors=np.zeros_like(taps))


def named(found: Separable, tried: Tried, recording: Recording) -> Separable:
    """Add to what was found the known resizers that explain the outputs as well, and the nearest of all."""
    best = min(tried, key=lambda one: one[1])[0]
    names = _explaining(found, tried, recording) or _in_steps(found, best)
    return replace(
        found,
        names=tuple(Resampler(one.name, _gap(one, found)) for one in names),
        named=names[0] if names else None,
        nearest=Resampler(best.name, _gap(best, found)),
    )


def _explaining(found: Separable, tried: Tried, recording: Recording) -> list[Candidate]:
    """Return the known resizers that leave hardly more than the taps found do, the nearest first."""
    limit = explained_below(found.variance, recording)
    explaining = sorted(((left, one) for one, left in tried if left <= limit), key=lambda one: one[0])
    return [one for left, one in explaining if left <= max(_AS_WELL * explaining[0][0], 1e-15)]


def _in_steps(found: Separable, nearest: Candidate) -> list[Candidate]:
    """Return the nearest known resizer where its taps down the rows were only rounded to steps, as libvips does."""
    rows, columns = found.rows, found.columns
    sums, steps = rows.taps.sum(axis=1, keepdims=True), STEPS * nearest.means(rows.axis)
    if (sums <= 0.0).any():
        return []
    taps = rows.taps / sums
    in_steps = np.abs(taps - np.rint(taps * steps) / steps) <= DEVIATES * rows.errors
    told = rows.errors.max() < 0.25 / (DEVIATES * steps)
    if told and in_steps.all() and _side_gap(nearest, rows) <= 1.0 / STEPS and _side_gap(nearest, columns) <= CLOSE:
        return [replace(nearest, name=f"{nearest.name}, {IN_STEPS}")]
    return []


def explained_below(variance: float, recording: Recording) -> float:
    """Return the variance up to which what a known resizer leaves is explained, beside that of the taps found."""
    return _EXPLAINS * max(variance, _ROUNDINGS * (recording.rounding_variance or _FLOAT))


def _gap(candidate: Candidate, found: Separable) -> float:
    """Return the largest difference between a known resizer's taps and those found."""
    return max(_side_gap(candidate, side) for side in (found.rows, found.columns))


def _side_gap(candidate: Candidate, side: Side) -> float:
    known = candidate.weights(side.outputs, side.axis)
    return float(np.abs(matrix(known, side.axis.inputs) - matrix(side.weights, side.axis.inputs)).max())
