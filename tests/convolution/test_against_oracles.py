"""Every backend under every convention, beside SciPy and OpenCV."""

import cv2
import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from convkit import convolve
from convkit.convolution import Backend, Padding

# SciPy's names for the paddings that give one output per pixel.
_NDIMAGE = {"zero": "constant", "replicate": "nearest", "reflect": "mirror", "symmetric": "reflect", "circular": "wrap"}
_OPENCV = {
    "zero": cv2.BORDER_CONSTANT,
    "replicate": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT_101,
    "symmetric": cv2.BORDER_REFLECT,
}
_SIZES = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (2, 3), (4, 3), (5, 4), (7, 1)]

# A direct sum of n products errs by less than n·eps of the sum of magnitudes, and an FFT by a few log2(N)·eps of
# the norms; with images and taps of order 1 and at most 35 taps, 1e-13 leaves a factor of ten over either.
_TOLERANCE = 1e-13


def oracle(image: np.ndarray, kernel: np.ndarray, padding: str, *, flip: bool) -> np.ndarray:
    """Stride-1 response by SciPy, whose even kernels are centred at k//2 where convkit's are at (k - 1)//2."""
    taps = kernel[::-1, ::-1] if flip else kernel
    if padding in ("valid", "full"):
        return scipy.signal.correlate(image, taps, mode=padding, method="direct")
    origin = [-1 if side % 2 == 0 else 0 for side in taps.shape]
    return scipy.ndimage.correlate(image, taps, mode=_NDIMAGE[padding], cval=0.0, origin=origin)


@pytest.mark.parametrize("backend", list(Backend))
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("padding", list(Padding))
def test_agrees_with_scipy(padding: Padding, flip: bool, backend: Backend, rng: np.random.Generator) -> None:
    image = rng.standard_normal((9, 12))
    for size in _SIZES:
        kernel = rng.standard_normal(size)
        expected = oracle(image, kernel, padding, flip=flip)
        for stride in (1, 2, 3):
            got = convolve(image, kernel, padding=padding, stride=stride, flip=flip, backend=backend)
            np.testing.assert_allclose(
                got, expected[::stride, ::stride], rtol=0, atol=_TOLERANCE, err_msg=f"{size}, stride {stride}"
            )


@pytest.mark.parametrize("backend", list(Backend))
@pytest.mark.parametrize("padding", list(_OPENCV))
def test_agrees_with_opencv(padding: str, backend: Backend, rng: np.random.Generator) -> None:
    image = rng.standard_normal((17, 11))
    for size in _SIZES:
        kernel = rng.standard_normal(size)
        anchor = (size[1] - 1) // 2, (size[0] - 1) // 2
        expected = cv2.filter2D(image, cv2.CV_64F, kernel, anchor=anchor, borderType=_OPENCV[padding])
        got = convolve(image, kernel, padding=padding, backend=backend)
        np.testing.assert_allclose(got, expected, rtol=0, atol=_TOLERANCE, err_msg=str(size))


@pytest.mark.parametrize("backend", [Backend.SHIFT, Backend.CONV2D, Backend.FFT])
@pytest.mark.parametrize("size", [(3, 5), (16, 9), (40, 33)])
def test_images_of_many_tiles_and_strips(backend: Backend, size: tuple[int, int], rng: np.random.Generator) -> None:
    image = rng.standard_normal((700, 1100))
    kernel = rng.standard_normal(size)
    expected = scipy.signal.fftconvolve(image, kernel[::-1, ::-1], mode="valid")
    # Both sides are FFTs of at most 2^21 points of a sum of 1320 products of order 1.
    np.testing.assert_allclose(convolve(image, kernel, backend=backend), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("backend", ["auto", *Backend])
def test_float32_is_within_a_millionth_of_float64(backend: str, rng: np.random.Generator) -> None:
    image = rng.random((64, 80)).astype(np.float32)
    kernel = rng.random((15, 15))
    exact = scipy.signal.correlate(image.astype(np.float64), kernel, mode="valid")
    got = convolve(image, kernel, backend=backend)
    assert got.dtype == np.float32
    assert np.abs(got - exact).max() <= 1e-6 * np.abs(exact).max()


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.sampled_from(list(Padding)), st.booleans())
def test_output_shape_is_what_numpy_slicing_leaves(kh: int, kw: int, stride: int, padding: Padding, flip: bool) -> None:
    image = np.ones((7, 6))
    full = oracle(image, np.ones((kh, kw)), padding, flip=flip)
    got = convolve(image, np.ones((kh, kw)), padding=padding, stride=stride, flip=flip)
    assert got.shape == full[::stride, ::stride].shape
