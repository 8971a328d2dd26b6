"""Whether the residual follows anything but chance: curved measures, position, and what lies outside the window."""

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.lanes import in_threads
from convkit.recovery.verdict.features import CORE, CURVED, INSIDE, OUTSIDE, places
from convkit.recovery.verdict.judgement import Evidence
from convkit.recovery.verdict.regression import Explained, compared, explained, regression, residual_squares
from convkit.recovery.verdict.tally import RESIDUAL, Tally

Array = NDArray[np.float64]

_BINS = 64
# Outputs that a tile or a bin needs.
_FEW = 50


def structure_evidence(tally: Tally, least: float) -> list[Evidence]:
    """Make all tests whose failure is non-linearity or variation over the picture.

    Parameters
    ----------
    tally : Tally
    least : float
        The share of the residual's variance that must be explained to count.
    """
    return [curvature(tally, least), *curves(tally, least), tiles(tally, least), *phases(tally, least)]


def curvature(tally: Tally, least: float) -> Evidence:
    """Regress the residual on curved measures of the windows, beside linear ones.

    Neglected non-linearity: Ramsey's RESET (1969) with the regressors of `features`; the linear ones beside them
    keep a window that is too small from looking curved.
    """
    linear, total, count = places(*CORE, *INSIDE, *OUTSIDE), tally.total, tally.count
    found = explained(total, linear, places(*(name for names in CURVED.values() for name in names)), RESIDUAL, count)
    shares = {what: explained(total, linear, places(*names), RESIDUAL, count).share for what, names in CURVED.items()}
    most = max(shares, key=shares.__getitem__)
    told = f"the residual follows {most}: {_percent(found.share)} of it is explained by curved measures of the window"
    return _evidence("neglected non-linearity", found, least, told)


def curves(tally: Tally, least: float) -> list[Evidence]:
    """Compare the residual's mean between bins of one measure: a test for lack of fit (Fisher 1922), of any shape."""
    residual = np.concatenate(tally.residual)
    measures = {
        "the pixel's value": tally.pixel,
        "the fitted value": tally.fitted,
        "what the filter changes": tally.change,
    }
    between = in_threads(lambda parts: _between_bins(np.concatenate(parts), residual), list(measures.values()))
    tests = []
    for what, found in zip(measures, between, strict=True):
        told = f"the residual is a curve over {what}, which explains {_percent(found.share)} of it"
        tests.append(_evidence(f"curve over {what}", found, least, told))
    return tests


def tiles(tally: Tally, least: float) -> Evidence:
    """Fit the tiles of the picture apart: Chow's test (1960) of one kernel for all.

    In each tile the residual is regressed on the fitted value, the pixel, means, and slopes: the directions in which
    kernels mostly differ (gain, sharpness, shift, and the bias).
    """
    core = places(*CORE)
    before, rank = residual_squares(tally.total, core, RESIDUAL)
    after, full, largest = 0.0, 0, 0.0
    for moments in tally.moments:
        count = moments[0, 0]
        if count < _FEW:
            after += float(moments[RESIDUAL, RESIDUAL])
            continue
        squares, tile_rank = residual_squares(moments, core, RESIDUAL)
        after, full = after + squares, full + tile_rank
        values, errors = regression(moments, core, RESIDUAL, count)
        largest = max(largest, float(np.max(np.abs(values) / np.maximum(errors, 1e-300))))
    found = compared(before, rank, after, full, tally.count)
    told = (
        f"the kernel differs between tiles of the picture by {largest:.0f} standard errors, "
        f"which explains {_percent(found.share)} of the residual"
    )
    return _evidence("tiles fitted apart", found, least, told)


def phases(tally: Tally, least: float) -> list[Evidence]:
    """Compare the residual's mean between the four parities of row and column, and between places in 8x8 blocks."""
    squares = float(tally.total[RESIDUAL, RESIDUAL])
    tests = []
    for name, period in (("parity", 2), ("8x8 blocks", 8)):
        sums, counts = (
            part.reshape(8 // period, period, 8 // period, period).sum(axis=(0, 2)).ravel() for part in tally.phases
        )
        found = _between(sums, counts, squares)
        told = f"places in the {period}x{period} grid explain {_percent(found.share)} of the residual"
        tests.append(_evidence(name, found, least, told))
    return tests


def outside(tally: Tally, least: float) -> Evidence:
    """Regress the residual on the pixels just outside the window: the score test for a larger one (Rao 1948)."""
    found = explained(tally.total, places(*CORE, *INSIDE), places(*OUTSIDE), RESIDUAL, tally.count)
    told = (
        f"pixels just outside the window explain {_percent(found.share)} of the residual: a larger one would fit better"
    )
    return _evidence("outside the window", found, least, told)


def _between_bins(measure: Array, residual: Array) -> Explained:
    """Bins of equally many outputs; a measure of few values has a bin for each."""
    some = np.sort(measure[:: max(1, len(measure) // 65536)])
    bins = min(_BINS, max(2, len(measure) // (4 * _FEW)))
    edges = np.unique(some[(np.arange(1, bins) * len(some)) // bins])
    place = np.searchsorted(edges, measure)
    sums, counts = (
        np.asarray(np.bincount(place, weights, len(edges) + 1), np.float64)
        for weights in (residual, np.ones_like(residual))
    )
    return _between(sums, counts, float(np.square(residual).sum()))


def _between(sums: Array, counts: Array, squares: float) -> Explained:
    """Analysis of variance: of group sums and sizes, and the sum of all squares."""
    count = float(counts.sum())
    before = squares - float(sums.sum()) ** 2 / count
    after = squares - float((np.square(sums) / np.maximum(counts, 1.0)).sum())
    return compared(before, 1, after, int(np.count_nonzero(counts)), count)


def _evidence(name: str, found: Explained, least: float, told: str) -> Evidence:
    passed = not (found.significant and found.share >= least)
    return Evidence(name, found.statistic, found.threshold, found.share, least, passed, told)


def _percent(share: float) -> str:
    return f"{100 * max(share, 0.0):.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
