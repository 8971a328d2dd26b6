"""Huber's robust answer: outliers in a target count by their distance, not by its square."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.normal_equations import NormalEquations
from convkit.recovery.optimum import Optimum, solve_moments
from convkit.recovery.parameters import Parameters
from convkit.recovery.problem import Pair, Problem
from convkit.recovery.recording import Recording
from convkit.recovery.responses import predicted

# The knee, in standard deviations of the good residuals, that costs 5 % of the precision when all are good.
_KNEE = 1.345
# The median of |r| of a standard normal variable.
_MEDIAN = 0.674490
_MOST_ROUNDS = 100
# A step that moves no unknown by more than this share of its error bar is the last one.
_SETTLED = 1e-6


@dataclass(frozen=True, eq=False)
class Robust:
    """A minimiser of Huber's loss: ``r²`` up to a knee and ``2·knee·|r| - knee²`` beyond.

    Attributes
    ----------
    optimum : Optimum
        The point, and the covariance and variance of its error bars; ``least`` is Huber's loss there.
    knee : float
        In image units.
    outliers : int
        How many residuals lie beyond the knee.
    rounds : int
        How often the weights were taken anew.
    """

    optimum: Optimum
    knee: float
    outliers: int
    rounds: int


def find_robust(problem: Problem, plain: Optimum, recording: Recording) -> Robust:
    """Minimise Huber's loss by iteratively reweighted normal equations (Huber, *Robust Statistics*, 1981, chapter 7).

    A residual weighs 1 up to the knee and ``knee / |r|`` beyond. The knee is 1.345 standard deviations of the good
    residuals, told from the median of all and taken anew with the weights; it is never below what rounding does.

    Parameters
    ----------
    problem : Problem
    plain : Optimum
        Its least-squares answer, where the search begins.
    recording : Recording
        Of the targets.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> image = rng.random((20, 21)); target = image[:, 1:] - image[:, :-1]
    >>> target[::7, ::5] = 9.0  # a few outliers
    >>> problem = Problem.of(image, target, (1, 2))
    >>> from convkit.recovery.optimum import find_optimum
    >>> found = find_robust(problem, find_optimum(problem, problem.condensed()), Recording())
    >>> found.optimum.point.taps.round(6), found.outliers
    (array([[-1.,  1.]]), 12)
    """
    least_scale = max(
        np.sqrt(recording.rounding_variance),
        1e-12 * max(float(np.abs(pair.used()).max()) for pair in problem.pairs),
        np.finfo(np.float64).tiny,
    )
    point, knee, rounds, settled = plain.point, np.inf, 0, False
    while not settled and rounds < _MOST_ROUNDS:
        rounds += 1
        residuals = [_residual(pair, point, problem.stride) for pair in problem.pairs]
        sizes = np.concatenate([pair.used(np.abs(r)) for pair, r in zip(problem.pairs, residuals, strict=True)])
        knee = _KNEE * max(float(np.median(sizes)) / _MEDIAN, least_scale)
        step, spectrum = solve_moments(_weighted(problem, residuals, knee))
        point = Parameters(point.taps + step.taps, point.bias + step.bias)
        moved = np.append(step.taps.ravel(), step.bias if problem.bias else [])
        bars = (knee / _KNEE) * np.sqrt(np.maximum(np.diag(spectrum.pseudo_inverse), 0.0))
        settled = bool((np.abs(moved) <= np.maximum(_SETTLED * bars, 1e-13 * np.abs(point.taps).max())).all())
    residuals = [_residual(pair, point, problem.stride) for pair in problem.pairs]
    every = np.concatenate([pair.used(r) for pair, r in zip(problem.pairs, residuals, strict=True)])
    beyond = np.abs(every) > knee
    optimum = replace(
        plain,
        point=point,
        residual_squares=float(every @ every),
        least=float(np.where(beyond, 2.0 * knee * np.abs(every) - knee**2, np.square(every)).sum()),
        variance=_variance(every, knee, plain.unknowns),
    )
    return Robust(optimum, knee, int(np.count_nonzero(beyond)), rounds)


def _residual(pair: Pair, point: Parameters, stride: int) -> NDArray[np.float64]:
    """Return the residuals of a pair as an image; without meaning where masked."""
    residual: NDArray[np.float64] = pair.target - predicted(pair, point, stride=stride)
    return residual


def _weighted(problem: Problem, residuals: list[NDArray[np.float64]], knee: float) -> NormalEquations:
    """Normal equations of the residuals themselves: their solution is the step to take, free of cancellation."""
    total = None
    for pair, residual in zip(problem.pairs, residuals, strict=True):
        size = np.abs(residual)
        weights = np.divide(knee, size, out=np.ones_like(size), where=size > knee)
        part = NormalEquations.of(
            pair.image,
            residual,
            problem.size,
            stride=problem.stride,
            bias=problem.bias,
            mask=pair.mask,
            weights=weights,
        )
        total = part if total is None else total + part
    assert total is not None  # a problem has a pair
    return total


def _variance(residuals: NDArray[np.float64], knee: float, unknowns: int) -> float:
    """Return what ``(XᵀX)⁻¹`` is multiplied by, with Huber's correction for small samples (1981, section 7.6)."""
    n = residuals.size
    inside = float(np.mean(np.abs(residuals) <= knee))
    if n <= unknowns or not inside:
        return float("nan")
    correction = 1.0 + unknowns / n * (1.0 - inside) / inside
    bounded = np.clip(residuals, -knee, knee)
    return correction**2 * float(bounded @ bounded) / (n - unknowns) / inside**2
