"""Superposition: four pictures of which two sums are equal, in three levels."""

from collections.abc import Callable

import numpy as np

from convkit.image import Image
from convkit.image.srgb import to_encoded, to_linear
from convkit.probe.answer import recording_of
from convkit.probe.contrast import Array, Contrast
from convkit.probe.tolerance import Tolerance
from convkit.recovery.verdict import Evidence

# Outputs off the rails that a test needs.
_FEWEST = 300

Quartet = tuple[Array, Array, Array, Array]
Ask = Callable[[Array], tuple[Image, Image]]


def _quartet(first: Array, second: Array, middle: float | None, steps: int | None, rng: np.random.Generator) -> Quartet:
    """Return four pictures with ``A + B = C + D`` in every pixel, of which two are given.

    C and D have the same two levels, or the same two the other way round, or where A and B differ by much, both a level
    between: a sum of two, and another amplitude. It is halfway, to whole steps, unless it is given.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a, b = (Contrast(0.5, 0.25).draw((8, 8), rng, 255) for _ in range(2))
    >>> a, b, c, d = _quartet(a, b, None, 255, rng)
    >>> bool(np.allclose(a + b, c + d)), bool(np.any(np.abs(c - 0.5) < 0.05))
    (True, True)
    """
    third, fourth = first.copy(), second.copy()
    draw = rng.integers(0, 3, first.shape)
    swapped = draw == 0
    third[swapped], fourth[swapped] = second[swapped], first[swapped]
    between = (draw == 1) & (np.abs(first - second) > 0.5 * np.ptp(first))
    if middle is not None:
        third[between] = fourth[between] = middle
    else:
        total = (first + second)[between]
        half = total / 2.0 if steps is None else np.floor(np.rint(total * steps) / 2.0) / steps
        third[between], fourth[between] = half, total - half
    return first, second, third, fourth


def superposition(
    ask: Ask,
    shape: tuple[int, int],
    contrast: Contrast,
    rng: np.random.Generator,
    steps: int | None,
    tolerance: Tolerance,
) -> Evidence | None:
    """Ask for four pictures with ``A + B = C + D``, and look whether the answers add up alike.

    In linear light the level between is the one whose light is nearest to the middle.

    Returns
    -------
    Evidence or None
        Of ``f(A) + f(B) - f(C) - f(D)``, as `Tolerance.evidence` tells; None when too few outputs are off the rails.

    Examples
    --------
    >>> from convkit.image import image_from_array
    >>> rng = np.random.default_rng(0)
    >>> def square(x):
    ...     return image_from_array(x), image_from_array(x * x)
    >>> superposition(square, (40, 40), Contrast(0.5, 0.25), rng, None, Tolerance()).passed
    False
    """
    dark, _, bright = contrast.values(steps)
    if tolerance.linear_light:
        light = to_linear(np.array([dark, bright])).mean()
        middle = float(to_encoded(np.array([light]))[0])
        middle = round(middle * steps) / steps if steps is not None else middle
        first, second = (np.where(rng.random(shape) < 0.5, dark, bright) for _ in range(2))
        quartet = _quartet(first, second, middle, steps, rng)
    else:
        first, second = (contrast.draw(shape, rng, steps) for _ in range(2))
        quartet = _quartet(first, second, None, steps, rng)
    answers = [ask(picture)[1] for picture in quartet]
    values = [np.asarray(answer.values, dtype=np.float64) for answer in answers]
    used = ~np.logical_or.reduce([recording_of(answers[0]).saturated(one) for one in values])
    if int(np.count_nonzero(used)) < min(_FEWEST, used.size // 2):
        return None
    first, second, third, fourth = (tolerance.light(one)[used] for one in values)
    departure = float(np.square(first + second - third - fourth).mean())
    return tolerance.evidence(
        "superposition",
        departure,
        allowed=4.0 * tolerance.variance(answers[0]),
        variance=sum(float(one.var()) for one in (first, second, third, fourth)),
        holds="pictures with equal sums give answers with equal sums",
        fails="pictures with equal sums give answers whose sums differ by {} of their contrast",
    )
