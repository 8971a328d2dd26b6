"""A descent as a moving picture: the kernel taking shape and the loss falling, step by step."""

import io
import itertools
import math
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from convkit.experiment import Recovery
from convkit.recovery.trajectory import Trajectory
from convkit.report.numbers import compact
from convkit.report.palette import BLUE, ORANGE, colour_of, ink_on

# Frames of a longer descent are left out; the frame says so.
MOST_FRAMES = 100
# Milliseconds: of the whole, of one frame at most and at least, and of the last.
_WHOLE, _LONGEST, _SHORTEST, _LAST = 7000, 250, 50, 2500
# Everything is drawn this much larger and made smaller at the end, which smooths its edges.
_FINE = 2
_WIDTH, _HEIGHT = 760, 300
_INK, _FAINT, _PAPER = (28, 28, 29), (150, 150, 150), (255, 255, 255)
_SIDE = 190
# Colours of a GIF.
_COLOURS, _NEARLY_WHITE = 96, 248


def animated(found: Recovery, path: str) -> bytes:
    """Return the states of a descent as the bytes of an animated .gif, .png (APNG) or .webp, the same for the same run.

    Parameters
    ----------
    found : Recovery
        With its trajectory: ``keep_steps`` of `learn_kernel`.
    path : str
        Whose suffix says the format.
    """
    assert found.trajectory is not None
    scenes = _Scenes(found, found.trajectory.thinned(MOST_FRAMES))
    frames = list(scenes)
    each = min(max(_WHOLE // len(frames), _SHORTEST), _LONGEST)
    durations = [each] * (len(frames) - 1) + [_LAST]
    buffer = io.BytesIO()
    suffix = Path(path).suffix.lower()
    if suffix == ".gif":
        # One palette for all frames, of the last one's colours and the scale's: nothing flickers.
        palette = _palette(frames)
        frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    options: dict[str, Any] = {"lossless": True, "quality": 60} if suffix == ".webp" else {}
    frames[0].save(
        buffer, format=suffix[1:], save_all=True, append_images=frames[1:], duration=durations, loop=0, **options
    )
    return buffer.getvalue()


def _palette(frames: list[Image.Image]) -> Image.Image:
    width, height = frames[0].size
    some = [frames[i] for i in sorted({0, len(frames) // 3, 2 * len(frames) // 3, len(frames) - 1})]
    sheet = Image.new("RGB", (width, height * len(some)), _PAPER)
    for row, frame in enumerate(some):
        sheet.paste(frame, (0, row * height))
    palette = sheet.quantize(_COLOURS, dither=Image.Dither.NONE)
    # Pillow finds the nearest colour to five bits: of all that are nearly white to it, only the paper may stay.
    colours = palette.getpalette() or []
    triples = [colours[i : i + 3] for i in range(0, len(colours), 3)]
    palette.putpalette([part for one in triples for part in (_PAPER if min(one) >= _NEARLY_WHITE else one)])
    return palette


class _Scenes:
    """The frames of a descent, one after the other."""

    def __init__(self, found: Recovery, states: Trajectory) -> None:
        self._found = found
        self._states = states
        self._true = found.kernel.comparable_true if found.kernel is not None else None
        fixed = self._true if self._true is not None else states.kernels[-1]
        self._scale = float(np.abs(fixed).max()) or 1.0

    def __iter__(self) -> Iterator[Image.Image]:
        for index in range(len(self._states)):
            yield self._frame(index)

    def _frame(self, index: int) -> Image.Image:
        states = self._states
        image = Image.new("RGB", (_WIDTH * _FINE, _HEIGHT * _FINE), _PAPER)
        pen = _Pen(image)
        done, steps = int(states.steps[index]) - 1, self._found.steps
        pen.text((20, 18), f"after {done} of {steps} steps", 17, anchor="lm")
        rate = self._found.learning_rate
        if rate is not None and rate.stable_below is not None:
            limit = f"rate {compact(rate.used, 3)}, stable below {compact(rate.stable_below, 3)}"
            pen.text((_WIDTH - 20, 18), limit, 14, anchor="rm")
        pen.matrix((20, 62), states.kernels[index], self._scale, "learned")
        if self._true is not None:
            pen.matrix((20 + _SIDE + 22, 62), self._true, self._scale, "true")
        left = 20 + (_SIDE + 22) * (2 if self._true is not None else 1) + 40
        self._draw_loss(pen, (left, 62, _WIDTH - 22, _HEIGHT - 48), index)
        told = "blue below zero, orange above"
        if states.steps[-1] > len(states):
            told += f"; {len(states)} of {states.steps[-1]} states shown"
        if not self._found.identifiability.identifiable:
            told += "; NOT IDENTIFIABLE: other kernels fit as well"
        pen.text((20, _HEIGHT - 14), told, 12, anchor="lm", colour=(90, 90, 90))
        return image.resize((_WIDTH, _HEIGHT), Image.Resampling.BOX)

    @cached_property
    def _foretold(self) -> list[tuple[float, float]]:
        known = [(one.step - 1, one.predicted) for one in self._found.losses if one.predicted is not None]
        every = -(-len(known) // 200) or 1
        last = self._states.steps[-1] - 1
        return [(float(step), loss) for step, loss in known[::every] if loss > 0 and step <= last]

    @cached_property
    def _decades(self) -> tuple[float, float]:
        """What the loss's axis spans, in powers of ten."""
        seen = self._states.losses[np.isfinite(self._states.losses) & (self._states.losses > 0)]
        if not seen.size:
            return -1.0, 1.0
        low, high = math.floor(math.log10(seen.min())), math.ceil(math.log10(seen.max()))
        return float(low), float(max(high, low + 1))

    def _draw_loss(self, pen: "_Pen", box: tuple[float, float, float, float], index: int) -> None:
        left, top, right, bottom = box
        low, high = self._decades
        last = float(self._states.steps[-1]) - 1 or 1.0

        def at(step: float, loss: float) -> tuple[float, float]:
            share = (math.log10(loss) - low) / (high - low)
            return left + (right - left) * step / last, bottom - (bottom - top) * min(max(share, 0.0), 1.0)

        every = math.ceil((high - low) / 6)
        for decade in range(int(low), int(high) + 1, every):
            _, y = at(0, 10.0**decade)
            pen.line([(left, y), (right, y)], (225, 225, 225), 1)
            pen.text((left - 6, y), f"1e{decade}" if decade else "1", 11, anchor="rm", colour=(90, 90, 90))
        pen.text((left, top - 13), f"loss {compact(float(self._states.losses[index]), 3)}", 13, anchor="lm")
        pen.text((right, bottom + 14), f"step {int(last)}", 11, anchor="rm", colour=(90, 90, 90))
        pen.text((left, bottom + 14), "0", 11, anchor="mm", colour=(90, 90, 90))
        if self._foretold:
            pen.dashes([at(*point) for point in self._foretold], ORANGE)
            pen.text((right, top - 13), "dashes: foretold", 12, anchor="rm", colour=(170, 74, 0))
        states = zip(self._states.steps[: index + 1] - 1, self._states.losses[: index + 1], strict=True)
        seen = [at(float(step), float(loss)) for step, loss in states if loss > 0 and math.isfinite(loss)]
        if seen:
            pen.line(seen, BLUE, 2.5)
            pen.dot(seen[-1], 4.5, BLUE)


class _Pen:
    """Draw in whole pixels of the small picture onto the large one."""

    def __init__(self, image: Image.Image) -> None:
        self._draw = ImageDraw.Draw(image)

    def text(
        self, at: tuple[float, float], text: str, size: float, *, anchor: str, colour: tuple[int, int, int] = _INK
    ) -> None:
        """Write; the anchor is Pillow's."""
        place = at[0] * _FINE, at[1] * _FINE
        self._draw.text(place, text, fill=colour, font=ImageFont.load_default(size * _FINE), anchor=anchor)

    def line(self, points: list[tuple[float, float]], colour: tuple[int, int, int], width: float) -> None:
        """Draw a line through points."""
        if len(points) > 1:
            fine = [(x * _FINE, y * _FINE) for x, y in points]
            self._draw.line(fine, fill=colour, width=round(width * _FINE), joint="curve")

    def dashes(self, points: list[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        """Draw a dashed line through points, in dashes of the same length wherever the points are."""
        walked, dash = 0.0, 6.0
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            length = math.hypot(x1 - x0, y1 - y0)
            parts = max(1, math.ceil(length / 2.0))
            for part in range(parts):
                if int((walked + length * part / parts) / dash) % 2 == 0:
                    a, b = part / parts, (part + 1) / parts
                    self.line([(x0 + (x1 - x0) * t, y0 + (y1 - y0) * t) for t in (a, b)], colour, 1.5)
            walked += length

    def dot(self, at: tuple[float, float], radius: float, colour: tuple[int, int, int]) -> None:
        """Draw a filled circle."""
        self._draw.circle((at[0] * _FINE, at[1] * _FINE), radius * _FINE, fill=colour)

    def matrix(self, at: tuple[float, float], taps: NDArray[np.floating[Any]], scale: float, title: str) -> None:
        """Draw taps as heat cells, with their numbers where they fit."""
        height, width = taps.shape
        cell = _SIDE / max(height, width)
        top = at[1] + (_SIDE - cell * height) / 2
        self.text((at[0], top - 13), f"{title}, {height}x{width}", 13, anchor="lm")
        texts = [compact(float(tap), 3) for tap in taps.ravel()]
        size = min(16.0, 1.6 * cell / max(map(len, texts)))
        for place, ((row, column), tap) in enumerate(np.ndenumerate(taps)):
            colour = colour_of(float(tap) / scale)
            corners = [at[0] + column * cell, top + row * cell, at[0] + (column + 1) * cell, top + (row + 1) * cell]
            self._draw.rectangle([round(corner * _FINE) for corner in corners], fill=colour)
            if size >= 9.0:
                middle = at[0] + (column + 0.5) * cell, top + (row + 0.5) * cell
                self.text(middle, texts[place], size, anchor="mm", colour=ink_on(colour))
        frame = [at[0], top, at[0] + width * cell, top + height * cell]
        self._draw.rectangle([round(edge * _FINE) for edge in frame], outline=_FAINT, width=1)
