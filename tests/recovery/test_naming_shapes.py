"""Formulas behind the names, beside SciPy, OpenCV and the library."""

import math
import warnings

import cv2
import numpy as np
import pytest
import scipy.ndimage as ndi
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from convkit.kernel import named_kernel
from convkit.recovery.naming import shapes
from convkit.recovery.naming.lines import half_gaussian, segment
from convkit.recovery.naming.rounded_bells import fixed_point
from convkit.recovery.significance import deviations, largest_by_chance, outlier_bound


@pytest.mark.parametrize(("ksize", "sigma"), [(3, 0.8), (7, 1.2), (9, 1.2), (11, 2.0), (19, 3.0)])
def test_fixed_point_gaussians_reproduce_opencv_bit_for_bit(ksize: int, sigma: float, rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (64, 64), dtype=np.uint8)
    exact = ndi.correlate(picture.astype(float), fixed_point(ksize, sigma), mode="mirror")
    np.testing.assert_array_equal(np.floor(exact + 0.5), cv2.GaussianBlur(picture, (ksize, ksize), sigma))


@pytest.mark.parametrize("sigma", [0.4, 1.0, 3.3])
def test_bells(sigma: float) -> None:
    areas = np.diff(scipy.stats.norm.cdf(np.arange(12) - 5.5, scale=sigma))
    np.testing.assert_allclose(shapes.integrated_bell(11, sigma), areas / areas.sum(), atol=1e-15)
    own = named_kernel(f"imagemagick/blur:5,{sigma}").taps[0]
    np.testing.assert_allclose(shapes.binned_bell(11, sigma), own, atol=1e-15)
    own = named_kernel(f"gaussian:{sigma},11").taps
    np.testing.assert_allclose(shapes.two_bells(sigma, sigma, (11, 11)), own, atol=1e-15)
    np.testing.assert_allclose(shapes.tilted_gaussian(sigma, sigma, 37.0, (11, 11)), own, atol=1e-15)
    np.testing.assert_allclose(shapes.moved_gaussian(sigma, 0.0, 0.0, (11, 11)), own, atol=1e-15)


@given(st.floats(0, 5))
def test_boxes_of_any_radius_are_pillows(radius: float) -> None:
    ours = shapes.box_between(2 * radius + 1, 2 * radius + 1)
    theirs = named_kernel(f"pillow/box-blur:{radius}").taps
    margin = (len(ours) - len(theirs)) // 2
    np.testing.assert_allclose(ours, np.pad(theirs, margin) if margin else theirs, atol=1e-15)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_shifts_by_part_of_a_pixel_are_scipys(down: float, right: float) -> None:
    picture = np.random.default_rng(3).random((9, 9))
    ours = ndi.correlate(picture, shapes.bilinear_shift(down, right))
    theirs = ndi.shift(picture, (down, right), order=1)
    np.testing.assert_allclose(ours[1:-1, 1:-1], theirs[1:-1, 1:-1], atol=1e-12)


@given(st.floats(0.5, 3), st.floats(0, 360))
def test_the_slope_of_a_gaussian_answers_to_a_ramp(sigma: float, angle: float) -> None:
    down, right = np.mgrid[0:13, 0:13].astype(float)
    towards = right * math.cos(math.radians(angle)) - down * math.sin(math.radians(angle))
    assert np.sum(shapes.gaussian_slope(sigma, angle, (13, 13)) * towards) == pytest.approx(1)


@given(st.floats(1, 14), st.floats(0, 180))
def test_a_line_beside_a_million_points_on_it(length: float, angle: float) -> None:
    along = (np.arange(100_000) + 0.5) / 100_000 * length - length / 2
    rows = np.rint(-along * math.sin(math.radians(angle))).astype(int)
    columns = np.rint(along * math.cos(math.radians(angle))).astype(int)
    taps = segment(length, angle)
    counted = np.zeros_like(taps)
    np.add.at(counted, (rows + len(taps) // 2, columns + len(taps) // 2), 1e-5)
    # Each of at most 4·14 crossings is off by up to a point, 1e-5; a line along a border may fall on either side.
    off_grid = min(abs(angle % 90), 90 - angle % 90) > 1e-3
    assert taps.sum() == pytest.approx(1)
    if off_grid:
        np.testing.assert_allclose(taps, counted, atol=1e-4)


def test_half_a_gaussian_goes_one_way() -> None:
    taps = half_gaussian(2.0, 0.0, 9)
    bell = np.exp(-(np.arange(9) ** 2) / 8)
    np.testing.assert_allclose(taps[8, 8:], bell / bell.sum())
    assert not taps[:, :8].any()
    np.testing.assert_allclose(half_gaussian(2.0, 90.0, 9), np.rot90(taps))


@pytest.mark.parametrize("freedom", [1, 5, 30, 300])
def test_deviations_are_normal_deviates_of_chi_square_and_f(freedom: int) -> None:
    """Both approximations are good to a tenth of a deviation from five degrees of freedom on, to a third at one."""
    for wanted in (-1.0, 0.0, 2.0, 4.0):
        tail = scipy.stats.norm.sf(wanted)
        exact = scipy.stats.chi2.isf(tail, freedom) / freedom
        assert deviations(exact, freedom) == pytest.approx(wanted, abs=0.1 if freedom > 1 else 0.35)
        assert deviations(scipy.stats.f.isf(tail, freedom, 40), freedom, 40) == pytest.approx(
            wanted, abs=0.12 if freedom > 1 else 0.5
        )
        assert deviations(largest_by_chance(freedom, wanted), freedom) == pytest.approx(wanted)


@pytest.mark.parametrize("count", [1, 9, 225, 3969])
def test_outliers_beyond_the_bound_are_rare(count: int) -> None:
    chance = 2 * count * scipy.stats.norm.sf(outlier_bound(count))
    assert 1e-6 < chance < 1e-4


def test_disks_of_any_radius_are_finite() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for radius in np.linspace(0.5, 20, 2001).tolist():
            assert np.isfinite(named_kernel(f"disk:{radius}").taps).all()
