"""Resizers of Pillow and OpenCV: their taps, their names, their phases."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from convkit import Recovery, learn_kernel, save_image
from convkit.recovery.resizers import CURVES

PILLOW = Image.Resampling


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
