"""From settings to the problem that the solvers know: inputs read, targets made, everything on one grid."""

from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution import Convention, Padding
from convkit.convolution.apply import correlate
from convkit.convolution.backends import choose_backend
from convkit.errors import ShapeError
from convkit.experiment.align import (
    Aligned,
    Size,
    align_found,
    align_made,
    align_pair,
    centred,
    check_registered,
    embed,
    union,
)
from convkit.experiment.inputs import Inputs, read_inputs
from convkit.experiment.settings import Experiment
from convkit.kernel import Kernel
from convkit.recovery import Parameters, Problem
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.support import Support, Window, find_support

Pair = tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_] | None]


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
    rims : tuple of (int, int)
        One a pair: outputs nearer to the image's edge were left out.
    support : Support or None
        How the size was found, if it was.
    part : bool
        Whether it is one of several that share their window: that of a channel.
    """

    experiment: Experiment
    inputs: Inputs
    truth: Kernel | None
    problem: Problem
    padding: Padding | None
    offset: tuple[int, int]
    start: Parameters
    rims: tuple[Size, ...]
    support: Support | None = None
    part: bool = False

    def only(self, channel: int) -> "Posed":
        """Return the problem of one channel of colour pictures, of the same size and place."""
        problem = replace(self.problem, pairs=self.problem.pairs[channel::3])
        rims = self.rims[channel::3]
        return replace(self, inputs=self.inputs.only(channel), problem=problem, rims=rims, part=True)

    def widened(self) -> "Posed | None":
        """Pose the problem with room around the kernel that was searched for, if there is any."""
        return None if self.support is None or self.support.around is None else self.within(self.support.around)

    def within(self, window: Window) -> "Posed":
        """Pose the problem in another window than the one that was found."""
        assert self.support is not None
        support = replace(self.support, size=window.size, offset=window.offset, around=None)
        return replace(pose(self.experiment, self.inputs, support), support=replace(self.support, around=None))

    @property
    def window(self) -> Window:
        """Where the kernel's taps lie around the output pixel."""
        return Window(self.problem.size, self.offset)

    @property
    def by_parts(self) -> bool:
        """Whether what is found of it is put together from several searches: of channels, phases or a program."""
        asked = self.experiment
        return self.inputs.coloured or asked.program is not None or asked.stride == "auto"

    @property
    def recording(self) -> Recording:
        """How the targets were stored."""
        return self.inputs.recording


def pose(experiment: Experiment, inputs: Inputs | None = None, support: Support | None = None) -> Posed:
    """Read or make what an experiment needs, and pose its problem.

    Parameters
    ----------
    experiment : Experiment
        Settled.
    inputs : Inputs, optional
        What was read before.
    support : Support, optional
        Of the kernel, where that was searched for before.

    Raises
    ------
    ConvkitError
        When an input cannot be read, or shapes do not fit together.
    """
    # Three independent streams, so that changing the noise changes neither the image nor the start.
    image_rng, noise_rng, start_rng = (
        np.random.default_rng(seed) for seed in np.random.SeedSequence(experiment.seed).spawn(3)
    )
    inputs = inputs or read_inputs(experiment, image_rng)
    truth = Kernel.of(experiment.kernel) if experiment.kernel is not None else None
    aligned, size, support = _align(inputs, truth, experiment, noise_rng, support)
    padding, offset = _shared_convention(aligned)
    problem = Problem(
        tuple(one.pair for one in aligned),
        size,
        experiment.step,
        bias=experiment.bias,
        loss=experiment.loss,
        summing=inputs.summing,
        device=experiment.device,
    )
    start = Parameters.draw(size, start_rng, bias=experiment.bias).turned(flip=experiment.flip)
    experiment = experiment.model_copy(update={"size": size})
    rims = tuple(one.rim for one in aligned)
    return Posed(experiment, inputs, truth, problem, padding, offset, start, rims, support)


def _align(
    inputs: Inputs,
    truth: Kernel | None,
    experiment: Experiment,
    noise_rng: np.random.Generator,
    support: Support | None,
) -> tuple[list[Aligned], Size, Support | None]:
    """Lay every pair on one grid, and find the size of the kernel first where that is open."""
    size = experiment.size
    if size is None:
        assert truth is not None  # the settings see to it
        size = truth.taps.shape
    images = zip(inputs.images, inputs.masks, strict=True)
    if inputs.targets is None:
        assert truth is not None
        assert size != "auto"  # the settings see to both
        made = [_make_target(image.values, truth, size, experiment, noise_rng, mask) for image, mask in images]
        return made, size, None
    convention = Convention(experiment.padding, experiment.step, experiment.flip)
    pairs = [(image.values, target.values, mask) for (image, mask), target in zip(images, inputs.targets, strict=True)]
    if support is None and size != "auto":
        return [align_pair(x, y, size, convention, mask) for x, y, mask in pairs], size, None
    if support is None:
        for x, y, mask in pairs:
            check_registered(x, y, convention, mask)
        support = _find_support(inputs, pairs, experiment)
    if experiment.padding is Padding.VALID:
        found = [align_found(x, y, support.size, support.offset, experiment.step, mask) for x, y, mask in pairs]
        return found, support.size, support
    size = _around(support)  # a border rule that is told goes with a kernel in its middle
    return [align_pair(x, y, size, convention, mask) for x, y, mask in pairs], size, support


def _find_support(inputs: Inputs, pairs: list[Pair], experiment: Experiment) -> Support:
    """Search where the kernel lies on the largest pair, which tells most; on that of each channel, which may differ."""
    supports = []
    for channel in range(3 if inputs.colour else 1):
        x, y, mask = max(pairs[channel :: 3 if inputs.colour else 1], key=lambda pair: pair[1].size)
        supports.append(find_support(Registered(x, y, experiment.step, mask), inputs.recording, bias=experiment.bias))
    return _together(supports)


def _together(supports: list[Support]) -> Support:
    """Return the support that holds all, told as the largest of them was found."""
    most = max(supports, key=lambda one: one.window.taps)
    together = reduce(Window.union, [one.window for one in supports])
    around = reduce(Window.union, [one.around or one.window for one in supports])
    return replace(
        most, size=together.size, offset=together.offset, around=around if around.taps > together.taps else None
    )


def _around(support: Support) -> Size:
    """Return the odd size whose centred window holds a support."""
    height, width = (
        2 * max(-offset, offset + taps - 1, 0) + 1 for taps, offset in zip(support.size, support.offset, strict=True)
    )
    return height, width


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
    convention = Convention(experiment.padding, experiment.step, experiment.flip)
    outer = union(truth.taps.shape, size)
    taps = embed(truth.taps, outer, centred(truth.taps.shape, outer))
    backend = choose_backend(convention.output_shape(image.shape, outer), taps)
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
