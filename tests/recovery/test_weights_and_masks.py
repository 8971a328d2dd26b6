"""Masks and weights against dense matrices: equations, residual passes, and what masked pixels may be."""

import numpy as np
import pytest

from convkit.errors import ConvkitError
from convkit.recovery import NormalEquations, Parameters, Problem, find_optimum
from convkit.recovery.problem import Pair
from convkit.recovery.residual import residual_moments


def dense(image: np.ndarray, size: tuple[int, int], stride: int = 1) -> np.ndarray:
    view = np.lib.stride_tricks.sliding_window_view(image, size)[::stride, ::stride]
    rows = view.reshape(view.shape[0] * view.shape[1], -1)
    return np.hstack([rows, np.ones((len(rows), 1))])


# Many taps and outputs take the tiled transforms, few the blocks of patches; strides always the latter.
@pytest.mark.parametrize(
    ("shape", "size", "stride"), [((30, 33), (2, 3), 1), ((120, 130), (7, 6), 1), ((40, 41), (3, 2), 2)]
)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.97])
def test_weighted_equations_are_those_of_the_dense_matrix(shape, size, stride: int, share: float, rng) -> None:
    image = 2 + rng.random(shape)
    rows = dense(image, size, stride)
    grid = tuple((n - k) // stride + 1 for n, k in zip(shape, size, strict=True))
    target = rng.random(grid)
    weights = np.where(rng.random(grid) < share, 1.0, rng.random(grid) * (rng.random(grid) < 0.5))
    found = NormalEquations.of(image, target, size, stride=stride, weights=weights)
    w = weights.ravel()
    np.testing.assert_allclose(found.gram, (rows.T * w) @ rows, rtol=1e-11)
    np.testing.assert_allclose(found.moment, (rows.T * w) @ target.ravel(), rtol=1e-11)
    assert found.energy == pytest.approx(w @ target.ravel() ** 2, rel=1e-12)
    assert found.count == pytest.approx(w.sum(), rel=1e-12)


@pytest.mark.parametrize("weights", [-0.1, 1.1, np.nan, 0.0])
def test_weights_out_of_range_are_refused(weights: float) -> None:
    given = np.full((5, 5), weights)
    with pytest.raises(ConvkitError, match="weights from 0 to 1"):
        NormalEquations.of(np.eye(6), np.eye(5), (2, 2), weights=given)
    if weights:  # one among many
        given[...] = 0.5
        given[3, 2] = weights
        with pytest.raises(ConvkitError, match="weights from 0 to 1"):
            NormalEquations.of(np.eye(6), np.eye(5), (2, 2), weights=given)


@pytest.mark.parametrize(("size", "stride"), [((2, 3), 1), ((7, 6), 1), ((2, 2), 2)])
def test_residual_passes_see_the_pixels_used_and_no_others(size, stride: int, rng) -> None:
    image = 2 + rng.random((90, 95))
    grid = tuple((n - k) // stride + 1 for n, k in zip(image.shape, size, strict=True))
    target = rng.random(grid)
    mask = rng.random(grid) < 0.6
    mask[:20, :25] = False
    rows = dense(image, size, stride)[mask.ravel()]
    point = Parameters(rng.standard_normal(size), 0.3)
    residual = target[mask] - rows @ np.append(point.taps.ravel(), point.bias)
    spoiled = image.copy()
    spoiled[:10, :12] = np.nan  # seen by masked outputs alone
    target = np.where(mask, target, np.inf)
    squares, moments = residual_moments(Problem.of(spoiled, target, size, mask=mask, stride=stride), point)
    assert squares == pytest.approx(residual @ residual, rel=1e-11)
    np.testing.assert_allclose(moments, rows.T @ residual, rtol=1e-9)


def test_pairs_add_up(rng) -> None:
    pairs, rows, targets = [], [], []
    for shape in ((20, 22), (9, 40), (3, 3)):
        image = 1 + rng.random(shape)
        target = rng.random((shape[0] - 2, shape[1] - 1))
        mask = rng.random(target.shape) < 0.8 if shape != (3, 3) else None
        pairs.append(Pair(image, target, mask))
        kept = np.ones(target.shape, bool) if mask is None else mask
        rows.append(dense(image, (3, 2))[kept.ravel()])
        targets.append(target[kept])
    problem = Problem(tuple(pairs), (3, 2))
    optimum = find_optimum(problem, problem.condensed())
    solution, residual, *_ = np.linalg.lstsq(np.vstack(rows), np.concatenate(targets))
    np.testing.assert_allclose(np.append(optimum.point.taps.ravel(), optimum.point.bias), solution, atol=1e-11)
    assert optimum.residual_squares == pytest.approx(residual[0], rel=1e-11)
    assert optimum.count == problem.count == len(np.concatenate(targets))
