"""From Pillow's images to samples: palettes, transparency and orientation, which `numpy.asarray` ignores."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convkit.image.raster import Raster, Samples, unsupported

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

# What stands for white in each of Pillow's modes. "I" is missing on purpose: it is 16 bits of one format and
# 32 of another, and Pillow does not say which.
_WHITE = {"1": 1, "L": 255, "LA": 255, "RGB": 255, "RGBA": 255, "I;16": 65535, "I;16B": 65535}
_ORIENTATION = 0x0112


def from_pillow(picture: "PillowImage", name: str, *, key_step: int = 1) -> Raster:
    """Take the samples out of a picture that Pillow opened.

    Parameters
    ----------
    picture : PIL.Image.Image
        Of at most 8 bits a channel, 16-bit gray or float gray: the rest Pillow reads wrongly.
    name : str
        What to call it in a message.
    key_step : int
        How much brighter Pillow makes samples of 2 or 4 bits; it leaves the transparent gray unscaled.

    Returns
    -------
    Raster
    """
    picture.load()
    orientation = orientation_of(picture)
    if picture.mode in ("P", "PA"):  # numpy would give palette indices
        transparent = picture.mode == "PA" or "transparency" in picture.info
        picture = picture.convert("RGBA" if transparent else "RGB")
    elif picture.mode == "F":
        return Raster(np.array(picture), None, orientation=orientation)  # a copy, for Pillow's is read-only
    if picture.mode not in _WHITE:
        raise unsupported(name, f"{picture.mode} colours")
    samples, white = np.asarray(picture), _WHITE[picture.mode]
    if picture.mode in ("LA", "RGBA"):
        return split_alpha(samples, white, orientation)
    key = picture.info.get("transparency")
    if key is None:
        return Raster(samples, white, None, orientation)
    if picture.mode == "1":
        key = key // 255
    return Raster(samples, white, keyed(samples, np.multiply(key, key_step)), orientation)


def split_alpha(samples: Samples, white: int, orientation: int = 1) -> Raster:
    """Part colour from opacity, the last channel.

    Examples
    --------
    >>> split_alpha(np.array([[[51, 255]]]), 255).alpha
    array([[1.]])
    """
    colour = samples[..., 0] if samples.shape[2] == 2 else samples[..., :-1]
    return Raster(colour, white, np.divide(samples[..., -1], white, dtype=np.float64), orientation)


def keyed(samples: Samples, key: Samples) -> NDArray[np.float64]:
    """Return the opacity of a picture in which one gray or colour stands for "transparent".

    Examples
    --------
    >>> keyed(np.array([[7, 8]]), np.array(7))
    array([[0., 1.]])
    """
    different = samples != key
    return np.asarray(different.any(axis=2) if samples.ndim == 3 else different, dtype=np.float64)


def orientation_of(picture: "PillowImage") -> int:
    """Return how the camera was held, as EXIF numbers it; 1 when nothing is said.

    To be asked after the pixels are loaded: a PNG may say it after them, and of a TIFF Pillow has then turned
    them upright itself.
    """
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata says nothing about the pixels, and every viewer shows such pictures
        return 1
