"""Normal equations beside explicit matrices: every convention, every path, and the laws they obey."""

import subprocess
import sys
import tracemalloc
from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from convkit import threads
from convkit.errors import ImageError
from convkit.recovery import (
    NormalEquations,
    autocorrelation,
    autocorrelation_on_device,
    observations,
    patches,
    plane,
    summary,
    windows,
)

SIZES = [(3, 3), (2, 4), (4, 3), (1, 5), (5, 1), (1, 1)]
PADDINGS = {
    "valid": None,
    "zero": "constant",
    "full": "constant",
    "replicate": "edge",
    "reflect": "reflect",
    "symmetric": "symmetric",
    "circular": "wrap",
}


def dense(image, size, padding="valid", stride=1, *, flip=False, bias=True) -> tuple[np.ndarray, tuple[int, int]]:
    """The matrix X, row by row, and the shape of the response."""
    kh, kw = size
    if padding == "full":
        image = np.pad(image, [(kh - 1, kh - 1), (kw - 1, kw - 1)])
    elif padding != "valid":
        image = np.pad(image, [((kh - 1) // 2, kh // 2), ((kw - 1) // 2, kw // 2)], mode=PADDINGS[padding])
    shape = (image.shape[0] - kh) // stride + 1, (image.shape[1] - kw) // stride + 1
    rows = []
    for i, j in product(range(shape[0]), range(shape[1])):
        patch = image[stride * i : stride * i + kh, stride * j : stride * j + kw]
        rows.append([*(patch[::-1, ::-1] if flip else patch).ravel(), *([1.0] if bias else [])])
    return np.array(rows), shape


def assert_same(found: NormalEquations, rows: np.ndarray, response: np.ndarray) -> None:
    """Compare with a matrix and a vector, relative to the largest number of each."""
    for ours, theirs in (
        (found.gram, rows.T @ rows),
        (found.moment, rows.T @ response),
        (found.energy, response @ response),
    ):
        assert_allclose(ours, theirs, rtol=0, atol=1e-13 * max(1.0, np.abs(theirs).max()))
    assert found.count == len(rows)
    assert_array_equal(found.moments, found.moments.T)


@pytest.fixture(params=["patches", "windows", "torch", "cuda"])
def path(request, monkeypatch) -> str:
    """Every way, whichever would be faster; that of a device on the processor too, where torch does the same."""
    monkeypatch.setattr(observations, "_windows_pay", lambda *_: request.param != "patches")
    if request.param in ("torch", "cuda"):
        import torch

        if request.param == "cuda" and not torch.cuda.is_available():
            pytest.skip("this machine has no CUDA device")
        device = "cpu" if request.param == "torch" else "cuda"
        monkeypatch.setattr(
            windows, "correlate_planes", partial(autocorrelation_on_device.correlate_on_device, device=device)
        )
        monkeypatch.setattr(autocorrelation_on_device, "_ROWS", 7)
    return request.param


def test_a_device_is_asked_for_by_name(monkeypatch, rng: np.random.Generator) -> None:
    asked = []
    real = autocorrelation_on_device.correlate_on_device
    monkeypatch.setattr(observations, "_windows_pay", lambda *_: True)
    monkeypatch.setattr(
        windows, "correlate_on_device", lambda *given: asked.append(given[3]) or real(*given[:3], "cpu")
    )
    image = rng.random((40, 50))
    here, there = (NormalEquations.of(image, image[2:, 2:], (3, 3), device=device) for device in ("cpu", "cuda"))
    assert asked == ["cuda"]
    assert_allclose(there.moments, here.moments, rtol=0, atol=1e-11)


def test_a_device_with_little_memory_gets_narrower_strips(monkeypatch, caplog, rng: np.random.Generator) -> None:
    import torch

    real = autocorrelation_on_device._Strips.__init__

    def cramped(self, image, target, size, device, rows) -> None:
        if rows > 20:
            raise torch.OutOfMemoryError
        real(self, image, target, size, device, rows)

    monkeypatch.setattr(autocorrelation_on_device._Strips, "__init__", cramped)
    image = rng.random((120, 50))
    planes = [
        plane.Plane("", values, np.arange(values.shape[0]), np.arange(values.shape[1]))
        for values in (image, image[4:, 4:])
    ]
    found = autocorrelation_on_device.correlate_on_device(*planes, (5, 5), "cpu")
    assert "in strips of 15 rows" in caplog.text
    assert_allclose(found.lags, autocorrelation.correlate_planes(*planes, (5, 5)).lags, rtol=1e-12)


@pytest.fixture
def small_tiles(monkeypatch) -> None:
    """Several tiles, strips, blocks and chunks in a small image."""
    monkeypatch.setattr(autocorrelation, "_LENGTH", 8)
    monkeypatch.setattr(windows, "_TILES_AT_ONCE", 2)
    monkeypatch.setattr(patches, "_BLOCK_WINDOWS", 50)
    monkeypatch.setattr(summary, "_STRIP", 64)


@pytest.mark.parametrize(
    ("path", "stride"),
    [("windows", 1), ("torch", 1), ("cuda", 1), ("patches", 1), ("patches", 2), ("patches", 3)],
    indirect=["path"],
)
@pytest.mark.parametrize("padding", PADDINGS)
def test_against_explicit_matrices(padding: str, stride: int, path: str, rng: np.random.Generator) -> None:
    image = 0.5 + rng.random((7, 8))
    for size, flip, bias, masked in product(SIZES, (False, True), (False, True), (False, True)):
        rows, shape = dense(image, size, padding, stride, flip=flip, bias=bias)
        target = rng.random(shape) - 3
        mask = rng.random(shape) < 0.7 if masked else None
        if masked:
            mask.flat[0] = True
        found = NormalEquations.of(image, target, size, padding=padding, stride=stride, flip=flip, bias=bias, mask=mask)
        used = np.ones(shape, bool) if mask is None else mask
        assert_same(found, rows[used.ravel()], target[used])
        assert (found.size, found.padding, found.stride, found.flip) == (size, padding, stride, flip)
        assert found.target_range == (target[used].min(), target[used].max())


@pytest.mark.parametrize("size", [(3, 4), (1, 3), (4, 1), (5, 5)])
@pytest.mark.parametrize("shape", [(5, 120), (120, 5), (41, 67)])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.usefixtures("small_tiles")
def test_many_tiles(size, shape, masked: bool, path: str, rng: np.random.Generator) -> None:
    image = rng.random(shape)
    for padding in ("valid", "zero", "reflect"):
        rows, responses = dense(image, size, padding)
        target = rng.random(responses)
        mask = rng.random(responses) < 0.9
        found = NormalEquations.of(image, target, size, padding=padding, mask=mask if masked else None)
        used = mask if masked else np.ones(responses, bool)
        assert_same(found, rows[used.ravel()], target[used])


@pytest.mark.usefixtures("small_tiles")
def test_a_last_tile_as_short_as_an_overlap(path: str, rng: np.random.Generator) -> None:
    # Lags of 7 pixels: tiles begin every 50 outputs, and both the last one and its overlap are transformed as 15.
    image = rng.random((108, 108))
    rows, responses = dense(image, (8, 8))
    assert responses == (101, 101)
    target = rng.random(responses)
    assert_same(NormalEquations.of(image, target, (8, 8)), rows, target.ravel())


@pytest.mark.parametrize(("shape", "size"), [((700, 800), (9, 8)), ((900, 40), (31, 3)), ((60, 90), (41, 31))])
def test_windows_beside_patches_at_full_size(monkeypatch, shape, size, rng: np.random.Generator) -> None:
    image = np.cumsum(rng.standard_normal(shape), axis=0)
    target = image[size[0] - 1 :, size[1] - 1 :] ** 2
    found = []
    for pays in (True, False):
        monkeypatch.setattr(observations, "_windows_pay", lambda *_, pays=pays: pays)
        found.append(NormalEquations.of(image, target, size).moments)
    scale = np.sqrt(np.diag(found[1]))
    assert np.abs((found[0] - found[1]) / np.outer(scale, scale)).max() < 1e-13


def test_faster_way_is_taken(monkeypatch, rng: np.random.Generator) -> None:
    taken = []
    for name in ("windows", "patches"):
        monkeypatch.setattr(observations, f"add_{name}", lambda *_, name=name, **options: taken.append((name, options)))
    image = rng.random((300, 300))
    of = {"image": image, "target": image[10:, 10:], "size": (11, 11)}
    NormalEquations.of(**of)
    few, many = rng.random((2, 290, 290)) < [[[0.05]], [[0.95]]]
    NormalEquations.of(**of, mask=many)
    NormalEquations.of(**of, mask=few)
    NormalEquations.of(image, image[4::2, 4::2], (5, 5), stride=2)
    NormalEquations.of(image[:20, :20], image[10:20, 10:20], (11, 11))
    assert [name for name, _ in taken] == ["windows", "windows", "patches", "patches", "patches", "patches"]
    assert taken[2][1]["sign"] == -1


def test_pixels_that_no_used_output_sees_do_not_matter(path: str, rng: np.random.Generator) -> None:
    clean = rng.random((30, 40))
    mask = np.ones((28, 38), bool)
    mask[10:20, 5:25] = False
    target = rng.random(mask.shape)
    rows, _ = dense(clean, (3, 3))
    for rubbish in (np.nan, np.inf, 1e300):
        image, response = clean.copy(), target.copy()
        image[12:20, 7:25] = rubbish  # the windows of the outputs used reach up to here
        response[~mask] = rubbish
        found = NormalEquations.of(image, response, (3, 3), mask=mask)
        assert_same(found, rows[mask.ravel()], target[mask])
        used = np.isfinite(image) & (image < 2)
        assert found.image_range == (clean[used].min(), clean[used].max())
    # Behind the last window of a stride, too.
    image = clean.copy()
    image[-1], image[:, -2:] = np.nan, np.nan
    rows, shape = dense(clean, (2, 2), stride=3)
    assert_same(NormalEquations.of(image, np.ones(shape), (2, 2), stride=3), rows, np.ones(len(rows)))


def test_padding_brings_no_pixels_of_its_own_into_the_range() -> None:
    image = np.full((4, 5), 7.0)
    image[2, 2] = 9.0
    found = NormalEquations.of(image, image, (3, 3), padding="zero")
    assert found.image_range == (7.0, 9.0)
    far = np.zeros((4, 5), bool)
    far[0, 0] = True
    assert NormalEquations.of(image, image, (3, 3), padding="zero", mask=far).image_range == (7.0, 7.0)
    image[3, 4] = np.nan  # opposite to the only output, so next to it
    with pytest.raises(ImageError, match="row 3, column 4 of the image"):
        NormalEquations.of(image, np.ones((4, 5)), (3, 3), padding="circular", mask=far)


def test_a_mean_of_a_million_deviations_costs_no_digits(path: str, rng: np.random.Generator) -> None:
    # Whole numbers, so that the large image holds exactly the small one plus a constant.
    small = rng.integers(0, 16, (60, 50)).astype(np.float64)
    target = small[2:, 2:] * 3
    far = NormalEquations.of(small + 1e7, target - 1e8, (3, 3))
    rows, _ = dense(small, (3, 3), bias=False)
    rows, y = rows - rows.mean(axis=0), target.ravel() - target.mean()
    found = far.centred()
    assert_allclose(found.gram, rows.T @ rows, rtol=0, atol=1e-12 * np.abs(rows.T @ rows).max())
    assert_allclose(found.moment, rows.T @ y, rtol=0, atol=1e-12 * np.abs(rows.T @ y).max())
    assert found.energy == pytest.approx(y @ y, rel=1e-12)
    taps = np.linalg.solve(found.gram, found.moment)
    assert_allclose(taps, [0] * 8 + [3], atol=1e-12)
    assert found.target_mean - found.patch_mean @ taps == pytest.approx(-1e8 - 3e7, rel=1e-12)


def test_whole_numbers_stay_whole(rng: np.random.Generator) -> None:
    image, target = rng.integers(0, 256, (20, 30), np.uint8), rng.integers(0, 65536, (18, 29), np.uint16)
    found = NormalEquations.of(image, target, (3, 2))
    rows, _ = dense(image.astype(int), (3, 2))
    assert_array_equal(found.gram, rows.T @ rows)
    assert_array_equal(found.moment, rows.T @ target.ravel())
    assert found.image_shift == round(found.image_shift)


def test_shift_may_be_chosen_and_changes_nothing_but_digits(path: str, rng: np.random.Generator) -> None:
    image, target = rng.random((12, 13)), rng.random((10, 11))
    found = NormalEquations.of(image, target, (3, 3), shift=(0.25, -4))
    assert (found.image_shift, found.target_shift) == (0.25, -4.0)
    assert_same(found, dense(image, (3, 3))[0], target.ravel())


@pytest.mark.parametrize("dtype", ["?", "u1", ">i2", "<u4", "i8", "f2", ">f4", "f8", "g"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_real_type(dtype: str, order: str, path: str, rng: np.random.Generator) -> None:
    image = np.asarray(rng.integers(0, 2 if dtype == "?" else 100, (9, 10)).astype(dtype), order=order)
    target = np.asarray(rng.integers(0, 2, (8, 8)).astype(dtype), order=order)
    found = NormalEquations.of(image, target, (2, 3))
    assert_same(found, dense(image.astype(float), (2, 3))[0], target.astype(float).ravel())
    assert found.image_range == (float(image.min()), float(image.max()))


def test_mapped_files_are_read_in_pieces(tmp_path, monkeypatch, rng: np.random.Generator) -> None:
    monkeypatch.setattr(autocorrelation, "_LENGTH", 64)
    monkeypatch.setattr(observations, "_windows_pay", lambda *_: True)
    peaks = []
    for height in (1000, 8000):
        path = tmp_path / f"{height}.npy"
        np.save(path, rng.integers(0, 256, (height, 300), np.uint8))
        image = np.load(path, mmap_mode="r")
        assert isinstance(image, np.memmap)
        tracemalloc.start()
        found = NormalEquations.of(image, image[2:, 2:], (3, 3))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert found.moments[8, 10] == pytest.approx(found.moments[8, 8])
    # A whole image in float64 would be 19 MB. What grows are the numbers of its rows and the list of its tiles; how
    # many tiles are held at once depends on how the threads happen to meet.
    assert peaks[1] < peaks[0] + 4e6
    assert peaks[1] < 8e6


@pytest.mark.parametrize("masked", [False, True])
def test_number_of_threads_does_not_change_a_bit(monkeypatch, masked: bool, rng: np.random.Generator) -> None:
    monkeypatch.setattr(autocorrelation, "_LENGTH", 32)
    monkeypatch.setattr(observations, "_windows_pay", lambda *_: True)
    image, mask = rng.random((150, 170)), rng.random((146, 168)) < 0.9
    found = []
    for processors in (1, 2, 7):
        monkeypatch.setattr(threads, "thread_count", lambda processors=processors: processors)
        found.append(NormalEquations.of(image, image[4:, 2:], (5, 3), mask=mask if masked else None))
    for other in found[1:]:
        assert_array_equal(found[0].moments, other.moments)
        assert found[0].image_shift == other.image_shift


def test_what_cannot_identify_a_kernel_is_an_answer(path: str) -> None:
    flat = NormalEquations.of(np.full((6, 6), 0.1), np.full((4, 4), 0.7), (3, 3)).centred()
    assert not flat.gram.any()
    assert not flat.moment.any()
    assert (flat.energy, flat.patch_mean[0], flat.target_mean) == (0.0, 0.1, 0.7)
    one = NormalEquations.of([[1.0, 2.0], [3.0, 4.0]], [[5.0]], (2, 2))
    assert one.count == 1
    assert_allclose(one.gram[-1], [1, 2, 3, 4, 1])


@pytest.mark.usefixtures("small_tiles")
def test_tiles_of_one_image_add_up(path: str, rng: np.random.Generator) -> None:
    kh, kw = size = 3, 4
    image = np.cumsum(rng.standard_normal((40, 50)), axis=0)  # tiles of different means
    target = rng.random((38, 47))
    parts = [
        NormalEquations.of(
            image[top : top + height + kh - 1, left : left + width + kw - 1],
            target[top : top + height, left : left + width],
            size,
        )
        for top, height in ((0, 10), (10, 1), (11, 27))
        for left, width in ((0, 20), (20, 27))
    ]
    whole, total = NormalEquations.of(image, target, size), parts[0]
    for part in parts[1:]:
        total += part
    assert_same(total, dense(image, size)[0], target.ravel())
    assert (total.image_range, total.target_range) == (whole.image_range, whole.target_range)
    assert total.image_shift == pytest.approx(image.mean(), abs=image.std() / 2)


def test_pairs_of_different_means_add_up(rng: np.random.Generator) -> None:
    images = [np.zeros((4, 4)), *(mean + rng.random((30, 6)) for mean in (100.0, 90.0, 80.0))]
    targets = [image[1:, 1:] - 20 for image in images]
    total = NormalEquations.of(images[0], targets[0], (2, 2))
    for image, target in zip(images[1:], targets[1:], strict=True):
        total += NormalEquations.of(image, target, (2, 2))
    rows = np.concatenate([dense(image, (2, 2))[0] for image in images])
    assert_same(total, rows, np.concatenate([target.ravel() for target in targets]))
    found = total.centred()
    taps = np.linalg.solve(found.gram, found.moment)
    assert_allclose(taps, [0, 0, 0, 1], atol=1e-11)
    assert found.target_mean - found.patch_mean @ taps == pytest.approx(-20, abs=1e-9)


def test_equal_shifts_add_without_rounding(rng: np.random.Generator) -> None:
    first, second = (NormalEquations.of(rng.random((9, 9)), rng.random((8, 8)), (2, 2), shift=(0.3, 0.1)) for _ in "ab")
    assert_array_equal((first + second).moments, first.moments + second.moments)


numbers = st.integers(-1000, 1000).map(lambda n: n / 8)
pairs = st.tuples(st.integers(2, 5), st.integers(2, 5), st.integers(0, 2**32 - 1), numbers, numbers)


@given(first=pairs, second=pairs, bias=st.booleans(), flip=st.booleans())
def test_sum_is_that_of_both(first, second, bias: bool, flip: bool) -> None:
    parts, rows, responses = [], [], []
    for height, width, seed, image_mean, target_mean in (first, second):
        rng = np.random.default_rng(seed)
        image = rng.standard_normal((height, width)) + image_mean
        target = rng.standard_normal((height - 1, width - 1)) + target_mean
        parts.append(NormalEquations.of(image, target, (2, 2), bias=bias, flip=flip))
        rows.append(dense(image, (2, 2), flip=flip, bias=bias)[0])
        responses.append(target.ravel())
    total = parts[0] + parts[1]
    assert_same(total, np.concatenate(rows), np.concatenate(responses))
    assert_array_equal(total.moments, (parts[1] + parts[0]).moments)


def test_no_torch() -> None:
    code = (
        "import sys, numpy, convkit.recovery as r; a = numpy.eye(700);"
        "r.NormalEquations.of(a, a[8:, 8:], (9, 9)).centred(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
