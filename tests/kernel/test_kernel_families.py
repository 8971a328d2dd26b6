"""Laws that the families of kernels obey, whatever their parameters."""

import numpy as np
import pytest
import scipy.ndimage as ndi
from hypothesis import given
from hypothesis import strategies as st

from convkit.kernel import named_kernel

SIGMA = st.floats(0.01, 4).map(lambda value: round(value, 3))
SIDE = st.integers(1, 13)


@given(st.sampled_from(["gaussian:sigma={0},size={1}x{2}", "binomial:{1}x{2}", "box:{1}x{2}"]), SIGMA, SIDE, SIDE)
def test_smoothers_are_positive_symmetric_separable_and_of_sum_one(pattern, sigma, rows, columns):
    kernel = named_kernel(pattern.format(sigma, rows, columns))
    assert kernel.shape == (rows, columns)
    assert kernel.sum == pytest.approx(1, abs=1e-14)
    assert (kernel.taps >= 0).all()
    np.testing.assert_allclose(kernel.taps, kernel.taps[::-1, ::-1], atol=1e-16)
    assert kernel.rank == 1


@given(st.floats(1, 20), st.floats(-360, 360))
def test_motion_smears_a_point_evenly_to_both_sides(length, angle):
    kernel = named_kernel(f"motion:length={length},angle={angle}")
    np.testing.assert_allclose(kernel.taps, kernel.taps[::-1, ::-1], atol=1e-15)
    assert kernel.sum == pytest.approx(1)
    down, right = (np.arange(side) - side // 2 for side in kernel.shape)
    moments = [(kernel.taps * np.outer(down, right)).sum(), np.sin(2 * np.radians(angle))]
    if abs(moments[1]) > 0.3 and length > 3:
        assert moments[0] * moments[1] < 0  # counter-clockwise on the screen: up on the right


@given(st.floats(0.1, 12))
def test_disk_is_round(radius):
    kernel = named_kernel(f"disk:{radius}")
    assert kernel.sum == pytest.approx(1)
    np.testing.assert_allclose(kernel.taps, np.rot90(kernel.taps), atol=1e-15)
    np.testing.assert_allclose(kernel.taps, kernel.taps.T, atol=1e-15)


@given(SIGMA, SIGMA)
def test_log_and_dog_sum_to_zero(first, second):
    for kernel in (named_kernel(f"log:{first}"), named_kernel(f"dog:{first},{second}")):
        assert abs(kernel.sum) <= 1e-13 * max(1, np.abs(kernel.taps).sum())


def test_log_is_the_second_derivative_of_a_gaussian():
    sigma = 2.0
    step = np.zeros((41, 41))
    step[20, 20] = 1
    expected = ndi.gaussian_laplace(step, sigma, truncate=4)
    taps = np.zeros((41, 41))
    taps[12:29, 12:29] = named_kernel(f"log:{sigma}").taps
    np.testing.assert_allclose(taps, expected, atol=2e-4)  # both cut off at 4 sigma, and correct their sums differently


def test_dog_is_the_first_gaussian_minus_the_second():
    expected = named_kernel("gaussian:1,7").taps - named_kernel("gaussian:2,7").taps
    np.testing.assert_array_equal(named_kernel("dog:1,2,7").taps, expected)
    assert named_kernel("dog:2,1").shape == named_kernel("gaussian:2").shape


@given(SIGMA, st.floats(-3, 3))
def test_unsharp_adds_what_a_gaussian_takes_away(sigma, amount):
    rng = np.random.default_rng(0)
    image = rng.random((30, 30))
    blurred = ndi.correlate(image, named_kernel(f"gaussian:{sigma},9").taps)
    sharpened = ndi.correlate(image, named_kernel(f"unsharp:{sigma},{amount},9").taps)
    np.testing.assert_allclose(sharpened, image + amount * (image - blurred), atol=1e-12)


@given(st.integers(-4, 4), st.integers(-4, 4))
def test_shift_moves_the_picture_down_and_right(dy, dx):
    image = np.arange(400.0).reshape(20, 20)
    moved = ndi.correlate(image, named_kernel(f"shift:{dy},{dx}").taps, mode="wrap")
    np.testing.assert_array_equal(moved, np.roll(image, (dy, dx), axis=(0, 1)))


def test_gabor_at_phase_90_answers_to_brightness_growing_along_its_angle():
    down, right = np.mgrid[-1:2, -1:2]
    for angle, ramp in [(0, right), (90, down), (180, -right), (270, -down)]:
        kernel = named_kernel(f"gabor:wavelength=8,angle={angle},phase=90,size=3")
        assert (kernel.taps * ramp).sum() > 1
        assert kernel.is_zero_sum


def test_gabor_is_sized_by_the_longer_axis_of_its_envelope():
    assert named_kernel("gabor:sigma=2,aspect=0.5").shape == (25, 25)
    assert named_kernel("gabor:sigma=2,aspect=2").shape == (13, 13)
