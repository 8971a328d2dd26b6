"""A window grows until it holds the kernel."""

import math
from dataclasses import dataclass

import numpy as np

from convkit.recovery.support.beyond import Whitener, strongest_beyond
from convkit.recovery.support.nest import Nest
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
# Several passes of rounding, as of a blur made of boxes, leave at most twice the variance of one.
_NOISY = 3.0
# When more is left than rounding, a response that is not linear has something to gain from any window, without end:
# a median, a gamma curve or a bilateral filter some 0.3 to 0.6 % of the variance a ring. A ring that a linear kernel
# misses takes at least 1 % in noise of 2 levels, for boxes up to 63x63. So beyond 15x15 such gains are left.
_RING = 5e-3
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
        Whether a larger window would lower the residuals significantly, but hardly.
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
        if nest is not None:
            nest = self._fitted(half, self._selected(nest)) or nest
        grown: Grown | None = None
        while nest is not None:
            last_ring = nest.last_ring(nest.noise)
            full = last_ring == half
            noisy = nest.noise.variance > _NOISY * nest.floor
            in_vain = (
                full
                and noisy
                and half > _STAGES[0]
                and nest.falls[half] < _RING * nest.noise.variance * nest.count
            )
            share = self.sample.share(nest.window)
            settled = not full or (half == furthest and self.reach.given)
            grown = Grown(nest, share, last_ring, settled, in_vain)
            if half == furthest or in_vain or not nest.identifiable:
                return grown
            wanted: Size | None = None
            if half > _STAGES[0] or not full:
                whitener = whitener or Whitener.of(self.sample.scene.image, self.reach.window)
                worthwhile = _TAP * nest.noise.variance if noisy else nest.noise.least / nest.count
                wanted = strongest_beyond(self._selected(nest), nest, self.reach.window, whitener, worthwhile)
                if wanted is None and not full:
                    return grown
            if wanted is None and half > _STAGES[0]:
                half, step = half + step, 2 * step
            else:
                half = self._next(half, wanted or self.reach.centre)
            half = min(half, furthest)
            nest = self._fitted(half, self._selected(nest))
        return None if grown is None else Grown(grown.nest, grown.share, grown.last_ring, settled=False)

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
        noisy = noise.variance > _NOISY * nest.floor
        narrow = margin < _NARROW * (recording.highest - recording.lowest) < math.inf
        if noisy and narrow and self.sample.usable < 1 - _MANY_SATURATED:
            return self.sample.predicted_by(Model(nest.window, nest.point), margin)
        return self.sample

    def _fitted(self, half: int, sample: Sample) -> Nest | None:
        window = self.reach.grown(half)
        normal = sample.condense(window, bias=self.bias)
        if normal is None or normal.count < 2 * window.taps:
            return None
        nest = Nest.of(normal, window, self.reach, sample.recording)
        return nest if np.diag(nest.gram).max() > 0.0 else None
