"""Where a small change to the code went unnoticed until these tests: see docs/trust.md."""

import io
import zipfile

import numpy as np
import pytest
import scipy.optimize

from convkit.recovery import NormalEquations, Parameters, Problem, Spectrum, find_optimum
from convkit.recovery.constraints import _in_basis, _orbits
from convkit.recovery.huber import find_robust
from convkit.recovery.naming import Naming, name_kernel
from convkit.recovery.null_directions import in_words
from convkit.recovery.proof.rim import _support
from convkit.recovery.rates import predicted_losses
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.resizers.curves import _box, _lanczos, _triangle
from convkit.recovery.support.sample import Sample


def test_predicted_losses_are_those_of_plain_descent(rng: np.random.Generator) -> None:
    rows = rng.standard_normal((9, 3))
    gram, gap, rate = rows.T @ rows, rng.standard_normal(3), 0.01
    found, walked = [], gap.copy()
    for _ in range(6):
        found.append(0.25 + 1.5 * walked @ gram @ walked)
        walked -= rate * 2 * 1.5 * gram @ walked
    np.testing.assert_allclose(
        predicted_losses(Spectrum.of(gram), 1.5, gap, rate, range(1, 7), 0.25), found, rtol=1e-12
    )


def test_a_turn_by_180_degrees_is_one() -> None:
    taps = np.arange(12.0).reshape(3, 4)
    turned = Parameters(taps, 0.5).turned()
    np.testing.assert_array_equal(turned.taps, np.rot90(taps, 2))
    np.testing.assert_array_equal(turned.turned().taps, taps)
    assert turned.bias == 0.5
    assert Parameters(taps).turned(flip=False).taps is taps


def test_curves_of_resizers_at_known_places() -> None:
    """Values by hand: a box is 1 on (-½, ½], a triangle 1 - |x|, Lanczos' 3 zero at whole numbers and beyond."""
    places = np.array([-3.2, -1.0, -0.5, 0.0, 0.4, 0.5, 1.5, 3.5])
    np.testing.assert_array_equal(_box(places), [0, 0, 0, 1, 1, 1, 0, 0])
    np.testing.assert_allclose(_triangle(places), [0, 0, 0.5, 1, 0.6, 0.5, 0, 0], atol=1e-15)
    # sinc(3/2)·sinc(1/2) = (-2/3π)·(2/π) = -4/(3π²)
    expected = [0, 0, np.sinc(0.5) * np.sinc(1 / 6), 1, np.sinc(0.4) * np.sinc(0.4 / 3), None, -4 / (3 * np.pi**2), 0]
    expected[5] = expected[2]
    np.testing.assert_allclose(_lanczos(3)(places), np.array(expected, dtype=float), atol=1e-15)


def test_zeros_around_a_kernel_count_for_nothing() -> None:
    taps = np.zeros((5, 7))
    assert _support(taps, (-2, -3)) == ((1, 1), (-2, -3))
    taps[1:3, 2:6] = 1.0
    assert _support(taps, (-2, -3)) == ((2, 4), (-1, -1))


def test_a_robust_fit_of_a_target_that_is_zero_almost_everywhere(rng: np.random.Generator) -> None:
    """The least spread it believes in follows the target's largest value, not its smallest."""
    image = rng.random((30, 30))
    problem = Problem.of(image, 2.0 * image, (1, 1))
    found = find_robust(problem, find_optimum(problem, problem.condensed()), Recording())
    np.testing.assert_allclose(found.optimum.point.taps, 2.0, rtol=1e-12)
    assert found.outliers == 0


def test_saved_equations_that_promise_more_than_they_should_are_not_unpacked(tmp_path, rng) -> None:
    """An entry of two megabytes where a few numbers belong, which would unpack to whatever it likes."""
    path = tmp_path / "sums.npz"
    NormalEquations.of(rng.random((9, 9)), rng.random((9, 8)), (1, 2)).save(path)
    entries = {}
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    for name in ("moments.npy", "size.npy"):
        large = io.BytesIO()
        np.save(large, np.zeros(1 << 18))
        with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            for each, data in entries.items():
                archive.writestr(each, large.getvalue() if each == name else data)
        with pytest.raises(Exception, match="2097280 bytes"):
            NormalEquations.load(tmp_path / "bomb.npz")


@pytest.mark.parametrize("seed", range(30))
def test_kernels_without_negative_taps_beside_scipys(seed: int) -> None:
    """Lawson & Hanson's method in SciPy, on systems where many taps would turn negative at once."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((30, 9)) + 2.0 * rng.standard_normal((30, 1))
    right = rows @ rng.standard_normal(9) + rng.standard_normal(30)
    taps, _ = _in_basis(rows.T @ rows, rows.T @ right, np.eye(9), None, nonnegative=True)
    np.testing.assert_allclose(taps, scipy.optimize.nnls(rows, right)[0], rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", range(30))
def test_kernels_without_negative_taps_that_sum_to_one_beside_a_penalty(seed: int) -> None:
    """SciPy's answer where the sum is one more row of great weight, which errs by 1/weight² = 1e-10."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((30, 7))
    right = rows @ rng.standard_normal(7)
    taps, _ = _in_basis(rows.T @ rows, rows.T @ right, np.eye(7), 1.0, nonnegative=True)
    weighted = np.vstack([rows, 1e5 * np.ones(7)])
    np.testing.assert_allclose(taps, scipy.optimize.nnls(weighted, np.append(right, 1e5))[0], rtol=0, atol=1e-6)
    assert taps.min() >= 0.0
    assert taps.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("size", [(1, 7), (3, 5), (5, 5)])
def test_symmetric_kernels_without_negative_taps_that_sum_to_one(seed: int, size: tuple[int, int]) -> None:
    """A pair of taps counts twice in the sum, and the middle once: SciPy's answer with that row of great weight."""
    rng = np.random.default_rng(seed)
    basis = _orbits(size)
    rows = rng.standard_normal((40, size[0] * size[1])) + 2.0 * rng.standard_normal((40, 1))
    right = rows @ basis @ rng.standard_normal(basis.shape[1])
    taps, directions = _in_basis(rows.T @ rows, rows.T @ right, basis, 1.0, nonnegative=True)
    weighted = np.vstack([rows @ basis, 1e5 * basis.sum(axis=0)])
    expected = basis @ scipy.optimize.nnls(weighted, np.append(right, 1e5))[0]
    np.testing.assert_allclose(taps, expected, rtol=0, atol=1e-6)
    assert taps.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(directions.sum(axis=0), 0.0, atol=1e-12)  # none of them changes the sum


@pytest.mark.parametrize("spread", [0.5, 3.0])
@pytest.mark.parametrize("size", [(1, 7), (3, 3)])
def test_a_tap_that_was_held_at_zero_too_early_is_freed_again(size: tuple[int, int], spread: float) -> None:
    """Where windows are nearly collinear that happens once in 40 times; the optimum is known by its multipliers.

    For the taps ``v`` that are free the slope is ``λ`` times what each adds to the sum, for those held it is more.
    """
    basis, n = _orbits(size), size[0] * size[1]
    weights = basis.sum(axis=0)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rows = rng.standard_normal((n + 3, n)) @ (np.eye(n) + spread * rng.standard_normal((n, n)))
        noise = (10.0 if spread < 1 else 1.0) * rng.standard_normal(n + 3) * np.abs(rows).mean()
        right = rows @ basis @ rng.standard_normal(basis.shape[1]) + noise
        taps, _ = _in_basis(rows.T @ rows, rows.T @ right, basis, 1.0, nonnegative=True)
        values = taps @ basis / weights
        slope = (rows @ basis).T @ (rows @ taps - right) / weights
        free, size_of_slope = values > 0.0, np.abs(rows).mean() ** 2 * n
        assert values.min() >= 0.0
        assert taps.sum() == pytest.approx(1.0, abs=1e-9)
        np.testing.assert_allclose(slope[free], slope[free].mean(), rtol=0, atol=1e-6 * size_of_slope)
        assert (slope[~free] >= slope[free].mean() - 1e-6 * size_of_slope).all()


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("size", [(2, 5), (4, 1)])
def test_parts_of_a_problem_add_up_whatever_the_kernels_shape(size, stride: int, rng: np.random.Generator) -> None:
    image = rng.random((41, 38))
    shape = (len(range(0, 41 - size[0] + 1, stride)), len(range(0, 38 - size[1] + 1, stride)))
    problem = Problem.of(image, rng.random(shape), size, stride=stride)
    parts = problem.parts(50)
    assert len(parts) > 1
    total = parts[0].condensed()
    for part in parts[1:]:
        total += part.condensed()
    whole = problem.condensed()
    np.testing.assert_allclose(total.gram, whole.gram, rtol=1e-11)
    np.testing.assert_allclose(total.moment, whole.moment, rtol=1e-11)


@pytest.mark.parametrize(("axis", "words"), [(0, "column to column"), (1, "row to row")])
def test_what_is_determined_of_a_kernel_of_one_row_or_column(axis: int, words: str, rng: np.random.Generator) -> None:
    """An image that changes along one axis alone: sums across it are told only where there is more than one tap."""
    image = np.repeat(rng.random((1, 30)), 30, axis=0)
    image = image if axis == 0 else image.T
    for size in ((3, 3), (1, 3), (3, 1)):
        problem = Problem.of(image, np.zeros((30 - size[0] + 1, 30 - size[1] + 1)), size)
        spectrum = find_optimum(problem, problem.condensed()).spectrum
        told = " ".join(in_words(spectrum, size, bias=True))
        assert (words in told) == (size[axis] > 1), (size, told)


def test_smallest_share_of_pixels_off_the_rails_is_asked_of_every_sixteenth_row() -> None:
    target = np.full((33, 10), 0.5)
    target[16] = 1.0  # one of the three rows that are looked at
    target[1] = 1.0  # and one that is not
    scene = Registered(target, target)
    assert Sample(scene, Recording(1 / 255, 0.0, 1.0)).usable == pytest.approx(2 / 3)


def named(taps: object, sigma: float = 0.0) -> Naming:
    taps = np.asarray(taps, dtype=float)
    rows, columns = taps.shape
    return name_kernel(taps, sigma**2 * np.eye(taps.size), (-((rows - 1) // 2), -((columns - 1) // 2)))


@pytest.mark.parametrize(
    ("taps", "words"),
    [
        (np.full((3, 3), 2 / 9), "Box 3x3, sum 2, centred"),  # its sum says it all: no "× 2" beside it
        (np.full((3, 3), 1 / 9), "Box 3x3, sum 1, centred"),
        ([[2.0]], "Identity × 2, centred"),  # one tap has no sum to tell
        (np.rot90([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]), "Sobel, turned by 270 degrees, centred"),
    ],
)
def test_names_in_full(taps: object, words: str) -> None:
    assert named(taps).names[0].text == words


def test_sums_that_are_told_too_vaguely_are_neither_one_nor_zero() -> None:
    """Nine taps of error σ sum to 3σ: within a tenth of one, or of the kernel's size, or nothing is said."""
    average, sobel = np.full((3, 3), 1 / 9), np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1.0]])
    assert named(average, 0.03).properties.unit_sum
    assert not named(average, 0.04).properties.unit_sum
    assert not named(average, 0.3).properties.unit_sum
    assert named(sobel, 0.2).properties.zero_sum
    assert not named(sobel, 1.0).properties.zero_sum
