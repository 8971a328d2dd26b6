"""How likely a kernel and a noise make what was stored, where rails only tell that a response was beyond them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.normal_equations import NormalEquations
from convkit.recovery.observations import observe
from convkit.recovery.patches import patch_blocks
from convkit.recovery.problem import Problem
from convkit.recovery.recording import Recording
from convkit.recovery.saturation.normal_tail import log_normal_tail
from convkit.recovery.second_moments import moved

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

# Up to so many numbers, 128 MB, the windows near a rail are kept from step to step.
_KEPT_NUMBERS = 1 << 24


@dataclass(frozen=True, eq=False)
class Place:
    """The log-likelihood at a point, its slope, and minus its second derivatives: unknowns first, then log noise."""

    value: float
    slope: Vector
    curvature: Matrix


class Likelihood:
    """Log-likelihood of unknowns ``w`` and of the noise's standard deviation ``s``, written as ``u = log s``.

    With ``r = y - Xw``, a response between the rails is Gaussian of variance ``v = s² + level²/12``, its rounding
    being independent of it to second order; what is stored as a rail was, before rounding, beyond the last
    rounding boundary, which has the probability ``Φ(a)``, ``a`` being the distance beyond it over ``s``:

        L = -n/2·log v - Σ r²/2v + Σ log Φ(a)

    The scores of both kinds cancel on average to second order in the level; with ``v`` for both they would not.
    The sums between the rails are moments; the image is only looked at where a response is near a rail.

    Parameters
    ----------
    problem : Problem
    recording : Recording
    between : NormalEquations
        Of the outputs between the rails.
    near : sequence of ndarray of bool
        The outputs on a rail that count, per pair.
    floor : float
        The variance of rounding.
    """

    def __init__(
        self,
        problem: Problem,
        recording: Recording,
        between: NormalEquations,
        near: Sequence[NDArray[np.bool_]],
        floor: float,
    ) -> None:
        self.image_shift = between.image_shift if problem.bias else 0.0
        self.target_shift = between.target_shift if problem.bias else 0.0
        moments = between.moments
        if not problem.bias:
            moments = moved(moments, between.image_shift, between.target_shift)
        count = problem.unknowns
        self.gram, self.moment = moments[:count, :count], moments[:count, -1]
        self.energy, self.count = float(moments[-1, -1]), float(moments[-2, -2])
        self.floor = floor
        half = 0.0 if recording.level is None else recording.level / 2
        self.edges = (recording.lowest + half - self.target_shift, recording.highest - half - self.target_shift)
        self.seen = [
            observe(pair.image, pair.target, problem.size, stride=problem.stride, mask=mask).about(
                self.image_shift, self.target_shift
            )
            for pair, mask in zip(problem.pairs, near, strict=True)
            if mask.any()
        ]
        outputs = sum(int(np.count_nonzero(mask)) for mask in near)
        few = outputs * problem.size[0] * problem.size[1] <= _KEPT_NUMBERS
        self.kept = [block.copy() for block in self._blocks()] if few else None

    def _blocks(self) -> Iterator[Matrix]:
        for seen in self.seen:
            stride = seen.convention.stride
            for block in patch_blocks(seen.image, seen.target, seen.size, stride=stride, weights=seen.weights):
                yield block.columns

    def at(self, unknowns: Vector, log_noise: float) -> Place:
        """Evaluate; the unknowns are those of the shifted image and target."""
        count, noise = len(unknowns), math.exp(log_noise)
        variance = noise * noise + self.floor
        share = noise * noise / variance
        pull = self.moment - self.gram @ unknowns  # Xᵀr
        squares = max(self.energy - float(unknowns @ (self.moment + pull)), 0.0)
        value = -0.5 * (self.count * math.log(variance) + squares / variance)
        slope = np.append(pull / variance, share * (squares / variance - self.count))
        curvature = np.empty((count + 1, count + 1))
        curvature[:-1, :-1] = self.gram / variance
        curvature[-1, :-1] = 2.0 * share * pull / variance
        curvature[-1, -1] = (
            2.0 * share * (share * squares / variance - (1.0 - share) * (squares / variance - self.count))
        )
        for columns in self._blocks() if self.kept is None else self.kept:
            windows, target = columns[:count], columns[-1]
            high = target > sum(self.edges) / 2  # also where a rail is infinite
            side = np.where(high, 1.0, -1.0)
            beyond = side * (unknowns @ windows - np.where(high, self.edges[1], self.edges[0])) / noise
            logarithm, steepness = log_normal_tail(beyond)
            # Between 0, where the rail tells nothing more, and 1, as if the response had been seen.
            weight = np.clip(steepness * (steepness + beyond), 0.0, 1.0)
            mixed = steepness - beyond * weight
            value += float(logarithm.sum())
            slope[:-1] += windows @ (side * steepness) / noise
            slope[-1] -= float((steepness * beyond).sum())
            curvature[-1, :-1] += windows @ (side * mixed) / noise
            curvature[-1, -1] -= float((beyond * mixed).sum())
            scaled = windows * (np.sqrt(weight) / noise)
            curvature[:-1, :-1] += scaled @ scaled.T
        curvature[:-1, -1] = curvature[-1, :-1]
        return Place(value, slope, curvature)
