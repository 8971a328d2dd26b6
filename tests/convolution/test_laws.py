"""What convolution must obey, whoever computes it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from convkit import convolve
from convkit.convolution import Backend, Padding

_WHOLE = st.integers(-50, 50).map(float)
_IMAGES = arrays(np.float64, st.tuples(st.integers(5, 9), st.integers(5, 9)), elements=_WHOLE)
_KERNELS = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=_WHOLE)
_PADDINGS = st.sampled_from(list(Padding))
_BACKENDS = st.sampled_from(list(Backend))
# Sums of at most 81 products of whole numbers up to 2500: exact but for the FFT, whose error is below 1e-9.
_CLOSE = {"rtol": 0, "atol": 1e-9}


@given(_IMAGES, _KERNELS, st.integers(-9, 9), _PADDINGS, _BACKENDS)
def test_linear_in_the_image(image, kernel, scale, padding, backend) -> None:
    other = image[::-1].copy()
    options = {"padding": padding, "backend": backend}
    together = convolve(image + scale * other, kernel, **options)
    apart = convolve(image, kernel, **options) + scale * convolve(other, kernel, **options)
    np.testing.assert_allclose(together, apart, **_CLOSE)


@given(_IMAGES, _KERNELS, _PADDINGS, _BACKENDS)
def test_linear_in_the_kernel(image, kernel, padding, backend) -> None:
    other = kernel[::-1, ::-1]
    options = {"padding": padding, "backend": backend}
    together = convolve(image, kernel + 3 * other, **options)
    apart = convolve(image, kernel, **options) + 3 * convolve(image, other, **options)
    np.testing.assert_allclose(together, apart, **_CLOSE)


@given(_IMAGES, _KERNELS, st.integers(0, 8), st.integers(0, 8), _BACKENDS)
def test_shifting_a_circular_image_shifts_its_response(image, kernel, down, right, backend) -> None:
    options = {"padding": "circular", "backend": backend}
    shifted = convolve(np.roll(image, (down, right), (0, 1)), kernel, **options)
    expected = np.roll(convolve(image, kernel, **options), (down, right), (0, 1))
    np.testing.assert_allclose(shifted, expected, **_CLOSE)


@given(_KERNELS, _BACKENDS)
def test_an_impulse_gives_the_kernel_back_turned(kernel, backend) -> None:
    impulse = np.zeros((1, 1))
    impulse[0, 0] = 1.0
    padded = np.pad(impulse, ((kernel.shape[0] - 1,) * 2, (kernel.shape[1] - 1,) * 2))
    np.testing.assert_allclose(convolve(padded, kernel, backend=backend), kernel[::-1, ::-1], **_CLOSE)
    np.testing.assert_allclose(convolve(padded, kernel, backend=backend, flip=True), kernel, **_CLOSE)


@given(_IMAGES, _KERNELS, _PADDINGS, _BACKENDS)
def test_flipping_twice_is_not_flipping(image, kernel, padding, backend) -> None:
    options = {"padding": padding, "backend": backend}
    turned = convolve(image, kernel[::-1, ::-1], flip=True, **options)
    np.testing.assert_allclose(turned, convolve(image, kernel, **options), **_CLOSE)


@given(_IMAGES, _KERNELS, st.integers(1, 4), _PADDINGS, _BACKENDS)
def test_a_stride_keeps_every_nth_output(image, kernel, stride, padding, backend) -> None:
    options = {"padding": padding, "backend": backend}
    every = convolve(image, kernel, **options)
    np.testing.assert_allclose(convolve(image, kernel, stride=stride, **options), every[::stride, ::stride], **_CLOSE)


@given(_IMAGES, _KERNELS, _PADDINGS)
def test_auto_is_exact_on_whole_numbers(image, kernel, padding) -> None:
    np.testing.assert_array_equal(
        convolve(image, kernel, padding=padding), convolve(image, kernel, padding=padding, backend="naive")
    )


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        ("valid", [-2, -1]),
        ("zero", [-2, -2, -1, 3]),
        ("replicate", [-1, -2, -1, 0]),
        ("reflect", [0, -2, -1, 0]),
        ("symmetric", [-1, -2, -1, 0]),
        ("circular", [1, -2, -1, 2]),
        ("full", [-1, -2, -2, -1, 3, 3]),
    ],
)
def test_each_padding_on_a_row_worked_out_by_hand(padding: str, expected: list[float]) -> None:
    # Of the image 1 2 3 3 with the kernel 1 0 -1: y[j] = x[j - 1] - x[j + 1], laid on what continues the row.
    np.testing.assert_array_equal(convolve([[1, 2, 3, 3]], "1,0,-1", padding=padding), [expected])


@pytest.mark.parametrize("backend", list(Backend))
@pytest.mark.parametrize("kernel", [np.zeros((2, 3)), np.array([[0.0, 1, 0], [-1, 0, 2]]), np.ones((3, 1)), np.eye(1)])
def test_nothing_of_what_lay_in_memory_before_shows(backend: Backend, kernel: np.ndarray, monkeypatch) -> None:
    """Memory that is not asked to be zero holds anything; here it holds NaN."""
    empty = np.empty

    def littered(*arguments: object, **options: object) -> np.ndarray:
        memory = empty(*arguments, **options)
        if memory.dtype.kind in "fc":
            memory.fill(np.nan)
        return memory

    image = np.arange(99.0).reshape(9, 11)
    expected = convolve(image, kernel, backend="naive")
    monkeypatch.setattr(np, "empty", littered)
    np.testing.assert_allclose(convolve(image, kernel, backend=backend), expected, **_CLOSE)
