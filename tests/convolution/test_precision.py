"""How near float32 comes to float64, and that neither strips nor threads matter."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal

from convkit import convolve
from convkit.convolution import Backend, conv2d, embedding_bag, fft, matmul, separable, shift
from convkit.convolution.apply import apply
from convkit.convolution.backends import choose_backend
from convkit.convolution.convention import Convention
from convkit.convolution.separable import is_separable
from convkit.convolution.strips import Largest
from convkit.convolution.torch_threads import one_torch_thread
from convkit.errors import ConvkitError
from convkit.image import image_from_array
from convkit.kernel import Kernel

_SIDE = 330
_LOOKING = [backend for backend in Backend if backend not in (Backend.NAIVE, Backend.FFT)]


def _laplacian_of_gaussian(sigma: float, size: int) -> np.ndarray:
    u, v = np.mgrid[:size, :size] - size // 2
    radius = (u * u + v * v) / (2 * sigma * sigma)
    taps = (1 - radius) * np.exp(-radius)
    return taps - taps.mean()


def _images() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    smooth = scipy.ndimage.gaussian_filter(rng.standard_normal((_SIDE, _SIDE)), 12)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    ramp = np.add.outer(np.linspace(0.2, 0.6, _SIDE), np.linspace(0.1, 0.3, _SIDE))
    return {"noise": rng.random((_SIDE, _SIDE)), "smooth": smooth, "ramp": ramp, "bright": smooth / 100 + 0.98}


def _kernels() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    return {
        "sobel": np.outer([1.0, 2, 1], [1, 0, -1]),
        "laplacian": np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]),
        "uniform 7": rng.random((7, 7)),
        "normal 11": rng.standard_normal((11, 11)),
        "log 15": _laplacian_of_gaussian(2, 15),
        "gaussian 31": np.outer(*[np.exp(-((np.arange(31) - 15) ** 2) / 50)] * 2),
        "normal 63": rng.standard_normal((63, 63)),
    }


@pytest.mark.parametrize("image", _images())
@pytest.mark.parametrize("kernel", _kernels())
def test_auto_in_float32_is_within_a_millionth_of_float64(image: str, kernel: str) -> None:
    pixels, taps = _images()[image].astype(np.float32), _kernels()[kernel]
    exact = scipy.signal.oaconvolve(pixels.astype(np.float64), taps[::-1, ::-1], mode="valid")
    got = convolve(pixels, taps)
    assert got.dtype == np.float32
    assert np.abs(got - exact).max() <= 1e-6 * np.abs(exact).max() + 1e-15 * np.abs(taps).sum()


@pytest.mark.parametrize("backend", [backend for backend in Backend if backend not in (Backend.NAIVE, Backend.FFT)])
@pytest.mark.parametrize("size", [3, 9, 21])
def test_a_forced_direct_backend_where_nothing_cancels(backend: Backend, size: int, rng: np.random.Generator) -> None:
    image = rng.random((90, 120)).astype(np.float32)
    kernel = np.outer(rng.random(size), rng.random(size))
    exact = scipy.signal.correlate(image.astype(np.float64), kernel, mode="valid", method="direct")
    got = convolve(image, kernel, backend=backend)
    # Rounding errors of a sum of size² products grow with its length.
    assert np.abs(got - exact).max() <= 1e-6 * max(1, size / 15) * np.abs(exact).max()


def test_a_device_whose_memory_is_too_small_computes_in_strips(monkeypatch, caplog, rng) -> None:
    import torch

    whole = conv2d.correlate_tensor

    def small(image: "torch.Tensor", kernel: "torch.Tensor") -> "torch.Tensor":
        if len(image) > 20:
            raise torch.OutOfMemoryError
        return whole(image, kernel)

    monkeypatch.setattr(conv2d, "correlate_tensor", small)
    image, kernel = rng.random((100, 80)), rng.random((4, 5))
    response = np.empty((97, 76))
    conv2d._fill_on_device(response, image, kernel, "cpu")
    np.testing.assert_allclose(response, convolve(image, kernel, backend="naive"), rtol=1e-13)
    assert "in strips of 13 rows" in caplog.text


@pytest.mark.parametrize("size", [(3, 3), (5, 8), (31, 17)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cuda_gives_the_same_numbers(size, dtype, rng) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("this machine has no CUDA device")
    image, kernel = rng.random((300, 401)).astype(dtype), rng.random(size)
    exact = scipy.signal.correlate(image.astype(np.float64), kernel, mode="valid")
    got = convolve(image, kernel, device="cuda")
    assert np.abs(got - exact).max() <= (1e-6 if dtype == np.float32 else 1e-13) * exact.max()


def test_fft_of_many_tiles(rng: np.random.Generator) -> None:
    for dtype, tolerance in ((np.float32, 1e-6), (np.float64, 1e-13)):
        image = rng.random((500, 700)).astype(dtype)
        kernel = rng.random((23, 40)).astype(dtype)
        exact = scipy.signal.oaconvolve(image.astype(np.float64), kernel[::-1, ::-1].astype(np.float64), mode="valid")
        assert np.abs(fft.correlate(image, kernel) - exact).max() <= tolerance * exact.max()


@pytest.mark.parametrize("shape", [(256, 512), (270, 530), (800, 1600)])
@pytest.mark.parametrize("size", [(2, 47), (15, 15), (47, 3)])
def test_tiles_of_torch(shape: tuple[int, int], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, rng) -> None:
    torch = pytest.importorskip("torch")
    if not torch.backends.mkl.is_available():
        pytest.skip("this PyTorch comes without MKL")
    monkeypatch.setattr(fft, "_TORCH_SAMPLE", 0)
    monkeypatch.setattr(fft, "_tile_of_numpy", None)
    y, x = np.mgrid[: shape[0], : shape[1]]
    for image in (rng.random(shape), np.sin(0.8 * x + 0.9 * y)):
        image, kernel = image.astype(np.float32), rng.random(size, np.float32)
        exact = scipy.signal.correlate(image.astype(np.float64), kernel.astype(np.float64), "valid", method="fft")
        # Of every wave an FFT loses about 0.14 millionths of the largest gain, which of these kernels is their sum.
        within = 0.2e-6 * float(kernel.sum())
        np.testing.assert_allclose(fft.correlate(image, kernel), exact, rtol=0, atol=within)


def test_a_default_device_or_type_of_torch_is_none_of_ours() -> None:
    script = (
        "import numpy as np, torch, convkit\n"
        "torch.set_default_dtype(torch.float64); torch.set_default_device('meta')\n"
        "x = np.random.default_rng(0).random((2100, 2100), np.float32)\n"
        "for side in (3, 5, 15):\n"
        "    k = np.random.default_rng(side).standard_normal((side, side))\n"
        "    exact = convkit.convolve(x[:60, :70].astype(float), k, backend='shift')\n"
        "    found = convkit.convolve(x, k)[:len(exact), :exact.shape[1]]\n"
        "    for found in (found, convkit.convolve(x[:60, :70], k)):\n"
        "        assert found.dtype == np.float32 and np.abs(found - exact).max() < 1e-6 * np.abs(exact).max()\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


@pytest.mark.parametrize("side", [60, 1000])
@pytest.mark.parametrize("backend", [Backend.SEPARABLE, Backend.CONV2D, Backend.EMBEDDING_BAG, Backend.FFT])
def test_a_mode_of_torch_changes_no_bit(backend: Backend, side: int, rng) -> None:
    import torch

    image, kernel = rng.random((side, side), np.float32), np.outer(rng.random(5), rng.random(5))
    usual = convolve(image, kernel, backend=backend)
    for mode in (torch.inference_mode(), torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16)):
        with mode:
            np.testing.assert_array_equal(convolve(image, kernel, backend=backend), usual)


@pytest.mark.parametrize("shape", [(300, 300), (290, 570)])
def test_what_lies_beyond_an_image_costs_no_digits(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    # Stripes that a kernel nearly levels, up to the right and lower edges of tiles of 256x256.
    monkeypatch.setattr(fft, "tile_length", lambda *_: 256)
    image = np.where(np.mgrid[: shape[0], : shape[1]][1] // 4 % 2, np.float32(0.8), np.float32(-0.8))
    kernel = np.full((31, 31), 1 / 31**2)
    exact = scipy.signal.correlate(image.astype(np.float64), kernel, "valid")
    off = np.abs(fft.correlate(image, kernel.astype(np.float32)) - exact)
    # No tile loses much more than the first one, which is full.
    assert off.max() <= 2 * off[:226, :226].max()


def test_a_flat_picture_stays_flat() -> None:
    image = np.full((700, 700), np.float32(0.3))
    kernel = np.random.default_rng(0).random((41, 41))
    response = fft.correlate(image, kernel.astype(np.float32))
    assert response.min() == response.max()


@pytest.mark.parametrize("backend", _LOOKING)
@pytest.mark.parametrize("shape", [(3, 4), (37, 41), (1000, 530)])
def test_backends_see_the_largest_magnitudes(backend: Backend, shape: tuple[int, int], rng) -> None:
    image, seen = rng.standard_normal(shape), Largest()
    image[-1, -1] = -9.0
    backend.load(seen=seen)(image, np.outer([1.0, 2, 3], [3.0, 2, 1, 1]))
    assert seen.value == 9.0
    image[-1, 0] = np.nan
    again = Largest()
    backend.load(seen=again)(image, np.ones((3, 4)))
    assert np.isnan(again.value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "numbers",
    [[0.0], [-0.0], [-3.0], [-3.0, -0.5], [1.0, -2.0], [2.0, -1.0, -0.0], [1e-40, -0.0], [np.inf, 1.0], [-np.inf, 1.0]],
)
def test_the_largest_magnitude_is_read_off_the_bits(numbers: list[float], dtype) -> None:
    for more, expected in (([], np.abs(np.array(numbers, dtype)).max()), ([np.nan], np.nan), ([-np.nan], np.nan)):
        seen = Largest()
        seen.add(np.array(numbers + more, dtype))
        np.testing.assert_equal(seen.value, float(expected))


@pytest.mark.parametrize("shape", [(90, 120), (91, 122), (4, 200), (300, 7)])
def test_two_passes_with_numpy_alone(shape, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    import torch  # noqa: F401  for the passes with it

    image, kernel = rng.random(shape), np.outer(rng.random(4), rng.random(7))
    with_torch = separable.correlate(image, kernel)
    _without_torch(monkeypatch)
    exact = scipy.signal.correlate(image, kernel, mode="valid", method="direct")
    # Sums of 28 products below 1.
    np.testing.assert_allclose(separable.correlate(image, kernel), exact, rtol=0, atol=1e-13)
    np.testing.assert_allclose(with_torch, exact, rtol=0, atol=1e-13)


@pytest.mark.parametrize("backend", [backend for backend in Backend if backend is not Backend.FFT])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_whole_numbers_stay_whole(backend: Backend, dtype, rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (61, 83)).astype(dtype)
    kernel = np.outer([1, 4, 6, 4, 1], [-1, -2, 0, 2, 1]).astype(dtype)
    exact = scipy.signal.correlate(image.astype(np.int64), kernel.astype(np.int64), mode="valid")
    assert np.array_equal(backend.load()(image, kernel), exact)


@pytest.mark.parametrize("module", [shift, matmul, separable, fft, conv2d, embedding_bag])
def test_threads_and_strips_only_matter_to_rounding(module, monkeypatch, rng) -> None:
    image = rng.standard_normal((403, 517))
    _compare_strips(module, image, rng.standard_normal((5, 6)), monkeypatch)
    sparse = np.zeros((5, 6))
    sparse[[0, 2, 4], [5, 0, 3]] = 0.7
    _compare_strips(module, image, sparse, monkeypatch)


def _compare_strips(module, image: np.ndarray, kernel: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = module.correlate(image, kernel)
    for threads, shorter in ((1, 4), (3, 64)):
        monkeypatch.setattr(conv2d, "_ALONE", 0)
        monkeypatch.setattr(embedding_bag, "WHOLE", 0)
        monkeypatch.setattr("convkit.threads.thread_count", lambda threads=threads: threads)
        monkeypatch.setattr("convkit.convolution.strips.thread_count", lambda threads=threads: threads)
        for name in ("_STRIP", "_SCRATCH", "_PRODUCTS", "_TILE", "_TABLE"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, max(1, getattr(module, name) // shorter))
        # Sums of 30 products of order 1; the FFT's tiles shrink to those of five kernels.
        np.testing.assert_allclose(module.correlate(image, kernel), usual, rtol=0, atol=1e-13)
        monkeypatch.undo()


def _without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "modules", {name: m for name, m in sys.modules.items() if name != "torch"})


def test_each_backend_is_chosen_where_it_is_fastest(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    import torch  # noqa: F401  which decides

    large = (4096, 4096)
    for size in (3, 5, 9, 11, 13):
        assert choose_backend(large, rng.random((size, size), np.float32)) is Backend.CONV2D
    for side, size in ((30, 3), (250, 9), (500, 3), (500, 5), (1000, 3)):
        assert choose_backend((side, side), rng.random((size, size), np.float32)) is Backend.EMBEDDING_BAG
    assert choose_backend(large, rng.random((15, 15), np.float32)) is Backend.FFT
    # torch has no fast way to convolve in float64.
    for size, expected in ((5, Backend.MATMUL), (7, Backend.MATMUL), (15, Backend.FFT)):
        assert choose_backend(large, rng.random((size, size))) is expected
    _without_torch(monkeypatch)
    for size, expected in ((5, Backend.MATMUL), (9, Backend.MATMUL), (15, Backend.FFT)):
        assert choose_backend(large, rng.random((size, size), np.float32)) is expected
    assert choose_backend(large, np.outer([1.0, 2, 1], [1, 0, -1])) is Backend.SHIFT
    assert choose_backend(large, rng.random((3, 3))) is Backend.SHIFT
    assert choose_backend(large, np.ones((31, 31), np.float32)) is Backend.SEPARABLE
    assert choose_backend(large, rng.random((63, 63))) is Backend.FFT
    assert choose_backend((6, 8), rng.random((3, 3))) is Backend.SHIFT


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounded_products_of_a_column_and_a_row_are_separable(dtype, rng: np.random.Generator) -> None:
    for height, width in rng.integers(2, 40, (300, 2)):
        column = rng.standard_normal(height) * 10 ** rng.uniform(-3, 3, height)
        kernel = np.outer(column, rng.standard_normal(width)).astype(dtype)
        assert is_separable(kernel)
        kernel.flat[np.abs(kernel).argmin()] += 20 * np.finfo(dtype).eps * np.abs(kernel).max()
        assert not is_separable(kernel)


@pytest.mark.parametrize("cancelling", [False, True])
@pytest.mark.parametrize("width", [10, 11, 14, 32, 58])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 3), (4, 2), (5, 4), (9, 9), (11, 5), (6, 10)])
def test_conv2d_of_an_image_as_it_lies_and_of_a_copy(monkeypatch, size, width: int, cancelling: bool, rng) -> None:
    monkeypatch.setattr(conv2d, "_STRIP", 200)  # several strips, the last one not of whole blocks
    monkeypatch.setattr(conv2d, "_ALONE", 0)
    monkeypatch.setattr(conv2d, "_LARGE", 0)
    kernel = rng.random(size) - (0.5 if cancelling else 0)
    for height in (11, 29, 40):
        image = rng.random((height, width))
        exact = scipy.signal.correlate(image, kernel, "valid")
        before = image.copy()
        locked = image.copy()
        locked.flags.writeable = False
        for given in (image, locked, np.asfortranarray(image), np.repeat(image, 2, axis=1)[:, ::2]):
            np.testing.assert_allclose(conv2d.correlate(given, kernel), exact, rtol=0, atol=1e-13)
        np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("table", [1, 4000, 1 << 22])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 3), (4, 2), (9, 9), (37, 41)])
def test_embedding_bag_of_a_table_and_of_several(monkeypatch: pytest.MonkeyPatch, size, table: int, dtype, rng) -> None:
    monkeypatch.setattr(embedding_bag, "WHOLE", table)
    monkeypatch.setattr(embedding_bag, "_TABLE", table)
    image, kernel = rng.standard_normal((37, 41)).astype(dtype), rng.standard_normal(size).astype(dtype)
    locked = image.copy()
    locked.flags.writeable = False
    for taps in (kernel, np.where(rng.random(size) < 0.5, kernel, 0), 0 * kernel):
        exact = scipy.signal.correlate(image.astype(np.float64), taps.astype(np.float64), "valid", method="direct")
        # Half a unit of the last place for each product, of the sum of all magnitudes at most.
        within = taps.size * np.finfo(dtype).eps / 2 * np.abs(taps).sum() * np.abs(image).max()
        for given in (image, locked, np.asfortranarray(image), np.repeat(image, 2, axis=1)[:, ::2]):
            found = embedding_bag.correlate(given, taps)
            assert found.dtype == dtype
            np.testing.assert_allclose(found, exact, rtol=0, atol=within)


def test_equal_taps_on_a_flat_picture_stay_within_a_millionth(rng: np.random.Generator) -> None:
    # Each addition errs in the same direction, so that the errors of a long sum of equal numbers pile up.
    image = np.kron(rng.choice([-1, 1], (8, 8)) * rng.uniform(0.5, 1, (8, 8)), np.ones((32, 32))).astype(np.float32)
    for side in range(3, 16):
        kernel = np.full((side, side), 1 / side**2, np.float32)
        exact = scipy.signal.correlate(image.astype(np.float64), kernel.astype(np.float64), "valid")
        response = conv2d.correlate(image, kernel)
        assert np.abs(response - exact).max() <= 1e-6 * np.abs(exact).max()


def test_waves_stripes_and_flat_pictures_stay_within_a_millionth(rng: np.random.Generator) -> None:
    y, x = np.mgrid[:300, :300]
    v, u = np.mgrid[:33, :33] - 16.0
    gaussian = np.exp(-(u**2 + v**2) / 87)
    random = rng.random((33, 33))
    for image, kernel in (
        (0.5 + 0.3 * np.sin(0.3 * x + 0.3 * y), gaussian - gaussian.mean()),  # FFTs round at few frequencies
        (np.where(x // 4 % 2, 0.8, -0.8), random / random.sum()),
        (np.full((44, 38), 0.7), np.ones((38, 38))),  # a long sum of equal products
    ):
        image = image.astype(np.float32)
        exact = scipy.signal.correlate(image.astype(np.float64), kernel, "valid", method="direct")
        assert np.abs(convolve(image, kernel) - exact).max() <= 1e-6 * np.abs(exact).max()


@pytest.mark.parametrize("way", ["with torch", "without torch", "fft"])
def test_halves_of_a_kernel_that_meet_stripes_stay_within_a_millionth(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the taps add up all one way before the others take it back."""
    import torch  # noqa: F401  which decides

    if way == "without torch":
        _without_torch(monkeypatch)
    if way == "fft":
        monkeypatch.setattr("convkit.convolution.apply.choose_backend", lambda *_, **__: Backend.FFT)
    for size, seed in ((5, 1), (5, 7), (7, 3), (7, 4), (9, 1), (11, 0), (13, 1)):
        rng = np.random.default_rng(seed)
        taps, half = rng.random(size**2) + 0.2, size**2 // 2
        down, across = np.mgrid[:384, :1024]
        images = [axis // rng.integers(1, 9) % 2 for axis in (across, down)] + [(across // 3 + down // 4) % 2]
        for image in images:
            image = (np.where(image, 1, -0.8) * rng.uniform(0.9, 1, image.shape)).astype(np.float32)
            for rest in (-1, -0.5):
                kernel = np.r_[taps[: half + 1], rest * taps[half + 1 :]].reshape(size, size)
                for turned in (kernel, kernel.T):
                    exact = scipy.signal.oaconvolve(image.astype(np.float64), turned[::-1, ::-1], mode="valid")
                    off = np.abs(convolve(image, turned) - exact).max()
                    assert off <= 1e-6 * np.abs(exact).max()


def test_a_large_kernel_on_a_large_image_needs_no_torch() -> None:
    script = (
        "import sys, numpy as np, convkit\n"
        "convkit.convolve(np.ones((900, 900), np.float32), np.random.default_rng(0).random((63, 63)))\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("backend", list(Backend))
def test_one_column_and_one_row_whatever_their_strides(backend: Backend) -> None:
    column = np.arange(24.0).reshape(4, 6)[:, 3:4]
    for image in (column[:, ::-1], column[::-1, ::100], column.T[::-1], np.asfortranarray(column)):
        kernel = np.array([[2.0]])
        np.testing.assert_array_almost_equal(convolve(image, kernel, backend=backend), 2 * image, decimal=12)


def test_what_float32_cannot_hold_is_refused_by_every_backend() -> None:
    cases = [
        (np.full((20, 22), 1e38, np.float32), np.full((3, 3), 1e6)),
        (np.ones((9, 9), np.float32), np.full((3, 3), 1e39)),
        (np.full((9, 9), 1e300), np.ones((3, 3))),
    ]
    for backend in ["auto", *Backend]:
        for image, kernel in cases:
            with pytest.raises(ConvkitError, match="response float32 can hold"):
                convolve(image, kernel, backend=backend, dtype="float32")


@pytest.mark.parametrize("backend", [Backend.SHIFT, Backend.MATMUL, Backend.SEPARABLE, Backend.CONV2D])
def test_numbers_next_to_the_largest_are_no_larger_without_their_gray(backend: Backend, rng) -> None:
    largest = np.finfo(np.float32).max
    image = np.where(rng.random((40, 50)) < 0.55, largest, -largest).astype(np.float32)
    exact = scipy.signal.correlate(image.astype(np.float64), np.full((3, 3), 1 / 9), mode="valid", method="direct")
    # The sum of nine products of one size is off by nine half units of the last place at most, their taps by as much.
    within = 9 * 2.0**-24 * float(largest)
    got = convolve(image, np.full((3, 3), 1 / 9), backend=backend).astype(np.float64)
    np.testing.assert_allclose(got, exact, rtol=0, atol=2 * within)


def test_only_what_all_rows_show_to_be_lost_is_computed_again() -> None:
    import torch  # noqa: F401  which takes another backend than float64 does

    # The response is large in few rows, and a flat picture leaves nothing in the others.
    image, kernel = np.full((400, 400), np.float32(0.7)), np.outer([1.0, 2, 1], [1, 0, -1])
    image[211, 200:] = -0.7
    response, chosen = apply(image_from_array(image), Kernel.of(kernel), Convention())
    assert chosen is choose_backend(response.shape, kernel.astype(np.float32))
    exact = scipy.signal.correlate(image.astype(np.float64), kernel, "valid", method="direct")
    assert np.abs(response - exact).max() <= 1e-6 * np.abs(exact).max()


@pytest.mark.parametrize("backend", list(Backend))
def test_sums_on_the_way_may_be_larger_than_what_they_come_to(backend: Backend) -> None:
    image = np.full((9, 9), np.float32(1e38))
    kernel = np.array([[0.0, 0.1, 0.0], [0.1, 0.1, 0.1], [0.0, 0.1, 0.0]])
    np.testing.assert_allclose(convolve(image, kernel, backend=backend), 0.5e38, rtol=1e-6)


def test_an_axis_of_one_pixel_may_have_any_step() -> None:
    image = np.arange(8, dtype=np.float32)
    for backend in Backend:
        np.testing.assert_allclose(
            convolve(image[None][::-1], np.ones((1, 3)), backend=backend)[0], range(3, 21, 3), rtol=1e-6
        )
        np.testing.assert_allclose(
            convolve(image[:, None][:, ::-1], np.ones((3, 1)), backend=backend)[:, 0], range(3, 21, 3), rtol=1e-6
        )


@pytest.mark.parametrize("backend", list(Backend))
def test_a_tap_that_float32_cannot_hold_is_refused(backend: Backend) -> None:
    with pytest.raises(ConvkitError, match="response float32 can hold"):
        convolve(np.zeros((4, 4), np.float32), [[1e39, 1.0]], backend=backend)


def test_an_fft_of_large_numbers_is_right(rng: np.random.Generator) -> None:
    image, kernel = (rng.random((300, 300)) * 1e37).astype(np.float32), rng.random((3, 3)) / 9
    exact = scipy.signal.correlate(image.astype(np.float64), kernel, "valid", method="direct")
    np.testing.assert_allclose(convolve(image, kernel, backend="fft"), exact, rtol=1e-5)


def test_a_forked_child_convolves() -> None:
    # libgomp's threads do not go on in a child, which would wait for them.
    script = (
        "import numpy as np, torch, convkit, multiprocessing\n"
        "from convkit.convolution import fft\n"
        "fft._TORCH_SAMPLE = 0\n"
        "x, k = np.random.rand(700, 700).astype('f4'), np.random.rand(7, 7)\n"
        "ways = [(y, b) for y in (x, x[:300, :300]) for b in ('fft', 'conv2d', 'embedding_bag')]\n"
        "def job(_): return [convkit.convolve(y, k, backend=b).sum() for y, b in ways]\n"
        "here = job(0)\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool: assert pool.map(job, range(4)) == 4 * [here]\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, timeout=120)


def test_torch_has_its_threads_back_after_several_of_ours() -> None:
    import torch

    usual = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        inside, leave = threading.Barrier(3), threading.Event()

        def hold() -> None:
            with one_torch_thread():
                inside.wait(10)
                leave.wait(10)

        holders = [threading.Thread(target=hold) for _ in range(2)]
        for holder in holders:
            holder.start()
        inside.wait(10)
        with one_torch_thread():
            assert torch.get_num_threads() == 1
        leave.set()
        for holder in holders:
            holder.join()
        assert torch.get_num_threads() == 3
        found: list[int] = []
        new = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        new.start()
        new.join()
        assert found == [3]
    finally:
        torch.set_num_threads(usual)
