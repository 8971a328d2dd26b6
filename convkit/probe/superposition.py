"""Superposition: four pictures of which two sums are equal, in three levels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from convkit.image import Image
from convkit.image.srgb import linear_slope, to_encoded, to_linear
from convkit.probe.contrast import recording_of
from convkit.probe.picture import Array, Contrast
from convkit.recovery.verdict import Evidence
from convkit.recovery.verdict.floor import MOST

# Departures below this share of the answers' variance are left to roundings; JPEG drops small differences.
_LEAST = 4e-4
_LEAST_IN_JPEG = 0.1
_FLOAT = 2.0**-18
_FEWEST = 300
# Four noisy answers scatter.
_SCATTER = 1.5

Quartet = tuple[Array, Array, Array, Array]
Ask = Callable[[Array], tuple[Image, Image]]


@dataclass(frozen=True)
class Tolerance:
    """What an answer may be off by.

    Attributes
    ----------
    noise : float
        Standard deviation of the noise in one answer, in image units.
    lossy : bool
        Whether it went through JPEG.
    linear_light : bool
        Whether answers are to be taken as linear light.
    """

    noise: float = 0.0
    lossy: bool = False
    linear_light: bool = False

    @property
    def least(self) -> float:
        """The share of the variance below which a departure is not looked at."""
        return _LEAST_IN_JPEG if self.lossy else _LEAST

    def light(self, values: Array) -> Array:
        """Return answers in the light that they are tested in."""
        return to_linear(values) if self.linear_light else values

    def variance(self, answer: Image) -> float:
        """Return how much roundings and noise may add to the variance of one answer."""
        values = np.asarray(answer.values, dtype=np.float64)
        slope = float(np.square(linear_slope(values)).mean()) if self.linear_light else 1.0
        unit = (
            answer.level**2 / 12.0 * MOST if answer.level is not None else (_FLOAT * float(np.abs(values).max())) ** 2
        )
        return slope * (unit + _SCATTER * self.noise**2)


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
        None when too few outputs are off the rails. Statistic: the RMS of ``f(A) + f(B) - f(C) - f(D)`` in units of
        what roundings and noise may leave; effect: its share of the answers' variance.

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
    odds = float(np.square(first + second - third - fourth).mean())
    allowed = 4.0 * tolerance.variance(answers[0])
    spread = sum(float(one.var()) for one in (first, second, third, fourth))
    share = odds / spread if spread > 0.0 else 0.0
    excess = (odds / allowed) ** 0.5 if allowed > 0.0 else 0.0
    passed = odds <= allowed or share <= tolerance.least
    told = (
        "pictures with equal sums give answers with equal sums"
        if passed
        else f"pictures with equal sums give answers whose sums differ by {share**0.5:.0%} of their contrast"
    )
    return Evidence("superposition", excess, 1.0, share, tolerance.least, passed, told)
