"""A kernel of the library that reproduces every pixel, of round parameters, is the filter's own."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from convkit.experiment.trial import Told, Trial
from convkit.kernel import Kernel
from convkit.recovery.support import Window


@dataclass(frozen=True, eq=False)
class Reproducing:
    """A kernel of the library that reproduces every pixel, and what replaying it tells."""

    kernel: Kernel
    told: Told

    @property
    def window(self) -> Window:
        """Where its taps lie around the output pixel."""
        return Window(self.kernel.shape, self.told.offset)


def find_reproducing(trial: Trial, estimate: Told, kernels: Iterable[Kernel]) -> Reproducing | None:
    """Find the first kernel of the library that reproduces every pixel of every pair.

    Responses are rounded as those of the estimate are; those of kernels of the library's own size in other ways too,
    as an estimate does not always tell that a program rounds between its row and its column.
    """
    tried = set()
    for kernel in kernels:
        offset = trial.place(kernel)
        if offset is None or kernel.name in tried:
            continue
        tried.add(kernel.name)
        anew = () if "size=" in str(kernel.name) else trial.rounded_anew(kernel, offset)
        for rounding in chain(trial.rounded_alike(kernel, offset, estimate.rounding), anew):
            told = trial.reproducing(rounding, offset)
            if told is not None:
                return Reproducing(kernel, told)
    return None
