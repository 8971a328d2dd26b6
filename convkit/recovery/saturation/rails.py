"""Which outputs the rails have touched, told by what a kernel predicts for them."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.recording import Recording
from convkit.recovery.saturation.noise import Noise

Flags = NDArray[np.bool_]
Values = NDArray[np.float64]

# Noise goes beyond so many standard deviations once in 31,000 outputs.
_SURE = 4.0
# Beyond so many standard deviations, one in a thousand million, it is not noise but a contradiction.
_IMPOSSIBLE = 6.0
# What a prediction that lies on a rail may be off by, as a share of the least noise of a float target, which is some
# 1e-7 of what the taps multiply.
_PREDICTION_ROUNDING = 1e-3
# So large a share of outputs may be spoilt by something else than noise.
_FEW = 0.05


@dataclass(frozen=True, eq=False)
class Rails:
    """A target beside its prediction, between the rails.

    Attributes
    ----------
    target, predicted : ndarray, shape (h, w)
    recording : Recording
    noise : Noise
    """

    target: NDArray[np.floating]
    predicted: Values
    recording: Recording
    noise: Noise

    @cached_property
    def saturated(self) -> Flags:
        """Which outputs lie on a rail."""
        return self.recording.saturated(self.target)

    def free(self) -> Flags:
        """Which outputs are surely not clipped: predicted between the rails, and farther from them than noise goes.

        Those that contradict it by lying on a rail are not among them.

        Where the choice ends matters to a fraction of a level. The rounding error is a sawtooth of the response;
        summed from ``c`` on it leaves ``Q(c) = (t² - 1/12) / 2``, with ``t`` from -½ to ½ the place of ``c`` between
        two levels: a bias of the answer that grows with the data as its error shrinks. At ``t = -1/√12`` it is none.
        """
        level = self.recording.level
        reach = _SURE * self.noise.spread
        if level is None:
            margin = reach - _PREDICTION_ROUNDING * math.sqrt(self.noise.floor)
        else:
            margin = level * (round(reach / level) - math.sqrt(1 / 12))
        found = self.recording.clear(self.predicted, margin)
        found &= ~self.contradictory()
        return found

    def contradictory(self) -> Flags:
        """Which outputs on a rail, or predicted beyond one, neither noise nor clipping explains.

        They are none when they would be many: then it is the prediction that is wrong.
        """
        odd: Flags = self.saturated | (self.predicted < self.recording.lowest)
        odd |= self.predicted > self.recording.highest
        places = np.nonzero(odd)
        target, expected = self.target[places], self.predicted[places]
        # Between the rails a target stands for itself, on a rail for all that is beyond.
        clipped = np.clip(expected, self.recording.lowest, self.recording.highest)
        expected = np.where(self.saturated[places], clipped, expected)
        wrong = np.abs(target - expected) > _IMPOSSIBLE * self.noise.total
        odd[places] = wrong if np.count_nonzero(wrong) <= _FEW * self.target.size else False
        return odd

    def near(self, far: float) -> Flags:
        """Which outputs on a rail are predicted less than ``far`` standard deviations beyond it."""
        found = self.saturated.copy()
        places = np.nonzero(found)
        predicted, middle = self.predicted[places], (self.recording.lowest + self.recording.highest) / 2
        beyond = np.where(
            self.target[places] > middle, predicted - self.recording.highest, self.recording.lowest - predicted
        )
        # What lies less than half a level beyond was not clipped, but rounded to the rail.
        found[places] = beyond < far * self.noise.spread - (self.recording.level or 0.0) / 2
        return found
