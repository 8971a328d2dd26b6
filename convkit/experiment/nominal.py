"""A kernel of the library that reproduces every pixel, of round parameters, is the filter's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from convkit.experiment.trial import Told, Trial
from convkit.kernel import Kernel
from convkit.recovery.naming import Match, nominal_kernels
from convkit.recovery.support import Window

# Names that are tried, the likeliest first.
_MOST_NAMES = 3


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

    Responses are rounded as those of the estimate are; those of kernels of the library's own size in other ways too,
    as an estimate does not always tell that a program rounds between its row and its column.
    """
    for match in islice(names, _MOST_NAMES):
        for number, kernel in enumerate(nominal_kernels(match, largest)):
            offset = trial.place(kernel)
            if offset is None:
                continue
            found = [trial.rounded_alike(kernel, offset, estimate.rounding)]
            if number == 0:
                found.append(trial.rounded_anew(kernel, offset))
            for rounding in filter(None, found):
                told = trial.reproducing(rounding, offset)
                if told is not None:
                    return Reproducing(kernel, told)
    return None
