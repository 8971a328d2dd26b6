"""Images that need no file: the patterns, one table row each."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.errors import ImageError
from convkit.image.image import check_size
from convkit.text import Call, closest, number, shown

Drawing = NDArray[Any]  # of float64


def _edges(height: int, width: int) -> Drawing:
    values = np.ones((height, width))
    values[:, width * 3 // 8 : width * 7 // 8] = 0
    return values


def _noise(height: int, width: int, *, rng: "np.random.Generator", mean: float) -> Drawing:
    return rng.random((height, width)) + (mean - 0.5)


def _bernoulli(height: int, width: int, *, rng: "np.random.Generator", p: float) -> Drawing:
    return (rng.random((height, width)) < p).astype(np.float64)


def _impulse(height: int, width: int) -> Drawing:
    values = np.zeros((height, width))
    values[height // 2, width // 2] = 1
    return values


def _step(height: int, width: int) -> Drawing:
    values = np.zeros((height, width))
    values[:, width // 2 :] = 1
    return values


def _ramp(height: int, width: int) -> Drawing:
    return np.tile(np.linspace(0, 1, width), (height, 1))


def _checkerboard(height: int, width: int, *, cell: float) -> Drawing:
    rows, columns = np.ogrid[:height, :width]
    return np.asarray((rows // int(cell) + columns // int(cell)) % 2, dtype=np.float64)


def _slanted_edge(height: int, width: int, *, angle: float) -> Drawing:
    # A pixel's value is the part of its unit square on the bright side of the line: the integral, up to the
    # signed distance d of its centre, of a box |cos| wide convolved with a box |sin| wide (a trapezoid).
    theta = math.radians(angle)
    y, x = _centred(height, width)
    d = x * math.cos(theta) + y * math.sin(theta)
    narrow, wide = sorted((abs(math.cos(theta)), abs(math.sin(theta))))
    if narrow < 1e-6:  # along the grid the trapezoid is a box, and the formula below divides by zero
        return np.asarray(np.clip(d + 0.5, 0, 1))
    outer, inner = (wide + narrow) / 2, (wide - narrow) / 2
    d = np.clip(d, -outer, outer)
    squares = [np.maximum(d + shift, 0) ** 2 for shift in (outer, inner, -inner, -outer)]
    covered = (squares[0] - squares[1] - squares[2] + squares[3]) / (2 * narrow * wide)
    return np.asarray(np.clip(covered, 0, 1))


def _star(height: int, width: int, *, spokes: float) -> Drawing:
    y, x = _centred(height, width)
    values = _wave(spokes * np.arctan2(y, x))
    # Inside this radius a period is shorter than two pixels: what was drawn there would be moiré. It is gray.
    values[np.hypot(x, y) < spokes / math.pi] = 0.5
    return values


def _chirp(height: int, width: int) -> Drawing:
    # The local frequency is x/width across and y/height down: 0 in the middle, and half a cycle per pixel,
    # the most that pixels can hold, at the borders.
    y, x = _centred(height, width)
    return _wave(math.pi * (x * x / width + y * y / height))


def _wave(phase: Drawing) -> Drawing:
    return np.add(0.5, 0.5 * np.cos(phase))


def _centred(height: int, width: int) -> tuple[Drawing, Drawing]:
    """Return the rows and columns of pixel centres, from the middle of the image."""
    return np.arange(height)[:, None] - (height - 1) / 2, np.arange(width)[None, :] - (width - 1) / 2


@dataclass(frozen=True)
class Parameter:
    """What a pattern's parameter may be; the default is what it is when not given."""

    default: float
    minimum: float = -math.inf
    maximum: float = math.inf
    whole: bool = False

    def expected(self) -> str:
        """Say in words what is allowed.

        Examples
        --------
        >>> Parameter(8, minimum=1, whole=True).expected()
        'a whole number of at least 1'
        """
        if math.isfinite(self.maximum):
            return f"a number from {self.minimum:g} to {self.maximum:g}"
        at_least = f" of at least {self.minimum:g}" if math.isfinite(self.minimum) else ""
        return f"a{' whole' * self.whole} number{at_least}"


@dataclass(frozen=True)
class Pattern:
    """How to draw a pattern, and what can be set.

    Attributes
    ----------
    summary : str
        One line for a list of patterns.
    draw : callable
        ``draw(height, width, **parameters)``, with ``rng`` when it is random.
    parameters : mapping of str to Parameter
        Besides ``height``, ``width`` and ``size`` (both), which every pattern has.
    height, width : int
        When not given.
    random : bool
        Whether it draws from a generator.
    """

    summary: str
    draw: Callable[..., Drawing]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    height: int = 64
    width: int = 64
    random: bool = False


PATTERNS: Mapping[str, Pattern] = {
    "edges": Pattern("ones, with a band of zeros between 3/8 and 7/8 of the width", _edges, height=6, width=8),
    "noise": Pattern("uniform in mean ± 1/2", _noise, {"mean": Parameter(0.5)}, random=True),
    "bernoulli": Pattern(
        "1 with probability p, else 0", _bernoulli, {"p": Parameter(0.5, minimum=0, maximum=1)}, random=True
    ),
    "impulse": Pattern("a single 1, at row height//2 and column width//2", _impulse),
    "step": Pattern("0 on the left, 1 from column width//2 on", _step),
    "ramp": Pattern("from 0 in the first column to 1 in the last", _ramp),
    "checkerboard": Pattern(
        "squares of 0 and 1, the first one 0", _checkerboard, {"cell": Parameter(8, minimum=1, whole=True)}
    ),
    "slanted-edge": Pattern(
        "0 to 1 across an edge `angle` degrees off the vertical, anti-aliased",
        _slanted_edge,
        {"angle": Parameter(5)},
    ),
    "star": Pattern("a Siemens star of sinusoidal spokes", _star, {"spokes": Parameter(36, minimum=1, whole=True)}),
    "chirp": Pattern("a zone plate: every frequency from 0 to half a cycle per pixel", _chirp),
}

_SIDE = Parameter(64, minimum=1, whole=True)


def image_stream(seed: int) -> "np.random.Generator":
    """Return what the images of a seed are drawn from: the first of its three streams, beside noise and start.

    So ``noise`` is one picture for one seed, whichever command asks for it.
    """
    return np.random.default_rng(np.random.SeedSequence(seed).spawn(3)[0])


def draw_pattern(call: Call, *, rng: "np.random.Generator", max_pixels: int) -> NDArray[np.float64]:
    """Draw a pattern that was asked for by name.

    Parameters
    ----------
    call : Call
        Its name, a key of `PATTERNS`, and its parameters as text: ``height``, ``width``, ``size`` (both; also
        as the one parameter without a name) and the pattern's own.
    rng : numpy.random.Generator
        What the random patterns draw from.
    max_pixels : int
        The most pixels to make.

    Returns
    -------
    ndarray of float64, shape (height, width)
        In [0, 1], except `noise` with another mean than 1/2.

    Raises
    ------
    ImageError
        On an unknown parameter, or one out of its range.

    Examples
    --------
    >>> draw_pattern(Call("edges", ("8",)), rng=np.random.default_rng(0), max_pixels=100)[0]
    array([1., 1., 1., 0., 0., 0., 0., 1.])
    """
    pattern = PATTERNS[call.name]
    given = _given(call, pattern)
    height = int(given.pop("height", given.get("size", pattern.height)))
    width = int(given.pop("width", given.pop("size", pattern.width)))
    check_size(height, width, call.name, max_pixels)
    settings = {name: parameter.default for name, parameter in pattern.parameters.items()} | given
    if pattern.random:
        return pattern.draw(height, width, rng=rng, **settings)
    return pattern.draw(height, width, **settings)


def _given(call: Call, pattern: Pattern) -> dict[str, float]:
    known = {"size": _SIDE, "height": _SIDE, "width": _SIDE} | dict(pattern.parameters)
    texts = dict(call.named)
    if call.positional:
        if len(call.positional) > 1 or "size" in texts:
            raise ImageError(
                expected=f"one size for {call.name}",
                got=shown(",".join(call.positional)),
                hint=f"{call.name}:height=48,width=64",
            )
        texts["size"] = call.positional[0]
    values: dict[str, float] = {}
    for key, text in texts.items():
        if key not in known:
            raise ImageError(
                expected=f"a parameter of {call.name} ({', '.join(known)})",
                got=shown(key),
                hint=f"{call.name}:{closest(key, known) or 'size'}=…",
            )
        values[key] = _read(text, known[key], f"{key} of {call.name}")
    return values


def _read(text: str, parameter: Parameter, what: str) -> float:
    value = number(text)
    if (
        value is None
        or not parameter.minimum <= value <= parameter.maximum
        or (parameter.whole and not value.is_integer())
    ):
        raise ImageError(expected=f"{parameter.expected()} as {what}", got=shown(text), hint=f"{parameter.default:g}")
    return value
