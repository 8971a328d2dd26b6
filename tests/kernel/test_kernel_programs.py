"""Kernels against the programs they are named after, run here: OpenCV, SciPy, scikit-image, Pillow."""

import cv2
import numpy as np
import pytest
import scipy.ndimage as ndi
from PIL import Image as PillowImage
from PIL import ImageFilter
from skimage import filters

from convkit.kernel import named_kernel

REACH = 40


def measured(program):
    """Take a program's kernel from its answer to an impulse: the answer, turned by 180°."""
    impulse = np.zeros((2 * REACH + 1, 2 * REACH + 1))
    impulse[REACH, REACH] = 1.0
    return np.asarray(program(impulse))[::-1, ::-1]


def laid(name):
    """Lay a library kernel on the same grid, its middle on the impulse."""
    taps = named_kernel(name).taps
    grid = np.zeros((2 * REACH + 1, 2 * REACH + 1))
    top, left = (REACH - (side - 1) // 2 for side in taps.shape)
    grid[top : top + taps.shape[0], left : left + taps.shape[1]] = taps
    return grid


def assert_same(name, program, atol=1e-12):
    np.testing.assert_allclose(laid(name), measured(program), rtol=0, atol=atol)


@pytest.mark.parametrize("ksize", [1, 3, 5, 7, 31])
@pytest.mark.parametrize(("dx", "dy"), [(1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 1)])
def test_opencv_sobel(ksize, dx, dy):
    assert_same(
        f"opencv/sobel:ksize={ksize},dx={dx},dy={dy}",
        lambda x: cv2.Sobel(x, cv2.CV_64F, dx, dy, ksize=ksize, borderType=cv2.BORDER_CONSTANT),
        atol=1e-9 * 4.0**ksize,  # taps of 31×31 reach 4^31
    )


@pytest.mark.parametrize("ksize", [1, 3, 5, 7])
def test_opencv_laplacian(ksize):
    assert_same(f"opencv/laplacian:ksize={ksize}", lambda x: cv2.Laplacian(x, cv2.CV_64F, ksize=ksize))


@pytest.mark.parametrize(("name", "dx", "dy"), [("opencv/scharr", 1, 0), ("scharr-y", 0, 1)])
def test_opencv_scharr(name, dx, dy):
    assert_same(name, lambda x: cv2.Scharr(x, cv2.CV_64F, dx, dy))


@pytest.mark.parametrize("ksize", [1, 3, 5, 7, 11, 21])
@pytest.mark.parametrize("sigma", [0, 0.7, 2.5])
def test_opencv_gaussian(ksize, sigma):
    row = cv2.getGaussianKernel(ksize, sigma)
    taps = named_kernel(f"opencv/gaussian:ksize={ksize},sigma={sigma}").taps
    np.testing.assert_allclose(taps, row @ row.T, rtol=0, atol=1e-14)


def test_opencv_gaussian_of_nine_taps_without_sigma_is_a_table():
    # OpenCV 4.10 still computed it; OpenCV 5 has these 256ths.
    row = np.array([4, 13, 30, 51, 60, 51, 30, 13, 4]) / 256
    assert named_kernel("opencv/gaussian:9").taps.tolist() == np.outer(row, row).tolist()


@pytest.mark.parametrize("sigma", [0.3, 1.2, 1.5, 2.0])
def test_opencv_sizes_a_gaussian_for_eight_bits(sigma):
    impulse = np.zeros((41, 41), np.uint8)
    impulse[20, 20] = 255
    blurred = cv2.GaussianBlur(impulse, (0, 0), sigma)
    taps = named_kernel(f"opencv/gaussian:ksize=0,sigma={sigma}").taps
    side = taps.shape[0]
    assert side == round(6 * sigma + 1) | 1
    reach = side // 2
    window = blurred[20 - reach : 21 + reach, 20 - reach : 21 + reach]
    np.testing.assert_allclose(255 * taps, window, rtol=0, atol=2)  # its weights have 8 bits


@pytest.mark.parametrize("theta", [0.0, 0.4, 2.0])
@pytest.mark.parametrize("psi", [0.0, 1.0, np.pi / 2])
def test_opencv_gabor(theta, psi):
    name = f"opencv/gabor:ksize=15,sigma=3,theta={theta},lambd=7,gamma=0.6,psi={psi}"
    expected = cv2.getGaborKernel((15, 15), 3, theta, 7, 0.6, psi)
    np.testing.assert_allclose(named_kernel(name).taps, expected, rtol=0, atol=1e-12)


def test_opencv_gabor_defaults_are_its_own():
    expected = cv2.getGaborKernel((21, 21), 4, 0, 10, 0.5)
    np.testing.assert_allclose(named_kernel("opencv/gabor").taps, expected, rtol=0, atol=1e-12)


def test_gabor_in_degrees_is_opencvs_in_radians():
    name = "gabor:wavelength=7,angle=30,sigma=3,aspect=0.6,phase=90,size=15"
    expected = cv2.getGaborKernel((15, 15), 3, np.radians(30), 7, 0.6)
    np.testing.assert_allclose(named_kernel(name).taps, expected, rtol=0, atol=1e-12)


def test_opencv_pyrdown():
    impulse = np.zeros((32, 32))
    impulse[16, 16] = 1
    down = cv2.pyrDown(impulse)
    taps = named_kernel("opencv/pyrdown").taps
    np.testing.assert_allclose(down[7:10, 7:10], taps[::2, ::2], atol=1e-15)


@pytest.mark.parametrize("axis", [-2, -1, 0, 1])
@pytest.mark.parametrize("operator", ["sobel", "prewitt"])
def test_scipy_gradients(operator, axis):
    assert_same(f"scipy/{operator}:axis={axis}", lambda x: getattr(ndi, operator)(x, axis=axis))


def test_scipy_laplace():
    assert_same("scipy/laplace", ndi.laplace)


@pytest.mark.parametrize(("sigma", "truncate"), [(1.0, 4.0), (0.4, 4.0), (2.3, 3.0), (1.2, 2.2)])
def test_scipy_gaussian(sigma, truncate):
    assert_same(
        f"scipy/gaussian:{sigma},{truncate}", lambda x: ndi.gaussian_filter(x, sigma, truncate=truncate), atol=1e-15
    )


def test_the_own_gaussian_has_scipys_size():
    for sigma in (0.3, 0.5, 1.0, 1.2, 4.0):
        assert_same(f"gaussian:{sigma}", lambda x, sigma=sigma: ndi.gaussian_filter(x, sigma), atol=1e-15)


def test_box_is_scipys_uniform_filter():
    assert_same("box:3x5", lambda x: ndi.uniform_filter(x, (3, 5)))


@pytest.mark.parametrize(
    "operator",
    [
        *(f"{name}_{axis}" for name in ("sobel", "prewitt", "scharr", "farid") for axis in "hv"),
        "roberts_pos_diag",
        "roberts_neg_diag",
        "laplace",
    ],
)
def test_skimage(operator):
    assert_same(f"skimage/{operator}", getattr(filters, operator))


@pytest.fixture
def picture(rng):
    """Blocks of random gray: edges for the sharpeners, room between black and white."""
    return np.kron(rng.integers(0, 256, (16, 20), dtype=np.uint8), np.ones((3, 3), np.uint8))


@pytest.mark.parametrize(
    "name",
    [
        "blur",
        "contour",
        "detail",
        "edge-enhance",
        "edge-enhance-more",
        "emboss",
        "find-edges",
        "sharpen",
        "smooth",
        "smooth-more",
    ],
)
def test_pillow_filters_applied_to_a_picture(picture, name):
    ours = named_kernel(f"pillow/{name}")
    exact = ndi.correlate(picture.astype(float), ours.taps) + 255 * ours.bias
    theirs = PillowImage.fromarray(picture).filter(getattr(ImageFilter, name.replace("-", "_").upper()))
    inside = (slice(2, -2), slice(2, -2))  # Pillow copies the border from the input
    difference = np.asarray(theirs, float)[inside] - exact.clip(0, 255)[inside]
    assert np.abs(difference).max() <= 0.5 + 1e-3  # it rounds, in single precision


@pytest.mark.parametrize("radius", [0.0, 0.4, 1.0, 2.7])
def test_pillow_box_blur(picture, radius):
    exact = ndi.correlate(picture.astype(float), named_kernel(f"pillow/box-blur:{radius}").taps, mode="nearest")
    theirs = np.asarray(PillowImage.fromarray(picture).filter(ImageFilter.BoxBlur(radius)), float)
    assert np.abs(theirs - exact).max() <= 1.0 + 1e-3  # it rounds after each of two passes


@pytest.mark.parametrize("radius", [0.0, 0.5, 1.0, 2.0, 3.3])
def test_pillow_gaussian_blur(picture, radius):
    exact = ndi.correlate(picture.astype(float), named_kernel(f"pillow/gaussian-blur:{radius}").taps, mode="nearest")
    theirs = np.asarray(PillowImage.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)), float)
    inside = (slice(12, -12), slice(12, -12))
    # Three passes along each axis round to 8 bits, which leaves at most six times the variance 1/12.
    assert np.sqrt(np.mean((theirs - exact)[inside] ** 2)) < np.sqrt(6 / 12)
