"""The same answer from the same seed on one and on two threads: nine significant digits of every number."""

import json
import math
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

DIGITS = 1e-9
# Of how the answer was come by, not of the answer.
ASIDE = ("seconds", "version", "command")


def same(first: object, second: object, scale: float, where: str = "") -> None:
    """Compare two JSON values; numbers to nine digits of the largest beside them, for zeros are sums that cancel."""
    if isinstance(first, dict):
        assert isinstance(second, dict)
        assert first.keys() == second.keys(), where
        for key in first.keys() - set(ASIDE):
            same(first[key], second[key], scale, f"{where}.{key}")
    elif isinstance(first, list):
        assert isinstance(second, list)
        assert len(first) == len(second), where
        largest = max([scale, *(abs(one) for one in first if isinstance(one, float))])
        for number, (one, other) in enumerate(zip(first, second, strict=True)):
            same(one, other, largest, f"{where}[{number}]")
    elif isinstance(first, float) and isinstance(second, float):
        assert math.isclose(first, second, rel_tol=DIGITS, abs_tol=DIGITS * scale), (where, first, second)
    else:
        assert first == second, where


def pictures(folder: Path, root: Path) -> None:
    """A photograph, what a filter made of it, and that again with its highlights clipped."""
    scene = np.asarray(PIL.Image.open(root / "pictures/scene.png").convert("L"), dtype=np.float64)
    taps = np.array([1.0, 2.0, 1.0]) / 4.0
    blurred = sum(w * np.roll(scene, shift, axis=1) for w, shift in zip(taps, (-1, 0, 1), strict=True))
    PIL.Image.fromarray(scene.astype(np.uint8)).save(folder / "x.png")
    PIL.Image.fromarray(np.rint(blurred).astype(np.uint8)).save(folder / "y.png")
    PIL.Image.fromarray(np.rint(np.clip(1.6 * blurred, 0, 255)).astype(np.uint8)).save(folder / "clipped.png")


CASES = {
    "lesson": ("learn-kernel", "--kernel", "1,-1", "--steps", "40", "--lr", "0.01"),
    "through the image": ("learn-kernel", "--image", "noise:size=48", "--kernel", "sobel", "--backend", "conv2d"),
    "photograph": ("learn-kernel", "--image", "x.png", "--target", "y.png", "--size", "3"),
    "clipped": ("learn-kernel", "--image", "x.png", "--target", "clipped.png", "--size", "3"),
    "probe": ("learn-kernel", "--program", "cp {input} {output}", "--size", "3"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_and_two_threads(case: str, convkit, tmp_path: Path, root: Path) -> None:
    pictures(tmp_path, root)
    records = []
    for threads in ("1", "2"):
        env = {f"{library}_NUM_THREADS": threads for library in ("OMP", "OPENBLAS", "MKL")}
        done = convkit(*CASES[case], "--json", env=env)
        assert done.returncode == 0, done.stderr
        records.append(json.loads(done.stdout))
    same(*records, scale=0.0)


def test_a_digit_that_differs_would_be_seen() -> None:
    with pytest.raises(AssertionError):
        same({"kernel": [[1.0, 0.5]]}, {"kernel": [[1.0, 0.5000001]]}, 0.0)
