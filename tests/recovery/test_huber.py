"""Huber's loss against SciPy's, its error bars against simulation, and outliers that it does not mind."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares

from convkit.recovery import Loss, Problem, find_optimum
from convkit.recovery.huber import Robust, _variance, find_robust
from convkit.recovery.problem import Pair
from convkit.recovery.recording import Recording


def robust_of(problem: Problem, recording: Recording | None = None) -> Robust:
    return find_robust(problem, find_optimum(problem, problem.condensed()), recording or Recording())


def windows(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    view = np.lib.stride_tricks.sliding_window_view(image, size)
    return np.hstack([view.reshape(-1, size[0] * size[1]), np.ones((view.shape[0] * view.shape[1], 1))])


@pytest.fixture
def spoiled(rng: np.random.Generator) -> Problem:
    """A 2x3 kernel, noise of 0.01, and a tenth of the targets replaced by anything."""
    image, kernel = 3 + rng.random((40, 42)), np.array([[1.0, -2, 0.5], [0, 3, 1]])
    target = np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(image, (2, 3)), kernel)
    target += 0.01 * rng.standard_normal(target.shape)
    bad = rng.random(target.shape) < 0.1
    target[bad] = 20 * rng.random(int(bad.sum()))
    return Problem.of(image, target, (2, 3), loss=Loss.HUBER)


def test_is_the_minimiser_that_scipy_finds(spoiled: Problem) -> None:
    found = robust_of(spoiled)
    pair, point = spoiled.pairs[0], found.optimum.point
    rows = windows(pair.image, spoiled.size)
    solution = least_squares(
        lambda w: rows @ w - pair.target.ravel(),
        np.append(point.taps.ravel(), point.bias),
        loss="huber",
        f_scale=found.knee,
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
    )
    # The loss is flat: SciPy stops where it cannot see it fall, some 1e-8 of its curvature's scale away.
    np.testing.assert_allclose(np.append(point.taps.ravel(), point.bias), solution.x, atol=1e-6)
    assert found.optimum.least <= 2 * solution.cost * (1 + 1e-12)


def test_outliers_hardly_move_it(spoiled: Problem) -> None:
    kernel = np.array([[1.0, -2, 0.5], [0, 3, 1]])
    plain = find_optimum(spoiled, spoiled.condensed())
    found = robust_of(spoiled)
    assert np.abs(plain.point.taps - kernel).max() > 0.2
    errors = found.optimum.standard_errors(None)[:-1].reshape(kernel.shape)
    assert (np.abs(found.optimum.point.taps - kernel) < 4 * errors).all()
    assert errors.max() < 0.01
    # About a tenth of 1600 targets, and the tail of the noise beyond 1.345 deviations, 18 % of the others.
    assert 0.15 < found.outliers / spoiled.count < 0.4


def test_error_bars_are_the_scatter() -> None:
    rng = np.random.default_rng(5)
    image, kernel = rng.random((24, 25)), np.array([[1.0, -1.0]])
    clean = image[:, :-1] - image[:, 1:]
    taps, told = [], []
    for _ in range(200):
        noise = 0.05 * rng.standard_t(3, clean.shape)  # heavy tails
        found = robust_of(Problem.of(image, clean + noise, kernel.shape)).optimum
        taps.append(found.point.taps.ravel())
        told.append(found.standard_errors(None)[:2])
    # A standard deviation from 200 draws scatters by 5 %.
    np.testing.assert_allclose(np.std(taps, axis=0), np.mean(told, axis=0), rtol=0.15)
    inside = np.abs(np.array(taps) - kernel.ravel()) < 1.96 * np.array(told)
    assert 0.92 <= inside.mean() <= 0.98


def test_without_noise_the_knee_stays_above_rounding(rng: np.random.Generator) -> None:
    image = rng.random((20, 20))
    target = image[1:, 1:] - image[:-1, :-1]
    target[::5, ::5] = 7.0
    found = robust_of(Problem.of(image, target, (2, 2)))
    np.testing.assert_allclose(found.optimum.point.taps, [[-1, 0], [0, 1]], atol=1e-9)
    rounded = robust_of(Problem.of(image, np.rint(255 * target) / 255, (2, 2)), Recording(1 / 255))
    assert rounded.knee >= 1.345 / 255 / np.sqrt(12)


def test_pairs_and_masks_are_minded(spoiled: Problem, rng: np.random.Generator) -> None:
    pair = spoiled.pairs[0]
    halves = (Pair(pair.image[:21], pair.target[:20]), Pair(pair.image[20:], pair.target[20:]))
    whole, parts = robust_of(spoiled), robust_of(replace(spoiled, pairs=halves))
    np.testing.assert_allclose(parts.optimum.point.taps, whole.optimum.point.taps, atol=1e-9)
    mask = rng.random(pair.target.shape) < 0.7
    hidden = np.where(mask, pair.target, np.nan)
    masked = robust_of(replace(spoiled, pairs=(Pair(pair.image, hidden, mask),)))
    kept = np.einsum("ijuv->ijuv", np.lib.stride_tricks.sliding_window_view(pair.image, (2, 3)))[mask]
    rows = np.hstack([kept.reshape(len(kept), -1), np.ones((len(kept), 1))])
    gradient = rows.T @ np.clip(
        pair.target[mask] - rows @ np.append(masked.optimum.point.taps.ravel(), masked.optimum.point.bias),
        -masked.knee,
        masked.knee,
    )
    assert np.abs(gradient).max() < 1e-6 * masked.knee * len(rows)


def test_the_variance_of_few_outputs_is_hubers() -> None:
    """``K²·Σψ²/(n - p)/m²``, ``K = 1 + p/n·var ψʹ/m²``, ``ψ`` being the bounded residual, ``m`` its mean slope."""
    rng = np.random.default_rng(3)
    residuals, knee, p = rng.standard_t(2, 14), 1.1, 4
    slopes = (np.abs(residuals) < knee).astype(float)
    psi = np.where(slopes > 0, residuals, knee * np.sign(residuals))
    k = 1 + p / 14 * slopes.var() / slopes.mean() ** 2
    assert 0.3 < slopes.mean() < 0.9
    assert _variance(residuals, knee, p) == pytest.approx(k**2 * np.sum(psi**2) / 10 / slopes.mean() ** 2, rel=1e-12)
    assert np.isnan(_variance(residuals, knee, 14))
    assert np.isfinite(_variance(residuals, knee, 13))
    assert np.isnan(_variance(residuals, 0.0, p))
