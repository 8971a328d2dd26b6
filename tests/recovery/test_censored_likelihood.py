"""The censored likelihood beside a dense one, maximised by SciPy."""

import math

import numpy as np
import pytest
from scipy import optimize, stats

from convkit.recovery import Parameters, Problem
from convkit.recovery.recording import Recording
from convkit.recovery.saturation import likelihood as likelihoods
from convkit.recovery.saturation.likelihood import Likelihood
from convkit.recovery.saturation.noise import Noise
from convkit.recovery.saturation.tobit import maximise_likelihood

RECORDINGS = [Recording(1 / 20, 0.0, 1.0), Recording(1 / 20, 0.0), Recording(None, -math.inf, 0.8)]


def clipped(recording: Recording, rng, *, bias: bool = True, stride: int = 1) -> tuple[Problem, np.ndarray, Noise]:
    """A problem of the outputs off the rails, where the others are, and the noise to begin with."""
    image = 2 + rng.random((60, 61))
    windows = np.lib.stride_tricks.sliding_window_view(image, (2, 3))[::stride, ::stride]
    taps = np.array([[0.7, -1.1, 0.2], [0.4, 0.9, -0.9]])
    response = np.einsum("ijuv,uv->ij", windows, taps) + 0.06 * rng.standard_normal(windows.shape[:2])
    level = recording.level
    stored = response if level is None else level * np.round(response / level)
    target = np.clip(stored, recording.lowest, recording.highest)
    on_rail = recording.saturated(target)
    problem = Problem.of(image, target, (2, 3), mask=~on_rail, bias=bias, stride=stride)
    return problem, on_rail, Noise(0.2**2, recording.rounding_variance or 1e-14)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("recording", RECORDINGS)
def test_slopes_and_curvatures_are_derivatives(recording: Recording, bias: bool, rng) -> None:
    problem, on_rail, noise = clipped(recording, rng, bias=bias)
    likelihood = Likelihood(problem, recording, problem.condensed(), [on_rail], noise.floor)
    place = np.append(0.3 * rng.standard_normal(problem.unknowns), math.log(0.2))
    here = likelihood.at(place[:-1], place[-1])
    steps = 1e-5 * np.eye(len(place))
    ahead, behind = ([likelihood.at(v[:-1], v[-1]) for v in place + sign * steps] for sign in (1, -1))
    slope = np.array([a.value - b.value for a, b in zip(ahead, behind, strict=True)]) / 2e-5
    curvature = np.array([b.slope - a.slope for a, b in zip(ahead, behind, strict=True)]) / 2e-5
    np.testing.assert_allclose(here.slope, slope, rtol=1e-6)  # differences of sums of 1e4, over 1e-5
    np.testing.assert_allclose(here.curvature, curvature, rtol=1e-6, atol=1e-8 * np.abs(curvature).max())


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("recording", RECORDINGS)
def test_the_maximum_is_scipys(monkeypatch, recording: Recording, bias: bool, stride: int, kept: bool, rng) -> None:
    if not kept:
        monkeypatch.setattr(likelihoods, "_KEPT_NUMBERS", 0)
    problem, on_rail, noise = clipped(recording, rng, bias=bias, stride=stride)
    pair = problem.pairs[0]
    rows = np.lib.stride_tricks.sliding_window_view(pair.image, (2, 3))[::stride, ::stride].reshape(on_rail.size, 6)
    rows = np.hstack([rows, np.ones((len(rows), 1))]) if bias else rows
    target, half = pair.target.ravel(), (recording.level or 0.0) / 2
    low = on_rail.ravel() & (target < 0.5)
    high = on_rail.ravel() & ~low

    def loss(place: np.ndarray) -> float:
        spread, fitted = math.exp(place[-1]), rows @ place[:-1]
        between = stats.norm.logpdf(target, fitted, math.sqrt(spread**2 + noise.floor))[~low & ~high].sum()
        below = stats.norm.logcdf(recording.lowest + half, fitted[low], spread).sum()
        return -between - below - stats.norm.logsf(recording.highest - half, fitted[high], spread).sum()

    start = np.append(np.linalg.lstsq(rows, target)[0], math.log(0.1))
    best = optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-4})
    found = maximise_likelihood(
        problem,
        recording,
        problem.condensed(),
        [on_rail],
        start=Parameters(np.zeros((2, 3))),
        noise=noise,
    )
    place = np.append(found.point.taps.ravel(), [found.point.bias] if bias else [])
    errors = np.sqrt(np.diag(found.covariance))
    # Both stop within a thousandth or so of the error bars of the maximum.
    assert np.abs((place - best.x[:-1]) / errors).max() < 0.01
    assert found.noise.spread == pytest.approx(math.exp(best.x[-1]), rel=1e-3)
    assert loss(np.append(place, math.log(found.noise.spread))) <= best.fun + 1e-4
    # The covariance is the inverse of the second derivatives, here from differences of SciPy's likelihood.
    size = 1e-2 * np.append(errors, 0.1)
    hessian = np.empty((len(size), len(size)))
    for a, b in np.ndindex(hessian.shape):
        i, j = size[a] * np.eye(len(size))[a], size[b] * np.eye(len(size))[b]
        corners = loss(best.x + i + j) - loss(best.x + i - j) - loss(best.x - i + j) + loss(best.x - i - j)
        hessian[a, b] = corners / (4 * size[a] * size[b])
    expected = np.linalg.inv(hessian)[:-1, :-1]
    np.testing.assert_allclose(errors, np.sqrt(np.diag(expected)), rtol=0.01)


def test_far_from_the_maximum_it_still_arrives(rng) -> None:
    recording = RECORDINGS[0]
    problem, on_rail, noise = clipped(recording, rng)
    near = maximise_likelihood(
        problem, recording, problem.condensed(), [on_rail], start=Parameters(np.zeros((2, 3))), noise=noise
    )
    for spread, scale in ((1e-3, 1.0), (30.0, 1.0), (0.1, 20.0)):
        start = Parameters(scale * rng.standard_normal((2, 3)), scale)
        far = maximise_likelihood(
            problem,
            recording,
            problem.condensed(),
            [on_rail],
            start=start,
            noise=Noise(spread**2 + noise.floor, noise.floor),
        )
        np.testing.assert_allclose(far.point.taps, near.point.taps, atol=1e-3 * np.sqrt(np.diag(near.covariance)).max())
        assert far.noise.spread == pytest.approx(near.noise.spread, rel=1e-4)
