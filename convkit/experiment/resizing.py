"""Resizers: a kernel for each output phase, found like any filter's; of many phases, down the rows and along them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convkit.convolution import Padding
from convkit.errors import ShapeError
from convkit.experiment.identify import Understand, Understood, rim_of
from convkit.experiment.inputs import Inputs
from convkit.experiment.light import Light, decoded, in_its_light, lesser_light
from convkit.experiment.pose import pose
from convkit.experiment.settings import Experiment, Transfer
from convkit.experiment.trial import scenes_of
from convkit.image import Image
from convkit.image.image import Kind
from convkit.image.srgb import to_encoded
from convkit.recovery.proof import Border
from convkit.recovery.recording import Recording
from convkit.recovery.resizers import (
    Axis,
    Phase,
    Resampler,
    Separable,
    draw_curve,
    find_edges,
    find_separable,
    name_phases,
    nearest_name,
)
from convkit.recovery.verdict import Evidence, Judgement, Verdict
from convkit.recovery.verdict.floor import MOST

Array = NDArray[np.float64]

# Up to so many phases an axis, on both alike, each is found in two dimensions.
MOST_PHASES = 6
# Beyond so many input pixels an output, windows have a thousand taps in two dimensions.
_LARGEST_SCALE = 3.0
# Outputs an unknown that takes.
_OUTPUTS_A_TAP = 2
# Rows of one phase that its own verdict looks at.
_MOST_ROWS = 64
# From the best to the worst.
_ORDER = [Verdict.EXACT, Verdict.LINEAR, Verdict.NOISY, Verdict.NOT_LINEAR, Verdict.NOT_IDENTIFIABLE]
_FLOAT = 2.0**-20
# Outputs are believed to drift when that leaves less than this share of the variance.
_CLEARLY_LESS = 0.5
# Standard deviations of a variance beyond which it is another.
_DEVIATES = 6.0


@dataclass(frozen=True, eq=False)
class Resized:
    """What is known of a resizer.

    Attributes
    ----------
    rows, columns : Axis
    phases : tuple of ((int, int), Understood)
        Every output phase understood; of a resizer of many phases, one of the rows'.
    separable : Separable or None
        The taps of each phase down the rows and along them, where phases are many or differ between the axes.
    names : tuple of Resampler
    nearest : Resampler or None
        The nearest known one, where none fits.
    curve : tuple of (float, float)
    light : Light or None
    border : Border or None
    judgement : Judgement
        On all phases.
    channels : tuple of Understood
        What the first phase is of red, green and blue, of colour pictures.
    """

    rows: Axis
    columns: Axis
    phases: tuple[tuple[tuple[int, int], Understood], ...]
    separable: Separable | None
    names: tuple[Resampler, ...]
    nearest: Resampler | None
    curve: tuple[tuple[float, float], ...]
    light: Light | None
    border: Border | None
    judgement: Judgement
    channels: tuple[Understood, ...] = ()

    @property
    def first(self) -> Understood:
        """The phase that stands for all."""
        return self.phases[0][1]

    @property
    def variance(self) -> float:
        """Of what stays unexplained, in the worst phase."""
        if self.separable is not None:
            return self.separable.variance
        optima = [one.answer.optimum for _, one in self.phases]
        return max(one.residual_squares / max(one.count, 1.0) for one in optima)

    @property
    def largest_error(self) -> float | None:
        """The largest standard error of a tap; None when the data leave one open."""
        if self.separable is not None:
            return max(float(side.errors.max()) for side in (self.separable.rows, self.separable.columns))
        errors = [one.largest_error for _, one in self.phases]
        return None if None in errors else max(error for error in errors if error is not None)

    @property
    def reach(self) -> tuple[int, int]:
        """How far windows reach from the input pixel ``p·t``, down and along, at most."""
        if self.separable is not None:
            sides = self.separable.rows, self.separable.columns
            reaches = [
                max(max(abs(at), abs(at + side.taps.shape[1])) for at in side.offsets.tolist()) for side in sides
            ]
        else:
            windows = [(one.posed.offset, one.size) for _, one in self.phases]
            reaches = [max(max(-at[k], at[k] + size[k]) for at, size in windows) for k in (0, 1)]
        return reaches[0], reaches[1]


def understand_resizer(experiment: Experiment, inputs: Inputs, understand: Understand) -> Resized:
    """Find the ratio of the sizes, and the kernels of the output phases.

    Output ``q·t + phase`` is understood as the output ``t`` of a filter with stride p. Where there are many phases,
    ratios differ between the axes or are larger than 3, and where phases so understood do not come out linear (a
    resizer whose outputs drift against the ratio of the sizes), the taps down the rows and along them are found in
    turns.

    Raises
    ------
    ShapeError
        When pairs differ in their ratio, or are too small for the number of phases.
    """
    assert inputs.targets is not None  # resizers are of given targets
    sizes = {(image.shape, target.shape) for image, target in zip(inputs.images, inputs.targets, strict=True)}
    (image, target), *others = sorted(sizes)
    rows, columns = Axis(image[0], target[0]), Axis(image[1], target[1])
    if others:
        raise ShapeError(
            expected="pairs of the same two sizes for --stride auto",
            got=f"{image[0]}x{image[1]} to {target[0]}x{target[1]}, and "
            f"{others[0][0][0]}x{others[0][0][1]} to {others[0][1][0]}x{others[0][1][1]}",
            hint="one of the pairs alone",
        )
    many = rows.ratio != columns.ratio or rows.phases > MOST_PHASES or rows.scale > _LARGEST_SCALE
    found = (_by_axes if many else _by_phases)(experiment, inputs, rows, columns, understand)
    if found.judgement.verdict in (Verdict.EXACT, Verdict.LINEAR):
        return found
    try:
        drifting = _by_axes(experiment, inputs, replace(rows, drifts=True), replace(columns, drifts=True), understand)
    except ShapeError:
        return found
    return drifting if drifting.variance < _CLEARLY_LESS * found.variance else found


def _by_phases(experiment: Experiment, inputs: Inputs, rows: Axis, columns: Axis, understand: Understand) -> Resized:
    assert inputs.targets is not None
    settled = experiment.model_copy(update={"stride": rows.steps})
    found: list[tuple[tuple[int, int], Understood]] = []
    light = None
    for down, across in np.ndindex(rows.phases, columns.phases):
        targets = tuple(_every(target, (down, across), rows.phases) for target in inputs.targets)
        one, seen = in_its_light(understand(pose(settled, replace(inputs, targets=targets))), understand)
        if light is None and seen is not None:  # the first phase tells for all
            light, settled = seen, settled.model_copy(update={"transfer": seen.used})
        found.append(((down, across), one))
    phases = [Phase(phase, _taps(one), one.posed.offset) for phase, one in found]
    error = max(one.largest_error or 0.0 for _, one in found)
    names = tuple(name_phases(phases, rows, columns, error))
    border = _agreed([rim_of(one, scenes_of(one.posed)[0]) for _, one in found])
    curve = tuple(draw_curve(phases, rows))
    nearest = None if names else nearest_name(phases, rows, columns)
    first = found[0][1].posed
    channels = tuple(understand(first.only(channel)) for channel in range(3)) if first.inputs.colour else ()
    return Resized(rows, columns, tuple(found), None, names, nearest, curve, light, border, _worst(found), channels)


def _by_axes(experiment: Experiment, inputs: Inputs, rows: Axis, columns: Axis, understand: Understand) -> Resized:
    recording = inputs.recording
    separable, light, seen = _in_light(experiment, inputs, rows, columns)
    one = _of_a_phase(experiment, seen, separable, understand)
    assert seen.targets is not None
    border = find_edges(_values(seen.images[0]), _values(seen.targets[0]), separable, seen.recording)
    phase = int(separable.rows.labels[0]), 0
    judgement = _judged(separable, one, light, recording)
    curve = tuple(separable.curve())
    names = separable.names
    nearest = None if names else separable.nearest
    channels = tuple(
        _of_a_phase(experiment, part, _own(part, separable), understand)
        for part in (seen.only(channel) for channel in (range(3) if inputs.colour else ()))
    )
    phases = ((phase, one),)
    return Resized(rows, columns, phases, separable, names, nearest, curve, light, border, judgement, channels)


def _in_light(
    experiment: Experiment, inputs: Inputs, rows: Axis, columns: Axis
) -> tuple[Separable, Light | None, Inputs]:
    """Find the taps in the light that leaves less, if the encoded numbers leave more than roundings."""
    assert inputs.targets is not None
    level, asked = inputs.recording.level, experiment.transfer
    encoded = find_separable(_planes(inputs), rows, columns, inputs.recording)
    if level is None or any(image.bits is None for image in (*inputs.images, *inputs.targets)):
        return encoded, None, inputs
    left = encoded.variance**0.5 / level
    settled = left**2 * 12.0 <= MOST
    if asked in (Transfer.NONE, Transfer.SRGB) or (asked is Transfer.AUTO and settled):
        used = Transfer.SRGB if asked is Transfer.AUTO else asked
        return encoded, Light(used, left), inputs
    linear_inputs = decoded(inputs)
    planes = _planes(linear_inputs)
    linear = find_separable(planes, rows, columns, linear_inputs.recording)
    residuals = [
        to_encoded(target) - to_encoded(np.clip(target - rest, 0.0, 1.0)) for target, rest in linear.left(planes)
    ]
    linear_left = float(np.sqrt(np.mean([np.square(one).mean() for one in residuals]))) / level
    if asked is Transfer.LINEAR or lesser_light(linear_left, left):
        return linear, Light(Transfer.LINEAR, left, linear_left), linear_inputs
    return encoded, Light(Transfer.SRGB, left, linear_left), inputs


def _own(inputs: Inputs, shared: Separable) -> Separable:
    """Return what the channels have in common, with one's own taps along the rows where these explain clearly more."""
    planes = _planes(inputs)
    own = find_separable(planes, shared.rows.axis, shared.columns.axis, inputs.recording)
    left = float(np.mean([np.square(rest).mean() for _, rest in shared.left(planes)]))
    chance = 1.0 + _DEVIATES * (2.0 / own.count) ** 0.5
    return replace(shared, columns=own.columns) if left > chance * own.variance else shared


def _of_a_phase(experiment: Experiment, inputs: Inputs, found: Separable, understand: Understand) -> Understood:
    """Understand the rows of one phase as answers of a filter one pixel wide to the image filtered along its rows."""
    side, label = found.rows, int(found.rows.labels[0])
    height = side.taps.shape[1]
    images, targets = [], []
    for image, target in _planes(inputs):
        seen = found.along(image)
        for at in np.flatnonzero(side.labels == label)[:_MOST_ROWS]:
            images.append(Image(seen[side.first[at] : side.first[at] + height], Kind.MATRIX, "rows"))
            row = target[side.outputs[at] : side.outputs[at] + 1, found.columns.outputs]
            assert inputs.targets is not None
            targets.append(replace(inputs.targets[0], values=row))
    settled = experiment.model_copy(update={"stride": 1, "size": (height, 1), "padding": Padding.VALID})
    rows = Inputs(tuple(images), tuple(targets), (None,) * len(images), lossy=inputs.lossy, linear=inputs.linear)
    return understand(pose(settled, rows))


def _judged(found: Separable, one: Understood, light: Light | None, recording: Recording) -> Judgement:
    """Judge what the taps of all phases leave unexplained."""
    unit, rms = recording.rounding_variance, found.variance**0.5
    if unit > 0.0 and light is not None:
        levels = light.linear_levels if light.used is Transfer.LINEAR else light.encoded_levels
        roundings = 12.0 * (levels or 0.0) ** 2
        left = f"residual {levels:.3f} levels over {found.count} outputs of all phases, one rounding leaves 0.289"
    else:
        unit = unit or _FLOAT**2
        roundings = found.variance / unit
        left = f"residual {rms:.2g} over {found.count} outputs of all phases"
    passed = roundings <= MOST
    test = Evidence("every phase", roundings, MOST, roundings, MOST, passed, left)
    if passed:
        return Judgement(Verdict.LINEAR, f"at the rounding floor: {left}", (test,))
    own = one.judgement
    assert own is not None  # of given targets
    if own.verdict is Verdict.NOT_LINEAR:
        return Judgement(own.verdict, own.reason, (test, *own.evidence))
    told = f"noise, or no resizer of rows and columns: {left}"
    return Judgement(Verdict.NOISY, told, (test, *own.evidence))


def _worst(found: Sequence[tuple[tuple[int, int], Understood]]) -> Judgement:
    """Return the judgement on the phase that comes out worst."""
    judged = [(phase, one.judgement) for phase, one in found if one.judgement is not None]
    phase, worst = max(judged, key=lambda one: _ORDER.index(one[1].verdict))
    if len(judged) == 1:
        return worst
    return replace(worst, reason=f"{worst.reason} (phase {phase}, the worst of {len(judged)})")


def _agreed(borders: Sequence[Border | None]) -> Border | None:
    """Return the one rule that phases show, each having a part of the rim."""
    shown = [one for one in borders if one is not None and one.candidates]
    if not shown:
        return borders[0] if borders else None
    rules = {one.rule for one in shown if one.rule is not None}
    if len(rules) != 1:
        return shown[0] if not rules else replace(shown[0], rule=None, told="phases show different rules")
    return next(one for one in shown if one.rule in rules)


def _every(target: Image, phase: tuple[int, int], outputs: int) -> Image:
    return replace(target, values=np.ascontiguousarray(target.values[phase[0] :: outputs, phase[1] :: outputs]))


def _taps(found: Understood) -> Array:
    point = found.identity.point if found.identity is not None else found.answer.optimum.point
    return np.asarray(point.taps, dtype=np.float64)


def _values(image: Image) -> Array:
    return np.asarray(image.values, dtype=np.float64)


def _planes(inputs: Inputs) -> list[tuple[Array, Array]]:
    assert inputs.targets is not None
    return [(_values(image), _values(target)) for image, target in zip(inputs.images, inputs.targets, strict=True)]
