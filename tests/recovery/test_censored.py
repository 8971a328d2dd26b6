"""Kernels from clipped targets: exact without noise, calm about data that contradict themselves or tell nothing."""

import math

import numpy as np
import pytest
import skimage.data
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from PIL import Image, ImageFilter

from convkit.errors import ImageError
from convkit.recovery import Parameters, Problem, find_optimum
from convkit.recovery.problem import Pair
from convkit.recovery.recording import Recording
from convkit.recovery.saturation import SaturatedFit, SaturationMethod, fit_saturated

LEVEL = 1 / 255
EIGHT_BITS = Recording(LEVEL, 0.0, 1.0)
SOBEL = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])


def photo(rows: slice = slice(None), columns: slice = slice(None)) -> np.ndarray:
    return skimage.data.camera()[rows, columns] / 255.0


def response(image: np.ndarray, taps: np.ndarray, bias: float = 0.0) -> np.ndarray:
    return np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(image, taps.shape), taps) + bias


def stored(values: np.ndarray) -> np.ndarray:
    """As an 8-bit file holds them."""
    return np.clip(np.round(values * 255), 0, 255) / 255


def worst(found: SaturatedFit, taps: np.ndarray) -> float:
    return float(np.abs(found.optimum.point.taps - taps).max())


def deviations(found: SaturatedFit, taps: np.ndarray) -> np.ndarray:
    """Errors of the taps over their standard errors."""
    errors = found.optimum.standard_errors(LEVEL)[: taps.size].reshape(taps.shape)
    return np.abs(found.optimum.point.taps - taps) / errors


def test_nothing_saturated_is_plain_least_squares(rng) -> None:
    image = 0.3 + 0.4 * rng.random((40, 41))
    problem = Problem.of(image, stored(response(image, np.full((2, 2), 0.25))), (2, 2))
    found, plain = fit_saturated(problem, EIGHT_BITS), find_optimum(problem, problem.condensed())
    assert (found.method, found.saturated_fraction) == (SaturationMethod.NONE, 0.0)
    assert found.masks[0].all()
    np.testing.assert_array_equal(found.optimum.point.taps, plain.point.taps)
    assert_allclose(found.covariance, plain.noise_variance(LEVEL) * plain.unit_covariance)
    assert found.noise == pytest.approx(math.sqrt(plain.noise_variance(None)))


@pytest.mark.parametrize("name", ["CONTOUR", "EDGE_ENHANCE_MORE", "FIND_EDGES", "EMBOSS"])
def test_integer_filters_of_pillow_come_out_to_the_last_digits(name: str) -> None:
    (height, width), scale, _, numbers = getattr(ImageFilter, name).filterargs
    taps = np.array(numbers, float).reshape(height, width)[::-1] / scale  # Pillow applies them upside down
    picture = skimage.data.camera()
    target = np.asarray(Image.fromarray(picture).filter(getattr(ImageFilter, name)))[1:-1, 1:-1] / 255
    problem = Problem.of(picture / 255, target, (3, 3))
    found = fit_saturated(problem, EIGHT_BITS)
    assert found.method is SaturationMethod.MASK_BY_PREDICTION
    assert worst(found, taps) < 1e-13
    assert found.noise < 1e-12
    assert found.saturated_fraction == np.mean((target == 0) | (target == 1))
    if name == "CONTOUR":
        assert np.abs(find_optimum(problem, problem.condensed()).point.taps - taps).max() > 4


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["photo", "noise"])
def test_random_kernels_with_two_thirds_clipped_are_exact_as_far_as_they_are_stored(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = photo(slice(100, 300), slice(100, 310)) if kind == "photo" else rng.integers(0, 256, (150, 151)) / 255
    taps = rng.standard_normal((5, 5))
    lowest, highest = np.quantile(response(image, taps), [0.35, 0.68])
    taps, bias = taps / (highest - lowest), -lowest / (highest - lowest)
    clean = response(image, taps, bias)
    found = fit_saturated(Problem.of(image, np.clip(clean, 0, 1), (5, 5)), Recording(None, 0.0, 1.0))
    assert found.saturated_fraction == pytest.approx(0.67, abs=0.001)
    assert worst(found, taps) < 1e-12
    for level in (1 / 65535, LEVEL):
        target = np.clip(np.round(clean / level) * level, 0, 1)
        found = fit_saturated(Problem.of(image, target, (5, 5)), Recording(level, 0.0, 1.0))
        assert found.method is SaturationMethod.MASK_BY_PREDICTION
        assert found.noise == pytest.approx(level / math.sqrt(12), rel=0.03)
        errors = found.optimum.standard_errors(level)[:25].reshape(5, 5)
        assert np.abs((found.optimum.point.taps - taps) / errors).max() < 4.5


def test_the_choice_of_outputs_ends_where_rounding_errors_sum_to_nothing(rng) -> None:
    """One tap and coarse levels: a choice that ends at a level or half-way between two is off by 4 error bars."""
    recording = Recording(1 / 32, 0.0, 1.0)
    image = rng.random((700, 700))
    target = np.clip(np.round((1.9 * image - 0.4) * 32) / 32, 0, 1)
    found = fit_saturated(Problem.of(image, target, (1, 1)), recording)
    errors = found.optimum.standard_errors(1 / 32)
    assert abs(found.optimum.point.taps[0, 0] - 1.9) < 1.5 * errors[0]
    assert abs(found.optimum.point.bias + 0.4) < 1.5 * errors[1]


def test_a_picture_that_touches_the_rails_without_being_clipped_is_used_whole(rng) -> None:
    shift = np.zeros((3, 3))
    shift[0, 2] = 1.0
    black_and_white = rng.integers(0, 2, (50, 50)).astype(float)
    for recording in (EIGHT_BITS, Recording(None, 0.0, 1.0)):
        found = fit_saturated(Problem.of(black_and_white, black_and_white[:-2, 2:], (3, 3)), recording)
        assert found.saturated_fraction == 1.0
        assert found.method is SaturationMethod.MASK_BY_PREDICTION
        assert found.masks[0].all()
        assert worst(found, shift) < 1e-14
    page = skimage.data.page() / 255
    found = fit_saturated(Problem.of(page, page[:-2, 2:], (3, 3)), EIGHT_BITS)
    assert found.masks[0].all()
    assert worst(found, shift) < 1e-14


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.02]), st.booleans())
def test_law_a_negative_has_the_negative_kernel(seed: int, noise: float, bias: bool) -> None:
    """``1 - y`` comes from ``-k`` and ``1 - b``; without a bias the rails are turned instead."""
    rng = np.random.default_rng(seed)
    image = rng.random((30, 31))
    taps = 3 * rng.standard_normal((2, 2))
    clean = response(image, taps, 0.3) + noise * rng.standard_normal((29, 30))
    target = stored(clean)
    found = fit_saturated(Problem.of(image, target, (2, 2), bias=bias), EIGHT_BITS)
    assume(found.optimum.spectrum.identifiable)  # the shortest of several answers is not turned
    turned = (
        fit_saturated(Problem.of(image, 1 - target, (2, 2)), EIGHT_BITS)
        if bias
        else fit_saturated(Problem.of(image, -target, (2, 2), bias=False), Recording(LEVEL, -1.0, 0.0))
    )
    assert turned.method is found.method
    assert_allclose(turned.optimum.point.taps, -found.optimum.point.taps, atol=1e-9)
    assert_allclose(turned.covariance[:4, :4], found.covariance[:4, :4], rtol=1e-6, atol=1e-15)
    np.testing.assert_array_equal(turned.masks[0], found.masks[0])


@pytest.mark.parametrize("noise", [0.0, 2.0])
@pytest.mark.parametrize("stride", [1, 2])
def test_several_pairs_are_one_problem(noise: float, stride: int, rng) -> None:
    image = photo(slice(100, 243), slice(120, 263))
    target = stored(
        response(image, SOBEL)[::stride, ::stride] + noise * LEVEL * rng.standard_normal((141, 141))[::stride, ::stride]
    )
    whole = fit_saturated(Problem.of(image, target, (3, 3), stride=stride), EIGHT_BITS)
    cut = 40
    halves = Problem(
        (Pair(image[: (cut - 1) * stride + 3], target[:cut]), Pair(image[cut * stride :], target[cut:])), (3, 3), stride
    )
    found = fit_saturated(halves, EIGHT_BITS)
    assert found.method is whole.method
    assert_allclose(found.optimum.point.taps, whole.optimum.point.taps, atol=1e-6 * np.sqrt(whole.covariance[0, 0]))
    assert_allclose(found.covariance, whole.covariance, rtol=1e-5, atol=1e-14)
    assert found.saturated_fraction == whole.saturated_fraction
    np.testing.assert_array_equal(np.vstack(found.masks), whole.masks[0])


def test_a_pair_that_is_clipped_everywhere_does_no_harm(rng) -> None:
    image = photo(slice(100, 200), slice(120, 220))
    for noise in (0.0, 2.0):
        target = stored(response(image, SOBEL) + noise * LEVEL * rng.standard_normal((98, 98)))
        dark = Pair(np.full((20, 20), 0.5), np.zeros((18, 18)))
        found = fit_saturated(Problem((Pair(image, target), dark), (3, 3)), EIGHT_BITS)
        assert deviations(found, SOBEL).max() < 4


def test_what_contradicts_the_rails_is_left_out(rng) -> None:
    image = photo(slice(100, 300), slice(120, 330))
    clean = response(image, SOBEL)
    exact, noisy = stored(clean), stored(clean + 2 * LEVEL * rng.standard_normal(clean.shape))
    spoilt = exact.copy()
    deep = np.flatnonzero((clean > 0.2) & (clean < 0.8))[::40]
    spoilt.flat[deep] = np.arange(deep.size) % 2  # on a rail, predicted deep between them
    found = fit_saturated(Problem.of(image, spoilt, (3, 3)), EIGHT_BITS)
    assert worst(found, SOBEL) < 1e-13
    spoilt = exact.copy()
    beyond = np.flatnonzero((clean > 1.3) | (clean < -0.3))[::50]
    spoilt.flat[beyond] = 0.4  # off the rails, predicted beyond
    found = fit_saturated(Problem.of(image, spoilt, (3, 3)), EIGHT_BITS)
    assert found.method is SaturationMethod.MASK_BY_PREDICTION
    assert worst(found, SOBEL) < 1e-13
    whole = fit_saturated(Problem.of(image, exact, (3, 3)), EIGHT_BITS)
    assert whole.masks[0].sum() == found.masks[0].sum()  # none but the spoilt ones, which were clipped before
    reference = fit_saturated(Problem.of(image, noisy, (3, 3)), EIGHT_BITS)
    noisy.flat[deep], noisy.flat[beyond] = 0.0, 0.4
    found = fit_saturated(Problem.of(image, noisy, (3, 3)), EIGHT_BITS)
    assert found.method is reference.method is SaturationMethod.TOBIT
    assert found.noise == pytest.approx(reference.noise, rel=0.02)
    assert deviations(found, SOBEL).max() < 4


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_the_start_does_not_matter(noise: float, rng) -> None:
    image = photo(slice(100, 200), slice(120, 220))
    target = stored(response(image, SOBEL) + noise * LEVEL * rng.standard_normal((98, 98)))
    problem = Problem.of(image, target, (3, 3))
    plain = fit_saturated(problem, EIGHT_BITS)
    near = Parameters(SOBEL + 0.1 * rng.standard_normal((3, 3)), 0.01)
    for start in (near, Parameters(np.zeros((3, 3))), Parameters(rng.standard_normal((3, 3)), 5.0)):
        found = fit_saturated(problem, EIGHT_BITS, start=start)
        assert found.method is plain.method
        # Newton's last step is worth less than 1e-4 of the log-likelihood, and what is left its square.
        assert_allclose(
            found.optimum.point.taps, plain.optimum.point.taps, atol=1e-3 * np.sqrt(plain.covariance.diagonal().max())
        )


def test_outputs_under_a_mask_are_never_looked_at(rng) -> None:
    image = photo(slice(100, 200), slice(120, 220))
    for noise in (0.0, 2.0):
        target = stored(response(image, SOBEL) + noise * LEVEL * rng.standard_normal((98, 98)))
        mask = np.ones((98, 98), bool)
        mask[30:50] = False
        expected = fit_saturated(Problem.of(image, target, (3, 3), mask=mask), EIGHT_BITS)
        spoilt, rubbish = image.copy(), np.where(mask, target, np.nan)
        spoilt[35:45] = np.nan
        found = fit_saturated(Problem.of(spoilt, rubbish, (3, 3), mask=mask), EIGHT_BITS)
        assert_allclose(found.optimum.point.taps, expected.optimum.point.taps, rtol=0, atol=1e-12)
        assert not (found.masks[0] & ~mask).any()
        assert found.saturated_fraction == np.mean((target[mask] == 0) | (target[mask] == 1))


@pytest.mark.parametrize("recording", [Recording(LEVEL, 0.0), Recording(LEVEL, -math.inf, 1.0)])
def test_one_rail_alone(recording: Recording, rng) -> None:
    image = photo(slice(100, 200), slice(120, 220))
    clean = response(image, SOBEL)
    for noise in (0.0, 2.0):
        values = np.round((clean + noise * LEVEL * rng.standard_normal((98, 98))) * 255) / 255
        target = np.clip(values, recording.lowest, recording.highest)
        found = fit_saturated(Problem.of(image, target, (3, 3)), recording)
        assert 0 < found.saturated_fraction < 0.7
        assert deviations(found, SOBEL).max() < 4 if noise else worst(found, SOBEL) < 1e-13


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_target_that_is_one_rail_determines_nothing(value: float, rng) -> None:
    for image in (rng.random((20, 20)), np.full((20, 20), 0.5)):
        found = fit_saturated(Problem.of(image, np.full((18, 18), value), (3, 3)), EIGHT_BITS)
        assert found.optimum.spectrum.rank == 0
        assert np.isnan(found.optimum.standard_errors(LEVEL)).all()
        assert (found.saturated_fraction, found.method) == (1.0, SaturationMethod.NONE)
        assert not found.covariance.any()


def test_a_target_clipped_to_black_and_white_determines_nothing(rng) -> None:
    image = rng.integers(0, 2, (40, 40)).astype(float)
    target = stored(response(image, SOBEL))
    assert np.isin(target, [0, 1]).all()
    found = fit_saturated(Problem.of(image, target, (3, 3)), EIGHT_BITS)
    assert found.optimum.spectrum.rank == 0


def test_images_and_masks_that_leave_too_little_give_a_deficient_rank(rng) -> None:
    constant = np.full((18, 18), 128 / 255)
    constant[0, 0] = 1.0
    found = fit_saturated(Problem.of(np.full((20, 20), 0.5), constant, (3, 3)), EIGHT_BITS)
    assert found.optimum.spectrum.rank == 1
    ramp = np.tile(np.arange(60) / 60, (40, 1))
    found = fit_saturated(Problem.of(ramp, stored(3 * ramp[1:-1, 1:-1] - 1), (3, 3)), EIGHT_BITS)
    assert found.optimum.spectrum.rank == 2
    assert found.optimum.noise_variance(None) < LEVEL**2
    image = rng.random((5, 6))
    target = np.zeros((3, 4))
    target[0, :3] = 0.5, 0.25, 0.75
    found = fit_saturated(Problem.of(image, target, (3, 3)), EIGHT_BITS)
    assert found.optimum.spectrum.rank < 10
    assert math.isnan(found.noise)


@given(st.integers(0, 10**6))
def test_too_few_outputs_off_the_rails_are_left_at_what_they_determine(seed: int) -> None:
    """Others must not be chosen by a kernel that is half open: they would seem to make sure of it."""
    rng = np.random.default_rng(seed)
    image = rng.random((30, 31))
    taps = 100 * rng.standard_normal((2, 2))
    target = stored(response(image, taps, 0.3))
    found = fit_saturated(Problem.of(image, target, (2, 2)), EIGHT_BITS)
    off_rails = np.count_nonzero((target > 0) & (target < 1))
    assume(0 < off_rails < 50)
    assert found.method is SaturationMethod.MASK_BY_VALUE
    assert found.masks[0].sum() == off_rails
    errors = found.optimum.standard_errors(LEVEL)[:4].reshape(2, 2)
    assert np.isnan(errors).all() or np.abs((found.optimum.point.taps - taps) / errors).max() < 6


def test_a_few_outputs_off_the_rails_are_enough() -> None:
    image = photo(slice(0, 200), slice(0, 210))
    target = stored(response(image, SOBEL, -1.0))
    found = fit_saturated(Problem.of(image, target, (3, 3)), EIGHT_BITS)
    assert found.saturated_fraction > 0.99
    assert worst(found, SOBEL) < 1e-12


def test_no_output_at_all_is_refused(rng) -> None:
    problem = Problem.of(rng.random((9, 9)), rng.random((7, 7)), (3, 3), mask=np.zeros((7, 7), bool))
    with pytest.raises(ImageError, match="False at all 49"):
        fit_saturated(problem, EIGHT_BITS)


@pytest.mark.parametrize("what", ["magnitude", "median", "salt and pepper"])
def test_what_no_kernel_makes_is_fitted_without_a_crash(what: str, rng) -> None:
    import scipy.ndimage

    image = photo(slice(100, 200), slice(120, 220))
    target = {
        "magnitude": stored(np.abs(response(image, SOBEL))),
        "median": scipy.ndimage.median_filter(image, 3)[1:-1, 1:-1],
        "salt and pepper": np.where(rng.random((98, 98)) < 0.3, rng.integers(0, 2, (98, 98)), image[1:-1, 1:-1]),
    }[what]
    found = fit_saturated(Problem.of(image, target, (3, 3)), EIGHT_BITS)
    assert np.isfinite(found.optimum.point.taps).all()
    assert np.isfinite(found.optimum.standard_errors(LEVEL)).all()
    assert found.noise > 2 * LEVEL
    # Most of what lies off the rails is there to show that it is no kernel.
    assert found.masks[0].sum() > 0.5 * np.count_nonzero((target > 0) & (target < 1))


def test_a_likelihood_tells_of_the_outputs_that_are_surely_not_clipped(rng) -> None:
    """Their number, their squared residuals, and how much they spread about their mean."""
    taps, pairs = np.array([[0.9, -1.4, 1.3]]), []
    for shape in ((40, 50), (30, 61)):
        image = rng.random(shape)
        pairs.append(
            Pair(image, stored(response(image, taps, 0.1) + 0.03 * rng.standard_normal((shape[0], shape[1] - 2))))
        )
    found = fit_saturated(Problem(tuple(pairs), (1, 3)), EIGHT_BITS)
    assert found.method is SaturationMethod.TOBIT
    optimum, point = found.optimum, found.optimum.point
    left, kept = [], []
    for pair, mask in zip(pairs, found.masks, strict=True):
        left.append((pair.target - response(pair.image, point.taps, point.bias))[mask])
        kept.append(pair.target[mask])
    squares, targets = np.square(np.concatenate(left)).sum(), np.concatenate(kept)
    assert optimum.count == len(targets)
    assert optimum.residual_squares == pytest.approx(squares, rel=1e-9)
    assert optimum.spread == pytest.approx(np.square(targets - targets.mean()).sum(), rel=1e-9)
    assert optimum.noise_variance(LEVEL) == pytest.approx(squares / (len(targets) - 4), rel=1e-9)
    assert_allclose(optimum.noise_variance(LEVEL) * optimum.unit_covariance, found.covariance, rtol=1e-9)
