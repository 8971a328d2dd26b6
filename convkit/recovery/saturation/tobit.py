"""Maximum likelihood when responses beyond the rails are only known to be beyond them (Tobin, Econometrica 1958)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.normal_equations import NormalEquations
from convkit.recovery.parameters import Parameters, as_parameters, as_vector
from convkit.recovery.problem import Problem
from convkit.recovery.recording import Recording
from convkit.recovery.saturation.likelihood import Likelihood, Place
from convkit.recovery.saturation.noise import Noise
from convkit.recovery.spectrum import Spectrum

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

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
    likelihood = Likelihood(problem, recording, between, near, noise.floor)
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


def _newton_step(here: Place, count: float, lowest: float) -> Vector:
    """Return the step to where the slope vanishes, with the noise's share of it limited.

    Far from the maximum the curvature along the noise may come out too small or negative; then it is taken as what
    the responses between the rails give at the maximum, ``2n``.
    """
    inverse, coupling, remaining = _without_noise(here)
    if remaining < 0.02 * count:
        remaining = 2.0 * count
    change = float(here.slope[-1] - here.slope[:-1] @ coupling) / remaining
    change = max(min(change, _LARGEST_CHANGE), -_LARGEST_CHANGE, lowest)
    return np.append(inverse @ here.slope[:-1] - coupling * change, change)


def _covariance(here: Place) -> Matrix:
    """Return the unknowns' block of the inverse information: not to know the noise costs some of it."""
    inverse, coupling, remaining = _without_noise(here)
    return inverse if remaining <= 0.0 else inverse + np.outer(coupling, coupling) / remaining


def _without_noise(here: Place) -> tuple[Matrix, Vector, float]:
    """Return the unknowns' curvature inverted, how they follow the noise, and the noise's curvature when they do."""
    inverse = Spectrum.of(here.curvature[:-1, :-1]).judged_inverse
    coupling = inverse @ here.curvature[:-1, -1]
    return inverse, coupling, float(here.curvature[-1, -1] - here.curvature[-1, :-1] @ coupling)
