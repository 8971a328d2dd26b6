"""The tables of docs/conventions.md: what other programs do with a kernel, each asked itself."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import torch
from PIL import Image, ImageFilter

Program = Callable[[np.ndarray, np.ndarray], np.ndarray]
ROOT = Path(__file__).resolve().parents[2]

NUMPY = {"zero": "constant", "replicate": "edge", "reflect": "reflect", "symmetric": "symmetric", "circular": "wrap"}
ODD = np.arange(1.0, 10).reshape(3, 3)
EVEN = np.arange(1.0, 17).reshape(4, 4)


def asked(*words: str) -> Program:
    """Return a command line as a function of an image and a kernel."""

    def run(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            Image.fromarray(image).save(folder / "in.png")
            (rows, columns), flat = kernel.shape, ",".join(f"{tap:.17g}" for tap in kernel.ravel())
            lines = "\n".join(" ".join(f"{tap:.17g}" for tap in row) for row in kernel)
            (folder / "kernel.mat").write_text(f"{columns} {rows}\n{lines}\n")
            filled = [one.format(at=folder, flat=flat, sized=f"{columns}x{rows}: {flat}") for one in words]
            subprocess.run(filled, check=True, capture_output=True)
            with Image.open(next(folder.glob("out.*"))) as picture:
                return np.asarray(picture)

    return run


def same_of_torch(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    planes = [torch.from_numpy(one[None, None].astype(np.float32)) for one in (image, kernel)]
    return np.asarray(torch.nn.functional.conv2d(*planes, padding=[(side - 1) // 2 for side in kernel.shape])[0, 0])


def of_pillow(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    rows, columns = kernel.shape
    return np.asarray(Image.fromarray(image).filter(ImageFilter.Kernel((columns, rows), kernel.ravel().tolist(), 1)))


def in_floats(function: Callable[..., np.ndarray]) -> Program:
    return lambda image, kernel: function(image.astype(float), kernel)


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"not installed: {program}")


GM = asked("gm", "convert", "{at}/in.png", "-convolve", "{flat}", "{at}/out.png")
CONVOLVE = asked("convert", "{at}/in.png", "-convolve", "{sized}", "{at}/out.png")
CORRELATE = asked("convert", "{at}/in.png", "-morphology", "Correlate", "{sized}", "{at}/out.png")
TURNED = asked("convert", "{at}/in.png", "-morphology", "Convolve", "{sized}", "{at}/out.png")
VIPS = asked("vips", "conv", "{at}/in.png", "{at}/out.tif", "{at}/kernel.mat")

PROGRAMS: dict[str, tuple[Program, str]] = {
    "scipy.ndimage.correlate": (in_floats(scipy.ndimage.correlate), "symmetric"),
    "scipy.ndimage.convolve": (in_floats(scipy.ndimage.convolve), "symmetric"),
    "scipy.signal.convolve2d": (in_floats(lambda x, k: scipy.signal.convolve2d(x, k, "same")), "zero"),
    "cv2.filter2D": (in_floats(lambda x, k: cv2.filter2D(x, -1, k)), "reflect"),
    "convert -morphology Correlate": (CORRELATE, "replicate"),
    "convert -morphology Convolve": (TURNED, "replicate"),
    "vips conv": (VIPS, "replicate"),
}
BEHIND, BEFORE = -2, -1  # -(k//2) and -((k-1)//2) of four taps
FIRST_TAP = {"scipy.ndimage.convolve": BEFORE, "convert -morphology Correlate": BEFORE}
BY_180 = ("scipy.ndimage.convolve", "scipy.signal.convolve2d", "convert -morphology Convolve")


def named(programs: dict[str, Any]) -> list[object]:
    return [
        pytest.param(name, marks=needs(name.split()[0])) if " " in name else pytest.param(name) for name in programs
    ]


def taps_seen(program: Program, kernel: np.ndarray) -> tuple[int, np.ndarray]:
    """Return where the first tap lies, relative to the output, and the taps as a correlation has them."""
    impulse = np.zeros((15, 15), np.uint8)
    impulse[7, 7] = 10
    turned = np.asarray(program(impulse, kernel), float)[::-1, ::-1] / 10
    places = np.argwhere(turned)
    first, last = places.min(0), places.max(0) + 1
    return int(first[0]) - 7, turned[first[0] : last[0], first[1] : last[1]]


@pytest.mark.parametrize("name", named(PROGRAMS))
def test_orientation_and_place(name: str) -> None:
    program = PROGRAMS[name][0]
    for kernel, place in ((ODD, -1), (EVEN, FIRST_TAP.get(name, BEHIND))):
        first, taps = taps_seen(program, kernel)
        assert first == place
        assert np.allclose(taps, kernel[::-1, ::-1] if name in BY_180 else kernel)


def test_torch_puts_less_before() -> None:
    first, taps = taps_seen(same_of_torch, ODD)
    assert (first, taps.tolist()) == (-1, ODD.tolist())
    image = torch.zeros(1, 1, 15, 15)
    image[0, 0, 7, 7] = 10
    kernel = torch.from_numpy(EVEN.astype(np.float32))[None, None]
    padded = torch.nn.functional.pad(image, (1, 2, 1, 2))  # what padding="same" does, which warns of a copy
    ours = torch.nn.functional.conv2d(padded, kernel)
    with pytest.warns(UserWarning, match="zero-padded copy"):
        theirs = torch.nn.functional.conv2d(image, kernel, padding="same")
    assert torch.equal(ours, theirs)


def test_pillow_turns_top_to_bottom_and_takes_two_sizes() -> None:
    assert np.array_equal(taps_seen(of_pillow, ODD)[1], ODD[::-1])
    with pytest.raises(ValueError, match="bad kernel size"):
        of_pillow(np.zeros((9, 9), np.uint8), EVEN)


@needs("gm")
def test_graphicsmagick_divides_by_the_sum_and_takes_odd_squares() -> None:
    image = np.full((9, 9), 90, np.uint8)
    image[4, 4] = 180
    assert np.array_equal(GM(image, ODD), GM(image, ODD * 7))
    seen = GM(image, ODD)[3:6, 3:6].astype(float) - 90
    assert np.abs(seen[::-1, ::-1] - ODD * 90 / 45).max() <= 1  # not turned; cut off
    with pytest.raises(subprocess.CalledProcessError):
        GM(image, EVEN)


@needs("convert")
def test_imagemagicks_convolve_divides_by_the_sum_and_does_not_turn() -> None:
    image = np.full((9, 9), 90, np.uint8)
    image[4, 4] = 180
    seen = CONVOLVE(image, ODD)[3:6, 3:6].astype(float) - 90
    assert np.abs(seen[::-1, ::-1] - ODD * 90 / 45).max() <= 1
    pair = CONVOLVE(image, np.array([[1.0, 2.0]]))[4, 2:6].astype(float) - 90
    assert np.abs(pair - [0, 60, 30, 0]).max() <= 1  # the first tap of an even kernel lies on the pixel


def image_and_box() -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(0).integers(0, 256, (12, 14)).astype(np.uint8), np.full((5, 5), 1 / 25)


def bordered(image: np.ndarray, border: str) -> np.ndarray:
    padded = np.pad(image.astype(float), 2, mode=NUMPY[border])
    return scipy.signal.correlate2d(padded, np.full((5, 5), 1 / 25), "valid")


@pytest.mark.parametrize("name", named({**PROGRAMS, "gm convert -convolve": (GM, "replicate")}))
def test_the_default_border(name: str) -> None:
    program, border = {**PROGRAMS, "gm convert -convolve": (GM, "replicate")}[name]
    image, box = image_and_box()
    found = np.asarray(program(image, box), float)
    distance = {one: np.abs(found - bordered(image, one)).max() for one in NUMPY}
    assert distance[border] < 1
    assert min(worst for one, worst in distance.items() if one != border) > 10


def test_pillow_copies_the_border() -> None:
    image = image_and_box()[0]
    filtered = of_pillow(image, np.full((5, 5), 1 / 25))
    rim = np.ones(image.shape, bool)
    rim[2:-2, 2:-2] = False
    assert np.array_equal(filtered[rim], image[rim])


ROUNDING = {
    "cv2.filter2D": (lambda x, k: cv2.filter2D(x, -1, k), "nearest"),
    "Pillow": (of_pillow, "nearest"),
    "scipy.ndimage.correlate": (scipy.ndimage.correlate, "down"),
    "scipy.ndimage.convolve": (scipy.ndimage.convolve, "down"),
    "gm convert -convolve": (GM, "down"),
    "convert -convolve into PNG": (CONVOLVE, "down"),
    "convert -convolve into PGM": (asked("convert", "{at}/in.png", "-convolve", "{sized}", "{at}/out.pgm"), "nearest"),
}


@pytest.mark.parametrize("name", named(ROUNDING))
def test_rounding_of_eight_bits(name: str) -> None:
    program, rounding = ROUNDING[name]
    image, box = image_and_box()
    inside = slice(2, -2)
    error = (np.asarray(program(image, box), float) - bordered(image, "zero"))[inside, inside]
    # Twenty-fifths, never a half: cut off, the error goes down to -24/25; rounded, to ±12/25.
    low, high = (-0.97, 1e-3) if rounding == "down" else (-0.49, 0.49)
    assert low <= error.min() < -0.4
    assert error.max() <= high


CLIPPING = {
    "cv2.filter2D": lambda x, k: cv2.filter2D(x, -1, k),
    "Pillow": of_pillow,
    "gm convert -convolve": GM,
    "convert -convolve": CONVOLVE,
    "convert -morphology Correlate": CORRELATE,
    "convert -morphology Convolve": TURNED,
}


@pytest.mark.parametrize("name", named(CLIPPING))
def test_what_clips(name: str) -> None:
    image = image_and_box()[0]
    sharpen = np.array([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    exact = scipy.signal.correlate2d(image.astype(float), sharpen, "valid")
    assert exact.min() < 0
    assert exact.max() > 255
    found = np.asarray(CLIPPING[name](image, sharpen), float)[1:-1, 1:-1]
    assert np.abs(found - exact.clip(0, 255)).max() <= 1


def test_scipy_wraps_where_others_clip() -> None:
    image = np.full((5, 5), 200, np.uint8)
    double = np.array([[2.0]])
    assert scipy.ndimage.correlate(image, double)[2, 2] == 400 - 256
    assert cv2.filter2D(image, -1, double)[2, 2] == 255
    assert of_pillow(image, np.array([[0, 0, 0], [0, 2.0, 0], [0, 0, 0]]))[2, 2] == 255


NAMES = {
    "NumPy": lambda row, mode: np.pad(row, (3, 0), mode=mode)[:3],
    "SciPy ndimage": lambda row, mode: np.array(
        [scipy.ndimage.shift(row, 3, order=0, mode="grid-wrap" if mode == "wrap" else mode)[at] for at in range(3)]
    ),
    "OpenCV": lambda row, mode: cv2.copyMakeBorder(row[None], 0, 0, 3, 0, getattr(cv2, mode))[0, :3],
    "torch": lambda row, mode: torch.nn.functional.pad(torch.from_numpy(row[None]), (3, 0), mode=mode)[0, :3].numpy(),
}


def imagemagicks(row: np.ndarray, word: str) -> np.ndarray:
    """Look at what lies left of a row by a kernel that reads one pixel, so many places to the left."""
    image = np.tile(row.astype(np.uint8) * 10, (9, 1))
    found = []
    for far in (3, 2, 1):
        taps = np.zeros((1, 2 * far + 1))
        taps[0, 0] = 1
        name = word.removeprefix("-virtual-pixel ")
        asks = ("convert", "{at}/in.png", "-virtual-pixel", name, "-morphology", "Correlate", "{sized}", "{at}/out.png")
        found.append(asked(*asks)(image, taps)[4, 0] / 10)
    return np.array(found)


NAMES["ImageMagick"] = imagemagicks


def borders_of_the_page() -> list[tuple[str, str, str, str]]:
    """Read the table of names from the page: program, its word, and the pixels that it stands for."""
    page = (ROOT / "docs/conventions.md").read_text(encoding="utf-8")
    table = page[page.index("| convkit | pixels |") :].split("\n\n")[0].splitlines()
    header, *rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in table if "---" not in line]
    return [
        (header[column], row[0], row[column], row[1]) for row in rows for column in range(2, 7) if row[column] != "—"
    ]


@pytest.mark.parametrize(("program", "rule", "word", "pixels"), borders_of_the_page())
def test_names_of_borders(program: str, rule: str, word: str, pixels: str) -> None:
    if program == "ImageMagick" and shutil.which("convert") is None:
        pytest.skip("not installed: convert")
    row = np.array([1.0, 2, 3, 4])
    expected = [{"0": 0.0, "a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}[one] for one in pixels.split()]
    assert NAMES[program](row, word).tolist() == expected
    assert np.pad(row, (3, 0), mode=NUMPY[rule])[:3].tolist() == expected
