"""Shift-invariance: the kernel tile by tile, and the answer to a shifted picture."""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from convkit.image import Image
from convkit.probe.answer import recording_of
from convkit.probe.contrast import Array
from convkit.probe.tolerance import Tolerance
from convkit.recovery.optimum import find_optimum
from convkit.recovery.parameters import as_vector
from convkit.recovery.problem import Pair, Problem
from convkit.recovery.verdict import Evidence

#: Rows and columns by which the shifted probe is rolled.
SHIFT = (3, 7)
# Most tiles a side; each needs so many outputs an unknown to be solved on its own.
_GRID = 4
_OUTPUTS = 5
_FEWEST = 150
# Once in a million by chance.
_RARE = 1e-6
# A difference must also be so large beside the largest tap.
_LEAST = 0.02
_LEAST_IN_JPEG = 0.1


def tile_difference(
    pairs: Sequence[Pair], size: tuple[int, int], level: float | None, *, stride: int = 1, lossy: bool = False
) -> Evidence | None:
    """Find the kernel in every tile of the pictures, and compare.

    Parameters
    ----------
    pairs : sequence of Pair
        All of one shape; a tile is taken from all of them.
    size : (int, int)
    level : float or None
        The target's step.
    stride : int
        Of the pairs.
    lossy : bool
        Whether JPEG came between.

    Returns
    -------
    Evidence or None
        Statistic: the largest difference of a tap, or of the bias, between a tile and the mean of all, in standard
        errors; effect: the largest difference beside the largest tap. None when the pictures hold too few outputs
        for at least four tiles.

    Examples
    --------
    >>> image = np.random.default_rng(0).random((60, 60))
    >>> dark = image * np.linspace(1.0, 0.5, 60)
    >>> tile_difference([Pair(image, dark)], (1, 1), None).passed
    False
    """
    height, width = pairs[0].target.shape
    unknowns = size[0] * size[1] + 1
    outputs = sum(pair.count for pair in pairs)
    grid = min(_GRID, math.isqrt(outputs // max(_OUTPUTS * unknowns, _FEWEST)))
    if grid < 2:
        return None
    points, errors = [], []
    for top, bottom in _cuts(height, grid):
        for left, right in _cuts(width, grid):
            solved = _solve(pairs, size, level, (top, bottom, left, right), stride)
            if solved is not None:
                points.append(solved[0])
                errors.append(solved[1])
    if len(points) < 2:
        return None
    found, error = np.array(points), np.array(errors)
    gap = np.abs(found - found.mean(axis=0))
    scale = float(np.abs(found[:, :-1].mean(axis=0)).max())
    tiny = 1e-9 * max(scale, 1e-300)
    deviates = gap / np.maximum(error, tiny)
    limit = statistics.NormalDist().inv_cdf(1.0 - 0.5 * _RARE / deviates.size)
    least = _LEAST_IN_JPEG if lossy else _LEAST
    effect = float(gap[deviates > limit].max(initial=0.0)) / max(scale, 1e-300)
    worst, passed = float(deviates.max()), effect <= least
    told = f"taps differ between tiles by {_count(worst)} standard errors"
    if passed:
        told = f"{len(points)} tiles have one kernel: taps differ by {_count(worst)} standard errors at most"
    return Evidence("tiles", worst, limit, effect, least, passed, told)


def _count(deviates: float) -> str:
    return f"{deviates:.2g}" if deviates < 10 else f"{deviates:.0f}" if deviates < 1e6 else "more than a million"


def _cuts(length: int, count: int) -> list[tuple[int, int]]:
    edges = np.linspace(0, length, count + 1).astype(int).tolist()
    return list(pairwise(edges))


def _solve(
    pairs: Sequence[Pair], size: tuple[int, int], level: float | None, tile: tuple[int, int, int, int], stride: int
) -> tuple[Array, Array] | None:
    top, bottom, left, right = tile
    part = slice(top, bottom), slice(left, right)
    seen = (
        slice(top * stride, (bottom - 1) * stride + size[0]),
        slice(left * stride, (right - 1) * stride + size[1]),
    )
    cut = tuple(
        Pair(pair.image[seen], pair.target[part], None if pair.mask is None else pair.mask[part]) for pair in pairs
    )
    problem = Problem(cut, size, stride)
    if problem.count < 2 * problem.unknowns:
        return None
    optimum = find_optimum(problem, problem.condensed())
    if not optimum.spectrum.identifiable:
        return None
    return as_vector(optimum.point, bias=True), optimum.standard_errors(level)


def shifted_difference(
    answer: Image, shifted: Image, by: tuple[int, int], reach: tuple[int, int], tolerance: Tolerance
) -> Evidence | None:
    """Compare the answer to a picture with that to the same picture rolled, away from the edges.

    Parameters
    ----------
    answer, shifted : Image
        The answers to a picture and to the rolled one.
    by : (int, int)
        How far the answer should have moved.
    reach : (int, int)
        How far a window reaches from its output, in outputs.
    tolerance : Tolerance

    Returns
    -------
    Evidence or None
        None when too little is left away from the edges.
    """
    one = np.roll(np.asarray(answer.values, dtype=np.float64), by, axis=(0, 1))
    other = np.asarray(shifted.values, dtype=np.float64)
    inner = tuple(slice(start + far, -far or None) for start, far in zip(by, reach, strict=True))
    one, other = one[inner], other[inner]
    if one.size < _FEWEST:
        return None
    used = ~(recording_of(answer).saturated(one) | recording_of(answer).saturated(other))
    if int(np.count_nonzero(used)) < _FEWEST:
        return None
    light = tolerance.light(one)[used], tolerance.light(other)[used]
    departure = float(np.square(light[0] - light[1]).mean())
    return tolerance.evidence(
        "shift",
        departure,
        allowed=2.0 * tolerance.variance(answer),
        variance=float(light[0].var() + light[1].var()),
        holds="a shifted picture gives the shifted answer",
        fails="a shifted picture gives an answer that is off by {} of its contrast",
    )
