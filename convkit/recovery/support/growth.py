"""A window grows until it holds the kernel."""

import math
from dataclasses import dataclass, replace

import numpy as np

from convkit.recovery.support.beyond import Whitener, look_beyond
from convkit.recovery.support.nest import FAINT, Nest
from convkit.recovery.support.sample import Model, Sample
from convkit.recovery.support.window import Reach, Size

# Half sides of the windows fitted, until one is enough; then the whole reach.
_STAGES = (3, 7, 15, 23)
# A window that is full, while nothing beyond it is wanted, is but widened by so many rings, which then are empty.
_STEP = 2
# From this share of saturated outputs on they are left out by prediction, if there is noise beyond rounding.
_MANY_SATURATED = 0.01
_MARGIN = 4.0  # standard deviations from the rails
_NARROW = 1 / 8  # of the range: what the margins may take
# When more is left than rounding, a response that is not linear has something to gain from any window, without end:
# a median, a gamma curve or a bilateral filter some 0.3 to 0.6 % of the variance in each ring (`FAINT`), and some 2 %
# in all that is beyond 15x15. Rounding that is not white, that of a smooth response, lends F statistics of up to
# `_LOW` to ring after ring. Such gains are left. A ring that a kernel misses takes more, or where the kernel ends
# gently much less than the one before; in strong noise all that is missed takes more.
_LOW = 3.0
_PERSISTS = 0.6
_ALL = 0.03
# A single tap far out, which makes the window large, must bring about so much of the variance then.
_TAP = 1e-3


@dataclass(frozen=True, eq=False)
class Grown:
    """The last window fitted.

    Attributes
    ----------
    nest : Nest
    share : float
        Of the outputs that were looked at.
    last_ring : int
        The outermost ring with taps.
    settled : bool
        Whether the window is large enough.
    in_vain : bool
        Whether a larger window would lower the residuals further, but hardly.
    """

    nest: Nest
    share: float
    last_ring: int
    settled: bool
    in_vain: bool = False


@dataclass(frozen=True, eq=False)
class Growth:
    """What a search goes by.

    Attributes
    ----------
    sample : Sample
    reach : Reach
    bias : bool
    """

    sample: Sample
    reach: Reach
    bias: bool

    def grow(self) -> Grown | None:
        """Fit larger and larger windows until one is enough; None if not even the first can be fitted."""
        furthest = self.reach.rings - 1
        half, step, whitener = min(_STAGES[0], furthest), _STEP, None
        nest = self._fitted(half, self.sample)
        if nest is not None and (again := self._selected(nest)) is not self.sample:
            nest = self._fitted(half, again) or nest
        grown: Grown | None = None
        while nest is not None:
            last_ring, share = nest.last_ring(nest.noise), self.sample.share(nest.window)
            full = last_ring == half
            grown = Grown(nest, share, last_ring, settled=not full or (half == furthest and self.reach.given))
            if half == furthest or not nest.identifiable:
                return grown
            if full and half <= _STAGES[0]:
                half = self._next(half, self.reach.centre)
            else:
                whitener = whitener or Whitener.of(self.sample.scene.image, self.reach.window)
                least = _TAP * nest.noise.variance if nest.noisy else nest.noise.least / nest.count
                beyond = look_beyond(self._selected(nest), nest, self.reach.window, whitener, least)
                if beyond.wanted is None and not full:
                    return grown
                if full and beyond.gain < _ALL and self._persists(nest, half):
                    return replace(grown, in_vain=True, settled=not nest.noisy)
                if beyond.wanted is None:
                    half, step = min(half + step, furthest), 2 * step
                else:
                    half = self._next(half, beyond.wanted)
            nest = self._fitted(half, self._selected(nest))
        return None if grown is None else replace(grown, settled=False)

    @staticmethod
    def _persists(nest: Nest, half: int) -> bool:
        """Whether the outermost ring has little to say, but hardly less than the one before."""
        fall, before = float(nest.falls[half]), float(nest.falls[half - 1])
        faint = nest.noise.statistic(fall, int(np.sum(nest.rings == half))) < _LOW
        little = nest.noisy and fall < FAINT * nest.noise.variance * nest.count
        return (faint or little) and fall > _PERSISTS * before

    def _next(self, half: int, wanted: Size) -> int:
        """Return the first of the stages that is larger and holds a position."""
        least = max(half + 1, *(abs(place - middle) for place, middle in zip(wanted, self.reach.centre, strict=True)))
        return next((stage for stage in _STAGES if stage >= least), self.reach.rings - 1)

    def _selected(self, nest: Nest) -> Sample:
        """Choose the outputs for the next fit: where many are saturated and there is noise, by what this one predicts.

        If its window is too small, that takes part in the noise, and so in the distance kept from the rails.
        """
        recording, noise = nest.recording, nest.noise
        margin = _MARGIN * math.sqrt(noise.variance)
        narrow = margin < _NARROW * (recording.highest - recording.lowest) < math.inf
        if nest.noisy and narrow and self.sample.usable < 1 - _MANY_SATURATED:
            return self.sample.predicted_by(Model(nest.window, nest.point), margin)
        return self.sample

    def _fitted(self, half: int, sample: Sample) -> Nest | None:
        window = self.reach.grown(half)
        normal = sample.condense(window, bias=self.bias)
        if normal is None or normal.count < 2 * window.taps + 2:
            return None
        nest = Nest.of(normal, window, self.reach, sample.recording)
        return nest if np.diag(nest.gram).max() > 0.0 else None
