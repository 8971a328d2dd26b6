"""Small pictures in a terminal: two pixels a character, the upper one as its ink and the lower as its paper."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import RenderableType
from rich.text import Text

from convkit.experiment.workings import Workings
from convkit.report.palette import RGB, colour_of, hexadecimal
from convkit.report.side_by_side import side_by_side

_MOST_WIDE, _MOST_TALL = 36, 32
_GAPS = 6
# Pixels on a side from which a thumbnail is made; of larger pictures some are left out.
_ENOUGH = 512


def thumbnails(workings: Workings, width: int) -> RenderableType:
    """Draw what a filter was given, what it made of it, and what the kernel found leaves of that.

    Parameters
    ----------
    workings : Workings
    width : int
        Of the terminal, in characters.
    """
    most = max(8, min(_MOST_WIDE, (width - _GAPS) // 3))
    residual = workings.residual
    reach = float(np.nanmax(np.abs(residual))) if np.isfinite(residual).any() else 0.0
    floor = 1e-11 * float(np.abs(workings.pair.target).max())
    pictures = [
        ("before", half_blocks(_shades(workings.before), most)),
        ("after", half_blocks(_shades(workings.after), most)),
        ("residual", half_blocks(_signs(residual / max(reach, floor, 1e-300)), most)),
    ]
    return side_by_side(pictures, width)


def half_blocks(pixels: NDArray[np.uint8], most: int) -> Text:
    """Draw a picture, shape (H, W, 3), in at most so many columns; tiny ones are magnified.

    Examples
    --------
    >>> half_blocks(np.zeros((4, 6, 3), np.uint8), 6).plain.split()
    ['▀▀▀▀▀▀', '▀▀▀▀▀▀']
    """
    height, width, _ = pixels.shape
    shrink = max(width / most, height / _MOST_TALL, 1.0 / max(1, min(most // width, _MOST_TALL // 2 // height)))
    rows = max(1, round(height / shrink))
    columns = max(1, round(width / shrink))
    small = _sampled(_sampled(pixels, rows, 0), columns, 1)
    if rows % 2:  # the last line's lower half is the terminal's own colour
        small = np.concatenate([small, small[-1:]])
    lines = []
    for row in range(0, len(small), 2):
        line = Text(no_wrap=True)
        for upper, lower in zip(small[row].tolist(), small[row + 1].tolist(), strict=True):
            alone = row + 1 == rows
            paper = "" if alone else f" on {hexadecimal(_rgb(lower))}"
            line.append("▀", style=f"{hexadecimal(_rgb(upper))}{paper}")
        lines.append(line)
    return Text("\n").join(lines)


def _sampled(pixels: NDArray[Any], count: int, axis: int) -> NDArray[Any]:
    """Shrink one axis by means of what falls together, or magnify it by repetition."""
    side = pixels.shape[axis]
    if count >= side:
        repeated: NDArray[Any] = np.take(pixels, np.arange(count) * side // count, axis=axis)
        return repeated
    starts = np.arange(count) * side // count
    sums = np.add.reduceat(pixels.astype(np.float64), starts, axis=axis)
    shape = [1, 1, 1]
    shape[axis] = count
    sizes = np.diff(np.append(starts, side)).reshape(shape)
    return (sums / sizes).round().astype(np.uint8)


def _shades(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """Map a picture to gray: 0 to 1 as they are, and what goes beyond by its own range."""
    every = max(1, max(picture.shape[:2]) // _ENOUGH)
    values = np.asarray(picture[::every, ::every], np.float64)
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 1.0)
    shades = ((values - low) / (high - low) * 255).round().astype(np.uint8)
    return shades if shades.ndim == 3 else np.repeat(shades[..., None], 3, axis=-1)


def _signs(shares: NDArray[np.float64]) -> NDArray[np.uint8]:
    ramp = np.array([colour_of(share) for share in np.linspace(-1.0, 1.0, 255)] + [colour_of(float("nan"))], np.uint8)
    index = np.where(np.isfinite(shares), (np.nan_to_num(shares).clip(-1, 1) * 127 + 127).round(), 255).astype(int)
    coloured: NDArray[np.uint8] = ramp[index]
    return coloured


def _rgb(pixel: list[int]) -> RGB:
    return pixel[0], pixel[1], pixel[2]
