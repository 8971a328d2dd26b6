"""Which families fit the taps, with what parameters, and how they are cut off."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convkit.errors import KernelError
from convkit.recovery.naming.families import FAMILIES, Family, Free, Start
from convkit.recovery.naming.levenberg import Fit, Shape, at_point, fit
from convkit.recovery.naming.match import Match, Parameter, gain_oddity, simple_gain, sums_to, times
from convkit.recovery.naming.moments import energy, mass
from convkit.recovery.naming.observation import Misfit, Observation
from convkit.recovery.naming.placing import Placed, corner_of, place
from convkit.recovery.naming.words import offset_in_words, with_error

Taps = NDArray[np.float64]
Vector = NDArray[np.float64]
Size = tuple[int, int]

# A family that leaves more than this share of the taps' squares needs no second look.
_FAR = 0.1
# Rings around what is seen in which a window may end.
_RINGS = 3
# Windows whose chi-square is so close to the best one's cannot be told from it.
_SAME = 9.0


@dataclass(frozen=True, eq=False)
class FamilyMatch:
    """A match, its chi-square and the family."""

    match: Match
    chi2: float
    family: Family


@dataclass(frozen=True, eq=False)
class _Found:
    """A fit in one window; ``cut`` says whether the window, or only that of the observation, ends the kernel."""

    fit: Fit
    given: tuple[float, ...]
    placed: Placed
    misfit: Misfit
    centre: tuple[float, float]
    size: Size
    cut: bool


def match_families(observation: Observation) -> list[FamilyMatch]:
    """Return the families that fit, each with its best parameters."""
    matches: list[FamilyMatch] = []
    levels = _levels(observation, observation.taps)
    for family in FAMILIES:
        fitting = {match.family.title for match in matches}
        if not family.suits(observation) or fitting & set(family.unless) or levels <= _numbers(family):
            continue
        found = _best_window(observation, family)
        if found is not None and _tells(observation, family, found):
            matches.append(_as_match(observation, family, found))
    return matches


def _best_window(observation: Observation, family: Family) -> _Found | None:
    """Fit a family in every window that it may have, and keep the best that fits."""
    centre = _centre(observation, family)
    windows = _windows(observation, family, centre)
    first = _best_start(observation, family, centre, windows[0], family.start(observation))
    if first is None or _share_left(observation, first) > _FAR and observation.box is not None:
        return None
    found = [first]
    for window in windows[1:]:
        another = _best_start(observation, family, centre, window, [(*first.fit.values.tolist(), *first.given)])
        found += [another] if another else []
    fitting = [one for one in found if one.misfit.fits and observation.hides(one.placed.outside)]
    if not fitting:
        return None
    best = min(fitting, key=lambda one: one.misfit.chi2)
    endless = [one for one in fitting if not one.cut and one.misfit.chi2 <= best.misfit.chi2 + _SAME]
    return endless[0] if endless else best


def _centre(observation: Observation, family: Family) -> tuple[float, float]:
    """Where the family's middle lies in the block: on a pixel, or between two where its size may be even."""
    if family.centre == "peak":
        row, column = np.unravel_index(int(np.abs(observation.taps).argmax()), observation.shape)
        return float(row), float(column)
    moments = mass(observation) if family.centre == "mass" else energy(observation)
    grid = 2 if family.windowed else 1
    row, column = (round(grid * at) / grid for at in moments.centre)
    return row, column


def _windows(observation: Observation, family: Family, centre: tuple[float, float]) -> list[tuple[Size, bool]]:
    """Sizes about the centre: what is seen, up to some rings more, and one beyond the block (not cut)."""
    reaches = [max(at, side - 1 - at) for at, side in zip(centre, observation.shape, strict=True)]
    if not family.windowed:
        return [((1, 1), False)]
    beyond = [2 * (reach + 2) + 1 if side > 1 else 1 for reach, side in zip(reaches, observation.shape, strict=True)]
    if observation.box is None:
        return [(_size(beyond), False)]
    seen = [
        2 * max(at - part.start, part.stop - 1 - at, 0.0) + 1 for at, part in zip(centre, observation.box, strict=True)
    ]
    thin = [side == 1 for side in seen]
    windows = [
        _size([side + (0 if flat else 2 * ring) for side, flat in zip(seen, thin, strict=True)])
        for ring in range(_RINGS + 1)
    ]
    inside = [w for w in windows if all(side <= 2 * reach + 1 for side, reach in zip(w, reaches, strict=True))]
    endless = _size([1 if flat else side for flat, side in zip(thin, beyond, strict=True)])
    return [*((window, True) for window in inside or windows[:1]), (endless, False)]


def _size(sides: Sequence[float]) -> Size:
    return round(sides[0]), round(sides[1])


def _best_start(
    observation: Observation,
    family: Family,
    centre: tuple[float, float],
    window: tuple[Size, bool],
    starts: list[Start],
) -> _Found | None:
    found = [_fitted(observation, family, centre, window, start) for start in starts]
    return min((one for one in found if one), key=lambda one: one.misfit.chi2, default=None)


def _fitted(
    observation: Observation, family: Family, centre: tuple[float, float], window: tuple[Size, bool], start: Start
) -> _Found | None:
    size, cut = window
    first, given = np.array(start[: len(family.free)], dtype=np.float64), start[len(family.free) :]

    def laid(values: Vector) -> Placed | None:
        taps = family.build([*values.tolist(), *given], size)
        corner = corner_of((taps.shape[0], taps.shape[1]), centre)
        return None if corner is None else place(taps, observation.shape, corner)

    def block(values: Vector) -> Taps:
        placed = laid(values)
        return np.zeros(observation.shape) if placed is None else placed.block

    try:
        low = np.array([free.low for free in family.free])
        high = np.array([free.high if math.isfinite(free.high) else 2.0 * max(observation.shape) + 3 for free in family.free])
        result = _on_grain(observation, family, block, fit(observation, block, first, low, high))
        placed = laid(result.values)
    except KernelError:  # a size beyond what a kernel may have
        return None
    if placed is None or not placed.block.any():
        return None
    model = Placed(result.gain * placed.block, abs(result.gain) * placed.outside)
    parameters = int(np.isfinite(result.errors).sum()) + 1
    return _Found(result, given, model, observation.misfit(model.block, parameters), centre, size, cut)


def _on_grain(observation: Observation, family: Family, block: Shape, result: Fit) -> Fit:
    """Take round parameters instead where they fit better: a fit cannot settle on a kink, as at 45 degrees."""
    grains = np.array([free.grain for free in family.free])
    rounded = at_point(observation, block, np.rint(result.values / grains) * grains)
    return replace(result, values=rounded.values, gain=rounded.gain, chi2=rounded.chi2) if rounded.chi2 < result.chi2 else result


def _share_left(observation: Observation, found: _Found) -> float:
    left = float(np.square(observation.taps - found.placed.block).sum())
    return left / float(np.square(observation.taps).sum())


def _tells(observation: Observation, family: Family, found: _Found) -> bool:
    """Whether the fit explains more than it was given: more different taps than numbers.

    Any symmetric row of three is a Gaussian of some sigma and gain; that says nothing.
    """
    free_gain = simple_gain(found.fit.gain, found.fit.gain_error) != 1.0
    return _levels(observation, found.placed.block) > _numbers(family) + free_gain


def _levels(observation: Observation, block: Taps) -> int:
    """How many sizes of taps the error bars tell apart, zero left out."""
    steps = np.unique(np.rint(np.abs(block) / (2 * observation.typical_error)))
    return int((steps > 0).sum())


def _numbers(family: Family) -> int:
    """How many numbers a family brings, and that its sum is 0."""
    return len(family.free) + (family.sign == "zero-sum")


def _as_match(observation: Observation, family: Family, found: _Found) -> FamilyMatch:
    result = found.fit
    size = found.size if family.windowed and found.cut else (1, 1)
    corner = corner_of(size, found.centre) or (round(found.centre[0]), round(found.centre[1]))
    words = offset_in_words(size, (observation.offset[0] + corner[0], observation.offset[1] + corner[1]))
    parameters, texts = [], []
    errors = [*result.errors.tolist(), *(0.0 for _ in found.given)]
    values = [
        value % free.turn if free.turn else value
        for free, value in zip((*family.free, *family.given), [*result.values.tolist(), *found.given], strict=True)
    ]
    for free, value, error in zip((*family.free, *family.given), values, errors, strict=True):
        parameters.append(Parameter(free.name, value, error))
        if free.label and math.isfinite(error):
            texts.append(free.label.format(with_error(value, error)))
    title = family.title if "/" in family.title else family.title[0].upper() + family.title[1:]
    if family.unit_sum:
        parts = [title, *texts, _cut_in_words(observation, family, found), sums_to(result.gain, result.gain_error)]
    else:
        parts = [title + times(result.gain, result.gain_error), *texts, _cut_in_words(observation, family, found)]
    if words != "centred":
        parts.append(words)
    oddity = family.oddity + sum(_oddity(free, *pair) for free, *pair in zip(family.free, values, errors, strict=False))
    score = found.misfit.chi2 + oddity + gain_oddity(result.gain, result.gain_error)
    match = Match(
        name=family.name,
        text=", ".join(filter(None, parts)),
        parameters=tuple(parameters),
        gain=result.gain,
        gain_error=result.gain_error,
        flip="none",
        rotation=0,
        offset=words,
        statistic=found.misfit.ratio,
        score=score,
    )
    return FamilyMatch(match, found.misfit.chi2, family)


def _oddity(free: Free, value: float, error: float) -> float:
    """How implausible a parameter is beforehand: each costs some, and one that is certainly not round costs more."""
    rounded = round(value / free.grain) * free.grain
    return 2.0 if abs(value - rounded) <= 3 * error + 1e-9 else 4.0


def _cut_in_words(observation: Observation, family: Family, found: _Found) -> str:
    if not family.windowed or not found.cut:
        return ""
    return f"truncated to {found.size[0]}x{found.size[1]}"
