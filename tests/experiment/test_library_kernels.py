"""Kernels of the library behind given pairs: named without a bias, and proven where they reproduce every pixel."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageFilter
import pytest
import rich.console
import scipy.ndimage
import skimage.filters
from skimage import data

from convkit import Recovery, learn_kernel
from convkit.kernel.library import groups, named_kernel

Picture = np.ndarray
Recover = Callable[..., Recovery]


@pytest.fixture(scope="module")
def pictures() -> dict[str, Picture]:
    """A natural picture and a noise chart."""
    return {
        "camera": data.camera()[100:356, 120:400],
        "chart": np.random.default_rng(0).integers(0, 256, (230, 250), dtype=np.uint8),
    }


@pytest.fixture
def recover(tmp_path: Path) -> Recover:
    def recovered(before: Picture, after: Picture, **settings: object) -> Recovery:
        for name, picture in (("before.png", before), ("after.png", after)):
            PIL.Image.fromarray(picture).save(tmp_path / name)
        return learn_kernel(tmp_path / "before.png", target=tmp_path / "after.png", **settings)

    return recovered


def to_bytes(values: np.ndarray) -> Picture:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def repr_of(found: Recovery) -> str:
    console = rich.console.Console(width=1000, file=io.StringIO())
    console.print(found)
    return console.file.getvalue()


def bell(size: int, sigma: float) -> np.ndarray:
    row = cv2.getGaussianKernel(size, sigma)
    return row @ row.T


def less_blurred(size: int, sigma: float, amount: float) -> np.ndarray:
    taps = -amount * bell(size, sigma)
    taps[size // 2, size // 2] += 1 + amount
    return taps


# What a program did to a picture, the library's kernel for it, and its taps by OpenCV.
_PROGRAMS: dict[str, tuple[Callable[[Picture], Picture], str, np.ndarray]] = {
    "scikit-image": (lambda x: to_bytes(255 * skimage.filters.gaussian(x, 1.5)), "gaussian:sigma=1.5", bell(13, 1.5)),
    "scikit-image, sharpened": (
        lambda x: to_bytes(255 * skimage.filters.unsharp_mask(x, radius=2, amount=1)),
        "unsharp:amount=1,sigma=2",
        less_blurred(17, 2, 1),
    ),
    "OpenCV in float32": (
        lambda x: to_bytes(cv2.GaussianBlur(x.astype(np.float32), (9, 9), 2)),
        "gaussian:sigma=2,size=9",
        bell(9, 2),
    ),
    "truncated": (
        lambda x: scipy.ndimage.gaussian_filter(x.astype(float), 1.7).astype(np.uint8),
        "gaussian:sigma=1.7",
        bell(15, 1.7),
    ),
    "truncated between its passes": (
        lambda x: scipy.ndimage.gaussian_filter(x, 1),
        "gaussian:sigma=1",
        bell(9, 1),
    ),
    "16 bits, the upper 8 of them kept": (  # as GraphicsMagick and ImageMagick do
        lambda x: (np.rint(257 * scipy.ndimage.gaussian_filter(x.astype(float), 1.2)) // 257).astype(np.uint8),
        "gaussian:sigma=1.2",
        bell(11, 1.2),
    ),
    "brighter": (
        lambda x: to_bytes(scipy.ndimage.gaussian_filter(x.astype(float), 1.3) + 10),
        "gaussian:sigma=1.3",
        bell(11, 1.3),
    ),
}


@pytest.mark.parametrize("kind", ["camera", "chart"])
@pytest.mark.parametrize("name", list(_PROGRAMS))
def test_a_kernel_with_round_parameters_is_proven(name: str, kind: str, pictures, recover: Recover) -> None:
    program, text, taps = _PROGRAMS[name]
    found = recover(pictures[kind], program(pictures[kind]))
    assert (found.kernel.library, found.fit.verdict) == (text, "exact")
    assert found.fit.reproduced == found.fit.pixels
    np.testing.assert_allclose(found.kernel.learned, taps, atol=1e-7)  # scikit-image's is of single precision
    assert not np.any(found.kernel.standard_error)
    assert abs(found.bias.learned * 255 - 10 * (name == "brighter")) < 1e-9
    assert [offset + size // 2 for offset, size in zip(found.convention.offset, taps.shape, strict=True)] == [0, 0]


def _of_the_library() -> list[str]:
    """All of its kernels that leave something of a photograph, with the parameters that they have by default."""
    names = [entry.signature for group in groups().values() for entry in group]
    return [name for name in names if "comet" not in name and named_kernel(name).sum < 1.5]


@pytest.mark.slow
@pytest.mark.parametrize("name", _of_the_library())
def test_every_kernel_of_the_library_comes_back(name: str, pictures, recover: Recover) -> None:
    """As whole numbers or a text of the library, the taps equal. Of comets the width is no parameter that is named."""
    kernel, before = named_kernel(name), pictures["camera"]
    response = scipy.ndimage.correlate(before.astype(float), kernel.taps, mode="nearest")
    grey = 128 * (kernel.sum < 0.5)  # of derivatives
    found = recover(before, to_bytes(response + grey))
    assert found.kernel.proven
    assert (found.fit.verdict, found.kernel.names != []) == ("exact", True)
    size = max(*kernel.shape, *found.kernel.learned.shape) + 2
    laid = [np.zeros((size, size)) for _ in range(2)]
    top, left = (size // 2 + offset for offset in found.convention.offset)
    laid[0][top : top + found.kernel.learned.shape[0], left : left + found.kernel.learned.shape[1]] = (
        found.kernel.learned
    )
    top, left = (size // 2 - side // 2 for side in kernel.shape)
    laid[1][top : top + kernel.shape[0], left : left + kernel.shape[1]] = kernel.taps
    np.testing.assert_allclose(laid[0], laid[1], atol=1e-9 * np.abs(kernel.taps).max())


def test_valid_targets_leave_only_one_size(pictures, recover: Recover) -> None:
    before = pictures["camera"]
    after = to_bytes(scipy.ndimage.gaussian_filter(before.astype(float), 2))[8:-8, 8:-8]
    found = recover(before, after)
    assert (found.kernel.library, found.fit.verdict) == ("gaussian:sigma=2", "exact")
    assert (found.convention.offset, found.kernel.learned.shape) == ((0, 0), (17, 17))


def test_colour_is_proven_too(recover: Recover) -> None:
    before = data.astronaut()[100:300, 150:370]
    after = to_bytes(scipy.ndimage.gaussian_filter(before.astype(float), (1.5, 1.5, 0)))
    found = recover(before, after)
    assert found.kernel.library == "gaussian:sigma=1.5"
    assert [(one.kernel.library, one.fit.verdict) for one in found.channels] == [("gaussian:sigma=1.5", "exact")] * 3


def test_channels_of_different_blurs_keep_their_window(recover: Recover) -> None:
    before = data.astronaut()[100:300, 150:370]
    sigmas = (0.8, 1.5, 0.8)
    blurred = [scipy.ndimage.gaussian_filter(before[..., c].astype(float), s) for c, s in enumerate(sigmas)]
    found = recover(before, to_bytes(np.stack(blurred, axis=-1)))
    assert found.kernel is None
    assert len({one.kernel.learned.shape for one in found.channels}) == 1
    assert [re.search(r"sigma = ([\d.]+)", one.kernel.name)[1][:3] for one in found.channels] == ["0.8", "1.5", "0.8"]


def test_one_wrong_pixel_is_no_proof(pictures, recover: Recover) -> None:
    after = to_bytes(scipy.ndimage.gaussian_filter(pictures["camera"].astype(float), 2))
    after[100, 100] += 1
    found = recover(pictures["camera"], after)
    assert (found.kernel.library, found.fit.verdict) == (None, "linear")
    assert found.kernel.standard_error.max() > 0


def test_what_no_name_fits_nearly_has_one(recover: Recover, tmp_path: Path) -> None:
    """Pillow rounds between its six passes, and JPEG loses what is no noise: both bend the taps beyond their errors."""
    before = data.camera()
    passes = recover(before, np.asarray(PIL.Image.fromarray(before).filter(PIL.ImageFilter.GaussianBlur(2))))
    assert passes.kernel.names == []
    assert passes.kernel.nearest.startswith("Pillow's Gaussian (three boxes), radius 2.00")
    assert "nearly Pillow's Gaussian" in repr_of(passes)

    blurred = PIL.Image.fromarray(to_bytes(scipy.ndimage.gaussian_filter(before.astype(float), 2)))
    blurred.save(tmp_path / "after.jpg", quality=75)
    lossy = learn_kernel(tmp_path / "before.png", target=tmp_path / "after.jpg")
    assert (lossy.kernel.names, lossy.fit.verdict) == ([], "noisy")
    assert re.match(r"Gaussian, sigma = 2\.0\d* ± ", lossy.kernel.nearest)


@pytest.mark.parametrize("program", [
    lambda x: scipy.ndimage.correlate(x.astype(float), np.random.default_rng(1).dirichlet(np.ones(25)).reshape(5, 5)),
    lambda x: cv2.medianBlur(x, 3),
], ids=["random taps", "median"])  # fmt: skip
def test_nothing_is_near_what_is_nothing_known(program, pictures, recover: Recover) -> None:
    found = recover(pictures["camera"], to_bytes(program(pictures["camera"])))
    assert (found.kernel.names, found.kernel.nearest) == ([], None)


def test_few_pixels_prove_nothing(recover: Recover) -> None:
    """A picture so small that Gaussians of other sigmas give the same pixels leaves the taps estimated."""
    before = np.random.default_rng(5).integers(100, 140, (24, 24), dtype=np.uint8)
    found = recover(before, to_bytes(scipy.ndimage.gaussian_filter(before.astype(float), 0.75, truncate=1.5)))
    assert found.kernel.library is None
    assert found.kernel.standard_error.min() > 0


def test_the_record_and_the_terminal_tell_the_proof(convkit, tmp_path: Path, pictures) -> None:
    before = pictures["camera"]
    PIL.Image.fromarray(before).save(tmp_path / "a.png")
    after = to_bytes(scipy.ndimage.gaussian_filter(before.astype(float), 2))
    PIL.Image.fromarray(after).save(tmp_path / "b.png")
    done = convkit("learn-kernel", "--image", "a.png", "--target", "b.png", "--json")
    told = json.loads(done.stdout)
    assert told["kernel"]["library"] == "gaussian:sigma=2"
    assert told["support"]["size"] != [17, 17]  # the search has its own say
    shown = convkit("learn-kernel", "--image", "a.png", "--target", "b.png").stdout
    assert re.search(r"^kernel +gaussian:sigma=2 \(proven\)$", shown, re.MULTILINE)
    assert re.search(r"^size +17x17, centred; the search kept \d+x\d+ of windows up to", shown, re.MULTILINE)


@pytest.mark.parametrize("kind", ["camera", "chart"])
@pytest.mark.parametrize("sigma", [0.51237, 0.81237, 1.01237, 1.51237, 2.01237, 3.01237])
def test_a_faint_tail_does_not_bias_the_name(sigma: float, kind: str, pictures, recover) -> None:
    """The window kept leaves out what chance explains of a tail, and its taps make up for that; the name must not.

    Within five standard errors, and half of the last digit shown. On the photograph the kept window's own taps tell
    sigmas that are up to six standard errors off, and of 2 and 3 no name at all. Nobody asks for such a sigma, so that
    none of the library's kernels reproduces every pixel.
    """
    before = pictures[kind]
    found = recover(before, to_bytes(scipy.ndimage.gaussian_filter(before.astype(float), sigma, truncate=8)))
    assert found.kernel.library is None
    (told,) = filter(
        None, (re.match(r"Gaussian, sigma = ([\d.]+) ± ([\d.]+), sum 1$", one) for one in found.kernel.names)
    )
    value, error = map(float, told.groups())
    assert abs(value - sigma) <= 5 * error + 0.5 * 10.0 ** -len(told[1].split(".")[1])
    assert error <= 1e-3
    assert found.fit.verdict == "linear"


def test_room_around_a_kernel_does_not_excuse_a_misfit(pictures, recover) -> None:
    """A Gaussian with two of its taps exchanged is none, however much room without taps is looked at with it."""
    kernel = cv2.getGaussianKernel(7, 1.1) @ cv2.getGaussianKernel(7, 1.1).T
    kernel[2, 3], kernel[3, 2] = kernel[2, 3] + 7e-4, kernel[3, 2] - 7e-4
    found = recover(pictures["camera"], to_bytes(scipy.ndimage.correlate(pictures["camera"].astype(float), kernel)))
    assert found.fit.verdict == "linear"
    assert not [name for name in found.kernel.names if name.startswith("Gaussian")]
