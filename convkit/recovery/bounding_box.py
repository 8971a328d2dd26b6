"""The smallest rectangle that holds what counts of a grid."""

import numpy as np
from numpy.typing import NDArray


def bounding_box(mask: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """Return the smallest box around what is true, or None.

    Examples
    --------
    >>> bounding_box(np.array([[0, 0, 0], [0, 1, 1]], dtype=bool))
    (slice(1, 2, None), slice(1, 3, None))
    """
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
