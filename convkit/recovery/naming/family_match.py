"""Which families fit the taps, and how they are put into words."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.bounding_box import bounding_box
from convkit.recovery.naming.estimate import Estimate
from convkit.recovery.naming.families import FAMILIES
from convkit.recovery.naming.family import Family, Free
from convkit.recovery.naming.family_fit import FamilyFit, best_fit
from convkit.recovery.naming.gain import gain_oddity, simple_gain, sums_to, times
from convkit.recovery.naming.levenberg import standard_errors
from convkit.recovery.naming.match import Match, Parameter
from convkit.recovery.naming.placing import corner_of
from convkit.recovery.naming.words import offset_in_words, with_error

Taps = NDArray[np.float64]
Vector = NDArray[np.float64]

# A length or a gain with an error above this share of it is anything.
_VAGUE = 0.5


@dataclass(frozen=True, eq=False)
class FamilyMatch:
    """A match, its chi-square and the family."""

    match: Match
    chi2: float
    family: Family


def match_families(estimate: Estimate, named: set[str]) -> list[FamilyMatch]:
    """Return the families that fit, each with its best parameters; ``named`` are the templates that do."""
    matches: list[FamilyMatch] = []
    levels = _levels(estimate, estimate.taps)
    for family in FAMILIES:
        fitting = named | {match.family.title for match in matches}
        if not family.suits(estimate) or not fitting.isdisjoint(family.unless) or levels <= _numbers(family):
            continue
        found = best_fit(estimate, family)
        match = _as_match(estimate, found) if found else None
        matches += [match] if match else []
    return matches


def _within_a_turn(angle: float, turn: float) -> float:
    """Bring an angle into one turn, and what rounding takes just below it to just below 0."""
    return (angle + turn / 360) % turn - turn / 360 if turn else angle


def _straightened(found: FamilyFit) -> Vector:
    """The parameters with their angles rounded: a tilt that is noise makes equal taps different."""
    straight = [
        round(value / free.grain) * free.grain if free.turn else value
        for free, value in zip(found.model.family.free, found.point.values.tolist(), strict=True)
    ]
    return np.array(straight)


def _levels(estimate: Estimate, block: Taps) -> int:
    """How many different sizes the taps have, zero left out."""
    steps = np.unique(np.rint(np.abs(block / np.abs(block).max()) * estimate.largest / (2 * estimate.floor)))
    return int((steps > 0).sum())


def _numbers(family: Family) -> int:
    """How many numbers a family brings at least, and that its sum is 0."""
    return sum(not free.idle for free in family.free) + len(family.given) + (family.sign == "zero-sum")


def _as_match(estimate: Estimate, found: FamilyFit) -> FamilyMatch | None:
    """Put a fit into words, if it tells something."""
    family, gain = found.model.family, found.point.gain
    *errors, gain_error = _errors(found)
    if not _tells(estimate, found, errors, gain_error):
        return None
    parameters = [
        Parameter(free.name, _within_a_turn(value, free.turn), error)
        for free, value, error in zip(
            (*family.free, *family.given),
            (*found.point.values.tolist(), *found.model.given),
            (*errors, *(0.0 for _ in family.given)),
            strict=True,
        )
    ]
    words = _offset(estimate, found)
    if family.name == "shift":  # whole pixels and parts add up
        wholes = (-first - at for first, at in zip(estimate.offset, found.model.window.centre, strict=True))
        parameters = [replace(one, value=one.value + whole) for one, whole in zip(parameters, wholes, strict=True)]
        words = "centred"
    match = Match(
        name=family.name,
        text=_in_words(found, parameters, words, gain, gain_error),
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
        + gain_oddity(gain, gain_error, unit_sum=family.unit_sum),
    )
    return FamilyMatch(match, found.misfit.chi2, family)


def _tells(estimate: Estimate, found: FamilyFit, errors: list[float], gain_error: float) -> bool:
    """Whether a fit tells something.

    Its parameters must not be anything, as the sigma of a Gaussian as flat as a box; and there must be more different
    taps than numbers: any symmetric row of three is a Gaussian of some sigma and gain.
    """
    family, gain = found.model.family, found.point.gain
    certain = gain_error <= _VAGUE * abs(gain) and all(
        free.idle or (error <= _VAGUE * value if free.low > 0 else math.isfinite(error))
        for free, value, error in zip(family.free, found.point.values.tolist(), errors, strict=True)
    )
    numbers = _numbers(family) + sum(
        free.idle and math.isfinite(error) for free, error in zip(family.free, errors, strict=True)
    )
    free_gain = simple_gain(gain, gain_error) != 1.0
    block = found.model.block(_straightened(found))
    # Of a shift equal taps tell as much as others: half a pixel.
    levels = np.count_nonzero(block) if family.name == "shift" else _levels(estimate, block)
    return bool(certain and numbers and levels > numbers + free_gain)


def _errors(found: FamilyFit) -> list[float]:
    """Standard errors of parameters and gain, and what they would change by in a window that is as likely."""
    errors = standard_errors(found.model.estimate, found.model.block, found.point, *found.model.bounds)
    if found.rival is not None:
        changes = np.append(found.rival.values - found.point.values, found.rival.gain - found.point.gain)
        errors = np.hypot(errors, changes)
    return [float(error) for error in errors]


def _offset(estimate: Estimate, found: FamilyFit) -> str:
    """Say where the kernel lies: its window, its middle where none is known, or the side that a one-sided one is on."""
    if found.model.family.given:
        rows, columns = bounding_box(found.placed.block != 0) or (slice(0, 1), slice(0, 1))
        size, corner = (rows.stop - rows.start, columns.stop - columns.start), (rows.start, columns.start)
    else:
        window = found.model.window
        size = window.size if found.ends else (1 + int(2 * window.centre[0]) % 2, 1 + int(2 * window.centre[1]) % 2)
        corner = corner_of(size, window.centre) or (0, 0)
    return offset_in_words(size, (estimate.offset[0] + corner[0], estimate.offset[1] + corner[1]))


def _in_words(found: FamilyFit, parameters: list[Parameter], offset: str, gain: float, gain_error: float) -> str:
    family, (rows, columns) = found.model.family, found.model.window.size
    title = family.title if "/" in family.title else family.title[0].upper() + family.title[1:]
    parts = [title if family.unit_sum else title + times(gain, gain_error)]
    parts += [
        free.label.format(with_error(parameter.value, parameter.error))
        for free, parameter in zip((*family.free, *family.given), parameters, strict=True)
        if free.label and math.isfinite(parameter.error)
    ]
    parts += [f"truncated to {rows}x{columns}"] if found.ends else []
    parts += [sums_to(gain, gain_error)] if family.unit_sum else []
    parts += [offset] if offset != "centred" else []
    return ", ".join(parts)


def _oddity(free: Free, parameter: Parameter) -> float:
    """How implausible a parameter is beforehand: each costs some, and one that is certainly not round costs more."""
    rounded = round(parameter.value / free.grain) * free.grain
    return 2.0 if abs(parameter.value - rounded) <= 3 * parameter.error + 1e-9 else 4.0
