"""Repeatability: the same picture twice, and how far the answers differ."""

import math

import numpy as np

from convkit.image import Image
from convkit.probe.answer import recording_of
from convkit.recovery.verdict import Evidence

# In floating point, sums taken in another order differ by this share of the signal.
_FLOAT = 2.0**-20


def repeatability(first: Image, second: Image) -> tuple[Evidence, float]:
    """Compare two answers to one picture.

    Returns
    -------
    evidence : Evidence
        Fails when any output differs, but for the rounding of floating point.
    noise : float
        Standard deviation of the noise in one answer, in image units, from the outputs off the rails: the RMS
        difference over √2.

    Examples
    --------
    >>> from convkit.image import image_from_array
    >>> rng = np.random.default_rng(0)
    >>> one, other = (image_from_array(0.1 * rng.standard_normal((200, 200))) for _ in range(2))
    >>> test, noise = repeatability(one, other)
    >>> test.passed, round(noise, 2)
    (False, 0.1)
    """
    one, other = (np.asarray(image.values, dtype=np.float64) for image in (first, second))
    recording = recording_of(first)
    used = ~(recording.saturated(one) | recording.saturated(other))
    difference = (one - other)[used] if used.any() else (one - other).ravel()
    noise = math.sqrt(float(np.square(difference).mean()) / 2.0)
    scale = float(np.abs(one).max())
    least = 0.0 if first.level is not None else _FLOAT * scale
    unit = first.level or max(scale, 1e-300)
    changed = float(np.mean(np.abs(one - other) > least))
    told = "the same picture twice gives the same answer"
    if changed:
        amount = f"{noise / unit:.2g} levels" if first.level is not None else f"{noise:.2g}"
        told = f"the same picture twice differs in {changed:.0%} of the pixels, noise of {amount} RMS"
    return Evidence("repeatability", noise / unit, 0.0, changed, 0.0, not changed, told), noise
