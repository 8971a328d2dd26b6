"""The outputs that the tests look at, beside what the filter makes of them, and what two passes over them tell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.lanes import in_lanes, in_threads
from convkit.recovery.optimum import Optimum
from convkit.recovery.problem import Problem
from convkit.recovery.recording import Recording
from convkit.recovery.verdict.blocks import Block, blocks
from convkit.recovery.verdict.features import Filter
from convkit.recovery.verdict.tally import Tally
from convkit.recovery.verdict.truncated_noise import TruncatedNoise, margin

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Extremes:
    """The largest residual, and outputs predicted beyond the extremes of the target.

    Attributes
    ----------
    reach : float
        Largest residual, in image units.
    count : int
        Outputs looked at.
    lowest, highest : float
        Of the target, outputs that are not used included.
    below, above : int
        How many outputs are predicted below the lowest value and above the highest, by more than the slack.
    """

    reach: float
    count: int
    lowest: float
    highest: float
    below: int
    above: int


@dataclass(frozen=True, eq=False)
class Sample:
    """Blocks, and what the filter makes of them."""

    filtered: Filter
    blocks: Sequence[Block]
    fitted: Sequence[Array]

    @classmethod
    def of(cls, problem: Problem, optimum: Optimum) -> "Sample":
        """Draw the sample and filter it."""
        drawn = list(blocks(problem))
        pixels = [block.pixels for block in drawn]
        count = max(sum(part.size for part in pixels), 1)
        origin = sum(float(part.sum()) for part in pixels) / count
        spread = (sum(float(np.square(part - origin).sum()) for part in pixels) / count) ** 0.5
        filtered = Filter(optimum.point, problem.stride, origin, spread or 1.0)
        return cls(filtered, drawn, in_threads(filtered.fitted, drawn))

    def extremes(self, slack: float) -> Extremes:
        """Look at the largest residuals and at the ends of the target's range."""
        used = [
            (block.target[block.mask], fitted[block.mask])
            for block, fitted in zip(self.blocks, self.fitted, strict=True)
        ]
        lowest = min((float(block.target.min()) for block in self.blocks), default=0.0)
        highest = max((float(block.target.max()) for block in self.blocks), default=0.0)
        return Extremes(
            max((float(np.abs(target - fitted).max()) for target, fitted in used if target.size), default=0.0),
            sum(target.size for target, _ in used),
            lowest,
            highest,
            sum(int(np.count_nonzero(fitted < lowest - slack)) for _, fitted in used),
            sum(int(np.count_nonzero(fitted > highest + slack)) for _, fitted in used),
        )

    def tally(self, sigma: float, recording: Recording) -> Tally:
        """Add up what the tests need, of outputs that are clear of the rails."""
        used = [fitted[block.mask] for block, fitted in zip(self.blocks, self.fitted, strict=True)]
        distance = margin(np.concatenate(used), sigma, recording) if used else 0.0
        truncated = TruncatedNoise.of(sigma, recording)

        def sum_lane(lane: Sequence[tuple[Block, Array]]) -> Tally:
            tally = Tally.empty()
            for block, fitted in lane:
                residual = (block.target - fitted - truncated(fitted)) / sigma
                tally.add(block, fitted, residual, block.mask & recording.clear(fitted, distance), self.filtered)
            return tally

        lanes = in_lanes(sum_lane, list(zip(self.blocks, self.fitted, strict=True)))
        return sum(lanes, Tally.empty())
