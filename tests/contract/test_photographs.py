"""Real photographs in, filtered pictures and kernels out, by the real command."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage
import tifffile

from convkit import load_image

PHOTOS = Path(skimage.data_dir)


@pytest.mark.parametrize(
    ("kernel", "padding"), [("box:5", "replicate"), ("gaussian:sigma=1.5,size=7", "reflect"), ("sharpen", "valid")]
)
def test_blur_and_sharpen_are_opencvs(convkit, tmp_path: Path, kernel: str, padding: str) -> None:
    done = convkit("convolve", PHOTOS / "camera.png", "-k", kernel, "--padding", padding, "-o", "out.png", "--json")
    assert done.returncode == 0, done.stderr
    image = cv2.imread(str(PHOTOS / "camera.png"), cv2.IMREAD_UNCHANGED).astype(np.float64)
    taps = np.array(json.loads(convkit("kernels", kernel, "--json").stdout)["taps"])
    border = {"replicate": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT_101, "valid": cv2.BORDER_CONSTANT}
    response = cv2.filter2D(image, cv2.CV_64F, taps, borderType=border[padding])
    if padding == "valid":
        response = response[1:-1, 1:-1]
    written = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)
    assert written.dtype == np.uint8
    # Halves may round either way after a sum in float32.
    assert np.abs(written - np.clip(response, 0, 255)).max() <= 0.5 + 1e-3
    clipped = np.count_nonzero((np.rint(response) < 0) | (np.rint(response) > 255))
    assert json.loads(done.stdout)["clipped"] == pytest.approx(clipped, abs=2)


def test_edges_of_a_colour_photograph(convkit, tmp_path: Path) -> None:
    arguments = ("-k", "sobel-x", "-k", "sobel-y", "--combine", "magnitude", "-o", "edges.npy")
    assert convkit("convolve", PHOTOS / "astronaut.png", *arguments).returncode == 0
    colour = cv2.imread(str(PHOTOS / "astronaut.png"))[:, :, ::-1].astype(np.float64) / 255
    gray = colour @ [0.299, 0.587, 0.114]
    expected = np.hypot(cv2.Sobel(gray, cv2.CV_64F, 1, 0), cv2.Sobel(gray, cv2.CV_64F, 0, 1))[1:-1, 1:-1]
    # float32 sums of eight products of order 1.
    np.testing.assert_allclose(np.load(tmp_path / "edges.npy"), expected, atol=2e-6)


def test_a_16_bit_picture_stays_one(convkit, tmp_path: Path) -> None:
    deep = (cv2.imread(str(PHOTOS / "camera.png"), cv2.IMREAD_UNCHANGED).astype(np.uint16) << 8) + 77
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    assert convkit("convolve", "deep.png", "-k", "identity", "-o", "same.png").returncode == 0
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "same.png"), cv2.IMREAD_UNCHANGED), deep)


@pytest.mark.parametrize("photo", ["camera.png", "coffee.png", "chelsea.png"])
def test_a_filter_is_found_between_two_8_bit_files(convkit, tmp_path: Path, photo: str) -> None:
    """A sharpened picture that OpenCV made and rounded, of the same size, its border rule unknown."""
    picture = cv2.imread(str(PHOTOS / photo), cv2.IMREAD_GRAYSCALE)[:200, :256]
    # Mid-range, so that nothing clips, which this descent knows nothing of.
    before = (64 + picture * 0.5).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "before.png"), before)
    # No common divisor: the responses to quarters would round to quarters of a level, which is not white noise.
    kernel = np.array([[0.03, -0.21, 0.07], [-0.17, 1.53, -0.19], [0.05, -0.23, 0.11]])
    cv2.imwrite(str(tmp_path / "after.png"), cv2.filter2D(before, -1, kernel))
    done = convkit(
        "learn-kernel", "--image", "before.png", "--target", "after.png", "--size", "3",
        "--solver", "lbfgs", "--steps", "300", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    windows = np.lib.stride_tricks.sliding_window_view(before / 255, (3, 3)).reshape(-1, 9)
    rows = np.hstack([windows, np.ones((len(windows), 1))])
    target = cv2.imread(str(tmp_path / "after.png"), cv2.IMREAD_UNCHANGED)[1:-1, 1:-1].ravel() / 255
    best = np.linalg.lstsq(rows, target)[0]
    np.testing.assert_allclose(np.ravel(record["kernel"]["learned"]), best[:9], atol=1e-4)
    # Rounded to whole levels: 1/√12 of one, as long as nothing was clipped.
    clipped = np.mean((target <= 0) | (target >= 1))
    assert record["fit"]["saturated_fraction"] == pytest.approx(clipped)
    assert record["fit"]["rounding_rms"] == pytest.approx(1 / 255 / np.sqrt(12))
    if not clipped:
        assert record["fit"]["residual_rms"] == pytest.approx(record["fit"]["rounding_rms"], rel=0.05)
    np.testing.assert_allclose(np.reshape(record["kernel"]["learned"], (3, 3)), kernel, atol=0.05 if not clipped else 1)


@pytest.mark.parametrize("suffix", [".npy", ".tif"])
def test_a_picture_that_goes_through_by_rows(convkit, tmp_path: Path, suffix: str) -> None:
    # More than 64 million pixels, of which the file holds few bytes.
    image = np.tile(np.arange(256, dtype=np.uint8), (8300, 32))
    tifffile.imwrite(tmp_path / "large.tif", image, compression="zlib", rowsperstrip=100, photometric="minisblack")
    done = convkit("convolve", "large.tif", "-k", "1,-1", "-o", f"out{suffix}", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["shape"] == [8300, 8191]
    response = load_image(tmp_path / f"out{suffix}", max_pixels=1 << 27)
    # One step down within a run of gray levels, and back up at its end: differences of numbers that float32 rounds.
    expected = np.where(np.arange(8191) % 256 == 255, 1.0, -1 / 255)
    np.testing.assert_allclose(response[:: 8300 // 7], np.tile(expected, (8, 1)), rtol=0, atol=2.0**-23)
