"""A large window is cut to what is seen before it is named, and a covariance below the floor is left out."""

import numpy as np

from convkit.recovery.bounding_box import bounding_box
from convkit.recovery.naming.estimate import LIMIT, MOST_TAPS, SEEN, Estimate, Matrix, Taps
from convkit.recovery.significance import deviations, effective_freedom

# Rings of unseen taps that are kept around what is seen when a window is cut.
_MARGIN = 3


def cut_to_seen(
    taps: Taps, covariance: Matrix, offset: tuple[int, int], floor: float, samples: float = np.inf
) -> Estimate:
    """Make an estimate: cut a large window to what is seen, and leave out a covariance below the floor."""
    known = float(np.diag(covariance).max()) <= floor**2
    whole = Estimate(taps, offset, None if known else covariance, floor, samples)
    if taps.size <= MOST_TAPS and not known:
        return whole
    box = bounding_box(np.abs(taps) > SEEN * np.sqrt(np.diag(covariance).reshape(taps.shape) + floor**2))
    if box is None:
        return whole
    rows, columns = (
        slice(max(part.start - _MARGIN, 0), min(part.stop + _MARGIN, side))
        for part, side in zip(box, taps.shape, strict=True)
    )
    if not known and not _is_noise(taps, covariance, (rows, columns)):
        return whole
    inside = np.zeros(taps.shape, dtype=bool)
    inside[rows, columns] = True
    kept = np.flatnonzero(inside)
    return Estimate(
        taps[rows, columns],
        (offset[0] + rows.start, offset[1] + columns.start),
        None if known else covariance[np.ix_(kept, kept)],
        floor,
        samples,
    )


def _is_noise(taps: Taps, covariance: Matrix, inside: tuple[slice, slice]) -> bool:
    """Whether the taps outside a box are what noise gives, by the mean and variance of their sum of squares.

    ``rᵀr`` has mean ``tr C`` and variance ``2·tr C²``; ``tr C²`` of the whole window bounds that of the part.
    """
    outside = np.ones(taps.shape, dtype=bool)
    outside[inside] = False
    mean = float(np.diag(covariance)[outside.ravel()].sum())
    if mean == 0.0:
        return not taps[outside].any()
    squares = float(np.square(taps[outside]).sum())
    return deviations(squares / mean, effective_freedom(mean, float(np.vdot(covariance, covariance)))) <= LIMIT
