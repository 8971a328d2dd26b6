"""The kernels of a recovery: one, or one a channel or phase."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.experiment import Recovery
from convkit.experiment.record import KernelBlock
from convkit.report.certainty import shown_errors
from convkit.report.numbers import compact

# Of many phases the first ones are shown.
_MOST = 4


@dataclass(frozen=True)
class Subject:
    """A kernel that was found, and the name of its channel or phase (empty for the only one)."""

    name: str
    kernel: KernelBlock

    @property
    def learned(self) -> NDArray[Any]:
        """The taps found."""
        return self.kernel.learned

    @property
    def true(self) -> NDArray[Any] | None:
        """The true taps, where they are known and of the learned size."""
        return self.kernel.comparable_true

    @property
    def errors(self) -> NDArray[np.float64]:
        """Standard errors; those of rounding alone are 0, those of open taps NaN."""
        return shown_errors(self.kernel)

    @property
    def proven(self) -> bool:
        """Whether the taps are known without error."""
        return self.kernel.proven


def subjects(found: Recovery) -> list[Subject]:
    """Return the kernels of a recovery, at most four."""
    if found.kernel is not None:
        return [Subject("", found.kernel)]
    if found.phases:
        return [Subject(f"phase {one.phase}", one.kernel) for one in found.phases[:_MOST]]
    return [Subject(one.name, one.kernel) for one in found.channels[:_MOST]]


def unfinished(found: Recovery) -> str:
    """Say of a descent that has not arrived what its error bars are worth; nothing where it has."""
    distance = found.exact.distance_in_standard_errors
    if found.learning_rate is None or distance is None or distance <= 1.0:
        return ""
    away = f"{compact(distance, 3)} of them away" if distance < 1e6 else "not where this is"
    return f" The descent has not arrived: these errors are those of the exact answer, {away}."
