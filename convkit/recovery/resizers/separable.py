"""Resizers of any ratio: a kernel down the rows for each phase, and one along them, found in turns.

With the taps along the rows known, an output row is a plain filter of the image so filtered: its few taps down answer
to as many outputs as the row has. So every phase of every ratio is found, however many there are, as long as the
resizer works on rows and columns one after the other, which nearly all do.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convkit.errors import ShapeError
from convkit.recovery.recording import Recording
from convkit.recovery.resizers.axis import Axis
from convkit.recovery.resizers.candidates import LOBES, Candidate, Weights, candidates
from convkit.recovery.resizers.phases import CLOSE, IN_STEPS, STEPS, Resampler

Array = NDArray[np.float64]
Places = NDArray[np.intp]
Mask = NDArray[np.bool_]
#: An image and what became of it, both in the light in which they are compared.
Planes = Sequence[tuple[Array, Array]]

# Outputs looked at, a side.
_MOST = 384
# The widest curves, antialiased, have three lobes; 4 without.
_ANTIALIASED_LOBES = 3
# Outputs a tap that a phase must have.
_OUTPUTS_A_TAP = 3.0
# Where windows are no wider than a known resizer's, which is nearly proof already.
_OUTPUTS_A_KNOWN_TAP = 2.0
# Outputs predicted nearer to a rail than so many standard deviations are left out.
_MARGIN = 4.0
# Variance that arithmetic in single precision leaves of numbers in [0, 1].
_FLOAT = 1e-12
_ROUNDS = 30
_STRIP = 256
_SETTLED = 1e-5
# Taps smaller than this share of the largest over all phases, or than chance makes them but for so many standard
# deviations of their squares' mean, do not widen the window.
_SMALL, _DEVIATES = 1e-3, 6.0
# A known resizer explains the outputs when it leaves at most so many times the variance that the taps found do, or what
# a rounding after either pass leaves (of which the taps found may follow some), half as much again for chance; and as
# much as the nearest one when it leaves at most so many times its variance.
_EXPLAINS, _ROUNDINGS, _AS_WELL = 1.5, 2.0, 1.02


@dataclass(frozen=True, eq=False)
class Side:
    """One axis.

    Attributes
    ----------
    axis : Axis
    outputs : ndarray of int, shape (n,)
        The outputs looked at, one after the other.
    first : ndarray of int, shape (n,)
        Input pixel under the first tap of each.
    taps, errors : ndarray, shape (phases seen, K)
        By `of_phase`.
    """

    axis: Axis
    outputs: Places
    first: Places
    taps: Array
    errors: Array

    @property
    def labels(self) -> Places:
        """The phase of each output."""
        return np.asarray(self.outputs % self.axis.phases, dtype=np.intp)

    @property
    def phases(self) -> Places:
        """The phases seen, ascending."""
        return np.unique(self.labels)

    @property
    def weights(self) -> Weights:
        """The taps of each output."""
        return Weights(self.taps[np.searchsorted(self.phases, self.labels)], self.first)

    @property
    def offsets(self) -> Places:
        """Where each phase's first tap sits, relative to the input pixel ``p·t``."""
        at = [int(np.flatnonzero(self.labels == phase)[0]) for phase in self.phases]
        steps = self.outputs[at] // self.axis.phases * self.axis.steps
        return np.asarray(self.first[at] - steps, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class Separable:
    """What is known of a resizer that works on rows and columns one after the other.

    Attributes
    ----------
    rows, columns : Side
    bias : float
    residual_squares, count : float, int
        What stays unexplained of the outputs looked at, and their number.
    unknowns : int
    names : tuple of Resampler
        The known resizers that explain the outputs as well, the likeliest first.
    named : Candidate or None
        The first of them.
    nearest : Resampler or None
        The known resizer that leaves least unexplained, however much.
    """

    rows: Side
    columns: Side
    bias: float
    residual_squares: float
    count: int
    unknowns: int
    names: tuple[Resampler, ...]
    named: Candidate | None
    nearest: Resampler | None = None

    @property
    def variance(self) -> float:
        """Of what stays unexplained."""
        return self.residual_squares / max(self.count - self.unknowns, 1)

    def along(self, image: Array) -> Array:
        """Return an image filtered along its rows, ``(H, n)``."""
        return _filtered(self.columns.weights, image.T).T

    def left(self, planes: Planes) -> list[tuple[Array, Array]]:
        """Return the outputs looked at, and what stays unexplained of each."""
        chosen = _chosen(planes, (self.rows, self.columns))
        return [
            (target, target - self.bias - _filtered(self.rows.weights, self.along(image)))
            for target, (image, _) in zip(chosen, planes, strict=True)
        ]

    def curve(self) -> list[tuple[float, float]]:
        """Return the continuous kernel down the rows: distance from the output's half-pixel centre, and weight."""
        side = self.rows
        points = []
        for phase, taps in zip(side.phases, side.taps, strict=True):
            at = int(np.flatnonzero(side.labels == phase)[0])
            middle = (float(side.outputs[at]) + 0.5) * side.axis.scale - 0.5
            points += [(float(side.first[at] + k - middle), float(tap)) for k, tap in enumerate(taps)]
        return sorted(points)


def find_separable(planes: Planes, rows: Axis, columns: Axis, recording: Recording) -> Separable:
    """Find the taps of every phase, down and along.

    Parameters
    ----------
    planes : sequence of (ndarray, ndarray)
        Images and targets, all of the same two shapes.
    rows, columns : Axis
    recording : Recording
        Of the targets: residuals smaller than their rounding are taken for that, and outputs on a rail, by value and
        then by prediction, are left out.

    Raises
    ------
    ShapeError
        When the pictures are too small for the number of phases.

    Examples
    --------
    >>> image = np.random.default_rng(0).random((101, 140))
    >>> rows, columns = Axis(101, 50), Axis(140, 70)
    >>> triangle = candidates(rows, columns)[3]
    >>> down, along = (matrix(triangle.weights(np.arange(one.outputs), one), one.inputs) for one in (rows, columns))
    >>> found = find_separable([(image, down @ image @ along.T)], rows, columns, Recording())
    >>> found.names[0].name
    'triangle (bilinear), antialiased, half-pixel centres'
    """
    sides = _blank(rows, _widest(rows)), _blank(columns, _widest(columns))
    if min(side.outputs.size for side in sides) == 0:
        raise _too_small(sides, len(planes))
    tried = _tried(planes, _chosen(planes, sides), sides, recording)
    start, variance = min(tried, key=lambda one: one[1])
    if not _enough(sides, len(planes)):
        # Windows as wide as those of the known resizer that explains the outputs, if one does.
        least = _blank(rows, start.reach(rows) + 1), _blank(columns, start.reach(columns) + 1)
        if variance > _limit(0.0, recording) or not _enough(least, len(planes), _OUTPUTS_A_KNOWN_TAP):
            raise _too_small(sides, len(planes))
        sides = least
        tried = _tried(planes, _chosen(planes, sides), sides, recording)
    targets = _chosen(planes, sides)
    used = [~recording.saturated(target) for target in targets]
    found = _in_turns(planes, targets, used, (_spread(start, sides[0]), _spread(start, sides[1])), recording)
    narrower = _narrowed(found.rows), _narrowed(found.columns)
    if recording.clips:
        margin = _MARGIN * max(found.variance, recording.rounding_variance) ** 0.5
        used = [recording.clear(target - left, margin) for target, left in found.left(planes)]
    found = _in_turns(planes, targets, used, narrower, recording)
    best = min(tried, key=lambda one: one[1])[0]
    names = _names(found, tried, recording) or _in_steps(found, best)
    return replace(
        found,
        names=tuple(Resampler(one.name, _gap(one, found)) for one in names),
        named=names[0] if names else None,
        nearest=Resampler(best.name, _gap(best, found)),
    )


def _widest(axis: Axis) -> int:
    """Return how far windows reach that hold any known resizer's taps."""
    scale = max(axis.scale, 1.0)
    return math.ceil(max(_ANTIALIASED_LOBES * scale, LOBES) + abs(axis.scale - 1.0) / 2.0) + 1


def _blank(axis: Axis, reach: int) -> Side:
    """Choose the outputs whose window lies inside the image, from the middle."""
    nearest = np.array([axis.nearest(output) for output in range(axis.outputs)], dtype=np.intp)
    inside = np.flatnonzero((nearest - reach >= 0) & (nearest + reach + 1 < axis.inputs))
    most = max(_MOST, 2 * axis.phases)
    if inside.size > most:
        begin = (inside.size - most) // 2
        inside = inside[begin : begin + most]
    taps = np.zeros((np.unique(inside % axis.phases).size, 2 * reach + 2))
    return Side(axis, inside, nearest[inside] - reach, taps, taps)


def _chosen(planes: Planes, sides: tuple[Side, Side]) -> list[Array]:
    return [target[np.ix_(sides[0].outputs, sides[1].outputs)] for _, target in planes]


def _enough(sides: tuple[Side, Side], pictures: int, a_tap: float = _OUTPUTS_A_TAP) -> bool:
    """Whether every phase has enough outputs for its taps."""
    return all(
        side.outputs.size > 0
        and int(np.bincount(side.labels)[side.phases].min()) * other.outputs.size * pictures
        >= a_tap * side.taps.shape[1]
        for side, other in (sides, sides[::-1])
    )


def _too_small(sides: tuple[Side, Side], pictures: int) -> ShapeError:
    """Refuse pictures that have fewer outputs for a phase than its taps need, and tell how many would do."""
    needed = []
    for side, other in (sides, sides[::-1]):
        outputs = _OUTPUTS_A_TAP * other.taps.shape[1] / pictures
        needed.append(math.ceil(outputs * side.axis.scale) + side.taps.shape[1] + math.ceil(side.axis.scale))
    tall, wide = (side.axis for side in sides)
    return ShapeError(
        expected="pictures that show each output phase of a resizer often enough",
        got=f"{tall.inputs}x{wide.inputs} to {tall.outputs}x{wide.outputs}, "
        f"{tall.phases}x{wide.phases} phases ({tall.ratio} and {wide.ratio})",
        hint=f"pictures of {max(needed[0], tall.inputs)}x{max(needed[1], wide.inputs)} pixels or more, resized "
        "likewise, or sizes in a simpler ratio",
    )


def matrix(weights: Weights, inputs: int) -> Array:
    """Return taps as a matrix ``(n, inputs)``; those beyond the edge are left out.

    Examples
    --------
    >>> matrix(Weights(np.array([[0.5, 0.5]]), np.array([1])), 4)
    array([[0. , 0.5, 0.5, 0. ]])
    """
    found = np.zeros((len(weights.first), inputs))
    places = weights.first[:, None] + np.arange(weights.taps.shape[1])
    inside = (places >= 0) & (places < inputs)
    np.add.at(found, (np.nonzero(inside)[0], places[inside]), weights.taps[inside])
    return found


def _filtered(weights: Weights, plane: Array) -> Array:
    """Return ``(n, W)``: the weighted sums of a plane's rows."""
    plane = np.ascontiguousarray(plane)
    found = np.zeros((len(weights.first), plane.shape[1]))
    rows = np.clip(weights.first[:, None] + np.arange(weights.taps.shape[1]), 0, plane.shape[0] - 1)
    for begin in range(0, plane.shape[1], _STRIP):  # that caches hold
        part = slice(begin, begin + _STRIP)
        for tap in range(rows.shape[1]):
            found[:, part] += weights.taps[:, tap, None] * plane[rows[:, tap], part]
    return found


def _tried(
    planes: Planes, targets: list[Array], sides: tuple[Side, Side], recording: Recording
) -> list[tuple[Candidate, float]]:
    """Return the variance that each known resizer leaves unexplained, but for a constant."""
    count = sum(target.size for target in targets)
    free = [~recording.saturated(target) for target in targets]
    found = []
    for one in candidates(sides[0].axis, sides[1].axis, anywhere=True):
        down, along = (one.weights(side.outputs, side.axis) for side in sides)
        fitted = [_filtered(along, _filtered(down, image).T).T for image, _ in planes]
        off = [(target - fit)[inside] for target, fit, inside in zip(targets, fitted, free, strict=True)]
        middle = sum(float(each.sum()) for each in off) / max(sum(each.size for each in off), 1)
        left = [
            np.square(target - np.clip(fit + middle, recording.lowest, recording.highest)).sum()
            for target, fit in zip(targets, fitted, strict=True)
        ]
        found.append((one, float(sum(left)) / count))
    return found


def _spread(candidate: Candidate, side: Side) -> Side:
    """Return a side with a known resizer's taps in its windows."""
    taps = np.zeros_like(side.taps)
    for number, phase in enumerate(side.phases):
        at = int(np.flatnonzero(side.labels == phase)[0])
        weights = candidate.weights(side.outputs[at : at + 1], side.axis)
        row = matrix(replace(weights, first=weights.first - side.first[at]), taps.shape[1])[0]
        taps[number] = row
    return replace(side, taps=taps, errors=np.zeros_like(taps))


def _in_turns(
    planes: Planes, targets: list[Array], used: list[Mask], sides: tuple[Side, Side], recording: Recording
) -> Separable:
    """Solve for the taps down with those along known, and the other way round, until the residual falls no more.

    The constant is one for all outputs; what is left of it once means are taken off is found in its turn.
    """
    down, along = sides
    origin = float(np.mean([image.mean() for image, _ in planes]))
    middle = float(np.mean([target.mean() for target in targets]))
    planes = [(image - origin, target) for image, target in planes]
    turned = [(np.ascontiguousarray(image.T), target) for image, target in planes]
    squares, bias = math.inf, 0.0
    count = sum(int(np.count_nonzero(one)) for one in used)
    unknowns = down.taps.size + along.taps.size + 1
    floor = (recording.rounding_variance or _FLOAT**2) * count
    for _ in range(_ROUNDS):
        before = squares
        left = [target - middle - bias for target in targets]
        along = _of_sum_one(_solved(turned, [one.T for one in left], [one.T for one in used], along, down))
        down = _solved(planes, left, used, down, along)
        rest = [
            (target - _filtered(along.weights, _filtered(down.weights, image).T).T)[inside]
            for target, (image, _), inside in zip(left, planes, used, strict=True)
        ]
        off = sum(float(one.sum()) for one in rest) / max(count, 1)
        bias += off
        squares = sum(float(np.square(one - off).sum()) for one in rest)
        if before - squares <= _SETTLED * max(squares, floor):
            break
    deviation = math.sqrt(max(squares, floor) / max(count - unknowns, 1))
    other = _solved(turned, [one.T for one in left], [one.T for one in used], along, down)
    along = replace(along, errors=other.errors * deviation)
    down = replace(down, errors=down.errors * deviation)
    sums = float(down.weights.taps.sum(axis=1).mean() * along.weights.taps.sum(axis=1).mean())
    return Separable(down, along, middle + bias - sums * origin, squares, count, unknowns, (), None)


def _of_sum_one(side: Side) -> Side:
    """Leave the gain to the other side."""
    gain = float(side.taps.sum(axis=1).mean())
    return replace(side, taps=side.taps / gain) if abs(gain) > 1e-9 else side


def _solved(planes: Planes, targets: list[Array], used: list[Mask], side: Side, other: Side) -> Side:
    """Fit one side's taps to the outputs used, phase by phase; errors are for a variance of one."""
    seen = [_filtered(other.weights, image.T).T for image, _ in planes]  # (H, n) a plane
    size = side.taps.shape[1]
    taps, errors = np.zeros_like(side.taps), np.zeros_like(side.taps)
    for number, phase in enumerate(side.phases):
        gram, moment = np.zeros((size, size)), np.zeros(size)
        for at in np.flatnonzero(side.labels == phase):
            first = side.first[at]
            for plane, target, inside in zip(seen, targets, used, strict=True):
                design, answers = plane[first : first + size], target[at]
                if not inside[at].all():
                    design, answers = design[:, inside[at]], answers[inside[at]]
                gram += design @ design.T
                moment += design @ answers
        inverse = np.linalg.pinv(gram, rcond=1e-13, hermitian=True)
        taps[number] = inverse @ moment
        errors[number] = np.sqrt(np.maximum(np.diag(inverse), 0.0))
    return replace(side, taps=taps, errors=errors)


def _narrowed(side: Side) -> Side:
    """Leave out what lies beyond the last place with taps, but for one on each side."""
    squares, variances = (np.square(values).mean(axis=0) for values in (side.taps, side.errors))
    by_chance = variances * (1.0 + _DEVIATES * math.sqrt(2.0 / len(side.taps)))
    kept = np.flatnonzero(squares > np.maximum(by_chance, (_SMALL * float(np.abs(side.taps).max())) ** 2))
    if not kept.size:
        return side
    begin, end = max(int(kept[0]) - 1, 0), min(int(kept[-1]) + 2, side.taps.shape[1])
    part = slice(begin, end)
    return replace(side, first=side.first + begin, taps=side.taps[:, part], errors=side.errors[:, part])


def _names(found: Separable, tried: list[tuple[Candidate, float]], recording: Recording) -> list[Candidate]:
    """Return the known resizers that leave hardly more than the taps found do, the nearest first."""
    limit = _limit(found.variance, recording)
    explaining = sorted(((left, one) for one, left in tried if left <= limit), key=lambda one: one[0])
    return [one for left, one in explaining if left <= max(_AS_WELL * explaining[0][0], 1e-15)]


def _in_steps(found: Separable, nearest: Candidate) -> list[Candidate]:
    """Return the nearest known resizer where its taps down the rows were only rounded to steps, as libvips does."""
    rows, columns = found.rows, found.columns
    sums, steps = rows.taps.sum(axis=1, keepdims=True), STEPS * nearest.means(rows.axis)
    if (sums <= 0.0).any():
        return []
    taps = rows.taps / sums
    in_steps = np.abs(taps - np.rint(taps * steps) / steps) <= _DEVIATES * rows.errors
    told = rows.errors.max() < 0.25 / (_DEVIATES * steps)
    if told and in_steps.all() and _side_gap(nearest, rows) <= 1.0 / STEPS and _side_gap(nearest, columns) <= CLOSE:
        return [replace(nearest, name=f"{nearest.name}, {IN_STEPS}")]
    return []


def _limit(variance: float, recording: Recording) -> float:
    return _EXPLAINS * max(variance, _ROUNDINGS * (recording.rounding_variance or _FLOAT))


def _gap(candidate: Candidate, found: Separable) -> float:
    """Return the largest difference between a known resizer's taps and those found."""
    return max(_side_gap(candidate, side) for side in (found.rows, found.columns))


def _side_gap(candidate: Candidate, side: Side) -> float:
    known = candidate.weights(side.outputs, side.axis)
    return float(np.abs(matrix(known, side.axis.inputs) - matrix(side.weights, side.axis.inputs)).max())
