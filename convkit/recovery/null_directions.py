"""What an image cannot tell, in words."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.spectrum import Spectrum

# An unknown whose share in the null directions is below this is as good as determined: its value moves by less
# than the rounding of the solution when the others move by one.
DETERMINED = 1e-10


def undetermined(spectrum: Spectrum) -> NDArray[np.bool_]:
    """Which unknowns the data leave open: those that a null direction touches.

    Returns
    -------
    ndarray of bool, shape (p,)

    Examples
    --------
    >>> undetermined(Spectrum.of(np.diag([2.0, 0.0]))).tolist()
    [False, True]
    """
    open_ones: NDArray[np.bool_] = spectrum.unseen_share() > DETERMINED
    return open_ones


def is_determined(spectrum: Spectrum, combination: NDArray[Any]) -> bool:
    """Whether a weighted sum of the unknowns is determined: whether no null direction changes it.

    Examples
    --------
    >>> s = Spectrum.of(np.ones((2, 2)))
    >>> is_determined(s, np.array([1, 1])), is_determined(s, np.array([1, -1]))
    (True, False)
    """
    weights = np.asarray(combination, dtype=np.float64)
    moved = spectrum.null.T @ (weights / np.linalg.norm(weights))
    return bool(np.square(moved).sum() <= DETERMINED)


def in_words(spectrum: Spectrum, size: tuple[int, int], *, bias: bool) -> list[str]:
    """Say which simple combinations of taps are still determined, one sentence each; nothing if all are.

    Examples
    --------
    >>> windows = np.array([[1.0, 0, 1, 0, 1], [0, 1, 0, 1, 1], [1, 1, 1, 1, 1]])  # rows alike, and a bias
    >>> in_words(Spectrum.of(windows.T @ windows), (2, 2), bias=True)[0]
    'the image changes only from column to column: only the column sums of the kernel are determined'
    """
    if spectrum.identifiable:
        return []
    unknowns = len(spectrum.gram)
    taps = size[0] * size[1]
    grid = np.arange(taps).reshape(size)

    def summed(indices: NDArray[np.intp]) -> NDArray[np.float64]:
        weights = np.zeros(unknowns)
        weights[indices] = 1.0
        return weights

    said: list[str] = []
    free = bool(undetermined(spectrum)[:taps].all())
    if free and size[0] > 1 and all(is_determined(spectrum, summed(column)) for column in grid.T):
        said.append("the image changes only from column to column: only the column sums of the kernel are determined")
    elif free and size[1] > 1 and all(is_determined(spectrum, summed(row)) for row in grid):
        said.append("the image changes only from row to row: only the row sums of the kernel are determined")
    elif is_determined(spectrum, summed(grid.ravel())):
        said.append("the sum of all taps is determined")
    single = int(np.count_nonzero(~undetermined(spectrum)[:taps]))
    if single:
        said.append(f"{single} of {taps} taps {'is' if single == 1 else 'are'} determined")
    if bias and not is_determined(spectrum, _last(unknowns)):
        said.append("gain and bias cannot be told apart")
    if not said:
        many = "combination is" if spectrum.rank == 1 else "combinations are"
        of = f"of the {unknowns} unknowns " if unknowns > 1 else ""
        said.append(
            f"only {spectrum.rank} {many} determined {of}".rstrip() if spectrum.rank else "nothing is determined"
        )
    return said


def _last(count: int) -> NDArray[np.float64]:
    weights = np.zeros(count)
    weights[-1] = 1.0
    return weights


def null_pictures(spectrum: Spectrum, size: tuple[int, int], *, flip: bool = False) -> list[NDArray[np.float64]]:
    """Null directions as kernels, each scaled to a largest tap of 1: adding one changes no output.

    Of all bases of the null space, one with many zeros, by Gauss-Jordan elimination: each direction has a tap to
    itself, which is 0 in all others. With ``flip`` they are those of a convolution, turned by 180°.

    Examples
    --------
    >>> null_pictures(Spectrum.of(np.ones((3, 3))), (1, 3))[1].round(6).tolist()
    [[0.0, 1.0, -1.0]]
    """
    pictures = []
    for direction in _echelon(spectrum.null.T, math.prod(size)):
        taps = direction[: math.prod(size)]
        largest = taps[np.argmax(np.abs(taps) - 1e-6 * np.arange(len(taps)))]  # the first of equals
        picture = (taps / (largest or 1.0)).reshape(size) + 0.0  # no -0
        pictures.append(picture[::-1, ::-1] if flip else picture)
    return pictures


def _echelon(rows: NDArray[np.float64], taps: int) -> NDArray[np.float64]:
    """Combine rows so that each has a 1 where the others have 0, among the first columns; by complete pivoting."""
    reduced = rows.copy()
    places: list[int] = []
    for done in range(len(reduced)):
        sizes = np.abs(reduced[done:, :taps])
        row, column = divmod(int(np.argmax(sizes)), taps)
        if sizes[row, column] < 1e-9:  # what is left concerns the bias alone
            break
        reduced[[done, done + row]] = reduced[[done + row, done]]
        reduced[done] /= reduced[done, column]
        others = np.arange(len(reduced)) != done
        reduced[others] -= np.outer(reduced[others, column], reduced[done])
        places.append(column)
    reduced[np.abs(reduced) < 1e-9] = 0.0
    order = np.append(np.argsort(places), np.arange(len(places), len(reduced))).astype(np.intp)
    ordered: NDArray[np.float64] = reduced[order]
    return ordered
