"""Which families fit the taps, with what parameters, and how they are cut off."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convkit.errors import KernelError
from convkit.recovery.naming.families import FAMILIES, Family, Free, Start
from convkit.recovery.naming.levenberg import Point, at_point, fit, standard_errors
from convkit.recovery.naming.match import Match, Parameter, gain_oddity, simple_gain, sums_to, times
from convkit.recovery.naming.moments import energy, mass
from convkit.recovery.naming.observation import Misfit, Observation
from convkit.recovery.naming.placing import Placed, corner_of, place
from convkit.recovery.naming.words import offset_in_words, with_error

Taps = NDArray[np.float64]
Vector = NDArray[np.float64]
Size = tuple[int, int]

# A family that misses a tap by more standard errors in one window needs no second look.
_FAR = 15.0
# Of many starts, the best are worth a fit.
_MOST_STARTS = 2
# Rings around what is seen in which a window may end.
_RINGS = 3
# Windows whose chi-square is so close to the best one's cannot be told from it; by error bars, or where there are none.
_SAME, _SAME_WHEN_EXACT = 9.0, 0.01


@dataclass(frozen=True, eq=False)
class FamilyMatch:
    """A match, its chi-square and the family."""

    match: Match
    chi2: float
    family: Family


@dataclass(frozen=True, eq=False)
class _Cut:
    """A window of a family: its size, its middle, and whether it cuts the kernel within the block."""

    size: Size
    centre: tuple[float, float]
    cut: bool


@dataclass(frozen=True, eq=False)
class _Model:
    """A family in a window, with what is only given: parameters to a block of taps."""

    observation: Observation
    family: Family
    window: _Cut
    given: tuple[float, ...]

    def placed(self, values: Vector) -> Placed:
        taps = self.family.build([*values.tolist(), *self.given], self.window.size)
        corner = corner_of((taps.shape[0], taps.shape[1]), self.window.centre)
        return place(taps, self.observation.shape, corner) if corner else Placed(np.zeros(self.observation.shape), 0.0)

    def block(self, values: Vector) -> Taps:
        return self.placed(values).block

    @property
    def bounds(self) -> tuple[Vector, Vector]:
        """How far the parameters may go."""
        longest = 2.0 * max(self.observation.shape) + 3
        low = np.array([free.low for free in self.family.free])
        return low, np.array([free.high if math.isfinite(free.high) else longest for free in self.family.free])


@dataclass(frozen=True, eq=False)
class _Found:
    """A fit in one window; the block carries its gain, and ``ends`` says that it is certainly cut off there."""

    model: _Model
    point: Point
    placed: Placed
    misfit: Misfit
    ends: bool = False


def match_families(observation: Observation, named: set[str]) -> list[FamilyMatch]:
    """Return the families that fit, each with its best parameters; ``named`` are the templates that do."""
    matches: list[FamilyMatch] = []
    levels = _levels(observation, observation.taps)
    for family in FAMILIES:
        fitting = named | {match.family.title for match in matches}
        if not family.suits(observation) or not fitting.isdisjoint(family.unless) or levels <= _numbers(family):
            continue
        found = _best_window(observation, family)
        if found is not None and _tells(observation, family, found):
            match = _as_match(observation, found)
            matches += [match] if match else []
    return matches


def _best_window(observation: Observation, family: Family) -> _Found | None:
    """Fit a family in every window that it may have, and keep the best that fits."""
    first_window, *others = _windows(observation, family, _centre(observation, family))
    first = _best_start(observation, family, first_window, family.start(observation))
    if first is None or not _worth_a_look(observation, first):
        return None
    again = (*first.point.values.tolist(), *first.model.given)
    found = [first, *(_best_start(observation, family, window, [again]) for window in others)]
    fitting = [one for one in found if one and one.misfit.fits and observation.hides(one.placed.outside)]
    if not fitting:
        return None
    best = min(fitting, key=lambda one: one.misfit.chi2)
    same = _SAME if observation.covariance is not None else _SAME_WHEN_EXACT
    endless = any(not one.model.window.cut and one.misfit.chi2 <= best.misfit.chi2 + same for one in fitting)
    return replace(best, ends=not endless)


def _worth_a_look(observation: Observation, first: _Found) -> bool:
    """Whether other windows may yet fit: where the taps are seen, they change next to nothing."""
    if observation.box is None:
        return True
    gap = np.abs(observation.taps - first.placed.block) / observation.errors
    return bool(gap[observation.box].max() <= _FAR)


def _centre(observation: Observation, family: Family) -> tuple[float, float]:
    """Where the family's middle lies in the block: on a pixel, or between two where its size may be even."""
    if family.centre == "peak":
        row, column = np.unravel_index(int(np.abs(observation.taps).argmax()), observation.shape)
        return float(row), float(column)
    moments = mass(observation) if family.centre == "mass" else energy(observation)
    grid = 2 if family.windowed else 1
    row, column = (round(grid * at) / grid for at in moments.centre)
    return row, column


def _windows(observation: Observation, family: Family, centre: tuple[float, float]) -> list[_Cut]:
    """Sizes about the centre: what is seen, up to some rings more, and one beyond the block (not cut)."""
    reaches = [max(at, side - 1 - at) for at, side in zip(centre, observation.shape, strict=True)]
    box = observation.box or (slice(0, observation.shape[0]), slice(0, observation.shape[1]))
    seen = [2 * max(at - part.start, part.stop - 1 - at, 0.0) + 1 for at, part in zip(centre, box, strict=True)]
    if not family.windowed:
        return [_Cut(_size(seen), centre, cut=False)]
    # A row or a column stays one; a single tap may be the top of anything.
    flat = [side == 1 < max(seen) for side in seen]
    endless = [1.0 if thin else 2 * (reach + 2) + 1 for thin, reach in zip(flat, reaches, strict=True)]
    windows = [_Cut(_size(endless), centre, cut=False)]
    for ring in range(_RINGS if observation.box else -1, -1, -1):
        sides = [side + (0 if thin else 2 * ring) for side, thin in zip(seen, flat, strict=True)]
        if ring == 0 or all(side <= 2 * reach + 1 for side, reach in zip(sides, reaches, strict=True)):
            windows.append(_Cut(_size(sides), centre, cut=True))
    return windows[::-1]


def _size(sides: Sequence[float]) -> Size:
    return round(sides[0]), round(sides[1])


def _best_start(observation: Observation, family: Family, window: _Cut, starts: list[Start]) -> _Found | None:
    """Fit from the starts that look best."""
    fitted = len(family.free)
    tries = []
    for start in starts:
        model = _Model(observation, family, window, start[fitted:])
        try:
            tries.append((at_point(observation, model.block, np.array(start[:fitted], dtype=np.float64)), model))
        except KernelError:  # a size beyond what a kernel may have
            continue
    tries.sort(key=lambda one: one[0].chi2)
    found = [_fitted(model, point) for point, model in tries[:_MOST_STARTS]]
    return min((one for one in found if one), key=lambda one: one.misfit.chi2, default=None)


def _fitted(model: _Model, start: Point) -> _Found | None:
    observation, (low, high) = model.observation, model.bounds
    try:
        point = _on_grain(model, fit(observation, model.block, start.values, low, high))
        placed = model.placed(point.values)
    except KernelError:
        return None
    if not placed.block.any():
        return None
    placed = Placed(point.gain * placed.block, abs(point.gain) * placed.outside)
    misfit = observation.misfit(placed.block, len(low) + 1, point.gain * point.whitened)
    return _Found(model, point, placed, misfit)


def _on_grain(model: _Model, point: Point) -> Point:
    """Take round parameters instead where they fit better: a fit cannot settle on a kink, as at 45 degrees."""
    grains = np.array([free.grain for free in model.family.free])
    rounded = at_point(model.observation, model.block, np.clip(np.rint(point.values / grains) * grains, *model.bounds))
    return rounded if rounded.chi2 < point.chi2 else point


def _tells(observation: Observation, family: Family, found: _Found) -> bool:
    """Whether the fit explains more than it was given: more different taps than numbers.

    Any symmetric row of three is a Gaussian of some sigma and gain; that says nothing.
    """
    free_gain = simple_gain(found.point.gain, observation.gain(found.point.whitened)[1]) != 1.0
    return _levels(observation, found.placed.block) > _numbers(family) + free_gain


def _levels(observation: Observation, block: Taps) -> int:
    """How many different sizes the taps have, zero left out."""
    steps = np.unique(np.rint(np.abs(block) / (2 * observation.floor)))
    return int((steps > 0).sum())


def _numbers(family: Family) -> int:
    """How many numbers a family brings, and that its sum is 0."""
    return len(family.free) + (family.sign == "zero-sum")


def _as_match(observation: Observation, found: _Found) -> FamilyMatch | None:
    """Put a fit into words; None when its parameters are anything, as the sigma of a Gaussian as flat as a box."""
    family, window, gain = found.model.family, found.model.window, found.point.gain
    *errors, gain_error = standard_errors(observation, found.model.block, found.point, *found.model.bounds).tolist()
    if not all(free.idle or math.isfinite(error) for free, error in zip(family.free, errors, strict=True)):
        return None
    parameters = [
        Parameter(free.name, value % free.turn if free.turn else value, error)
        for free, value, error in zip(
            (*family.free, *family.given),
            (*found.point.values.tolist(), *found.model.given),
            (*errors, *(0.0 for _ in family.given)),
            strict=True,
        )
    ]
    size = window.size if found.ends else (1, 1)
    corner = corner_of(size, window.centre) or (int(window.centre[0]), int(window.centre[1]))
    words = offset_in_words(size, (observation.offset[0] + corner[0], observation.offset[1] + corner[1]))
    match = Match(
        name=family.name,
        text=_in_words(family, parameters, window.size if found.ends else None, words, sums_to(gain, gain_error), times(gain, gain_error)),
        parameters=tuple(parameters),
        gain=gain,
        gain_error=gain_error,
        flip="none",
        rotation=0,
        offset=words,
        statistic=found.misfit.ratio,
        score=found.misfit.chi2
        + family.oddity
        + sum(_oddity(free, parameter) for free, parameter in zip(family.free, parameters, strict=False))
        + gain_oddity(gain, gain_error),
    )
    return FamilyMatch(match, found.misfit.chi2, family)


def _in_words(
    family: Family, parameters: list[Parameter], size: Size | None, offset: str, total: str, gain: str
) -> str:
    title = family.title if "/" in family.title else family.title[0].upper() + family.title[1:]
    texts = [
        free.label.format(with_error(parameter.value, parameter.error))
        for free, parameter in zip((*family.free, *family.given), parameters, strict=True)
        if free.label and math.isfinite(parameter.error)
    ]
    cut = f"truncated to {size[0]}x{size[1]}" if size else ""
    head, tail = (title, total) if family.unit_sum else (title + gain, "")
    return ", ".join(filter(None, [head, *texts, cut, tail, "" if offset == "centred" else offset]))


def _oddity(free: Free, parameter: Parameter) -> float:
    """How implausible a parameter is beforehand: each costs some, and one that is certainly not round costs more."""
    rounded = round(parameter.value / free.grain) * free.grain
    return 2.0 if abs(parameter.value - rounded) <= 3 * parameter.error + 1e-9 else 4.0
