"""Maximum likelihood when responses beyond the rails are only known to be beyond them (Tobin, Econometrica 1958)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.normal_equations import NormalEquations
from convkit.recovery.observations import Observations, observe
from convkit.recovery.patches import patch_blocks
from convkit.recovery.problem import Parameters, Problem
from convkit.recovery.quadratic import as_parameters, as_vector
from convkit.recovery.recording import Recording
from convkit.recovery.saturation.noise import Noise
from convkit.recovery.saturation.normal_tail import log_normal_tail
from convkit.recovery.second_moments import moved
from convkit.recovery.spectrum import Spectrum

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

# Up to so many numbers, 128 MB, the windows near a rail are kept from step to step.
_KEPT_NUMBERS = 1 << 24
_MOST_STEPS = 60
# Twice the gain in log-likelihood that a further step promises; its square is what the step after that would gain.
_ARRIVED = 1e-4
# The noise changes at most by a factor of two in a step: the likelihood is concave in the kernel, not in both.
_LARGEST_CHANGE = math.log(2.0)
# Below this share of the rounding, noise is as good as none.
_LEAST_NOISE = 0.2


@dataclass(frozen=True, eq=False)
class TobitFit:
    """Where the likelihood is largest.

    Attributes
    ----------
    point : Parameters
    noise : Noise
    spectrum : Spectrum
        Of the information about the unknowns times the variance: ``Σ w·x·xᵀ``, where a response between the rails
        has weight 1, and one beyond them less the farther it is.
    covariance : ndarray, shape (p, p)
        Of the unknowns, from the observed information of unknowns and noise together.
    """

    point: Parameters
    noise: Noise
    spectrum: Spectrum
    covariance: Matrix


@dataclass(frozen=True, eq=False)
class _Place:
    """The log-likelihood at a point, its slope, and minus its second derivatives: unknowns first, then log noise."""

    value: float
    slope: Vector
    curvature: Matrix


class _Likelihood:
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
            self._shifted(observe(pair.image, pair.target, problem.size, stride=problem.stride, mask=mask))
            for pair, mask in zip(problem.pairs, near, strict=True)
            if mask.any()
        ]
        outputs = sum(int(np.count_nonzero(mask)) for mask in near)
        few = outputs * problem.size[0] * problem.size[1] <= _KEPT_NUMBERS
        self.kept = [block.copy() for block in self._blocks()] if few else None

    def _shifted(self, seen: Observations) -> Observations:
        return replace(
            seen,
            image=replace(seen.image, shift=self.image_shift),
            target=replace(seen.target, shift=self.target_shift),
        )

    def _blocks(self) -> Iterator[Matrix]:
        for seen in self.seen:
            stride = seen.convention.stride
            for block in patch_blocks(seen.image, seen.target, seen.size, stride=stride, weights=seen.weights):
                yield block.columns

    def at(self, unknowns: Vector, log_noise: float) -> _Place:
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
        return _Place(value, slope, curvature)


def maximise_likelihood(
    problem: Problem,
    recording: Recording,
    between: NormalEquations,
    near: Sequence[NDArray[np.bool_]],
    *,
    start: Parameters,
    noise: Noise,
) -> TobitFit:
    """Find the kernel and the noise that make what was stored most likely, by Newton's method.

    Parameters
    ----------
    problem : Problem
    recording : Recording
        Level and rails.
    between : NormalEquations
        Of the outputs between the rails; they must determine every unknown, so that a maximum exists.
    near : sequence of ndarray of bool, one a pair, of the shape of its target
        The outputs on a rail that count: those predicted so far beyond it that they tell nothing may be left out.
    start : Parameters
    noise : Noise
        To begin with; its floor stays.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> image = rng.random((60, 60))
    >>> response = image[:, 1:] - image[:, :-1] + 0.01 * rng.standard_normal((60, 59))
    >>> problem = Problem.of(image, np.maximum(response, 0.0), (1, 2), mask=response > 0.0)
    >>> found = maximise_likelihood(
    ...     problem, Recording(None, 0.0), problem.condensed(), [response <= 0.0],
    ...     start=Parameters(np.zeros((1, 2))), noise=Noise(1.0, 1e-14))
    >>> found.point.taps.round(2), round(found.noise.spread, 3)
    (array([[-1.,  1.]]), 0.01)
    """
    likelihood = _Likelihood(problem, recording, between, near, noise.floor)
    least = math.log(_LEAST_NOISE * math.sqrt(noise.floor))
    back = np.eye(problem.unknowns)
    if problem.bias:
        back[-1, :-1] = -likelihood.image_shift
    unknowns = as_vector(start, bias=problem.bias)
    if problem.bias:
        unknowns[-1] += likelihood.image_shift * float(unknowns[:-1].sum()) - likelihood.target_shift
    log_noise = math.log(max(noise.spread, math.exp(least)))
    here = likelihood.at(unknowns, log_noise)
    for _ in range(_MOST_STEPS):
        step = _newton_step(here, likelihood.count, least - log_noise)
        gain = float(step @ here.slope)
        share = 1.0
        while True:
            there = likelihood.at(unknowns + share * step[:-1], log_noise + share * float(step[-1]))
            if there.value >= here.value - 1e-12 * abs(here.value) or share < 1e-6:
                break
            share /= 2
        unknowns, log_noise, here = unknowns + share * step[:-1], log_noise + share * float(step[-1]), there
        if gain < _ARRIVED:
            break
    noise = Noise(math.exp(2.0 * log_noise) + noise.floor, noise.floor)
    judged = here.curvature[:-1, :-1] * noise.variance
    forth = 2.0 * np.eye(len(back)) - back  # the inverse of back, whose square beyond the diagonal is 0
    point = as_parameters(back @ unknowns, problem.size, bias=problem.bias)
    if problem.bias:
        point = replace(point, bias=point.bias + likelihood.target_shift)
    return TobitFit(
        point,
        noise,
        Spectrum.of(forth.T @ judged @ forth, judged, likelihood.image_shift if problem.bias else 0.0),
        back @ _covariance(here) @ back.T,
    )


def _newton_step(here: _Place, count: float, lowest: float) -> Vector:
    """Return the step to where the slope vanishes, with the noise's share of it limited.

    Far from the maximum the curvature along the noise may come out too small or negative; then it is taken as what
    the responses between the rails give at the maximum, ``2n``.
    """
    inverse = Spectrum.of(here.curvature[:-1, :-1]).judged_inverse
    coupling = inverse @ here.curvature[:-1, -1]
    remaining = float(here.curvature[-1, -1] - here.curvature[-1, :-1] @ coupling)
    if remaining < 0.02 * count:
        remaining = 2.0 * count
    change = float(here.slope[-1] - here.slope[:-1] @ coupling) / remaining
    change = max(min(change, _LARGEST_CHANGE), -_LARGEST_CHANGE, lowest)
    return np.append(inverse @ here.slope[:-1] - coupling * change, change)


def _covariance(here: _Place) -> Matrix:
    """Return the unknowns' block of the inverse information: not to know the noise costs some of it."""
    inverse = Spectrum.of(here.curvature[:-1, :-1]).judged_inverse
    coupling = inverse @ here.curvature[:-1, -1]
    remaining = float(here.curvature[-1, -1] - here.curvature[-1, :-1] @ coupling)
    return inverse if remaining <= 0.0 else inverse + np.outer(coupling, coupling) / remaining
