"""What a given pair tells beyond the taps: proof, rounding, border rule, verdict and name."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from convkit.experiment.answer import Answer
from convkit.experiment.claim import find_claim
from convkit.experiment.judging import judge_pair
from convkit.experiment.nominal import Reproducing
from convkit.experiment.pose import Posed
from convkit.experiment.trial import Trial
from convkit.recovery import Parameters
from convkit.recovery.naming import Match, Naming
from convkit.recovery.proof import Border, FoundRounding, Layers, Replay, Snapped, find_border, replay
from convkit.recovery.registered import Registered
from convkit.recovery.verdict import Judgement, Verdict


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
    nearest : Match or None
        Where no name fits, the likeliest of those that do within ten times the errors.
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
    nearest: Match | None = None

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
    recording = posed.recording
    trial = Trial.of(posed, answer)
    claim = find_claim(posed, answer, trial, library)
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
        claim.nearest,
    )


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
