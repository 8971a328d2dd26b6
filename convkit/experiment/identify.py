"""What a given pair tells beyond the taps: proof, rounding, border rule, verdict and name."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.experiment.answer import Answer, find_answer
from convkit.experiment.nominal import Reproducing, find_reproducing
from convkit.experiment.pose import Posed
from convkit.experiment.trial import Told, Trial, scenes_of
from convkit.recovery import Optimum, Parameters, Problem
from convkit.recovery.naming import Naming, name_kernel
from convkit.recovery.proof import Border, FoundRounding, Layers, Replay, Snapped, find_border, replay
from convkit.recovery.registered import Registered
from convkit.recovery.solution import solve
from convkit.recovery.verdict import Judgement, Verdict, judge

# Sides of the smallest window that is judged.
_LEAST_WINDOW = 5
# What kernels of the library that are tried may be larger than any window that was fitted.
_MORE = 6
# Levels by which the response to a white picture may be off: of a derivative of the photograph "camera" it is 0.025.
_EVEN = 1 / 32
# Times the errors by which a kernel is named to be replayed. Roundings between passes, and where errors are tiny those
# at the end too, are no noise: of a picture of 36 million pixels they shift a sigma by six standard errors, or 0.0004.
_ROUGHLY = 10.0


@dataclass(frozen=True, eq=False)
class Identity:
    """What is known of the filter behind given targets.

    Attributes
    ----------
    point : Parameters
        The kernel as the filter has it: snapped where that is proven, else as estimated; its bias with the rounding
        accounted for.
    proven : bool
        Whether it reproduces every pixel and its taps are whole numbers over a divisor or those of a kernel of the
        library, so that nothing is estimated.
    snapped : Snapped or None
        The whole numbers over a divisor that lie within the error bars and explain at least as many pixels.
    rounding : FoundRounding
    replays : tuple of Replay
        One a pair.
    border : Border or None
        None where targets have no rim, or the rule was told.
    judgement : Judgement
    naming : Naming
    library : Reproducing or None
        The kernel of the library, of round parameters, that reproduces every pixel. Where it does not fit into the
        window that was posed, the taps are estimated nevertheless.
    """

    point: Parameters
    proven: bool
    snapped: Snapped | None
    rounding: FoundRounding
    replays: tuple[Replay, ...]
    border: Border | None
    judgement: Judgement
    naming: Naming
    library: Reproducing | None = None

    @property
    def reproduced(self) -> int:
        """How many pixels replaying reproduces, over all pairs."""
        return sum(one.reproduced for one in self.replays)

    @property
    def pixels(self) -> int:
        """How many pixels were replayed."""
        return sum(one.count for one in self.replays)


@dataclass(frozen=True, eq=False)
class Understood:
    """A problem, its exact answer, and of given targets whether they are those of a linear filter, and of which.

    ``identity`` is None of made targets, and where a descent was asked for: proofs and names are of the exact answer.
    """

    posed: Posed
    answer: Answer
    judgement: Judgement | None = None
    identity: Identity | None = None

    @property
    def size(self) -> tuple[int, int]:
        """The kernel's."""
        return self.answer.problem.size

    @property
    def linear_filter(self) -> Identity | None:
        """What is known of a filter that has one kernel; None where it has none, or the data leave it open."""
        hopeless = (Verdict.NOT_LINEAR, Verdict.NOT_IDENTIFIABLE)
        return None if self.identity is None or self.identity.judgement.verdict in hopeless else self.identity

    @property
    def place(self) -> tuple[int, int]:
        """Where the program's window begins, relative to the output: one wider than the kernel is centred."""
        if self.identity is None:
            return self.posed.offset
        height, width = self.identity.rounding.program.taps.shape
        return self.posed.offset if (height, width) == self.size else (-(height // 2), -(width // 2))

    @property
    def largest_error(self) -> float | None:
        """The largest standard error of a tap: 0 of a proven kernel, None when the data leave some open."""
        if self.identity is not None and self.identity.proven:
            return 0.0
        if not self.answer.optimum.spectrum.identifiable:
            return None
        taps = self.size[0] * self.size[1]
        return float(np.sqrt(np.diag(self.answer.covariance(self.posed.recording.level))[:taps].max()))


# Finds the exact answer to a posed problem, and what it tells of the filter.
Understand = Callable[[Posed], Understood]


def identify(posed: Posed, answer: Answer, library: Reproducing | None = None) -> Identity:
    """Prove, judge and name the kernel that was found between given images and targets.

    ``library`` is the kernel of the library that is known to reproduce every pixel, if one is.
    """
    recording, optimum = posed.recording, answer.optimum
    # Of the exact answer, whatever price or constraints the one returned is held to.
    covariance = optimum.noise_variance(recording.level) * optimum.unit_covariance
    trial = Trial.of(posed, answer, covariance)
    claim = None if library is None else _taken_from(library, posed)
    if claim is None:
        claim = _estimated(posed, answer, trial, covariance)
        claim = (claim.library and _taken_from(claim.library, posed)) or claim
    told, naming = claim.told, claim.naming
    border = None
    if posed.padding is None and answer.problem.stride == 1:
        border = find_border(
            trial.scenes[0],
            told.rounding.program,
            told.offset,
            recording,
            told.replays[0],
            image_level=trial.image_level,
            layers=Layers.of(naming.names),
        )
    judgement = judge_pair(posed, answer, reproduced=all(one.exact for one in told.replays))
    return Identity(
        claim.point,
        claim.proven,
        told.snapped,
        told.rounding,
        told.replays,
        border,
        judgement,
        naming,
        claim.library,
    )


@dataclass(frozen=True, eq=False)
class _Claim:
    """What the filter's kernel is taken to be, and why; see `Identity`."""

    point: Parameters
    proven: bool
    told: Told
    naming: Naming
    library: Reproducing | None


def _estimated(posed: Posed, answer: Answer, trial: Trial, covariance: NDArray[np.float64]) -> _Claim:
    """Take the kernel of whole numbers that is proven; else the one that explains most, and say what it may be."""
    optimum, level = answer.optimum, posed.recording.level
    told = trial.best(optimum.point, covariance, identifiable=optimum.spectrum.identifiable)
    point = Parameters(
        told.snapped.taps if told.snapped is not None else optimum.point.taps, told.parameters(level).bias
    )
    estimate = _Estimate(point.taps, covariance, posed.offset, int(optimum.count), level)
    if told.proven:
        return _Claim(point, True, told, estimate.named(0.0), None)
    naming = estimate.named()
    plain = bool(naming.names) and not naming.names[0].parameters
    if plain or not optimum.spectrum.identifiable:
        return _Claim(point, False, told, naming, None)
    wide = _estimated_around(posed) or estimate
    around = wide.named()
    naming = around if around.names else naming  # a sigma makes up for the tail that a small window leaves out
    for names in (naming.names, wide.named(_ROUGHLY).names):
        library = find_reproducing(trial, told, names, _largest(posed))
        if library is not None:
            return _Claim(point, False, told, naming, library)
    return _Claim(point, False, told, naming, None)


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


def _taken_from(library: Reproducing, posed: Posed) -> _Claim | None:
    """Take the kernel of the library that reproduces every pixel, if it fits into the window that was posed."""
    window, outer = library.window, posed.window
    if window.union(outer) != outer:
        return None
    taps = np.zeros(outer.size)
    taps[window.slices_in(outer)] = library.kernel.taps
    point = Parameters(taps, library.told.parameters(posed.recording.level).bias)
    naming = name_kernel(taps, np.zeros((taps.size, taps.size)), posed.offset)
    return _Claim(point, True, library.told, naming, library)


def _largest(posed: Posed) -> int:
    """Return the side of the largest window in which a kernel of the library is tried."""
    around = None if posed.support is None else posed.support.around
    return max(posed.problem.size if around is None else around.size) + _MORE


def judge_pair(posed: Posed, answer: Answer, *, reproduced: bool = False) -> Judgement:
    """Decide whether given targets are those of a linear filter, at the exact answer."""
    return judge(
        *_widened(posed, answer),
        posed.recording,
        reproduced=reproduced,
        noise_like="jpeg" if posed.inputs.lossy else None,
    )


def _widened(posed: Posed, answer: Answer) -> tuple[Problem, Optimum]:
    """Show the judge windows of at least 5x5: what a filter does that is not linear shows in a pixel's neighbourhood.

    The search for the size leaves out what no linear kernel has a use for: of the magnitude of a gradient, everything.
    """
    problem, optimum, (height, width) = answer.problem, answer.optimum, answer.problem.size
    wide_enough = min(height, width) >= _LEAST_WINDOW or not optimum.spectrum.identifiable
    thinned = len(problem.pairs) != len(posed.rims)
    if wide_enough or thinned or posed.support is None or posed.padding is not None or problem.stride != 1:
        return problem, optimum
    reach = _LEAST_WINDOW // 2
    starts = [min(o, -reach) for o in posed.offset]
    ends = [max(o + k, reach + 1) for o, k in zip(posed.offset, problem.size, strict=True)]
    size = ends[0] - starts[0], ends[1] - starts[1]
    pairs = []
    for scene, pair, rim in zip(scenes_of(posed), problem.pairs, posed.rims, strict=True):
        inner, outer = (
            scene.interior(problem.size, posed.offset, rim),
            scene.interior(size, (starts[0], starts[1]), rim),
        )
        part = tuple(slice(o.start - i.start, o.stop - i.start) for i, o in zip(inner, outer, strict=True))
        wide = scene.pair(size, (starts[0], starts[1]), rim)
        pairs.append(replace(wide, mask=None if pair.mask is None else pair.mask[part]))
    before = [o - s for o, s in zip(posed.offset, starts, strict=True)]
    taps = np.pad(
        optimum.point.taps,
        [(b, n - k - b) for b, n, k in zip(before, size, problem.size, strict=True)],
    )
    return replace(problem, pairs=tuple(pairs), size=size), replace(optimum, point=replace(optimum.point, taps=taps))


def rim_of(found: Understood, scene: Registered) -> Border | None:
    """Tell the border rule of what was found from a scene; None of a filter that has no one kernel."""
    identity, posed = found.linear_filter, found.posed
    if identity is None:
        return None
    program, recording, place = identity.rounding.program, posed.recording, found.place
    level = posed.inputs.images[0].level
    interior = replay(scene, program, place, recording, image_level=level)
    layers = Layers.of(identity.naming.names)
    border = find_border(scene, program, place, recording, interior, image_level=level, layers=layers)
    if border.rule is not None and posed.inputs.linear:  # where nothing is reproduced to the last bit
        rms = border.candidates[0].rms
        told = f"{border.rule} leaves a residual of {rms:.3g} in linear light, {interior.rms:.3g} inside"
        return replace(border, told=told)
    return border
