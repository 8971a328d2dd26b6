"""Resizers of Pillow and OpenCV: their taps, their names, their phases."""

import re
import shutil
from fractions import Fraction
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

from convkit import Recovery, learn_kernel, save_image
from convkit.errors import SettingsError, ShapeError
from convkit.image.srgb import to_encoded, to_linear
from convkit.recovery.resizers import CURVES

PILLOW = Image.Resampling
SCENE = Path(__file__).parents[2] / "pictures" / "scene.png"


def pillow(factor: float, method: int):
    def resize(picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape
        return np.asarray(Image.fromarray(picture).resize((round(width * factor), round(height * factor)), method))

    return resize


def opencv(factor: float, method: int):
    return lambda picture: cv2.resize(picture, None, fx=factor, fy=factor, interpolation=method)


def asked(program) -> Recovery:
    return learn_kernel(program=program, probe_format="png", stride="auto")


def assert_taps(found: Recovery, expected: list[float], places: float = 2e-3) -> None:
    """Compare with taps of one axis, mirrored, centred between the two pixels in the middle."""
    row = np.array([*expected, *expected[::-1]])
    outer = np.outer(row, row)
    learned, offset = found.kernel.learned, found.convention.offset
    grid = np.zeros((40, 40))
    grid[20 : 20 + len(row), 20 : 20 + len(row)] = -outer
    factor = found.resizer.steps[0]
    top, left = (20 + at - (factor // 2 - len(expected)) for at in offset)
    grid[top : top + learned.shape[0], left : left + learned.shape[1]] += learned
    assert np.abs(grid).max() < places


@pytest.mark.parametrize(
    ("method", "name", "taps"),
    [
        (PILLOW.BOX, "box, antialiased", [0.5]),
        (PILLOW.BILINEAR, "triangle (bilinear), antialiased", [0.125, 0.375]),
        (PILLOW.BICUBIC, "bicubic, a = -0.5, antialiased", [-0.0117, -0.0352, 0.1133, 0.4336]),
        (PILLOW.LANCZOS, "Lanczos 3, antialiased", [0.0037, 0.0151, -0.0340, -0.0666, 0.1355, 0.4464]),
    ],
)
def test_pillow_by_a_half_and_a_quarter(method: int, name: str, taps: list[float]) -> None:
    half = asked(pillow(0.5, method))
    assert half.kernel.name.startswith(name)
    assert half.kernel.name.endswith("half-pixel centres")
    assert_taps(half, taps)
    quarter = asked(pillow(0.25, method))
    assert quarter.resizer.names[0].startswith(name)
    assert quarter.resizer.difference < 2e-3
    assert {half.fit.verdict, quarter.fit.verdict} <= {"exact", "linear"}
    assert (quarter.resizer.steps, quarter.resizer.outputs) == ((4, 4), (1, 1))


@pytest.mark.parametrize(
    ("method", "name", "taps"),
    [
        (cv2.INTER_LINEAR, "triangle (bilinear), without antialiasing", [0.5]),
        (cv2.INTER_CUBIC, "bicubic, a = -0.75, without antialiasing", [-0.0938, 0.5938]),
    ],
)
def test_opencv_is_not_antialiased(method: int, name: str, taps: list[float]) -> None:
    for factor in (0.5, 0.25):
        found = asked(opencv(factor, method))
        assert any(one.startswith(name) for one in found.resizer.names)
        assert_taps(found, taps)


def test_single_pixels_are_told_apart() -> None:
    assert "⌊i·p/q⌋" in asked(opencv(0.5, cv2.INTER_NEAREST)).kernel.name
    assert "under the output's centre" in asked(pillow(0.5, PILLOW.NEAREST)).kernel.name


def test_enlarging_has_a_kernel_for_each_phase() -> None:
    found = asked(pillow(2, PILLOW.BILINEAR))
    assert found.kernel is None
    assert [phase.phase for phase in found.phases] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert np.allclose(found.phases[0].kernel.learned, np.outer([0.25, 0.75], [0.25, 0.75]), atol=2e-3)
    assert found.phases[0].offset == (-1, -1)
    assert found.resizer.names[0] == "triangle (bilinear), half-pixel centres"
    # Down the rows, each of two phases twice: the triangle at ±1/4 and ±3/4.
    assert np.allclose([abs(x) + weight for x, weight in found.resizer.curve], 1.0, atol=4e-3)


@pytest.mark.skipif(shutil.which("vips") is None, reason="not installed: vips")
def test_libvips_enlarges_half_an_output_pixel_off() -> None:
    """Its cubic places outputs on 64ths of a pixel, its linear one anywhere."""
    place = "at the outputs' upper left corners"
    twice = learn_kernel(program="vips resize {input} {output} 2", stride="auto")
    assert twice.resizer.names[0] == f"bicubic, a = -0.5, {place}"
    assert twice.phases[3].kernel.learned.shape == (1, 1)  # on a pixel
    thrice = learn_kernel(program="vips resize {input} {output} 3", stride="auto")
    assert thrice.resizer.names[0] == f"bicubic, a = -0.5, {place}, in 64ths of a pixel"
    linear = learn_kernel(program="vips resize {input} {output} 3 --kernel linear", stride="auto")
    assert linear.resizer.names[0] == f"triangle (bilinear), {place}"


@pytest.mark.skipif(shutil.which("vips") is None, reason="not installed: vips")
@pytest.mark.parametrize(
    ("factor", "name"),
    [
        ("0.5", "Lanczos 3, antialiased, half-pixel centres"),  # whose vector code rounds taps down the rows to 64ths
        ("0.25", "Lanczos 3 of means of pixels, antialiased, half-pixel centres"),
        ("0.125", "Lanczos 3 of means of pixels, antialiased, half-pixel centres"),
    ],
)
def test_libvips_shrinks_by_means_first(factor: str, name: str) -> None:
    found = learn_kernel(program=f"vips resize {{input}} {{output}} {factor}", stride="auto")
    assert found.resizer.names[0].removesuffix(", taps down the rows in 64ths") == name
    assert found.fit.verdict == "linear"


@pytest.mark.parametrize(
    ("factor", "method", "name"),
    [(1 / 8, PILLOW.LANCZOS, "Lanczos 3"), (1 / 16, PILLOW.BILINEAR, "triangle (bilinear)")],
)
def test_pillow_by_an_eighth_and_less(factor: float, method: int, name: str) -> None:
    found = asked(pillow(factor, method))
    assert found.resizer.names[0] == f"{name}, antialiased, half-pixel centres"
    assert found.fit.verdict == "linear"
    assert found.resizer.steps == (round(1 / factor),) * 2


@pytest.mark.parametrize("factor", [1.5, 1.37, 0.6])
def test_opencvs_area_is_the_overlap_when_enlarging_too(factor: float) -> None:
    assert asked(opencv(factor, cv2.INTER_AREA)).resizer.names[0].startswith("area")


def test_three_pixels_to_two() -> None:
    found = asked(opencv(2 / 3, cv2.INTER_CUBIC))
    assert (found.resizer.steps, found.resizer.outputs, len(found.phases)) == ((3, 3), (2, 2), 4)
    assert found.resizer.names[0] == "bicubic, a = -0.75, without antialiasing, half-pixel centres"


def test_a_pair_of_files_of_two_sizes(tmp_path: Path, rng) -> None:
    big = rng.integers(0, 256, (96, 120)).astype(np.uint8)
    save_image(tmp_path / "big.png", big / 255)
    save_image(tmp_path / "small.png", pillow(0.5, PILLOW.BILINEAR)(big) / 255)
    found = learn_kernel(tmp_path / "big.png", target=tmp_path / "small.png", stride="auto")
    assert found.kernel.name == "triangle (bilinear), antialiased, half-pixel centres"
    assert_taps(found, [0.125, 0.375])


def test_the_command_line_shows_phases(convkit, tmp_path: Path, rng) -> None:
    big = rng.integers(0, 256, (60, 72)).astype(np.uint8)
    save_image(tmp_path / "a.png", big / 255)
    save_image(tmp_path / "b.png", pillow(2, PILLOW.BILINEAR)(big) / 255)
    done = convkit("learn-kernel", "--image", "a.png", "--target", "b.png", "--stride", "auto")
    assert done.returncode == 0, done.stderr
    assert "resizer   1 pixels to 2: triangle (bilinear), half-pixel centres" in done.stdout
    assert "phase (1, 1), first tap at (0, 0)" in done.stdout


@pytest.mark.skipif(shutil.which("gm") is None, reason="not installed: gm")
def test_graphicsmagick_resizes_gray_pngs_otherwise_than_tiffs() -> None:
    """Unless told, it takes Mitchell for pictures that it holds with a palette, gray ones of 8 bits among them."""
    for command, form, name in (
        ("-filter Lanczos -resize 50%", "png", "Lanczos 3"),
        ("-resize 50%", "png", "Mitchell"),
        ("-resize 50%", "tif", "Lanczos 3"),
    ):
        found = learn_kernel(program=f"gm convert {{input}} {command} {{output}}", stride="auto", probe_format=form)
        assert found.kernel.name == f"{name}, antialiased, half-pixel centres"


@pytest.mark.parametrize("name", sorted({*CURVES} - {"Hamming"}))
def test_curves_sum_to_one_at_any_shift(name: str) -> None:
    # Lanczos' windowed sines do so only nearly, which is why programs normalise them; Hamming's far less.
    places = np.arange(-6, 7)[:, None] + np.linspace(0.01, 0.99, 25)
    allowed = 0.02 if "Lanczos" in name else 1e-12
    assert np.allclose(CURVES[name](places).sum(axis=0), 1.0, atol=allowed)


def resized_to(method: int, height: int, width: int):
    return lambda picture: np.asarray(Image.fromarray(picture).resize((width, height), method))


def by_opencv(method: int, height: int, width: int):
    return lambda picture: cv2.resize(picture, (width, height), interpolation=method)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((101, 101), (50, 50)),  # 50 phases
        ((240, 300), (103, 129)),  # 3/7 of it, rounded
        ((240, 300), (216, 270)),  # 9/10
        ((160, 200), (80, 50)),  # another ratio on either axis
        ((240, 300), (150, 225)),  # 5/8 and 3/4
        ((100, 120), (150, 180)),  # larger
        ((100, 120), (150, 60)),  # taller and narrower
    ],
)
@pytest.mark.parametrize(
    ("program", "name", "border"),
    [
        (partial(resized_to, PILLOW.BILINEAR), "triangle (bilinear), antialiased, half-pixel", "renormalised"),
        (partial(resized_to, PILLOW.LANCZOS), "Lanczos 3, antialiased, half-pixel centres", "renormalised"),
        (partial(by_opencv, cv2.INTER_CUBIC), "bicubic, a = -0.75, without antialiasing, half-pixel", "replicate"),
    ],
)
def test_any_ratio_of_two_pictures(program, name: str, border: str, before, after, rng) -> None:
    big = rng.integers(64, 192, before).astype(np.uint8)
    small = program(*after)(big)
    found = learn_kernel(big, target=small, stride="auto")
    if max(np.divide(before, after)) < 1:
        name = name.replace(", antialiased", "").replace(", without antialiasing", "")
    assert found.resizer.names[0].startswith(name)
    assert found.resizer.steps == tuple(Fraction(a, b).numerator for a, b in zip(before, after, strict=True))
    assert found.fit.verdict == "linear"
    assert found.fit.residual_levels < np.sqrt(2 / 12)  # a rounding after either pass
    # Where only one tap hangs over the edge, what is left of the two lies on one pixel either way.
    assert found.border.rule in (border, "replicate" if max(np.divide(before, after)) < 1 else border, None)


def test_sixteenths_of_a_photograph_are_found_from_files(tmp_path: Path, convkit) -> None:
    with Image.open(SCENE) as scene:
        big = scene.convert("L").resize((1008, 756), PILLOW.BICUBIC)
    noisy = np.asarray(big, dtype=float) + np.random.default_rng(0).normal(0.0, 3.0, (756, 1008))
    big = Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    big.save(tmp_path / "big.png")
    big.resize((256, 192), PILLOW.LANCZOS).save(tmp_path / "small.png")
    done = convkit("learn-kernel", "--image", "big.png", "--target", "small.png", "--stride", "auto")
    assert done.returncode == 0, done.stderr
    assert "resizer   63 pixels to 16: Lanczos 3, antialiased, half-pixel centres" in done.stdout
    assert "verdict   linear: at the rounding floor" in done.stdout
    assert "down, 16 phases in all (--json has them)" in done.stdout


def test_clipped_outputs_of_many_phases_are_left_out(tmp_path: Path, rng) -> None:
    big = rng.integers(0, 256, (240, 300)).astype(np.uint8)
    small = by_opencv(cv2.INTER_CUBIC, 216, 270)(big)
    assert 0.01 < np.isin(small, (0, 255)).mean() < 0.2
    save_image(tmp_path / "big.png", big / 255)
    save_image(tmp_path / "small.png", small / 255)
    found = learn_kernel(tmp_path / "big.png", target=tmp_path / "small.png", stride="auto")
    assert found.fit.verdict == "linear"
    assert found.resizer.names[0].startswith("bicubic, a = -0.75, without antialiasing")
    assert found.resizer.difference < 2e-3
    assert found.border.rule == "replicate"


def test_taps_of_many_phases_are_those_of_the_triangle(rng) -> None:
    big = rng.integers(0, 256, (200, 230)).astype(np.uint8)
    found = learn_kernel(big, target=resized_to(PILLOW.BILINEAR, 91, 97)(big), stride="auto")
    # Down the rows every phase samples the triangle of width 200/91, normalised: its height at distance d.
    scale = 200 / 91
    for at in found.resizer.down:
        middle = (at.phase + 0.5) * scale - 0.5
        places = np.arange(len(at.taps)) + at.offset - middle
        expected = np.maximum(1 - np.abs(places) / scale, 0.0)
        assert np.abs(at.taps - expected / expected.sum()).max() < 6 * max(at.standard_error) + 1e-3


def test_too_few_outputs_of_a_phase_are_refused_with_a_size_to_try(rng) -> None:
    big = rng.integers(64, 192, (40, 50)).astype(np.uint8)
    small = resized_to(PILLOW.LANCZOS, 17, 31)(big)
    with pytest.raises(ShapeError, match=r"17x31 phases .*pictures of \d+x\d+ pixels") as caught:
        learn_kernel(big, target=small, stride="auto")
    # The size that it names is enough.
    height, width = map(int, re.search(r"pictures of (\d+)x(\d+)", str(caught.value)).groups())
    big = rng.integers(64, 192, (height, width)).astype(np.uint8)
    small = resized_to(PILLOW.LANCZOS, round(17 / 40 * height), round(31 / 50 * width))(big)
    found = learn_kernel(big, target=small, stride="auto")
    assert found.resizer.names[0].startswith("Lanczos 3, antialiased")


def test_corners_that_are_aligned_drift_against_the_ratio() -> None:
    torch = pytest.importorskip("torch")

    def resize(picture: np.ndarray) -> np.ndarray:
        planes = torch.from_numpy(picture / 255.0)[None, None]
        size = picture.shape[0] // 2, picture.shape[1] // 2
        found = torch.nn.functional.interpolate(planes, size=size, mode="bilinear", align_corners=True)
        return np.rint(found[0, 0].numpy() * 255).astype(np.uint8)

    found = asked(resize)
    assert found.fit.verdict == "linear"
    assert found.resizer.names[0] == "triangle (bilinear), without antialiasing, aligned corners"


def test_area_is_the_box_by_overlap() -> None:
    found = asked(lambda picture: cv2.resize(picture, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA))
    assert found.resizer.names[0].startswith("area (each pixel by how much of it an output covers)")
    assert any(name.startswith("box") for name in asked(opencv(0.5, cv2.INTER_AREA)).resizer.names)


def passed(found: Recovery) -> dict[str, bool]:
    return {test.name: test.passed for test in found.probe.tests}


def test_a_resizer_is_tested_like_any_program() -> None:
    found = asked(pillow(0.5, PILLOW.BICUBIC))
    assert passed(found) == {"repeatability": True, "superposition": True, "tiles": True, "shift": True}
    assert found.probe.border.rule == "renormalised"
    assert found.fit.rounding == "round"
    replicating = asked(opencv(2 / 3, cv2.INTER_CUBIC))
    assert replicating.probe.border.rule == "replicate"
    many = asked(pillow(0.7, PILLOW.BICUBIC))
    assert passed(many) == {"repeatability": True, "superposition": True, "every phase": True, "shift": True}


def halved(values: np.ndarray) -> np.ndarray:
    even = values[: values.shape[0] // 2 * 2, : values.shape[1] // 2 * 2].astype(float)
    return np.rint(even.reshape(even.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3))).astype(np.uint8)


def test_resizers_that_are_no_filter_are_named_by_the_failing_test() -> None:
    median = asked(lambda picture: halved(scipy.ndimage.median_filter(picture, 3)))
    assert median.fit.verdict == "not-linear"
    assert median.fit.reason.startswith("not linear: pictures with equal sums")

    def vignette(picture: np.ndarray) -> np.ndarray:
        return halved(picture * np.linspace(1.0, 0.6, picture.shape[1]))

    darkened = asked(vignette)
    assert darkened.fit.verdict == "not-linear"
    assert darkened.fit.reason.startswith("not shift-invariant: taps differ between tiles")

    generator = np.random.default_rng(0)

    def noisy(picture: np.ndarray) -> np.ndarray:
        small = halved(picture) + generator.normal(0.0, 3.0, (picture.shape[0] // 2, picture.shape[1] // 2))
        return np.clip(np.rint(small), 0, 255).astype(np.uint8)

    grainy = asked(noisy)
    assert (grainy.fit.verdict, grainy.resizer.names[0]) == ("noisy", "box, antialiased, half-pixel centres")
    assert grainy.fit.reason.startswith("not repeatable: ")
    assert grainy.probe.noise == pytest.approx(np.sqrt(9 + 1 / 12), rel=0.05)

    def varying(picture: np.ndarray) -> np.ndarray:  # of many phases: a picture of which the right half is darker
        small = pillow(0.7, PILLOW.BILINEAR)(picture).astype(float)
        return np.rint(small * np.linspace(1.0, 0.6, small.shape[1])).astype(np.uint8)

    uneven = asked(varying)
    assert uneven.fit.verdict == "not-linear"
    assert uneven.fit.reason.startswith("no kernel for each phase")


@pytest.mark.parametrize("factor", [0.5, 0.7])
def test_a_resizer_in_linear_light_is_said_to_be_one(factor: float) -> None:
    def resize(picture: np.ndarray) -> np.ndarray:
        size = round(picture.shape[1] * factor), round(picture.shape[0] * factor)
        light = Image.fromarray(to_linear(picture / 255).astype(np.float32)).resize(size, PILLOW.BILINEAR)
        return np.rint(255 * to_encoded(np.asarray(light, dtype=float))).astype(np.uint8)

    found = asked(resize)
    assert found.transfer.used == "linear"
    assert found.resizer.names[0] == "triangle (bilinear), antialiased, half-pixel centres"
    assert found.fit.verdict == "linear"
    assert passed(found)["superposition"]


def test_precision_of_a_resizer_is_met_with_more_pictures() -> None:
    found = learn_kernel(program=pillow(0.5, PILLOW.LANCZOS), probe_format="png", stride="auto", precision=2e-5)
    assert found.probe.pictures > 1
    assert found.probe.precision <= 2e-5
    assert found.probe.precision_told.startswith("met with ")


def test_an_expected_kernel_needs_a_resizer_of_one() -> None:
    found = learn_kernel(program=pillow(0.5, PILLOW.BOX), probe_format="png", stride="auto", expect="box:2")
    assert found.expectation.met
    with pytest.raises(SettingsError, match="2x2 output phases"):
        learn_kernel(program=pillow(2, PILLOW.BOX), probe_format="png", stride="auto", expect="box:2")


@pytest.mark.parametrize("size", [(59, 47), (100, 40)])  # 59/160 and 47/120; another ratio on either axis
def test_channels_of_many_phases_are_told_apart(size: tuple[int, int], tmp_path: Path, rng) -> None:
    big = rng.integers(0, 256, (120, 160, 3)).astype(np.uint8)
    Image.fromarray(big).save(tmp_path / "big.png")
    alike = Image.fromarray(big).resize(size, PILLOW.BILINEAR)
    alike.save(tmp_path / "alike.png")
    others = np.array(alike)
    others[..., 2] = np.asarray(Image.fromarray(big[..., 2]).resize(size, PILLOW.BOX))
    Image.fromarray(others).save(tmp_path / "apart.png")
    found = learn_kernel(tmp_path / "big.png", target=tmp_path / "alike.png", stride="auto")
    assert len(found.channels) == 3
    assert found.channels_share
    assert found.resizer.names[0].startswith("triangle (bilinear), antialiased")
    apart = learn_kernel(tmp_path / "big.png", target=tmp_path / "apart.png", stride="auto")
    assert not apart.channels_share


def test_channels_of_resized_pictures_are_told_apart(tmp_path: Path, rng) -> None:
    big = rng.integers(0, 256, (120, 160, 3)).astype(np.uint8)
    Image.fromarray(big).save(tmp_path / "big.png")
    Image.fromarray(big).resize((80, 60), PILLOW.BILINEAR).save(tmp_path / "alike.png")
    red = pillow(0.5, PILLOW.BOX)(np.ascontiguousarray(big[..., 0]))
    others = [pillow(0.5, PILLOW.LANCZOS)(np.ascontiguousarray(big[..., channel])) for channel in (1, 2)]
    Image.fromarray(np.stack([red, *others], axis=2)).save(tmp_path / "apart.png")
    alike = learn_kernel(tmp_path / "big.png", target=tmp_path / "alike.png", stride="auto")
    assert alike.channels_share
    assert alike.kernel.name.startswith("triangle (bilinear), antialiased")
    apart = learn_kernel(tmp_path / "big.png", target=tmp_path / "apart.png", stride="auto")
    assert not apart.channels_share
    assert apart.kernel is None
    red_kernel, green_kernel, _ = (one.kernel.learned for one in apart.channels)
    assert np.count_nonzero(np.abs(red_kernel) > 0.01) == 4
    assert np.count_nonzero(np.abs(green_kernel) > 0.01) > 4
