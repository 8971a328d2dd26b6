"""The exact answer beside dense least squares, and error bars beside simulation."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
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


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(("size", "rank"), [((2, 3), 4), ((3, 3), 2), ((1, 5), 3), ((4, 2), 7)])
def test_null_pictures_span_what_changes_no_output(size: tuple, rank: int, flip: bool, rng) -> None:
    """Beside SciPy's null space: each is 1 at its largest, and has a tap to itself."""
    p = size[0] * size[1]
    windows = rng.integers(-3, 4, (rank, p)).astype(float)
    spectrum = Spectrum.of(windows.T @ windows)
    pictures = null_pictures(spectrum, size, flip=flip)
    found = np.array([(picture[::-1, ::-1] if flip else picture).ravel() for picture in pictures])
    assert found.shape == (p - np.linalg.matrix_rank(windows), p)
    np.testing.assert_allclose(windows @ found.T, 0.0, atol=1e-6)
    assert np.linalg.matrix_rank(found, tol=1e-6) == len(found)
    for number, row in enumerate(found):
        assert row.max() == pytest.approx(1.0)
        assert row.min() >= -1.0 - 1e-6
        alone = (np.delete(found, number, axis=0) == 0.0).all(axis=0) & (row != 0.0)
        assert alone.any()


@given(st.integers(0, 10_000), st.sampled_from([(1, 1), (1, 3), (3, 1), (2, 2), (2, 3)]), st.booleans())
@settings(max_examples=150)
def test_what_is_said_to_be_determined_is_what_scipys_null_space_leaves_alone(seed: int, size, bias: bool) -> None:
    rng = np.random.default_rng(seed)
    p = size[0] * size[1]
    windows = rng.integers(0, 2, (int(rng.integers(0, 5)), p)).astype(float)
    windows = np.vstack([windows, rng.integers(0, 2) * np.ones((1, p))])
    if rng.random() < 0.3:  # rows or columns that are alike
        axis = int(rng.integers(0, 2))
        boxes = windows.reshape(-1, *size)
        windows = np.repeat(boxes.take([0], axis + 1), size[axis], axis + 1).reshape(-1, p)
    if bias:
        windows = np.hstack([windows, np.ones((len(windows), 1))])
    spectrum = Spectrum.of(windows.T @ windows)
    null = scipy.linalg.null_space(windows)
    told = "; ".join(in_words(spectrum, size, bias=bias))
    if not null.size:
        assert told == ""
        return

    def known(*weights: np.ndarray) -> bool:
        return all(np.abs(np.append(each.ravel(), [0.0] if bias else []) @ null).max() < 1e-9 for each in weights)

    units = np.eye(p).reshape(p, *size)
    sure = sum(known(unit) for unit in units)
    columns = [np.outer(np.ones(size[0]), np.eye(size[1])[c]) for c in range(size[1])]
    rows = [np.outer(np.eye(size[0])[r], np.ones(size[1])) for r in range(size[0])]
    by_columns = not sure and size[0] > 1 and known(*columns)
    by_rows = not sure and size[1] > 1 and known(*rows) and not by_columns
    assert ("only the column sums" in told) == by_columns
    assert ("only the row sums" in told) == by_rows
    assert ("the sum of all taps is determined" in told) == (known(np.ones(size)) and not by_columns and not by_rows)
    assert (f"{sure} of {p} taps {'is' if sure == 1 else 'are'} determined" in told) == (sure > 0)
    apart = bias and np.abs(null[-1]).max() > 1e-9
    assert ("gain and bias cannot be told apart" in told) == apart
    if not (sure or apart or "sum" in told):
        rank, unknowns = np.linalg.matrix_rank(windows), p + bias
        of = f" of the {unknowns} unknowns" if unknowns > 1 else ""
        many = "combination is" if rank == 1 else "combinations are"
        assert told == (f"only {rank} {many} determined{of}" if rank else "nothing is determined")


@pytest.mark.parametrize(("outputs", "known"), [(4, True), (3, False)])
def test_one_output_more_than_unknowns_tells_the_noise(outputs: int, known: bool, rng: np.random.Generator) -> None:
    problem = Problem.of(rng.random((1, outputs + 1)), rng.random((1, outputs)), (1, 2))
    found = optimum_of(problem)
    rows, target = dense(problem)
    if known:
        (squares,) = np.linalg.lstsq(rows, target)[1]
        assert found.variance == pytest.approx(squares, rel=1e-6)
    else:
        assert np.isnan(found.variance)
