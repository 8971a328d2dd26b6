"""Small differences: a threshold leaves alone what a picture of little contrast holds."""

import numpy as np

from convkit.convolution import Convention
from convkit.convolution.apply import correlate
from convkit.convolution.backends import choose_backend
from convkit.image import Image
from convkit.probe.contrast import recording_of
from convkit.probe.superposition import Tolerance
from convkit.recovery.problem import Parameters
from convkit.recovery.registered import Registered
from convkit.recovery.verdict import Evidence

#: The amplitude of the picture, in levels of 8 bits: thresholds of unsharp masks are about as small.
LEVELS = 2
_FEWEST = 300


def small_differences(
    image: Image, answer: Image, kernel: Parameters, offset: tuple[int, int], tolerance: Tolerance
) -> Evidence | None:
    """Compare the answer to a picture of little contrast with what the kernel, found at much, makes of it.

    Returns
    -------
    Evidence or None
        Statistic: the RMS difference, but for a constant, in units of what roundings and noise may leave; effect: its
        share of the answer's variance. None when too few outputs are off the rails.

    Examples
    --------
    >>> from convkit.image import image_from_array
    >>> x = 0.5 + 0.02 * np.sign(np.random.default_rng(0).standard_normal((40, 40)))
    >>> asked, coarse = image_from_array(x), image_from_array(np.where(np.abs(x - 0.5) < 0.1, 0.5, x))
    >>> small_differences(asked, coarse, Parameters(np.ones((1, 1))), (0, 0), Tolerance()).passed
    False
    """
    taps = np.asarray(kernel.taps, dtype=np.float64)
    pair = Registered(image.values, answer.values).pair((taps.shape[0], taps.shape[1]), offset)
    target = np.asarray(pair.target, dtype=np.float64)
    used = ~recording_of(answer).saturated(target)
    if int(np.count_nonzero(used)) < _FEWEST:
        return None
    backend = choose_backend(target.shape, taps).load()
    fitted = correlate(np.asarray(pair.image, dtype=np.float64), taps, Convention(), backend)
    odds = float((target - fitted)[used].var())
    allowed = tolerance.variance(answer)
    spread = max(float(fitted[used].var()), float(target[used].var()))
    share = odds / spread if spread > 0.0 else 0.0
    passed = odds <= allowed or share <= tolerance.least
    told = "a picture of little contrast is filtered likewise"
    if not passed:
        told = f"a picture of little contrast is not filtered likewise: off by {share**0.5:.0%} of its contrast"
    excess = (odds / allowed) ** 0.5 if allowed > 0.0 else 0.0
    return Evidence("small differences", excess, 1.0, share, tolerance.least, passed, told)
