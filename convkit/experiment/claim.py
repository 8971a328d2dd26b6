"""What a filter's kernel is taken to be, and why: proven, or estimated and named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.experiment.answer import Answer, find_answer
from convkit.experiment.nominal import Reproducing, find_reproducing
from convkit.experiment.pose import Posed
from convkit.experiment.trial import Told, Trial
from convkit.kernel import Kernel
from convkit.recovery import Parameters
from convkit.recovery.naming import Match, Naming, name_kernel, nominal_kernels
from convkit.recovery.solution import solve

# Names that are replayed, the likeliest first.
_MOST_NAMES = 3
# What kernels of the library that are tried may be larger than any window that was fitted.
_MORE = 6
# Levels by which the response to a white picture may be off: of a derivative of the photograph "camera" it is 0.025.
_EVEN = 1 / 32
# Times the errors by which a kernel is nearly what a name says. The losses of JPEG, roundings between passes, and where
# errors are tiny those at the end too, are no noise: in a picture of 36 million pixels they shift a sigma by six errors
# of 0.00006.
_ROUGHLY = 10.0


@dataclass(frozen=True, eq=False)
class Claim:
    """What the filter's kernel is taken to be, and why; see `Identity`."""

    point: Parameters
    proven: bool
    told: Told
    naming: Naming
    library: Reproducing | None = None
    nearest: Match | None = None


def find_claim(posed: Posed, answer: Answer, trial: Trial, library: Reproducing | None = None) -> Claim:
    """Find out what kernel a pair proves, or else allows.

    ``library`` is the kernel of the library that is known to reproduce every pixel, if one is. Where it does not fit
    into the window that was posed, the taps are estimated, and a claim tells of it all the same.
    """
    if library is not None and (proven := _taken_from(library, posed)) is not None:
        return proven
    claim = _estimated(posed, answer, trial)
    return claim if claim.library is None else _taken_from(claim.library, posed) or claim


def _estimated(posed: Posed, answer: Answer, trial: Trial) -> Claim:
    """Take the kernel of whole numbers that is proven; else the one that explains most, and say what it may be."""
    optimum, level = answer.optimum, posed.recording.level
    told = trial.best(identifiable=optimum.spectrum.identifiable)
    point = Parameters(
        told.snapped.taps if told.snapped is not None else optimum.point.taps, told.parameters(level).bias
    )
    estimate = _Estimate(point.taps, trial.covariance, posed.offset, int(optimum.count), level)
    if told.proven:
        claim = Claim(point, True, told, estimate.named(0.0))
        if claim.naming.names:
            return claim
        # Whole numbers come near to any other: 1393/985 to the root of 2.
        return replace(claim, library=find_reproducing(trial, told, _nominal(estimate.named().names, posed)))
    naming, widest = estimate.named(), estimate
    if not optimum.spectrum.identifiable:
        return Claim(point, False, told, naming)
    if not naming.names or naming.names[0].parameters:  # such as a sigma, which makes up for what a window leaves out
        wide = _estimated_around(posed)
        if wide is not None:
            around, widest = wide.named(), wide
            naming = around if around.names else naming
    nearly = () if naming.names else widest.named(_ROUGHLY).names
    return Claim(
        point,
        False,
        told,
        naming,
        find_reproducing(trial, told, _nominal(naming.names or nearly, posed)),
        nearly[0] if nearly else None,
    )


def _nominal(names: Sequence[Match], posed: Posed) -> Iterator[Kernel]:
    """Yield the kernels of the library that names may stand for: within their errors, then within many of these."""
    around = None if posed.support is None else posed.support.around
    largest = max(posed.problem.size if around is None else around.size) + _MORE
    for times in (1.0, _ROUGHLY):
        for match in names[:_MOST_NAMES]:
            yield from nominal_kernels(match, largest, times)


def _taken_from(library: Reproducing, posed: Posed) -> Claim | None:
    """Take the kernel of the library that reproduces every pixel, if it fits into the window that was posed."""
    window, outer = library.window, posed.window
    if window.union(outer) != outer:
        return None
    taps = np.zeros(outer.size)
    taps[window.slices_in(outer)] = library.kernel.taps
    level = posed.recording.level
    assert level is not None  # else no pixel is reproduced to the last bit
    # What a program adds is whole levels; the rest is how it rounds.
    point = Parameters(taps, round(library.told.parameters(level).bias / level) * level)
    naming = name_kernel(taps, np.zeros((taps.size, taps.size)), posed.offset)
    return Claim(point, True, library.told, naming, library)


@dataclass(frozen=True, eq=False)
class _Estimate:
    """Taps and what is known of them."""

    taps: NDArray[np.floating[Any]]
    covariance: NDArray[np.float64]
    offset: tuple[int, int]
    samples: int
    level: float | None

    def named(self, times: float = 1.0) -> Naming:
        """Name the taps, by so many times their errors.

        Their sum is granted what roundings that are no noise may leave of it: where a picture is even, all its pixels
        are rounded by the same.
        """
        count = self.taps.size
        errors = self.covariance[:count, :count] + (_EVEN * (self.level or 0.0) / count) ** 2
        return name_kernel(self.taps, times**2 * errors, self.offset, samples=self.samples)


def _estimated_around(posed: Posed) -> _Estimate | None:
    """Estimate in a window with room around the kernel, if there is any and the data determine all of it.

    The kernel's faint taps are in it, for which a sigma, say, would have to make up otherwise.
    """
    wide = posed.widened()
    optimum = None if wide is None else find_answer(wide, solve).optimum
    if wide is None or optimum is None or not optimum.spectrum.identifiable:
        return None
    level = wide.recording.level
    covariance = optimum.noise_variance(level) * optimum.unit_covariance
    return _Estimate(optimum.point.taps, covariance, wide.offset, int(optimum.count), level)
