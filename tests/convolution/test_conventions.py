"""Each convention pinned by an impulse image and an asymmetric, non-square kernel."""

import numpy as np
import pytest

from convkit import ConvkitError, convolve
from convkit.convolution import Convention, Padding
from convkit.errors import ShapeError

# The lesson's own example, as printed in it.
_IMAGE = "2,1,0,2,3; 9,5,4,2,0; 2,3,4,5,6; 1,2,3,1,0; 0,4,4,2,8"
_EXPECTED = [[34, 22, 16, 7], [18, 22, 25, 28], [11, 17, 14, 8], [14, 23, 15, 28]]


@pytest.mark.parametrize("backend", ["auto", "naive", "shift", "conv2d"])
def test_the_lessons_matrix(backend: str) -> None:
    np.testing.assert_array_equal(convolve(_IMAGE, "0,1;2,3", backend=backend), _EXPECTED)


def test_the_lessons_edge_image() -> None:
    np.testing.assert_array_equal(convolve("edges", "1,-1"), np.tile([0, 0, 1, 0, 0, 0, -1.0], (6, 1)))


def test_any_random_image_and_kernel_beside_numpy_and_torch(rng: np.random.Generator) -> None:
    import torch

    for n, k in [(6, 2), (11, 4), (24, 7)]:
        image, kernel = rng.random((n, n)), rng.random((k, k))
        windows = np.lib.stride_tricks.sliding_window_view(image, (k, k))
        by_numpy = np.einsum("ijuv,uv->ij", windows, kernel)
        by_torch = torch.nn.functional.conv2d(torch.tensor(image)[None, None], torch.tensor(kernel)[None, None])
        got = convolve(image, kernel, backend="naive")
        assert got.shape == (n - k + 1, n - k + 1)
        np.testing.assert_allclose(got, by_numpy, rtol=1e-13)
        np.testing.assert_allclose(got, by_torch[0, 0].numpy(), rtol=1e-13)


def test_a_centred_impulse_shows_where_taps_go() -> None:
    impulse = np.zeros((5, 7))
    impulse[2, 3] = 1
    kernel = np.array([[1.0, 2, 3], [4, 5, 6]])
    # Correlation lays the kernel turned by 180° around the impulse; the even side has 0 rows before, 1 after.
    expected = np.zeros((5, 7))
    expected[1:3, 2:5] = kernel[::-1, ::-1]
    np.testing.assert_array_equal(convolve(impulse, kernel, padding="zero"), expected)
    expected[1:3, 2:5] = kernel
    np.testing.assert_array_equal(convolve(impulse, kernel, padding="zero", flip=True), expected)


def test_offset_is_that_of_the_formula(rng: np.random.Generator) -> None:
    image = rng.random((8, 9))
    kernel = rng.random((4, 3))
    for padding in (Padding.VALID, Padding.ZERO, Padding.FULL):
        for stride in (1, 2):
            convention = Convention(padding, stride)
            o0, o1 = convention.offset(kernel.shape)
            got = convolve(image, kernel, padding=padding, stride=stride)
            extended = np.pad(image, 5)
            for i, j in np.ndindex(*got.shape):
                top, left = stride * i + o0 + 5, stride * j + o1 + 5
                window = extended[top : top + 4, left : left + 3]
                assert got[i, j] == pytest.approx(float((window * kernel).sum()), abs=1e-6)


def test_float_types() -> None:
    assert convolve(np.ones((3, 3), np.uint8), "1,1").dtype == np.float32
    assert convolve(np.ones((3, 3), np.float16), "1,1").dtype == np.float32
    assert convolve(np.ones((3, 3)), "1,1").dtype == np.float64
    assert convolve(np.ones((3, 3)), "1,1", dtype="float32").dtype == np.float32
    assert convolve(np.ones((3, 3), bool), "1,1", dtype=np.float64).dtype == np.float64


def test_a_kernels_own_bias_is_added() -> None:
    np.testing.assert_allclose(convolve(np.zeros((3, 3)), "pillow/emboss"), [[128 / 255]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"padding": "reflext"}, "got 'reflext'; try --padding reflect"),
        ({"padding": "constant "}, None),
        ({"backend": "conv2"}, "got 'conv2'; try --backend conv2d"),
        ({"stride": 0}, "got '0'"),
        ({"device": "tpu"}, "got 'tpu'"),
        ({"dtype": "int8"}, "got 'int8'"),
    ],
)
def test_settings_out_of_range(options: dict[str, object], message: str | None) -> None:
    if message is None:
        convolve("edges", "1,-1", **options)
        return
    with pytest.raises(ConvkitError, match=message):
        convolve("edges", "1,-1", **options)


@pytest.mark.parametrize("padding", list(Padding))
def test_a_kernel_larger_than_the_image(padding: Padding) -> None:
    with pytest.raises(ConvkitError, match=r"no larger than the image \(6x8\); got a 7x3 kernel"):
        convolve("edges", np.ones((7, 3)), padding=padding)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.ones((2, 2, 3)), r"shape \(2, 2, 3\)"),
        (np.ones(4), r"shape \(4,\)"),
        (np.ones((0, 4)), r"shape \(0, 4\)"),
        (np.array([[1.0, np.nan]]), "NaN or infinity"),
        (np.array([[1.0 + 1j]]), "complex128"),
        (np.array([["a"]]), "dtype <U1"),
    ],
)
def test_arrays_that_are_no_image(image: np.ndarray, message: str) -> None:
    with pytest.raises(ConvkitError, match=message):
        convolve(image, "1")


def test_a_read_only_memory_map(tmp_path, rng: np.random.Generator) -> None:
    np.save(tmp_path / "x.npy", rng.random((20, 30)))
    image = np.load(tmp_path / "x.npy", mmap_mode="r")
    for backend in ("shift", "conv2d", "fft", "naive"):
        np.testing.assert_allclose(
            convolve(image, "sobel", backend=backend), convolve(np.array(image), "sobel"), atol=1e-14
        )


def test_asking_for_cuda_where_there_is_none() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(ConvkitError, match="got none on this machine; try --device cpu"):
        convolve("edges", "1,-1", device="cuda")


@pytest.mark.parametrize("padding", list(Padding))
@pytest.mark.parametrize("kernel", ["box:3x6", "box:6x3"])
def test_a_kernel_larger_than_the_image_is_refused_whatever_lies_around_it(padding: Padding, kernel: str) -> None:
    with pytest.raises(ShapeError, match=r"no larger than the image \(5x5\)"):
        convolve(np.ones((5, 5)), kernel, padding=padding)
