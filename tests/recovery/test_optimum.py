"""The exact answer beside dense least squares, and error bars beside simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convkit import convolve
from convkit.convolution import Convention
from convkit.recovery import Optimum, Problem, Spectrum, find_optimum
from convkit.recovery.null_directions import in_words, null_pictures, undetermined


def optimum_of(problem: Problem) -> Optimum:
    return find_optimum(problem, problem.condensed())


def dense(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    pair = problem.pairs[0]
    windows = np.lib.stride_tricks.sliding_window_view(pair.image, problem.size)
    rows = windows[:: problem.stride, :: problem.stride].reshape(pair.target.size, -1)
    if problem.bias:
        rows = np.hstack([rows, np.ones((len(rows), 1))])
    return rows, pair.target.ravel()


def vector(optimum: Optimum, *, bias: bool) -> np.ndarray:
    taps = optimum.point.taps.ravel()
    return np.append(taps, optimum.point.bias) if bias else taps


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (3, 3), (4, 2), (6, 7)])
def test_is_the_least_squares_answer(size, bias: bool, stride: int, rng: np.random.Generator) -> None:
    image = 5 + rng.random((40, 43))  # far from centred
    shape = Convention(stride=stride).output_shape(image.shape, size)
    problem = Problem.of(image, rng.standard_normal(shape), size, stride=stride, bias=bias)
    matrix, target = dense(problem)
    solution, residual, rank, _ = np.linalg.lstsq(matrix, target)
    optimum = optimum_of(problem)
    # lstsq itself errs by κ·eps of the solution, with κ up to 1e3 here.
    np.testing.assert_allclose(vector(optimum, bias=bias), solution, rtol=0, atol=1e-11 * np.abs(solution).max())
    assert optimum.residual_squares == pytest.approx(residual[0], rel=1e-12)
    assert optimum.spectrum.rank == rank
    # Uncentred, the inverse itself errs by κ·eps of its largest entry: 1e5 · 2e-16.
    expected = np.linalg.inv(matrix.T @ matrix)
    np.testing.assert_allclose(optimum.unit_covariance, expected, rtol=0, atol=1e-10 * np.abs(expected).max())


@given(st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_the_shortest_answer_when_the_data_leave_some_open(kh: int, kw: int, bias: bool) -> None:
    image = np.tile(np.random.default_rng(1).standard_normal(12), (9, 1))  # rows alike
    target = image[: 9 - kh + 1, : 12 - kw + 1].copy()
    problem = Problem.of(image, target, (kh, kw), bias=bias)
    matrix, right = dense(problem)
    solution, _, rank, _ = np.linalg.lstsq(matrix, right, rcond=1e-12)
    optimum = optimum_of(problem)
    assert optimum.spectrum.rank == rank
    np.testing.assert_allclose(vector(optimum, bias=bias), solution, atol=1e-12)
    errors = optimum.standard_errors(level=1.0)
    assert np.isnan(errors[: kh * kw]).all() == (kh > 1)


@pytest.mark.parametrize(("kind", "accuracy"), [("noise", 1e-13), ("natural", 1e-11)])
def test_noiseless_float_pairs_are_recovered_to_the_digits_promised(kind: str, accuracy: float) -> None:
    """13x13 taps, relative, on noise and on a photograph of condition number 3·10⁶."""
    import skimage.data

    rng = np.random.default_rng(2)
    image = rng.random((300, 310)) if kind == "noise" else skimage.data.camera()[:300, :310] / 255.0
    kernel = rng.random((13, 13))
    windows = np.lib.stride_tricks.sliding_window_view(image, (13, 13))
    problem = Problem.of(image, np.einsum("ijuv,uv->ij", windows, kernel), (13, 13))
    error = np.linalg.norm(optimum_of(problem).point.taps - kernel) / np.linalg.norm(kernel)
    assert error < accuracy


def test_error_bars_hold_the_truth_and_meet_the_bound() -> None:
    """95 % intervals hold the true taps 92 to 98 % of the time, and their spread is the Cramér-Rao bound."""
    rng = np.random.default_rng(3)
    image, kernel, sigma = rng.random((24, 25)), rng.standard_normal((2, 3)), 0.05
    clean = np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(image, (2, 3)), kernel) + 0.3
    truth = np.append(kernel.ravel(), 0.3)
    found, errors = [], []
    for _ in range(400):
        optimum = optimum_of(Problem.of(image, clean + sigma * rng.standard_normal(clean.shape), (2, 3)))
        found.append(vector(optimum, bias=True))
        errors.append(optimum.standard_errors(None))
    held = np.abs(np.array(found) - truth) < 1.959964 * np.array(errors)
    # 2800 intervals, correlated at most seven by seven: a standard deviation of at most 1.1 %.
    assert 0.92 < held.mean() < 0.98
    bound = sigma * np.sqrt(np.diag(optimum.unit_covariance))
    np.testing.assert_allclose(np.std(found, axis=0), bound, rtol=0.1)


def test_rounding_is_a_floor_under_the_error_bars() -> None:
    image = np.random.default_rng(4).integers(0, 9, (20, 20)).astype(float)
    optimum = optimum_of(Problem.of(image, image[1:, 1:] - image[:-1, :-1], (2, 2)))
    expected = np.sqrt(np.diag(optimum.unit_covariance) / 12)
    np.testing.assert_allclose(optimum.standard_errors(level=1.0), expected)
    assert optimum.standard_errors(None).max() < 1e-12


def edges() -> np.ndarray:
    image = np.ones((6, 8))
    image[:, 3:7] = 0
    return image


@pytest.mark.parametrize(("size", "rank"), [((1, 2), 3), ((2, 2), 3), ((3, 3), 4)])
def test_the_lessons_ranks(size: tuple[int, int], rank: int) -> None:
    image = edges()
    optimum = optimum_of(Problem.of(image, np.zeros((7 - size[0], 9 - size[1])), size))
    assert optimum.spectrum.rank == rank
    assert optimum.spectrum.identifiable == (size == (1, 2))


def test_what_the_lessons_image_cannot_tell_in_words_and_pictures() -> None:
    image = edges()
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3)).reshape(-1, 9)
    spectrum = Spectrum.of(np.hstack([windows, np.ones((24, 1))]).T @ np.hstack([windows, np.ones((24, 1))]))
    assert in_words(spectrum, (3, 3), bias=True) == [
        "the image changes only from column to column: only the column sums of the kernel are determined"
    ]
    assert undetermined(spectrum).tolist() == [True] * 9 + [False]
    for picture in null_pictures(spectrum, (3, 3)):
        np.testing.assert_allclose(windows @ picture.ravel(), 0, atol=1e-12)


def test_a_constant_image_cannot_tell_gain_from_bias() -> None:
    optimum = optimum_of(Problem.of(np.full((6, 6), 0.5), np.full((4, 4), 0.7), (3, 3)))
    assert optimum.spectrum.rank == 1
    assert "gain and bias cannot be told apart" in in_words(optimum.spectrum, (3, 3), bias=True)
    # All the same the answer explains the data.
    assert optimum.residual_squares < 1e-25


@pytest.mark.parametrize("mean", [1e4, 1e6, 1e7])
def test_a_large_mean_does_not_hide_what_the_pixels_differ_by(mean: float, rng: np.random.Generator) -> None:
    """With a bias a shift of the image changes nothing but the bias, so the rank and the answer stay."""
    noise = rng.random((30, 30))
    kernel = rng.standard_normal((3, 3))
    windows = np.lib.stride_tricks.sliding_window_view(noise + mean, (3, 3))
    # The target loses digits to the mean before anything is recovered from it: eps·mean each.
    optimum = optimum_of(Problem.of(noise + mean, np.einsum("ijuv,uv->ij", windows, kernel), (3, 3)))
    assert optimum.spectrum.rank == 10
    np.testing.assert_allclose(optimum.point.taps, kernel, atol=20 * np.finfo(float).eps * mean)
    errors = optimum.standard_errors(None)[:9].reshape(3, 3)
    assert np.abs((optimum.point.taps - kernel) / errors).max() < 5


def test_error_bars_without_a_bias_hold_at_a_large_mean(rng: np.random.Generator) -> None:
    image = 1e4 + rng.random((40, 40))
    kernel = rng.standard_normal((3, 3))
    target = np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(image, (3, 3)), kernel)
    optimum = optimum_of(Problem.of(image, target, (3, 3), bias=False))
    solution = np.linalg.lstsq(dense(Problem.of(image, target, (3, 3), bias=False))[0], target.ravel())[0]
    assert np.abs(optimum.point.taps - kernel).max() <= 20 * np.abs(solution - kernel.ravel()).max()


def test_a_system_with_no_freedom_left_knows_only_the_rounding() -> None:
    optimum = optimum_of(Problem.of(np.array([[1.0, 2, 4, 9]]), np.array([[1.0, 2, 5]]), (1, 2)))
    assert np.isnan(optimum.standard_errors(None)).all()
    expected = np.sqrt(np.diag(optimum.unit_covariance) / 12)
    np.testing.assert_allclose(optimum.standard_errors(level=1.0), expected)


def test_null_pictures_are_a_basis_with_a_tap_each(rng: np.random.Generator) -> None:
    image = np.tile(rng.random(12), (9, 1))
    spectrum = optimum_of(Problem.of(image, np.zeros((7, 10)), (3, 3))).spectrum
    pictures = np.array([picture.ravel() for picture in null_pictures(spectrum, (3, 3))])
    assert np.linalg.matrix_rank(pictures) == len(pictures) == 6
    # Rows alike: what the null space is made of is known, the differences down each column.
    for picture in pictures.reshape(-1, 3, 3):
        np.testing.assert_allclose(picture.sum(axis=0), 0, atol=1e-9)
        assert np.count_nonzero(picture) == 2


def test_with_noise_no_pass_over_the_image_is_needed_and_none_would_tell_more(monkeypatch, rng) -> None:
    image = rng.random((60, 61))
    target = image[:58, :59] + 1e-2 * rng.standard_normal((58, 59))
    problem = Problem.of(image, target, (3, 3))
    quick = optimum_of(problem)
    monkeypatch.setattr("convkit.recovery.optimum._CANCELLED", np.inf)
    slow = optimum_of(problem)
    np.testing.assert_allclose(quick.point.taps, slow.point.taps, atol=1e-13)
    assert quick.residual_squares == pytest.approx(slow.residual_squares, rel=1e-11)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("seen", [True, False])
def test_large_kernels_are_solved_without_eigenvectors_and_to_the_same_digits(monkeypatch, bias, seen, rng) -> None:
    image = 3 + (rng.random((40, 41)) if seen else np.tile(rng.random(41), (40, 1)))
    problem = Problem.of(image, rng.random((37, 37)), (4, 5), bias=bias)
    small = optimum_of(problem)
    monkeypatch.setattr("convkit.recovery.spectrum._LARGE", 0)
    large = optimum_of(problem)
    assert large.spectrum.rank == small.spectrum.rank
    assert (large.spectrum._clear_inverse is not None) == seen
    # κ is 1e4 uncentred.
    np.testing.assert_allclose(vector(large, bias=bias), vector(small, bias=bias), atol=1e-11)
    np.testing.assert_allclose(
        large.unit_covariance, small.unit_covariance, atol=1e-11 * np.abs(small.unit_covariance).max()
    )
    if seen:
        assert large.spectrum.condition_number == pytest.approx(small.spectrum.condition_number, rel=1e-9)
        assert small.spectrum.scaled_condition <= large.spectrum.scaled_condition
    else:
        assert large.spectrum.condition_number is None


@pytest.mark.slow
@pytest.mark.parametrize("side", [31, 63])
def test_kernels_of_thousands_of_taps(side: int, rng: np.random.Generator) -> None:
    image, kernel = rng.random((400, 410)), rng.standard_normal((side, side))
    found = optimum_of(Problem.of(image, convolve(image, kernel), (side, side)))
    assert np.abs(found.point.taps - kernel).max() < 1e-12 * np.abs(kernel).max()
