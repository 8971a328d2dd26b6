"""Pictures before and after, as they can stand in a page: small, and laid on one another."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.report.figures.thinning import thinned
from convkit.report.numbers import compact
from convkit.report.page.heat import png_address

# Pixels a side; larger pictures are averaged over blocks.
MOST_PIXELS = 512
# Of both as embedded; noise in colour would be more.
_MOST_BYTES = 1_400_000
# Smaller pictures are shown enlarged, pixel by pixel.
_FEW_PIXELS = 200

Pixels = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Picture:
    """A picture and what to know of it: its address, its own size, and what black and white stand for."""

    address: str
    width: int
    height: int
    note: str


@dataclass(frozen=True)
class Pictures:
    """Before and after, on the same ground.

    Attributes
    ----------
    before, after : Picture
    width, height : int
        Of both as embedded, in pixels.
    coarse : bool
        Whether single pixels are to be seen.
    """

    before: Picture
    after: Picture
    width: int
    height: int
    coarse: bool


def pictures(before: Pixels, after: Pixels) -> Pictures:
    """Lay a target on its image: one smaller by the kernel in the middle, any other size over the whole."""
    height, width = before.shape[:2]
    missing = height - after.shape[0], width - after.shape[1]
    inside = all(0 <= lost < 0.5 * side for lost, side in zip(missing, before.shape, strict=False))
    most = MOST_PIXELS
    while True:
        block = -(-max(height, width) // most)
        own, ground = (block, (height, width)) if inside else (-(-max(after.shape[:2]) // most), after.shape[:2])
        shown = -(-height // block), -(-width // block)
        first, second = _picture(before, block, (height, width)), _picture(after, own, ground)
        if len(first.address) + len(second.address) <= _MOST_BYTES:
            return Pictures(first, second, shown[1], shown[0], coarse=max(shown) <= _FEW_PIXELS)
        most = most * 3 // 4


def _picture(values: Pixels, block: int, ground: tuple[int, ...]) -> Picture:
    from PIL import Image

    low, high = float(values.min()), float(values.max())
    kept = low >= 0.0 and high <= 1.0
    bottom, top = (0.0, 1.0) if kept else (low, high)
    small, _ = thinned(values, -(-max(values.shape[:2]) // block))
    gray = np.clip((small - bottom) / ((top - bottom) or 1.0), 0.0, 1.0)
    picture = Image.fromarray((255.0 * gray).round().astype(np.uint8))
    sides = [-(-side // block) for side in ground]
    if list(small.shape[:2]) != sides:
        clear = Image.new("RGBA" if picture.mode == "RGB" else "LA", (sides[1], sides[0]))
        picture = picture.convert(clear.mode)
        clear.paste(picture, ((sides[1] - picture.width) // 2, (sides[0] - picture.height) // 2))
        picture = clear
    notes = [] if kept else [f"black is {compact(low, 3)}, white {compact(high, 3)}"]
    if block > 1:
        notes.append(f"each pixel is the mean of {block}x{block}")
    return Picture(png_address(picture), values.shape[1], values.shape[0], ", ".join(notes))
