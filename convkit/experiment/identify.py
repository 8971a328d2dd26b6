"""What a given pair tells beyond the taps: proof, rounding, border rule, verdict and name."""

from dataclasses import dataclass

import numpy as np

from convkit.experiment.answer import Answer
from convkit.experiment.pose import Posed
from convkit.recovery import Parameters
from convkit.recovery.border import Border, find_border
from convkit.recovery.naming import Naming, name_kernel
from convkit.recovery.registered import Registered
from convkit.recovery.replay import Replay, replay
from convkit.recovery.rounding import FoundRounding, find_rounding
from convkit.recovery.snapping import Snapped, snap
from convkit.recovery.verdict import Judgement, judge


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
    """A problem, its exact answer, and of given targets what is known of the filter."""

    posed: Posed
    answer: Answer
    identity: Identity | None


def identify(posed: Posed, answer: Answer) -> Identity:
    """Prove, judge and name the kernel that was found between given images and targets."""
    recording, offset = posed.recording, posed.offset
    covariance = answer.covariance(recording.level)
    levels = [image.level for image in posed.inputs.images]
    image_level = None if None in levels else levels[0]
    scenes = scenes_of(posed)
    bias_error = float(np.sqrt(max(covariance[-1, -1], 0.0))) if answer.problem.bias else 0.0

    def replayed(kernel: Parameters | Snapped) -> tuple[FoundRounding, tuple[Replay, ...]]:
        found = find_rounding(scenes[0], kernel, offset, recording, bias_error=bias_error, image_level=image_level)
        return found, tuple(
            replay(scene, found.program, offset, recording, image_level=image_level) for scene in scenes
        )

    point = answer.optimum.point
    snapped = snap(point, covariance, recording.level) if answer.optimum.spectrum.identifiable else None
    rounding, replays = replayed(snapped or point)
    if snapped is not None and not all(one.exact for one in replays):
        plain = replayed(point)
        if sum(one.reproduced for one in plain[1]) > sum(one.reproduced for one in replays):
            snapped, (rounding, replays) = None, plain
    reproduced = all(one.exact for one in replays)
    proven = snapped is not None and reproduced
    border = None
    if posed.padding is None and answer.problem.stride == 1:
        border = find_border(scenes[0], rounding.program, offset, recording, replays[0], image_level=image_level)
    judgement = judge(
        answer.problem,
        answer.optimum,
        recording,
        reproduced=reproduced,
        noise_like="jpeg" if posed.inputs.lossy else None,
    )
    kernel = rounding.program.kernel
    found = kernel.parameters(recording.level) if isinstance(kernel, Snapped) else kernel
    taps = found.taps.size
    errors = np.zeros((taps, taps)) if proven else covariance[:taps, :taps]
    return Identity(
        found,
        proven,
        snapped,
        rounding,
        replays,
        border,
        judgement,
        name_kernel(found.taps, errors, offset, samples=int(answer.optimum.count)),
    )


def scenes_of(posed: Posed) -> tuple[Registered, ...]:
    """Return the pairs as they were given, before any window was cut."""
    assert posed.inputs.targets is not None  # what is made needs no proof
    return tuple(
        Registered(image.values, target.values, posed.experiment.stride, mask)
        for image, target, mask in zip(posed.inputs.images, posed.inputs.targets, posed.inputs.masks, strict=True)
    )
