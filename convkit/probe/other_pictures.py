"""Pictures of another kind than probes, of which the kernel found on those should explain the answers too.

A threshold leaves alone what a picture of little contrast holds; and what adapts to its surroundings, like Wiener's
filter, may do one thing to noise and another to edges.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from convkit.convolution import Convention
from convkit.convolution.apply import correlate
from convkit.convolution.backends import choose_backend
from convkit.image import Image
from convkit.probe.answer import recording_of
from convkit.probe.contrast import Array, Contrast
from convkit.probe.tolerance import Tolerance
from convkit.recovery.registered import Registered
from convkit.recovery.verdict import Evidence

# The amplitude of little contrast, in levels of 8 bits: thresholds of unsharp masks are about as small.
_LEVELS = 2
# Pixels along a patch: wider than the windows of most filters.
_PATCH = 14
# Outputs off the rails that a test needs.
_FEWEST = 300

Shape = tuple[int, int]


def draw_small_differences(contrast: Contrast, shape: Shape, rng: np.random.Generator, steps: int | None) -> Array:
    """Draw two levels that are next to the same.

    Examples
    --------
    >>> picture = draw_small_differences(Contrast(0.5, 0.4), (20, 20), np.random.default_rng(0), 255)
    >>> sorted(set((picture * 255).round().astype(int).ravel().tolist()))
    [126, 130]
    """
    return Contrast(contrast.mean, _LEVELS / 255).draw(shape, rng, steps)


def draw_patches(contrast: Contrast, shape: Shape, rng: np.random.Generator, steps: int | None) -> Array:
    """Draw patches of levels between the dark and the bright one, scattered by a few so that roundings are.

    Examples
    --------
    >>> picture = draw_patches(Contrast(0.5, 0.25), (28, 28), np.random.default_rng(0), 255)
    >>> bool(np.ptp(picture[:14, :14]) <= 2 / 255 < np.ptp(picture))
    True
    """
    dark, _, bright = contrast.values(steps)
    levels = rng.uniform(dark, bright, [-(-side // _PATCH) for side in shape])
    patches: Array = np.kron(levels, np.ones((_PATCH, _PATCH))).astype(np.float64)[: shape[0], : shape[1]]
    if steps is None:
        return patches
    scattered: Array = np.rint(patches * steps) + rng.integers(-1, 2, shape)
    return np.asarray(np.clip(scattered, round(dark * steps), round(bright * steps)) / steps)


Draw = Callable[[Contrast, Shape, np.random.Generator, int | None], Array]


@dataclass(frozen=True)
class Other:
    """A kind of picture: what its test is called, what it is, and how it is drawn."""

    test: str
    picture: str
    draw: Draw


OTHERS = (
    Other("small differences", "a picture of little contrast", draw_small_differences),
    Other("patches", "a picture of even patches", draw_patches),
)


def filtered_likewise(
    other: Other, image: Image, answer: Image, taps: Array, offset: tuple[int, int], tolerance: Tolerance
) -> Evidence | None:
    """Compare the answer to a picture of another kind with what the kernel, found on probes, makes of it.

    Returns
    -------
    Evidence or None
        Of the difference but for a constant, as `Tolerance.evidence` tells; None when too few outputs are off rails.

    Examples
    --------
    >>> from convkit.image import image_from_array
    >>> x = 0.5 + 0.02 * np.sign(np.random.default_rng(0).standard_normal((40, 40)))
    >>> asked, coarse = image_from_array(x), image_from_array(np.where(np.abs(x - 0.5) < 0.1, 0.5, x))
    >>> found = filtered_likewise(OTHERS[0], asked, coarse, np.ones((1, 1)), (0, 0), Tolerance())
    >>> found.passed
    False
    """
    pair = Registered(image.values, answer.values).pair((taps.shape[0], taps.shape[1]), offset)
    target = np.asarray(pair.target, dtype=np.float64)
    used = ~recording_of(answer).saturated(target)
    if int(np.count_nonzero(used)) < _FEWEST:
        return None
    backend = choose_backend(target.shape, taps).load()
    fitted = correlate(np.asarray(pair.image, dtype=np.float64), taps, Convention(), backend)
    return tolerance.evidence(
        other.test,
        float((target - fitted)[used].var()),
        allowed=tolerance.variance(answer),
        variance=max(float(fitted[used].var()), float(target[used].var())),
        holds=f"{other.picture} is filtered likewise",
        fails=f"{other.picture} is not filtered likewise: off by {{}} of its contrast",
    )
