"""Filters as programs: python filters.py NAME INPUT OUTPUT."""

import sys

import numpy as np
import scipy.ndimage
from PIL import Image, ImageFilter, ImageOps


def _stored(values: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _vignette(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture, dtype=float)
    rows, columns = (np.linspace(-0.5, 0.5, length) for length in values.shape)
    return _stored(values * (1.0 - 0.5 * np.hypot(rows[:, None], columns)))


def _varying(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture, dtype=float)
    across = np.linspace(0.0, 1.0, values.shape[1])
    return _stored((1.0 - across) * values + across * scipy.ndimage.gaussian_filter(values, 1.2))


def _noisy(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture, dtype=float)
    return _stored(values + np.random.default_rng().normal(0.0, 4.0, values.shape))


def _sobel(picture: Image.Image) -> Image.Image:
    return _stored(scipy.ndimage.sobel(np.asarray(picture, dtype=float), 1, mode="mirror") + 128.0)


def _laplace(picture: Image.Image) -> Image.Image:
    return _stored(scipy.ndimage.laplace(np.asarray(picture, dtype=float), mode="wrap") + 128.0)


def _torch(picture: Image.Image) -> Image.Image:
    import torch

    values = torch.from_numpy(np.asarray(picture, dtype=float))[None, None]
    taps = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]], dtype=torch.float64) / 16
    return _stored(torch.nn.functional.conv2d(values, taps[None, None], padding=1)[0, 0].numpy())


def _gray_only(picture: Image.Image) -> Image.Image:
    if picture.mode != "L":
        raise SystemExit("gray pictures only")
    return picture.filter(ImageFilter.BoxBlur(1))


FILTERS = {
    "gray only": _gray_only,
    "sharpen": lambda picture: picture.filter(ImageFilter.SHARPEN),
    "gaussian": lambda picture: picture.filter(ImageFilter.GaussianBlur(1.2)),
    "unsharp": lambda picture: picture.filter(ImageFilter.UnsharpMask(2, 150, 0)),
    "unsharp with a threshold": lambda picture: picture.filter(ImageFilter.UnsharpMask(2, 150, 3)),
    "torch": _torch,
    "box": lambda picture: picture.filter(ImageFilter.BoxBlur(1)),
    "emboss": lambda picture: picture.filter(ImageFilter.EMBOSS),
    "sobel": _sobel,
    "laplace": _laplace,
    "median": lambda picture: picture.filter(ImageFilter.MedianFilter(3)),
    "threshold": lambda picture: picture.point(lambda value: 255 * (value > 127)),
    "equalise": ImageOps.equalize,
    "vignette": _vignette,
    "varying": _varying,
    "noise": _noisy,
    "gray": lambda picture: picture.convert("L"),
}

if __name__ == "__main__":
    name, before, after = sys.argv[1:]
    with Image.open(before) as opened:
        FILTERS[name](opened.copy()).save(after)
