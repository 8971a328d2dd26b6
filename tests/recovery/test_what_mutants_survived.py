"""Where a small change to the code went unnoticed until these tests: see docs/trust.md."""

import io
import zipfile

import numpy as np
import pytest

from convkit.recovery import NormalEquations, Parameters, Problem, Spectrum, find_optimum
from convkit.recovery.huber import find_robust
from convkit.recovery.phases import _box, _lanczos, _triangle
from convkit.recovery.proof.border import _support
from convkit.recovery.recording import Recording
from convkit.recovery.spectrum import predicted_losses


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
    """Values by hand: a box is 1 on [-½, ½), a triangle 1 - |x|, Lanczos' 3 zero at whole numbers and beyond."""
    places = np.array([-3.2, -1.0, -0.5, 0.0, 0.4, 0.5, 1.5, 3.5])
    np.testing.assert_array_equal(_box(places), [0, 0, 1, 1, 1, 0, 0, 0])
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
