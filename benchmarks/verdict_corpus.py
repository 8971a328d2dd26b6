"""Filters of real programs, linear and not, by which the verdict's thresholds were chosen and are checked."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps
from scipy import ndimage

Bytes = NDArray[np.uint8]
Filter = Callable[[Bytes], NDArray[np.generic]]


@dataclass(frozen=True)
class Case:
    """A filter, and the windows within which its kernel (or the pixels it looks at) lies, centred."""

    name: str
    run: Filter
    windows: tuple[int, ...]


def pictures() -> dict[str, Bytes]:
    """Three 8-bit pictures: a photograph, a drawing with texture, and a noise chart of middle contrast."""
    scene = Path(__file__).resolve().parents[1] / "pictures" / "scene.png"
    rng = np.random.default_rng(0)
    return {
        "camera": skimage.data.camera(),
        "scene": np.asarray(Image.open(scene)),
        "noise": np.clip(np.rint(rng.normal(128, 40, (400, 420))), 0, 255).astype(np.uint8),
    }


def _pil(kind: ImageFilter.Filter) -> Filter:
    return lambda x: np.asarray(Image.fromarray(x).filter(kind))


def _curve(function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Filter:
    table = np.clip(np.rint(255 * function(np.arange(256) / 255)), 0, 255).astype(np.uint8)
    return lambda x: table[x]


def _stored(values: NDArray[np.float64]) -> Bytes:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _blurred(x: Bytes, sigma: float) -> NDArray[np.float64]:
    return ndimage.gaussian_filter(x.astype(float), sigma, truncate=3.0)


def _sobel(x: Bytes, dx: int, dy: int) -> NDArray[np.float64]:
    return cv2.Sobel(x.astype(np.float64), cv2.CV_64F, dx, dy)


def _magnitude(x: Bytes) -> Bytes:
    return _stored(np.hypot(_sobel(x, 1, 0), _sobel(x, 0, 1)) / 4)


def _vignette(x: Bytes) -> Bytes:
    rows, columns = (np.linspace(-1, 1, n) for n in x.shape)
    return _stored(_blurred(x, 1.0) * (1 - 0.15 * (rows[:, None] ** 2 + columns**2)))


def _varying_blur(x: Bytes) -> Bytes:
    share = np.linspace(0, 1, x.shape[1])
    return _stored(_blurred(x, 0.8) * (1 - share) + _blurred(x, 1.3) * share)


def _linear_light(x: Bytes) -> Bytes:
    v = x / 255
    light = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    light = ndimage.gaussian_filter(light, 1.0, truncate=3.0)
    return _stored(255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055))


def _normalised(x: Bytes) -> Bytes:
    mean = ndimage.uniform_filter(x.astype(float), 7)
    spread = np.sqrt(np.maximum(ndimage.uniform_filter(x.astype(float) ** 2, 7) - mean**2, 0))
    return _stored(128 + 40 * (x - mean) / (spread + 4))


def not_linear() -> list[Case]:
    return [
        Case("median 3x3", lambda x: cv2.medianBlur(x, 3), (3, 5, 9)),
        Case("median 5x5", lambda x: cv2.medianBlur(x, 5), (5, 9)),
        Case("|Sobel x|, clipped", lambda x: _stored(np.abs(_sobel(x, 1, 0))), (3, 5, 9)),
        Case("|Sobel y| / 4", lambda x: _stored(np.abs(_sobel(x, 0, 1)) / 4), (3, 5, 9)),
        Case("gradient magnitude / 4", _magnitude, (3, 5, 9)),
        Case("histogram equalisation", lambda x: np.asarray(ImageOps.equalize(Image.fromarray(x))), (1, 3, 9)),
        Case("gamma 0.45", _curve(lambda v: v**0.45), (1, 3, 9)),
        Case("gamma 1.1", _curve(lambda v: v**1.1), (1, 3, 9)),
        Case("gamma 2.2", _curve(lambda v: v**2.2), (1, 3, 9)),
        Case("bilateral 5, 30, 2", lambda x: cv2.bilateralFilter(x, 5, 30, 2), (5, 9)),
        Case("bilateral 9, 75, 3", lambda x: cv2.bilateralFilter(x, 9, 75, 3), (9, 13)),
        Case("unsharp 2, 150, 3", _pil(ImageFilter.UnsharpMask(2, 150, 3)), (9, 17)),
        Case("unsharp 1, 100, 6", _pil(ImageFilter.UnsharpMask(1, 100, 6)), (7, 9)),
        Case("clipped to 16..235", lambda x: np.clip(x, 16, 235), (1, 3, 9)),
        Case("blurred, clipped to 16..235", lambda x: np.clip(_stored(_blurred(x, 0.7)), 16, 235), (5, 9)),
        Case("posterised to 3 bits", lambda x: np.asarray(ImageOps.posterize(Image.fromarray(x), 3)), (1, 3, 9)),
        Case("posterised to 5 bits", lambda x: np.asarray(ImageOps.posterize(Image.fromarray(x), 5)), (1, 3, 9)),
        Case("maximum 3x3", _pil(ImageFilter.MaxFilter(3)), (3, 5, 9)),
        Case("minimum 5x5", _pil(ImageFilter.MinFilter(5)), (5, 9)),
        Case("vignette", _vignette, (7, 9)),
        Case("varying blur", _varying_blur, (9, 11)),
        Case("blur in linear light", _linear_light, (7, 9)),
        Case("local normalisation", _normalised, (7, 9)),
        Case("mode 3x3", _pil(ImageFilter.ModeFilter(3)), (3, 5)),
        Case("solarised", lambda x: np.asarray(ImageOps.solarize(Image.fromarray(x), 128)), (1, 3)),
    ]


def _cv(kernel: NDArray[np.float64], delta: float = 0.0) -> Filter:
    return lambda x: cv2.filter2D(x, -1, kernel, delta=delta)


def linear() -> list[Case]:
    names = "BLUR CONTOUR DETAIL EDGE_ENHANCE EDGE_ENHANCE_MORE EMBOSS FIND_EDGES SHARPEN SMOOTH SMOOTH_MORE"
    kernels = [
        Case(f"PIL {n}", _pil(getattr(ImageFilter, n)), (5, 9) if n in ("BLUR", "SMOOTH_MORE") else (3, 5, 9))
        for n in names.split()
    ]
    passes = [
        Case(f"PIL GaussianBlur {r}", _pil(ImageFilter.GaussianBlur(r)), (2 * int(np.ceil(3 * r)) + 3,))
        for r in (0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0)
    ]
    boxes = [Case(f"PIL BoxBlur {r}", _pil(ImageFilter.BoxBlur(r)), (2 * int(np.ceil(r)) + 1,)) for r in (0.5, 1, 2.3)]
    gabor = cv2.getGaborKernel((7, 7), 2.0, 0.6, 5.0, 0.7)
    return [
        *kernels,
        *passes,
        *boxes,
        *[Case(f"cv2 GaussianBlur {s}", lambda x, s=s: cv2.GaussianBlur(x, (0, 0), s), (13,)) for s in (0.6, 1.2, 1.9)],
        Case("cv2 Sobel, clipped", lambda x: cv2.Sobel(x, cv2.CV_8U, 1, 0), (3, 5, 9)),
        Case("cv2 Laplacian, clipped", lambda x: cv2.Laplacian(x, cv2.CV_8U, ksize=3), (3, 5)),
        Case("cv2 boxFilter 5", lambda x: cv2.boxFilter(x, -1, (5, 5)), (5, 9)),
        Case("cv2 filter2D Gabor", _cv(gabor / np.abs(gabor).sum() * 3, 100), (7, 9)),
        Case("cv2 emboss", _cv(np.array([[-2.0, -1, 0], [-1, 1, 1], [0, 1, 2]])), (3, 5)),
        *[Case(f"scipy gaussian {s}", lambda x, s=s: ndimage.gaussian_filter(x, s), (17,)) for s in (0.7, 1.0, 2.0)],
        *[Case(f"scipy uniform {n}", lambda x, n=n: ndimage.uniform_filter(x, n), (n, 9)) for n in (3, 7)],
        Case("scipy correlate", lambda x: ndimage.correlate(x, np.full((3, 3), 0.1)), (3, 5)),
        Case("identity", lambda x: x, (1, 3, 9)),
        Case("half", lambda x: _stored(x / 2 + 10), (1, 3)),
        Case("gain 1.1", lambda x: _stored(x * 1.1), (1, 3)),
    ]


def random_kernels(count: int, seed: int) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Random taps of 1x1 to 9x9 and an offset: averaging, sharpening, and zero-sum ones, some of them half clipped."""
    rng = np.random.default_rng(seed)
    for n in range(count):
        size = tuple(2 * rng.integers(0, 5, 2) + 1)
        taps = rng.standard_normal(size) * np.exp(-np.square(rng.standard_normal(size)))
        if n % 3 == 0:
            taps = np.abs(taps) / np.abs(taps).sum()
        elif n % 3 == 1 or taps.size == 1:
            taps[size[0] // 2, size[1] // 2] += 1.5 * np.abs(taps).sum()
            taps /= taps.sum()
        else:
            taps = (taps - taps.mean()) / np.abs(taps - taps.mean()).sum() * 2
        yield taps, 127.5 if n % 6 == 2 and taps.size > 1 else 0.0


def jpeg(values: Bytes, quality: int) -> Bytes:
    """What a JPEG file of that quality keeps."""
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))
