"""A kernel of the library that reproduces every pixel, of round parameters, is the filter's own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from convkit.experiment.trial import Told, Trial
from convkit.kernel import Kernel
from convkit.recovery import Parameters
from convkit.recovery.naming import Match, nominal_kernels
from convkit.recovery.proof import Passes
from convkit.recovery.support import Window

# Names that are tried, the likeliest first.
_MOST_NAMES = 3
# Levels that the bias may be off a whole number of them, beside four of its standard errors.
_OFF_WHOLE = 1 / 16


@dataclass(frozen=True, eq=False)
class Reproducing:
    """A kernel of the library that reproduces every pixel, and what replaying it tells."""

    kernel: Kernel
    told: Told

    @property
    def window(self) -> Window:
        """Where its taps lie around the output pixel."""
        return Window(self.kernel.shape, self.told.offset)


def find_reproducing(trial: Trial, estimate: Told, names: Sequence[Match], largest: int) -> Reproducing | None:
    """Find a kernel of the library, of round parameters, that reproduces every pixel of every pair.

    Responses are rounded as those of the estimate are, and the bias is a whole number of levels. A kernel whose
    parameters are a standard error off must miss some: else the pixels prove nothing.
    """
    level = trial.recording.level
    if level is None:
        return None
    bias = estimate.parameters(level).bias / level
    if abs(bias - round(bias)) > 4.0 * trial.bias_error / level + _OFF_WHOLE:
        return None

    def exact(kernel: Kernel) -> Told | None:
        program = replace(estimate.rounding.program, kernel=Parameters(kernel.taps, round(bias) * level))
        offset = trial.place(kernel)
        if offset is None or (program.passes is not Passes.ONE and kernel.rank > 1):
            return None
        found = trial.sampled(program, offset, estimate.rounding.told)
        told = trial.replayed(program.kernel, found, offset) if found.sample.exact else None
        return told if told is not None and all(one.exact for one in told.replays) else None

    for match in islice(names, _MOST_NAMES):
        for nominal in nominal_kernels(match, largest):
            told = exact(nominal.kernel)
            if told is not None:
                return Reproducing(nominal.kernel, told) if exact(nominal.neighbour) is None else None
    return None
