"""From settings to the problem that the solvers know: inputs read, targets made, everything on one grid."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution import Convention, Padding
from convkit.convolution.apply import correlate
from convkit.convolution.backends import choose_backend
from convkit.errors import ShapeError
from convkit.experiment.align import Aligned, align_made, align_pair, centred, embed, union
from convkit.experiment.inputs import Inputs, read_inputs
from convkit.experiment.settings import Experiment
from convkit.kernel import Kernel
from convkit.recovery import Parameters, Problem
from convkit.recovery.recording import Recording


@dataclass(frozen=True, eq=False)
class Posed:
    """A problem, and where it comes from.

    Attributes
    ----------
    experiment : Experiment
        With nothing left to be chosen.
    inputs : Inputs
    truth : Kernel or None
        The kernel that made the target, or that is to be compared with.
    problem : Problem
    padding : Padding or None
        None when the border rule is unknown.
    offset : (int, int)
        Where the kernel's first tap sits relative to the output pixel.
    start : Parameters
        Where a descent begins, as correlation taps.
    """

    experiment: Experiment
    inputs: Inputs
    truth: Kernel | None
    problem: Problem
    padding: Padding | None
    offset: tuple[int, int]
    start: Parameters

    @property
    def recording(self) -> Recording:
        """How the targets were stored."""
        return self.inputs.recording


def pose(experiment: Experiment) -> Posed:
    """Read or make what an experiment needs, and pose its problem.

    Raises
    ------
    ConvkitError
        When an input cannot be read, or shapes do not fit together.
    """
    # Three independent streams, so that changing the noise changes neither the image nor the start.
    image_rng, noise_rng, start_rng = (
        np.random.default_rng(seed) for seed in np.random.SeedSequence(experiment.seed).spawn(3)
    )
    inputs = read_inputs(experiment, image_rng)
    truth = Kernel.of(experiment.kernel) if experiment.kernel is not None else None
    size = experiment.size
    if size is None:
        assert truth is not None  # the settings see to it
        size = truth.taps.shape
    convention = Convention(experiment.padding, experiment.stride, experiment.flip)
    aligned: list[Aligned] = []
    for index, (image, mask) in enumerate(zip(inputs.images, inputs.masks, strict=True)):
        if inputs.targets is not None:
            aligned.append(align_pair(image.values, inputs.targets[index].values, size, convention, mask))
        else:
            assert truth is not None  # settled
            aligned.append(_make_target(image.values, truth, size, experiment, noise_rng, mask))
    padding, offset = _shared_convention(aligned)
    problem = Problem(
        tuple(one.pair for one in aligned), size, experiment.stride, bias=experiment.bias, loss=experiment.loss
    )
    start = Parameters.draw(size, start_rng, bias=experiment.bias).turned(flip=experiment.flip)
    experiment = experiment.model_copy(update={"size": size})
    return Posed(experiment, inputs, truth, problem, padding, offset, start)


def _make_target(
    image: NDArray[Any],
    truth: Kernel,
    size: tuple[int, int],
    experiment: Experiment,
    rng: np.random.Generator,
    mask: NDArray[np.bool_] | None,
) -> Aligned:
    """Apply the true kernel, add its bias and white noise."""
    image = np.asarray(image, dtype=experiment.dtype)
    convention = Convention(experiment.padding, experiment.stride, experiment.flip)
    outer = union(truth.taps.shape, size)
    taps = embed(truth.taps, outer, centred(truth.taps.shape, outer))
    backend = choose_backend(convention.output_shape(image.shape, outer), taps.size)
    response = correlate(image, taps, convention, backend.load())
    response += truth.bias
    if experiment.noise:
        response += experiment.noise * rng.standard_normal(response.shape)
    return align_made(image, response, outer, size, convention, mask)


def _shared_convention(aligned: list[Aligned]) -> tuple[Padding | None, tuple[int, int]]:
    """Return the convention of all pairs, which must be one for their equations to add up."""
    first = aligned[0]
    for number, other in enumerate(aligned[1:], start=2):
        if (other.padding, other.offset) != (first.padding, first.offset):
            raise ShapeError(
                expected="pairs of one convention",
                got=f"pair 1 that is {_told(first)}, and pair {number} that is {_told(other)}",
                hint="targets that are all of their images' size, or all valid",
            )
    return first.padding, first.offset


def _told(one: Aligned) -> str:
    return str(one.padding) if one.padding is not None else "of the image's own size"
