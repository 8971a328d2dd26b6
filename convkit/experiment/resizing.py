"""Resizers: each output phase is a filter of its own, and is found like any other."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from convkit.experiment.identify import Understood
from convkit.experiment.inputs import Inputs
from convkit.experiment.pose import Posed, pose
from convkit.experiment.settings import Experiment
from convkit.image import Image
from convkit.recovery.phases import Phase, Ratio, Resampler, draw_curve, name_resampler


@dataclass(frozen=True, eq=False)
class Resized:
    """What is known of a resizer: every output phase understood, and its names."""

    ratio: Ratio
    phases: tuple[tuple[tuple[int, int], Understood], ...]
    names: tuple[Resampler, ...]
    curve: tuple[tuple[float, float], ...]


def understand_resizer(experiment: Experiment, inputs: Inputs, understand: Callable[[Posed], Understood]) -> Resized:
    """Find the ratio of the sizes, and one kernel for each output phase.

    Output ``q·t + phase`` is understood as the output ``t`` of a filter with stride p.

    Raises
    ------
    ShapeError
        When the sizes are in no ratio of small whole numbers.
    """
    assert inputs.targets is not None  # resizers are of given targets
    ratio = Ratio.of(inputs.images[0].shape, inputs.targets[0].shape)
    settled = experiment.model_copy(update={"stride": ratio.steps})
    found = []
    for phase in np.ndindex(ratio.outputs, ratio.outputs):
        targets = tuple(_every(target, (phase[0], phase[1]), ratio.outputs) for target in inputs.targets)
        posed = pose(settled, replace(inputs, targets=targets))
        found.append(((phase[0], phase[1]), understand(posed)))
    phases = [Phase(phase, _taps(one), one.posed.offset) for phase, one in found]
    error = max(_error(one) for _, one in found)
    return Resized(ratio, tuple(found), tuple(name_resampler(phases, ratio, error)), tuple(draw_curve(phases, ratio)))


def _every(target: Image, phase: tuple[int, int], outputs: int) -> Image:
    return replace(target, values=np.ascontiguousarray(target.values[phase[0] :: outputs, phase[1] :: outputs]))


def _taps(found: Understood) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    point = found.identity.point if found.identity is not None else found.answer.optimum.point
    return np.asarray(point.taps, dtype=np.float64)


def _error(found: Understood) -> float:
    if found.identity is None or found.identity.proven or not found.answer.optimum.spectrum.identifiable:
        return 0.0
    return float(np.sqrt(np.diag(found.answer.covariance(found.posed.recording.level))[:-1].max()))
