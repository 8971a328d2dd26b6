"""Constrained least squares beside SciPy's solvers on dense systems."""

import itertools

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from convkit import ConvkitError
from convkit.recovery import NormalEquations
from convkit.recovery.constraints import Constraint, solve_constrained

NON, ONE, ZERO, SYM, SEP = Constraint


def make(seed: int, size: tuple[int, int]) -> tuple[NormalEquations, np.ndarray, np.ndarray]:
    """Equations, and the same system dense and with its means removed, which is what a free bias does."""
    rng = np.random.default_rng(seed)
    image = rng.random((14, 15))
    windows = np.lib.stride_tricks.sliding_window_view(image, size)
    kernel = rng.standard_normal(size)
    target = np.einsum("ijuv,uv->ij", windows, kernel) + 0.3 * rng.standard_normal(windows.shape[:2])
    rows, right = windows.reshape(target.size, -1), target.ravel()
    return NormalEquations.of(image, target, size), rows - rows.mean(axis=0), right - right.mean()


@given(st.integers(0, 10_000), st.sampled_from([(1, 2), (3, 3), (2, 4)]))
def test_nonnegative_is_scipys_nnls(seed: int, size: tuple[int, int]) -> None:
    normal, rows, target = make(seed, size)
    expected, norm = scipy.optimize.nnls(rows, target)
    found = solve_constrained(normal, [NON])
    np.testing.assert_allclose(found.point.taps.ravel(), expected, atol=1e-9)
    assert found.residual_squares == pytest.approx(norm**2, rel=1e-9)
    assert found.freedom == np.count_nonzero(expected)


@given(
    st.integers(0, 10_000),
    st.sampled_from([(3, 3), (2, 3)]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 1.0, 0.0]),
)
@settings(max_examples=40)
def test_every_combination_is_what_a_general_solver_finds(seed, size, nonnegative, symmetric, total) -> None:
    if nonnegative and total == 0.0:
        return
    normal, rows, target = make(seed, size)
    chosen = [c for c, on in ((NON, nonnegative), (SYM, symmetric), (ONE, total == 1.0), (ZERO, total == 0.0)) if on]
    found = solve_constrained(normal, chosen)
    taps = found.point.taps.ravel()
    if nonnegative:
        assert taps.min() >= 0
    if symmetric:
        np.testing.assert_allclose(taps, taps[::-1], atol=1e-12)
    if total is not None:
        assert taps.sum() == pytest.approx(total, abs=1e-12)
    rules = []
    if symmetric:
        rules.append({"type": "eq", "fun": lambda w: (w - w[::-1])[: len(w) // 2]})
    if total is not None:
        rules.append({"type": "eq", "fun": lambda w: w.sum() - total})
    best = scipy.optimize.minimize(
        lambda w: np.square(rows @ w - target).sum(),
        np.full(taps.size, (total or 0.0) / taps.size),
        jac=lambda w: 2 * rows.T @ (rows @ w - target),
        bounds=[(0, None)] * taps.size if nonnegative else None,
        constraints=rules,
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    # SLSQP's own accuracy; what matters is that it finds nothing better.
    assert found.residual_squares <= best.fun * (1 + 1e-9)
    np.testing.assert_allclose(taps, best.x, atol=1e-3)


@pytest.mark.parametrize("total", [None, 1.0])
def test_separable_is_a_local_minimum_of_the_product(total: float | None) -> None:
    normal, rows, target = make(7, (3, 4))
    found = solve_constrained(normal, [SEP, ONE] if total else [SEP])
    taps = found.point.taps
    assert np.linalg.matrix_rank(taps, tol=1e-9) == 1
    if total:
        assert taps.sum() == pytest.approx(1.0, abs=1e-12)

    def squares(sides: np.ndarray) -> float:
        kernel = np.outer(sides[:3], sides[3:])
        return float(np.square(rows @ kernel.ravel() - target).sum())

    left, values, right = np.linalg.svd(taps)
    start = np.append(left[:, 0] * np.sqrt(values[0]), right[0] * np.sqrt(values[0]))
    rules = [{"type": "eq", "fun": lambda s: s[:3].sum() * s[3:].sum() - 1}] if total else []
    best = scipy.optimize.minimize(squares, start, constraints=rules, method="SLSQP", options={"ftol": 1e-13})
    assert found.residual_squares == pytest.approx(squares(start), rel=1e-9)
    assert found.residual_squares <= best.fun * (1 + 1e-7)
    assert found.freedom == 3 + 4 - 1 - (total is not None)


def test_the_truth_is_found_when_it_keeps_the_constraints() -> None:
    rng = np.random.default_rng(2)
    image = rng.random((20, 20))
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    target = np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(image, (3, 3)), kernel)
    normal = NormalEquations.of(image, target, (3, 3))
    for chosen in ([NON, ONE, SYM], [SEP, ONE], [SEP], [NON], [ONE], [SYM]):
        np.testing.assert_allclose(solve_constrained(normal, chosen).point.taps, kernel, atol=1e-10)


def test_error_bars_on_the_free_set_are_the_scatter() -> None:
    rng = np.random.default_rng(3)
    image, kernel = rng.random((18, 18)), np.outer([0.2, 0.8], [0.3, 0.7])
    clean = np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(image, (2, 2)), kernel)
    for chosen in ([NON, ONE], [SEP], [SYM]):
        draws = [
            solve_constrained(
                NormalEquations.of(image, clean + 0.01 * rng.standard_normal(clean.shape), (2, 2)), chosen
            )
            for _ in range(400)
        ]
        spread = np.std([draw.point.taps.ravel() for draw in draws], axis=0)
        exact = solve_constrained(NormalEquations.of(image, clean, (2, 2)), chosen)
        told = 0.01 * np.sqrt(np.diag(exact.unit_covariance)[:4])
        # 400 draws scatter by 3.5 %; four taps, three of those.
        np.testing.assert_allclose(spread, told, rtol=0.11)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ([ONE, ZERO], "sum-one with zero-sum"),
        ([NON, ZERO], "nonnegative with zero-sum"),
        ([SEP, SYM], "separable, symmetric"),
    ],
)
def test_constraints_that_cannot_be_combined(chosen: list[Constraint], message: str) -> None:
    with pytest.raises(ConvkitError, match=message):
        solve_constrained(make(1, (2, 2))[0], chosen)


def test_degenerate_images_have_an_answer() -> None:
    normal = NormalEquations.of(np.ones((6, 6)), np.ones((4, 4)), (3, 3))
    for count in (1, 2):
        for chosen in itertools.combinations([NON, ONE, SYM], count):
            assert np.isfinite(solve_constrained(normal, chosen).point.taps).all()
