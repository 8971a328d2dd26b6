"""What fuzzing feeds: each harness takes bytes, lets convkit read them, and may end well or in a `ConvkitError`.

Warnings count as errors. Where something was read, a second look at it must agree with the first.
"""

import os
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from convkit.errors import ConvkitError
from convkit.experiment import Experiment, Recovery
from convkit.experiment.config import read_config
from convkit.experiment.runs_file import read_saved
from convkit.image import read_image, read_large
from convkit.kernel import parse_kernel
from convkit.kernel.json_record import read_json, write_json
from convkit.kernel.vips_matrix import read_vips

Harness = Callable[[bytes], None]
_PIXELS = 1 << 16  # so that one input takes no longer than the next
_temporary = tempfile.TemporaryDirectory(prefix="convkit-fuzz-")  # gone with the process
_folder = Path(_temporary.name)  # empty but for what is being read


def kernel_text(data: bytes) -> None:
    """Taps, names with parameters, names of files: what --kernel is given."""
    text = data.decode("utf-8", "surrogateescape")
    kernel = parse_kernel(text)
    if kernel.taps.size <= 4096:
        again = parse_kernel(";".join(",".join(map(repr, row)) for row in kernel.taps.tolist()))
        np.testing.assert_array_equal(again.taps, kernel.taps)


def imagemagick(data: bytes) -> None:
    """ImageMagick's notation, and its kernels by name."""
    text = data.decode("utf-8", "replace")
    for start in ("3x3: ", "2x1+0+0:", "imagemagick/"):
        with suppress(ConvkitError):
            assert np.isfinite(parse_kernel(start + text).taps).all()


def image_text(data: bytes) -> None:
    """Matrices, patterns with parameters, names of files: what --image is given."""
    text = data.decode("utf-8", "surrogateescape")
    if text == "-":  # waits for standard input
        return
    image = read_image(text, max_pixels=_PIXELS)
    assert np.isfinite(image.values).all()


def image_file(data: bytes) -> None:
    """A file of pixels, told by its first bytes; as a whole, and by rows."""
    path = _written(data, "image.png")
    image = None
    with suppress(ConvkitError):
        image = read_image(path, max_pixels=_PIXELS)
        assert np.isfinite(image.values).all()
    large = read_large(path, 1, _PIXELS)
    if image is not None and large is not None:
        np.testing.assert_allclose(large.values, image.values, rtol=1e-6, atol=0)


def matrix_file(data: bytes) -> None:
    """A vips matrix in a file that ends in .mat."""
    kernel = read_vips(data.decode("utf-8", "replace"))
    assert np.isfinite(kernel.taps).all()
    assert np.isfinite(kernel.bias)


def config_toml(data: bytes) -> None:
    """A configuration, as far as the settled experiment."""
    path = _written(data, "experiment.toml")
    Experiment(**read_config(path).settings).settled()


def result_json(data: bytes) -> None:
    """A record of a recovery, and a kernel in JSON."""
    path = _written(data, "found.json")
    with suppress(ConvkitError):
        kernel = read_json(data.decode("utf-8", "replace"))
        np.testing.assert_array_equal(read_json(write_json(kernel)).taps, kernel.taps)
    found = Recovery.load(path)
    assert Recovery.model_validate_json(found.to_json()).to_json() == found.to_json()


def json_lines(data: bytes) -> None:
    """Saved runs of a comparison."""
    read_saved(_written(data, "runs.jsonl"))


HARNESSES: dict[str, Harness] = {
    each.__name__: each
    for each in (kernel_text, imagemagick, image_text, image_file, matrix_file, config_toml, result_json, json_lines)
}


def feed(name: str, data: bytes) -> None:
    """Give bytes to a harness; whatever comes out of this is a fault of convkit."""
    with warnings.catch_warnings(), suppress(ConvkitError):
        warnings.simplefilter("error")
        HARNESSES[name](data)


def _written(data: bytes, name: str) -> Path:
    path = _folder / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    return path
