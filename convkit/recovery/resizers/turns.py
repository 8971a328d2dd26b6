"""The taps of every phase of a resizer, down the rows and along them, found in turns.

With the taps along the rows known, an output row is a plain filter of the image so filtered: its few taps down answer
to as many outputs as the row has. So every phase of every ratio is found, however many there are, as long as the
resizer works on rows and columns one after the other, which nearly all do.
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.recording import Recording
from convkit.recovery.resizers.separable import Planes, Separable, Side
from convkit.recovery.resizers.weights import filtered

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ROUNDS = 30
_SETTLED = 1e-5
# Residuals of numbers in [0, 1] whose variance is below this are rounding errors of float64.
_LEAST_VARIANCE = 1e-24
# Taps smaller than this share of the largest over all phases, or than chance makes them but for so many standard
# deviations of their squares' mean, do not widen the window.
_SMALL, _DEVIATES = 1e-3, 6.0


def solve_in_turns(
    planes: Planes, targets: list[Array], used: list[Mask], sides: tuple[Side, Side], recording: Recording
) -> Separable:
    """Solve for the taps down with those along known, and the other way round, until the residual falls no more.

    The constant is one for all outputs; what is left of it once means are taken off is found in its turn.
    """
    down, along = sides
    origin = float(np.mean([image.mean() for image, _ in planes]))
    middle = float(np.mean([target.mean() for target in targets]))
    planes = [(image - origin, target) for image, target in planes]
    turned = [(np.ascontiguousarray(image.T), target) for image, target in planes]
    squares, bias = math.inf, 0.0
    count = sum(int(np.count_nonzero(one)) for one in used)
    unknowns = down.taps.size + along.taps.size + 1
    floor = (recording.rounding_variance or _LEAST_VARIANCE) * count
    for _ in range(_ROUNDS):
        before = squares
        left = [target - middle - bias for target in targets]
        along = _of_sum_one(_solved(turned, [one.T for one in left], [one.T for one in used], along, down))
        down = _solved(planes, left, used, down, along)
        rest = [
            (target - filtered(along.weights, filtered(down.weights, image).T).T)[inside]
            for target, (image, _), inside in zip(left, planes, used, strict=True)
        ]
        off = sum(float(one.sum()) for one in rest) / max(count, 1)
        bias += off
        squares = sum(float(np.square(one - off).sum()) for one in rest)
        if before - squares <= _SETTLED * max(squares, floor):
            break
    deviation = math.sqrt(max(squares, floor) / max(count - unknowns, 1))
    other = _solved(turned, [one.T for one in left], [one.T for one in used], along, down)
    along = replace(along, errors=other.errors * deviation)
    down = replace(down, errors=down.errors * deviation)
    sums = float(down.weights.taps.sum(axis=1).mean() * along.weights.taps.sum(axis=1).mean())
    return Separable(down, along, middle + bias - sums * origin, squares, count, unknowns, (), None)


def _of_sum_one(side: Side) -> Side:
    """Leave the gain to the other side."""
    gain = float(side.taps.sum(axis=1).mean())
    return replace(side, taps=side.taps / gain) if abs(gain) > 1e-9 else side


def _solved(planes: Planes, targets: list[Array], used: list[Mask], side: Side, other: Side) -> Side:
    """Fit one side's taps to the outputs used, phase by phase; errors are for a variance of one."""
    seen = [filtered(other.weights, image.T).T for image, _ in planes]  # (H, n) a plane
    size = side.taps.shape[1]
    taps, errors = np.zeros_like(side.taps), np.zeros_like(side.taps)
    for number, phase in enumerate(side.phases):
        gram, moment = np.zeros((size, size)), np.zeros(size)
        for at in np.flatnonzero(side.labels == phase):
            first = side.first[at]
            for plane, target, inside in zip(seen, targets, used, strict=True):
                design, answers = plane[first : first + size], target[at]
                if not inside[at].all():
                    design, answers = design[:, inside[at]], answers[inside[at]]
                gram += design @ design.T
                moment += design @ answers
        inverse = np.linalg.pinv(gram, rcond=1e-13, hermitian=True)
        taps[number] = inverse @ moment
        errors[number] = np.sqrt(np.maximum(np.diag(inverse), 0.0))
    return replace(side, taps=taps, errors=errors)


def narrowed(side: Side) -> Side:
    """Leave out what lies beyond the last place with taps, but for one on each side."""
    squares, variances = (np.square(values).mean(axis=0) for values in (side.taps, side.errors))
    by_chance = variances * (1.0 + _DEVIATES * math.sqrt(2.0 / len(side.taps)))
    kept = np.flatnonzero(squares > np.maximum(by_chance, (_SMALL * float(np.abs(side.taps).max())) ** 2))
    if not kept.size:
        return side
    begin, end = max(int(kept[0]) - 1, 0), min(int(kept[-1]) + 2, side.taps.shape[1])
    part = slice(begin, end)
    return replace(side, first=side.first + begin, taps=side.taps[:, part], errors=side.errors[:, part])
