"""Ridge beside the augmented dense system, and cross-validation beside leaving one out."""

import numpy as np
import pytest

from convkit.recovery import NormalEquations
from convkit.recovery.ridge import solve_ridge


def rows_of(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(image, size).reshape(-1, size[0] * size[1])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("strength", [1e-3, 1.0, 100.0])
def test_is_least_squares_of_the_augmented_system(bias: bool, strength: float, rng: np.random.Generator) -> None:
    image, size = 3 + rng.random((12, 13)), (2, 3)
    target = rng.standard_normal((11, 11))
    rows = rows_of(image, size)
    price = np.sqrt(strength) * np.eye(6)
    if bias:
        rows = np.hstack([rows, np.ones((len(rows), 1))])
        price = np.hstack([price, np.zeros((6, 1))])
    expected = np.linalg.lstsq(np.vstack([rows, price]), np.append(target.ravel(), np.zeros(6)))[0]
    found = solve_ridge(NormalEquations.of(image, target, size, bias=bias), strength)
    np.testing.assert_allclose(found.point.taps.ravel(), expected[:6], atol=1e-10)
    residual = target.ravel() - rows @ expected
    assert found.residual_squares == pytest.approx(residual @ residual, rel=1e-9)
    inverse = np.linalg.inv(rows.T @ rows + price.T @ price)
    np.testing.assert_allclose(found.unit_covariance, inverse @ rows.T @ rows @ inverse, rtol=1e-6, atol=1e-9)
    hat = rows @ np.linalg.solve(rows.T @ rows + price.T @ price, rows.T)
    assert found.freedom == pytest.approx(np.trace(hat), rel=1e-8)


def test_cross_validation_finds_the_minimum_of_its_score(rng: np.random.Generator) -> None:
    image = np.cumsum(rng.standard_normal((20, 21)), axis=1)  # smooth along rows: ill-conditioned
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    target = np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(image, (3, 3)), kernel)
    target += 0.3 * rng.standard_normal(target.shape)
    normal = NormalEquations.of(image, target, (3, 3))
    chosen = solve_ridge(normal, None)

    def score(strength: float) -> float:
        found = solve_ridge(normal, strength)
        return normal.count * found.residual_squares / (normal.count - found.freedom) ** 2

    for factor in (0.5, 0.8, 1.25, 2.0):
        assert score(chosen.strength) <= score(factor * chosen.strength) * (1 + 1e-6)


def test_a_constant_image_gives_a_kernel_of_zeros_and_the_mean() -> None:
    found = solve_ridge(NormalEquations.of(np.full((5, 5), 2.0), np.full((4, 4), 3.0), (2, 2)), 1.0)
    np.testing.assert_array_equal(found.point.taps, 0)
    assert found.point.bias == 3.0
