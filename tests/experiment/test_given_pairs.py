"""From two files to the filter between them: what real programs did to 8-bit pictures, with no hint but the files."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageFilter
import pytest
import scipy.ndimage
from skimage import data

from convkit import ConvkitError, Recovery, learn_kernel

Picture = np.ndarray
Filter = Callable[[Picture], Picture]


@pytest.fixture(scope="module")
def pictures() -> dict[str, Picture]:
    """A natural picture and a noise chart."""
    return {
        "camera": data.camera()[100:356, 120:400],
        "chart": np.random.default_rng(0).integers(0, 256, (230, 250), dtype=np.uint8),
    }


@pytest.fixture
def recover(tmp_path: Path) -> Callable[..., Recovery]:
    def recovered(before: Picture, after: Picture, suffix: str = "png", **settings: object) -> Recovery:
        paths = tmp_path / "before.png", tmp_path / f"after.{suffix}"
        for path, picture in zip(paths, (before, after), strict=True):
            PIL.Image.fromarray(picture).save(path, **({"quality": 92} if path.suffix == ".jpg" else {}))
        return learn_kernel(paths[0], target=paths[1], **settings)

    return recovered


def around_the_output(found: Recovery, size: int, channel: int | None = None) -> np.ndarray:
    """The taps of a centred window of an odd size, whatever the window found."""
    kernel = found.kernel if channel is None else found.channels[channel].kernel
    laid = np.zeros((71, 71))
    (top, left), (height, width) = found.convention.offset, kernel.learned.shape
    laid[35 + top : 35 + top + height, 35 + left : 35 + left + width] = kernel.learned
    return laid[35 - size // 2 : 36 + size // 2, 35 - size // 2 : 36 + size // 2]


def to_bytes(values: np.ndarray) -> Picture:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


# Name, numerators as Pillow has them (it applies its kernels upside down), divisor, offset in levels.
_RING = [[1, 1, 1, 1, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]]
_SMOOTH_MORE = [[1, 1, 1, 1, 1], [1, 5, 5, 5, 1], [1, 5, 44, 5, 1], [1, 5, 5, 5, 1], [1, 1, 1, 1, 1]]


def _centre(value: int, around: int) -> list[list[int]]:
    return [[around] * 3, [around, value, around], [around] * 3]


_PILLOW = {
    "BLUR": (_RING, 16, 0),
    "CONTOUR": (_centre(8, -1), 1, 255),
    "DETAIL": ([[0, -1, 0], [-1, 10, -1], [0, -1, 0]], 6, 0),
    "EDGE_ENHANCE": (_centre(10, -1), 2, 0),
    "EDGE_ENHANCE_MORE": (_centre(9, -1), 1, 0),
    "EMBOSS": ([[-1, 0, 0], [0, 1, 0], [0, 0, 0]], 1, 128),
    "FIND_EDGES": (_centre(8, -1), 1, 0),
    "SHARPEN": (_centre(32, -2), 16, 0),
    "SMOOTH": (_centre(5, 1), 13, 0),
    "SMOOTH_MORE": (_SMOOTH_MORE, 100, 0),
}


@pytest.mark.parametrize("kind", ["camera", "chart"])
@pytest.mark.parametrize("name", list(_PILLOW))
def test_pillows_filters_are_proven(kind: str, name: str, pictures, recover) -> None:
    before = pictures[kind]
    after = np.asarray(PIL.Image.fromarray(before).filter(getattr(PIL.ImageFilter, name)))
    found = recover(before, after)
    numerators, divisor, offset = _PILLOW[name]
    taps = np.array(numerators)[::-1] / divisor
    centred = np.zeros_like(taps)
    top, left = (half + place for half, place in zip(np.array(taps.shape) // 2, found.convention.offset, strict=True))
    height, width = found.kernel.learned.shape
    centred[top : top + height, left : left + width] = found.kernel.learned
    np.testing.assert_array_equal(centred, taps)
    assert found.kernel.integer.proven
    assert np.count_nonzero(taps[0]) == 0 or found.kernel.learned.shape == taps.shape
    assert found.bias.learned * 255 == pytest.approx(offset, abs=1e-9)
    assert found.fit.verdict == "exact"
    rim = len(taps) // 2
    assert found.fit.reproduced == found.fit.pixels == (before.shape[0] - 2 * rim) * (before.shape[1] - 2 * rim)
    assert found.border.rule == "copied"


_CV2 = {
    "replicate": cv2.BORDER_REPLICATE,
    "symmetric": cv2.BORDER_REFLECT,
    "reflect": cv2.BORDER_REFLECT_101,
    "zero": cv2.BORDER_CONSTANT,
}


@pytest.mark.parametrize("rule", list(_CV2))
def test_opencvs_filters_and_borders(rule: str, pictures, recover) -> None:
    before, border = pictures["camera"], _CV2[rule]
    sobel = recover(before, cv2.Sobel(before, cv2.CV_8U, 1, 0, borderType=border))
    assert sobel.kernel.learned.tolist() == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    assert sobel.fit.verdict == "exact"
    assert sobel.fit.saturated_fraction > 0.3
    # A window that reaches one pixel over the edge sees the same under both rules.
    assert sobel.border.rule == ("replicate" if rule == "symmetric" else rule)
    blurred = recover(before, cv2.GaussianBlur(before, (9, 9), 1.7, borderType=border))
    assert blurred.fit.verdict in ("exact", "linear")
    assert blurred.border.rule == rule
    assert blurred.kernel.learned.sum() == pytest.approx(1.0, abs=1e-3)
    box = recover(before, cv2.boxFilter(before, -1, (4, 4), borderType=border))
    assert box.kernel.learned.shape == (4, 4)
    assert box.convention.offset == (-2, -2)
    np.testing.assert_allclose(box.kernel.learned, 1 / 16, atol=1e-3)
    assert box.border.rule == rule
    taps = np.array([[1, 2, 0], [0, 3, -1], [0.5, 0, 0.25]]) / 5.75
    free = recover(before, cv2.filter2D(before, -1, taps, borderType=border))
    np.testing.assert_allclose(free.kernel.learned, taps, atol=1e-3)


@pytest.mark.parametrize(
    ("mode", "rule"),
    [
        ("reflect", "symmetric"),
        ("nearest", "replicate"),
        ("mirror", "reflect"),
        ("wrap", "circular"),
        ("constant", "zero"),
    ],
)
def test_scipy_truncates(mode: str, rule: str, pictures, recover) -> None:
    before = pictures["chart"]
    uniform = recover(before, scipy.ndimage.uniform_filter(before, 5, mode=mode))
    assert uniform.fit.rounding == "truncate"
    assert uniform.border.rule == rule
    np.testing.assert_allclose(uniform.kernel.learned, 1 / 25, atol=1e-9)
    assert abs(uniform.bias.learned * 255) < 0.01
    gaussian = recover(before, scipy.ndimage.gaussian_filter(before, 1.5, mode=mode))
    assert gaussian.fit.rounding == "truncate"
    assert gaussian.border.rule == rule
    assert (gaussian.fit.verdict, gaussian.kernel.library) == ("exact", "gaussian:sigma=1.5")


def test_pictures_of_16_bits(recover) -> None:
    before = np.random.default_rng(1).integers(0, 65536, (120, 130), dtype=np.uint16)
    after = np.rint(cv2.GaussianBlur(before.astype(float), (9, 9), 1.3)).astype(np.uint16)
    found = recover(before, after)
    assert found.kernel.learned.shape == (9, 9)
    assert found.kernel.name.startswith("Gaussian, sigma = 1.3")
    assert found.fit.rounding_rms == pytest.approx(1 / 65535 / np.sqrt(12))
    assert found.fit.reproduced == pytest.approx(found.fit.pixels, rel=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_random_taps_with_two_thirds_clipped(seed: int, pictures, recover) -> None:
    rng = np.random.default_rng(seed)
    before, taps = pictures["chart"], rng.normal(0, 1.5, (3, 3))
    response = cv2.filter2D(before.astype(float), -1, taps) + 60
    low, high = np.quantile(response, [0.33, 0.66])
    response = (response - low) * 255 / (high - low)  # two thirds beyond the rails
    found = recover(before, to_bytes(response))
    assert found.fit.saturated_fraction == pytest.approx(0.67, abs=0.02)
    expected = taps * 255 / (high - low)
    errors = np.maximum(found.kernel.standard_error, 1e-12)
    assert np.abs((found.kernel.learned - expected) / errors).max() < 5
    assert found.fit.verdict in ("exact", "linear")


@pytest.mark.parametrize(("down", "across"), [(2, 0), (-3, 5), (0, -1)])
def test_shifts_are_found(down: int, across: int, pictures, recover) -> None:
    before = pictures["camera"]
    found = recover(before, np.roll(before, (down, across), (0, 1)))
    assert found.kernel.learned.tolist() == [[1.0]]
    assert found.convention.offset == (-down, -across)
    assert found.border.rule == "circular"
    assert found.kernel.name.startswith("shift by")


def test_a_one_sided_blur_has_its_place(pictures, recover) -> None:
    before, taps = pictures["chart"], np.array([[4, 3, 2, 1]]) / 10
    found = recover(before, to_bytes(scipy.ndimage.correlate(before.astype(float), taps, origin=(0, 2 - 4))))
    np.testing.assert_allclose(found.kernel.learned, taps, atol=1e-3)
    assert found.convention.offset == (0, 0) or found.convention.offset == (0, -4 + 4)


@pytest.mark.parametrize("sigma", [0.5, 2.0, 8.0])
def test_noise_is_told_from_structure(sigma: float, pictures, recover) -> None:
    before = pictures["camera"]
    noise = np.random.default_rng(2).normal(0, sigma, before.shape)
    found = recover(before, to_bytes(cv2.GaussianBlur(before.astype(float), (5, 5), 1) * 0.8 + 25 + noise))
    assert found.fit.verdict == "noisy"
    assert found.fit.residual_levels == pytest.approx(np.hypot(sigma, 0.2887), rel=0.02)


_NOT_LINEAR: dict[str, Filter] = {
    "median": lambda x: cv2.medianBlur(x, 3),
    "magnitude of Sobel": lambda x: to_bytes(np.abs(cv2.Sobel(x.astype(float), cv2.CV_64F, 1, 0))),
    "gradient magnitude": lambda x: to_bytes(
        np.hypot(cv2.Sobel(x.astype(float), -1, 1, 0), cv2.Sobel(x.astype(float), -1, 0, 1))
    ),
    "equalisation": cv2.equalizeHist,
    "gamma": lambda x: to_bytes(255 * (x / 255) ** 0.8),
    "bilateral": lambda x: cv2.bilateralFilter(x, 5, 30, 3),
    "unsharp with a threshold": lambda x: np.asarray(
        PIL.Image.fromarray(x).filter(PIL.ImageFilter.UnsharpMask(2, 150, 3))
    ),
    "clipped elsewhere": lambda x: np.clip(cv2.GaussianBlur(x, (3, 3), 0), 40, 200),
}


@pytest.mark.parametrize("kind", ["camera", "chart"])
@pytest.mark.parametrize("name", list(_NOT_LINEAR))
def test_what_is_not_linear_is_said_to_be(kind: str, name: str, pictures, recover) -> None:
    before = pictures[kind]
    if (kind, name) == ("chart", "equalisation"):
        before = (before.astype(int) ** 2 // 255).astype(np.uint8)  # a uniform chart is equalised already
    found = recover(before, _NOT_LINEAR[name](before))
    assert found.fit.verdict == "not-linear", found.fit.reason
    assert not found.kernel.integer or not found.kernel.integer.proven


def test_a_filter_in_linear_light_is_found_there(pictures, recover) -> None:
    before = pictures["camera"]
    light = np.where(before <= 10, before / 255 / 12.92, ((before / 255 + 0.055) / 1.055) ** 2.4)
    blurred = cv2.GaussianBlur(light, (5, 5), 1.0)
    after = np.where(blurred <= 0.0031308, 12.92 * blurred, 1.055 * blurred ** (1 / 2.4) - 0.055)
    found = recover(before, to_bytes(255 * after))
    assert found.transfer.used == "linear"
    assert found.transfer.linear_levels < 0.4 < 1 < found.transfer.encoded_levels
    taps = cv2.getGaussianKernel(5, 1.0) @ cv2.getGaussianKernel(5, 1.0).T
    np.testing.assert_allclose(around_the_output(found, 5), taps, atol=0.01)
    assert recover(before, to_bytes(255 * after), transfer="srgb").transfer.used == "srgb"


def test_colour_channel_by_channel(recover) -> None:
    before = data.astronaut()[:200, 100:300]
    shared = recover(before, np.asarray(PIL.Image.fromarray(before).filter(PIL.ImageFilter.SHARPEN)))
    assert [channel.name for channel in shared.channels] == ["red", "green", "blue"]
    np.testing.assert_array_equal(shared.kernel.learned, np.array(_centre(32, -2)) / 16)
    split = np.dstack([cv2.GaussianBlur(before[..., c], (0, 0), sigma) for c, sigma in enumerate((0.8, 1.0, 1.3))])
    different = recover(before, split)
    assert different.kernel is None
    assert different.to_dict()["kernel"] is None
    assert "sigma between 0.79" in different.channels[0].kernel.name  # as OpenCV has it in whole numbers
    alone = recover(before, split, gray="g")
    np.testing.assert_allclose(around_the_output(alone, 5), around_the_output(different, 5, channel=1), atol=1e-3)


def test_lossy_targets_are_linear_filters_with_noise(pictures, recover) -> None:
    before = pictures["camera"]
    found = recover(before, cv2.GaussianBlur(before, (5, 5), 1.0), suffix="jpg")
    assert found.fit.verdict == "noisy"
    assert "JPEG" in found.fit.reason
    taps = cv2.getGaussianKernel(5, 1.0) @ cv2.getGaussianKernel(5, 1.0).T
    np.testing.assert_allclose(around_the_output(found, 5), taps, atol=0.05)


def test_sizes_that_differ_name_the_ratio_and_the_next_step(pictures, recover) -> None:
    before = pictures["camera"]
    with pytest.raises(ConvkitError, match=r"0\.5 times the image's size; try --stride 2"):
        recover(before, before[::2, ::2])
    with pytest.raises(ConvkitError, match="--stride auto, if one of them was resized"):
        recover(before, np.kron(before, np.ones((2, 2), np.uint8)))


def test_transparency_must_be_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    plain = rng.integers(0, 256, (60, 60, 3), dtype=np.uint8)
    alpha = np.full((60, 60, 1), 255, np.uint8)
    alpha[:10, :10] = 100
    after = np.asarray(PIL.Image.fromarray(plain).filter(PIL.ImageFilter.SMOOTH))
    PIL.Image.fromarray(np.dstack([plain, alpha])).save(tmp_path / "a.png")
    PIL.Image.fromarray(np.dstack([after, alpha])).save(tmp_path / "b.png")
    found = learn_kernel(tmp_path / "a.png", target=tmp_path / "b.png")
    assert found.kernel.integer.divisor == 13
    PIL.Image.fromarray(np.dstack([after, alpha[::-1]])).save(tmp_path / "c.png")
    with pytest.raises(ConvkitError, match="whose transparency differs"):
        learn_kernel(tmp_path / "a.png", target=tmp_path / "c.png")


def test_a_descent_is_judged_but_only_the_exact_answer_is_proven_and_named(pictures, recover) -> None:
    before = pictures["camera"]
    after = np.asarray(PIL.Image.fromarray(before).filter(PIL.ImageFilter.SMOOTH))
    walked = recover(before, after, steps=20)
    assert walked.solver == "gd"
    assert walked.fit.verdict == "linear"
    assert walked.fit.reproduced is None
    assert walked.kernel.name is None
    assert recover(before, cv2.medianBlur(before, 3), steps=5).fit.verdict == "not-linear"


@pytest.mark.parametrize(
    "before",
    [
        np.full((60, 60), 128, np.uint8),
        np.tile(np.random.default_rng(0).integers(0, 256, 60, dtype=np.uint8), (60, 1)),
        np.tile(np.arange(60, dtype=np.uint8), (50, 1)),
        np.full((60, 60), 255, np.uint8),
        np.full((3, 3), 7, np.uint8),
        np.kron(np.indices((8, 8)).sum(axis=0) % 2 * 255, np.ones((8, 8))).astype(np.uint8),
    ],
    ids=["constant", "stripes", "ramp", "white", "tiny", "checkerboard"],
)
def test_pictures_that_tell_little_are_answered(before: Picture, recover) -> None:
    for after in (before, before[::-1], np.full_like(before, 255), cv2.blur(before, (3, 3))):
        found = recover(before, after)
        assert found.fit.verdict is not None
        found.to_json()
    if len(np.unique(before)) == 1:
        assert recover(before, before).fit.verdict == "not-identifiable"


@pytest.mark.parametrize("held", [{"constraint": "nonnegative,sum-one"}, {"ridge": 10.0}])
def test_what_is_proven_and_named_is_the_exact_answer(held: dict[str, object], pictures, recover) -> None:
    before = pictures["camera"]
    found = recover(before, cv2.GaussianBlur(before, (5, 5), 1), **held)
    assert found.fit.verdict == "exact"
    assert found.kernel.name.startswith("OpenCV's 8-bit Gaussian 5x5")
