"""Resizers of few phases: one kernel each, and the continuous kernel that these are samples of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.resizers.axis import Axis
from convkit.recovery.resizers.candidates import Candidate, candidates

Array = NDArray[np.float64]

# Taps within this of a named filter's are taken for it: 8-bit weights round, and roundings between passes move taps
# (Pillow's triangle of 3 pixels for 2, by up to 0.0026 on pictures of 8 bits).
CLOSE = 4e-3
# Standard errors that are let pass.
DEVIATES = 6.0
# Names that are further off than the nearest by more than this are left out.
_ALIKE = 3e-4
# libvips' 8-bit vector code has taps of so many steps to one, down the rows only.
STEPS = 64
IN_STEPS = f"taps down the rows in {STEPS}ths"


@dataclass(frozen=True, eq=False)
class Phase:
    """The kernel of outputs ``q·t + phase``, laid from ``offset`` on relative to the input pixel ``p·t``."""

    phase: tuple[int, int]
    taps: Array
    offset: tuple[int, int]


@dataclass(frozen=True)
class Resampler:
    """A named resizer, and how far its taps are from those found."""

    name: str
    difference: float


def name_phases(phases: Sequence[Phase], rows: Axis, columns: Axis, error: float = 0.0) -> list[Resampler]:
    """Name the resizers whose taps are within 4e-3 (or six standard errors) of those found, the nearest first.

    Examples
    --------
    >>> half = Phase((0, 0), np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64, (-1, -1))
    >>> name_phases([half], Axis(20, 10), Axis(20, 10))[0].name
    'triangle (bilinear), antialiased, half-pixel centres'
    """
    limit = max(CLOSE, DEVIATES * error)
    found = [one for one in _nearest(phases, rows, columns) if one.difference <= limit]
    if not found and all(_in_steps(phase, error) for phase in phases):
        every = [
            Resampler(f"{one.name}, {IN_STEPS}", one.difference) for one in _nearest(phases, rows, columns, steps=True)
        ]
        found = [one for one in every if one.difference <= limit]
    return [one for one in found if one.difference <= found[0].difference + max(_ALIKE, DEVIATES * error)]


def nearest_name(phases: Sequence[Phase], rows: Axis, columns: Axis) -> Resampler:
    """Return the known resizer whose taps are the nearest to those found, however far off.

    Examples
    --------
    >>> half = Phase((0, 0), np.outer([1, 3, 4, 1], [1, 3, 4, 1]) / 81, (-1, -1))
    >>> nearest_name([half], Axis(20, 10), Axis(20, 10)).difference > 0.04
    True
    """
    return _nearest(phases, rows, columns)[0]


def _in_steps(phase: Phase, error: float) -> bool:
    """Whether taps down the rows are whole steps, as far as their errors tell; and these tell it."""
    total = float(phase.taps.sum())
    if total <= 0.0:
        return False
    down = phase.taps.sum(axis=1) / total
    chance = DEVIATES * error * phase.taps.shape[1] ** 0.5
    return bool(chance < 0.25 / STEPS and np.abs(down - np.rint(down * STEPS) / STEPS).max() <= chance)


def _nearest(phases: Sequence[Phase], rows: Axis, columns: Axis, *, steps: bool = False) -> list[Resampler]:
    """Return all known resizers, the nearest first; of those that come to the same, in the order of the candidates."""
    found = [
        Resampler(one.name, max(_difference(phase, one, rows, columns, steps=steps) for phase in phases))
        for one in candidates(rows, columns)
    ]
    return sorted(found, key=lambda one: round(one.difference, 9))


def _difference(phase: Phase, candidate: Candidate, rows: Axis, columns: Axis, *, steps: bool) -> float:
    """Return the largest difference of a tap; with steps, from those found down the rows, if within a step."""
    down, across = (candidate.weights([one], axis) for one, axis in zip(phase.phase, (rows, columns), strict=True))
    column, top = down.taps[0], int(down.first[0])
    if steps:
        seen = np.rint(phase.taps.sum(axis=1) / phase.taps.sum() * STEPS) / STEPS
        if _largest_gap(column[:, None], (top, 0), seen[:, None], (phase.offset[0], 0)) > 1.0 / STEPS:
            return float("inf")
        column, top = seen, phase.offset[0]
    expected = np.outer(column, across.taps[0])
    return _largest_gap(expected, (top, int(across.first[0])), phase.taps, phase.offset)


def _largest_gap(one: Array, at: tuple[int, int], other: Array, there: tuple[int, int]) -> float:
    """Return the largest difference of two blocks of taps, each laid where it belongs."""
    places, shapes = (at, there), (one.shape, other.shape)
    first = [min(place[axis] for place in places) for axis in (0, 1)]
    last = [max(place[axis] + shape[axis] for place, shape in zip(places, shapes, strict=True)) for axis in (0, 1)]
    gap = np.zeros((last[0] - first[0], last[1] - first[1]))
    for taps, place, sign in zip((one, other), places, (1.0, -1.0), strict=True):
        top, left = place[0] - first[0], place[1] - first[1]
        gap[top : top + taps.shape[0], left : left + taps.shape[1]] += sign * taps
    return float(np.abs(gap).max())


def draw_curve(phases: Sequence[Phase], rows: Axis) -> list[tuple[float, float]]:
    """Return the continuous kernel down the rows: distance from the output's half-pixel centre, and weight.

    Examples
    --------
    >>> draw_curve([Phase((0, 0), np.full((2, 2), 0.25), (0, 0))], Axis(20, 10))
    [(-0.5, 0.5), (0.5, 0.5)]
    """
    points: list[tuple[float, float]] = []
    for phase in phases:
        points += rows.around(phase.phase[0], phase.offset[0], phase.taps.sum(axis=1))
    return sorted(points)
