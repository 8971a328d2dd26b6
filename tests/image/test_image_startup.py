"""What importing and using the room loads, and what it leaves of a big picture in memory."""

import subprocess
import sys

import numpy as np
import pytest

from convkit.image import load_image, read_image, save_image

HEAVY = {"PIL", "tifffile", "torch", "pydantic", "rich", "typer", "matplotlib"}


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("import convkit.image", set()),
        ("from convkit.image import load_image as l; l('noise'); l('1,2;3,4')", set()),
        ("from convkit.image import load_image as l; l({npy!r})", set()),
        ("from convkit.image import save_image as s; s({npy!r}, [[1]]); s({csv!r}, [[1]])", set()),
        ("from convkit.image import load_image as l; l({png!r})", {"PIL"}),
    ],
)
def test_only_what_is_needed_is_loaded(code, loaded, tmp_path):
    paths = {suffix: str(tmp_path / f"a.{suffix}") for suffix in ("npy", "csv", "png")}
    for path in paths.values():
        save_image(path, [[1.0]])
    code = f"import sys; {code.format(**paths)}; print(*sys.modules)"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert HEAVY & {name.partition(".")[0] for name in names} == loaded


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".npy", ".csv"])
def test_values_can_be_written_to(suffix, tmp_path):
    save_image(tmp_path / f"a{suffix}", np.eye(2))
    image = read_image(tmp_path / f"a{suffix}")
    assert image.values.flags.writeable
    assert image.values.flags.c_contiguous


def test_memory_of_a_colour_picture_stays_below_three_float_images(tmp_path):
    import tracemalloc

    import cv2

    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((1024, 1024, 3), np.uint8))
    load_image(path)
    tracemalloc.start()
    load_image(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 8 * 1024**2
