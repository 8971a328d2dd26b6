"""What a given pair tells beyond the taps: proof, rounding, border rule, verdict and name."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from convkit.experiment.answer import Answer, find_answer
from convkit.experiment.pose import Posed
from convkit.recovery import Optimum, Parameters, Problem
from convkit.recovery.naming import Naming, name_kernel
from convkit.recovery.proof import (
    Border,
    FoundRounding,
    Layers,
    Program,
    Replay,
    Snapped,
    centred,
    find_border,
    find_rounding,
    guesses,
    proves,
    replay,
    snap,
)
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.solution import solve
from convkit.recovery.verdict import Judgement, Verdict, judge

# Guesses at whole numbers that are replayed, smallest divisor first.
_MOST_GUESSES = 5
# Sides of the smallest window that is judged.
_LEAST_WINDOW = 5


@dataclass(frozen=True, eq=False)
class Identity:
    """What is known of the filter behind given targets.

    Attributes
    ----------
    point : Parameters
        The kernel as the filter has it: snapped where that is proven, else as estimated; its bias with the rounding
        accounted for.
    proven : bool
        Whether it reproduces every pixel and its taps are whole numbers over a divisor, so that nothing is estimated.
    snapped : Snapped or None
        The whole numbers over a divisor that lie within the error bars and explain at least as many pixels.
    rounding : FoundRounding
    replays : tuple of Replay
        One a pair.
    border : Border or None
        None where targets have no rim, or the rule was told.
    judgement : Judgement
    naming : Naming
    """

    point: Parameters
    proven: bool
    snapped: Snapped | None
    rounding: FoundRounding
    replays: tuple[Replay, ...]
    border: Border | None
    judgement: Judgement
    naming: Naming

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


def identify(posed: Posed, answer: Answer) -> Identity:
    """Prove, judge and name the kernel that was found between given images and targets."""
    recording, optimum = posed.recording, answer.optimum
    # Of the exact answer, whatever price or constraints the one returned is held to.
    covariance = optimum.noise_variance(recording.level) * optimum.unit_covariance
    stage = _Stage.of(posed, answer, covariance)
    told = stage.best(optimum.point, covariance, identifiable=optimum.spectrum.identifiable)
    proven = told.proven
    found = Parameters(
        told.snapped.taps if told.snapped is not None else optimum.point.taps, told.parameters(recording.level).bias
    )
    taps = found.taps.size
    errors = np.zeros((taps, taps)) if proven else covariance[:taps, :taps]
    naming = name_kernel(found.taps, errors, posed.offset, samples=int(optimum.count))
    if not proven and optimum.spectrum.identifiable and (not naming.names or naming.names[0].parameters):
        naming = _named_around(posed) or naming  # a sigma, say, would make up for the tail that is left out
    border = None
    if posed.padding is None and answer.problem.stride == 1:
        border = find_border(
            stage.scenes[0],
            told.rounding.program,
            told.offset,
            recording,
            told.replays[0],
            image_level=stage.image_level,
            layers=Layers.of(naming.names),
        )
    judgement = judge_pair(posed, answer, reproduced=all(one.exact for one in told.replays))
    return Identity(found, proven, told.snapped, told.rounding, told.replays, border, judgement, naming)


def _named_around(posed: Posed) -> Naming | None:
    """Name a kernel by a window with room around it, where no faint taps are left out; None when that names nothing."""
    wide = posed.widened()
    if wide is None:
        return None
    optimum = find_answer(wide, solve).optimum
    if not optimum.spectrum.identifiable:
        return None
    taps = optimum.point.taps
    errors = (optimum.noise_variance(wide.recording.level) * optimum.unit_covariance)[: taps.size, : taps.size]
    naming = name_kernel(taps, errors, wide.offset, samples=int(optimum.count))
    return naming if naming.names else None


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


@dataclass(frozen=True, eq=False)
class _Told:
    """A kernel on trial: how its responses are rounded, and what replaying it reproduces."""

    snapped: Snapped | None
    rounding: FoundRounding
    offset: tuple[int, int]
    replays: tuple[Replay, ...]

    @property
    def reproduced(self) -> int:
        return sum(one.reproduced for one in self.replays)

    @property
    def proven(self) -> bool:
        return all(proves(self.rounding.program, one) for one in self.replays)

    def parameters(self, level: float | None) -> Parameters:
        kernel = self.rounding.program.kernel
        return kernel.parameters(level) if isinstance(kernel, Snapped) else kernel


@dataclass(frozen=True, eq=False)
class _Stage:
    """Where kernels are tried: the pairs as they were given."""

    scenes: tuple[Registered, ...]
    offset: tuple[int, int]
    recording: Recording
    bias_error: float
    image_level: float | None
    rim: bool

    @classmethod
    def of(cls, posed: Posed, answer: Answer, covariance: NDArray[np.float64]) -> "_Stage":
        levels = {image.level for image in posed.inputs.images}
        return cls(
            scenes_of(posed),
            posed.offset,
            posed.recording,
            float(np.sqrt(max(covariance[-1, -1], 0.0))) if answer.problem.bias else 0.0,
            levels.pop() if len(levels) == 1 else None,
            posed.padding is None,
        )

    def best(self, point: Parameters, covariance: NDArray[np.float64], *, identifiable: bool) -> _Told:
        """Return the kernel of whole numbers that is proven; else the one that explains most."""
        if not identifiable:
            return self.tried(point)
        snapped = snap(point, covariance, self.recording.level)
        tried = None if snapped is None else self.tried(snapped)
        if tried is not None and tried.proven:
            return tried
        if self.recording.level is not None:
            for guess in islice(guesses(point, covariance, self.recording.level), _MOST_GUESSES):
                found, offset = self.rounded(guess)
                if found.sample.exact and (told := self.replayed(guess, found, offset)).proven:
                    return told
        plain = self.tried(point)
        if tried is None or snapped is None or not snapped.telling or tried.reproduced < plain.reproduced:
            return plain
        return tried

    def tried(self, kernel: Parameters | Snapped) -> _Told:
        """Replay a kernel."""
        return self.replayed(kernel, *self.rounded(kernel))

    def rounded(self, kernel: Parameters | Snapped) -> tuple[FoundRounding, tuple[int, int]]:
        """Find how a kernel's responses are rounded, and where the program's window begins."""
        program, offset = Program(kernel), self.offset
        if self.rim:  # a program's window is centred on its output, though the taps on one side be zero
            program, offset = centred(program, offset)
        found = find_rounding(
            self.scenes[0],
            program.kernel,
            offset,
            self.recording,
            bias_error=self.bias_error,
            image_level=self.image_level,
        )
        return found, offset

    def replayed(self, kernel: Parameters | Snapped, found: FoundRounding, offset: tuple[int, int]) -> _Told:
        """Count what a program reproduces of every pair."""
        replays = tuple(
            replay(scene, found.program, offset, self.recording, image_level=self.image_level) for scene in self.scenes
        )
        return _Told(kernel if isinstance(kernel, Snapped) else None, found, offset, replays)


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


def scenes_of(posed: Posed) -> tuple[Registered, ...]:
    """Return the pairs as they were given, before any window was cut."""
    assert posed.inputs.targets is not None  # what is made needs no proof
    return tuple(
        Registered(image.values, target.values, posed.experiment.step, mask, posed.inputs.summing)
        for image, target, mask in zip(posed.inputs.images, posed.inputs.targets, posed.inputs.masks, strict=True)
    )
