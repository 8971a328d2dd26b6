"""Kernels without a free parameter: those of the library, and those that a size or a radius makes."""

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np

from convkit.kernel import fixed_kernels, named_kernel
from convkit.recovery.naming.estimate import Estimate
from convkit.recovery.naming.match import Parameter
from convkit.recovery.naming.moments import mass
from convkit.recovery.naming.rounded_bells import rounded_bells
from convkit.recovery.naming.template import Template, is_dialect

# How implausible a name is beforehand, in units of chi-square: a program's own kernel, or one of a basis; and what has
# parameters to choose.
_DIALECT, _PARTICULAR = 3.0, 0.5
# The outermost taps of a binomial or of OpenCV's Sobel fall below the noise first.
_UNSEEN_RINGS = 4
_PLAIN_SIZED = ("box", "tent", "binomial")
_TITLES = {
    "d2l": "Difference (1, -1)",
    "laplacian": "Laplacian (4 neighbours)",
    "laplacian8": "Laplacian (8 neighbours)",
    "frei-chen": "Frei-Chen",
    "unsharp5": "Unsharp mask 5x5 (binomial)",
}


@lru_cache(maxsize=1)
def _fixed_templates() -> tuple[Template, ...]:
    """Every fixed kernel of the library."""
    return tuple(_template(name) for name in fixed_kernels() if named_kernel(name).taps.any())


def templates_for(estimate: Estimate) -> Iterator[Template]:
    """Yield the templates worth a try: all fixed kernels, and of the others those of about the right size."""
    yield from _fixed_templates()
    for text in _sized(estimate):
        template = _template(text)
        if template.taps.any() and (estimate.positive or not template.averages):
            yield template
    if estimate.positive:
        for bell in rounded_bells(estimate):
            yield Template(bell.name, bell.title, bell.taps, bell.parameters, 2 * _DIALECT, rounded=True)


@lru_cache(maxsize=4096)
def _template(text: str) -> Template:
    kernel = named_kernel(text)
    name, _, given = (kernel.name or "").partition(":")
    dialect = is_dialect(name)
    rows, columns = kernel.shape
    parameters: tuple[Parameter, ...]
    if name in _PLAIN_SIZED:
        title = f"{name.capitalize()} {rows}x{columns}"
        parameters = Parameter("rows", rows), Parameter("columns", columns)
    elif name == "motion":
        length, angle = max(rows, columns), 0 if columns > rows else 90
        title = f"Motion blur, length {length}, angle {angle} degrees"
        parameters = Parameter("length", length), Parameter("angle", angle)
    elif name == "diagonal":
        title, parameters = f"Diagonal motion blur, {rows} pixels", (Parameter("length", rows),)
    else:
        title = _TITLES.get(name, (name if dialect else name.capitalize()) + (f":{given}" if given else ""))
        parameters = _parameters(given)
    oddity = (_DIALECT if dialect else 0.0) + (_PARTICULAR * len(parameters) if name not in _PLAIN_SIZED else 0.0)
    return Template(name, title, kernel.taps, parameters, oddity)


def _parameters(given: str) -> tuple[Parameter, ...]:
    pairs = (part.split("=") for part in given.split(",") if part)
    return tuple(Parameter(key, float(value)) for key, value in pairs)


def _sized(estimate: Estimate) -> Iterator[str]:
    """Kernel text of what a size or a radius makes."""
    sides = _sides(estimate)
    yield from ("scipy/sobel:axis=0", "scipy/sobel", "scipy/prewitt:axis=0", "scipy/prewitt")
    if estimate.positive:
        yield from _boxes_tents_and_binomials(estimate)
        yield from _flat(estimate)
        yield from (f"opencv/gaussian:ksize={side}" for side in sides if side > 1)
        for radius in [side // 2 for side in sides[:3] if side > 1]:
            yield from (f"imagemagick/{name}:radius={radius}" for name in ("diamond", "octagon", "plus", "cross"))
    for side in sides:
        yield from (f"opencv/laplacian:ksize={side}", f"kornia/laplacian:size={side}")
        for down in range(min(side, 5)):
            for across in range(min(side, 5)):
                if down + across and max(down, across) < max(side, 2 if side == 1 else 0):
                    yield f"opencv/sobel:ksize={side},dx={across},dy={down}"


def _sides(estimate: Estimate) -> list[int]:
    """Odd sides of square kernels that cover what is seen."""
    limit = max(estimate.shape) + 2
    box = estimate.box
    least = max(part.stop - part.start for part in box) if box else 1
    most = min(least + _UNSEEN_RINGS, 31) if box else min(limit, 15)
    return [side for side in range(1, 32, 2) if least <= side <= most]


def _boxes_tents_and_binomials(estimate: Estimate) -> Iterator[str]:
    moments = mass(estimate)
    around = ((-1, 0, 1), (-1, 0, 1))
    variances = (moments.rows, moments.columns)
    boxes = (
        _near(math.sqrt(12 * variance + 1), steps, side)
        for variance, steps, side in zip(variances, around, estimate.shape, strict=True)
    )
    rows, columns = boxes
    yield from (f"box:size={down}x{across}" for down in rows for across in columns if down * across > 1)
    # Along an axis, a motion blur is a row of equal taps, and has no other parameter to fit.
    yield from (f"motion:{length}" for length in columns if length > 1 and length % 2 and 1 in rows)
    yield from (f"motion:{length},90" for length in rows if length > 1 and length % 2 and 1 in columns)
    yield from (f"diagonal:{length}" for length in rows if length > 1 and length in columns)
    rows, columns = (
        _near(4 * variance + 1, steps, side + 4)
        for variance, steps, side in zip(variances, around, estimate.shape, strict=True)
    )
    yield from (f"binomial:size={down}x{across}" for down in rows for across in columns if down * across > 1)
    # A tent of 2n - 1 is two boxes of n; one of three is a binomial.
    rows, columns = ([2 * side - 1 for side in _near(math.sqrt(6 * variance + 1), steps, side)]
                     for variance, steps, side in zip(variances, around, estimate.shape, strict=True))  # fmt: skip
    yield from (f"tent:size={down}x{across}" for down in rows for across in columns if max(down, across) > 3)


def _near(length: float, steps: Iterable[int], most: int) -> list[int]:
    return sorted({min(max(round(length) + step, 1), most) for step in steps})


def _flat(estimate: Estimate) -> Iterator[str]:
    """ImageMagick's shapes of ones, by how far the taps that are seen lie from the middle of their box."""
    seen = estimate.taps[estimate.seen]
    if len(seen) < 2 or seen.max() - seen.min() > 12 * estimate.typical_error:
        return
    places = np.argwhere(estimate.seen)
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    if (middle % 1).any():
        return
    squares = np.square(places - middle).sum(axis=1)
    outer, inner = round(float(squares.max())), round(float(squares.min()))
    least, most = math.sqrt(outer), math.sqrt(outer + 1)
    yield f"imagemagick/disk:radius={_roundest(least, most)}"
    if inner:
        below = max(a * a + b * b for a in range(inner) for b in range(a + 1) if a * a + b * b < inner)
        hole = _roundest(math.sqrt(below), math.sqrt(inner))
        yield f"imagemagick/ring:radius1={hole},radius2={_roundest(least, most)}"


def _roundest(least: float, end: float) -> float:
    """Return the roundest decimal from ``least`` on and below ``end``.

    Examples
    --------
    >>> _roundest(4.2426, 4.3589), _roundest(2.0, 2.3)
    (4.3, 2.0)
    """
    for grain in (1.0, 0.5, 0.1, 0.01):
        value = round(math.ceil(least / grain) * grain, 2)
        if value < end:
            return value
    return least
