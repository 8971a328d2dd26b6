"""Rows and columns that chance explains are dropped from a kernel's rim."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.support.chance import Noise
from convkit.recovery.support.nest import ridge
from convkit.recovery.support.window import Size, Window

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


def trim(gram: Matrix, moment: Vector, window: Window, noise: Noise, centre: Size) -> Window:
    """Drop outer rows and columns whose taps do not differ from zero by more than chance, until none goes.

    Backward elimination (Draper & Smith, *Applied Regression Analysis*, section 15.2): the strip farthest from the
    centre goes first, of equals the least significant, and the rest is fitted anew, for which no pixel is needed:
    with ``C = G⁻¹`` and ``S`` the strip's taps,

        w_R ← w_R - C_RS·C_SS⁻¹·w_S,    C_RR ← C_RR - C_RS·C_SS⁻¹·C_SR.

    Parameters
    ----------
    gram, moment : ndarray, shape (p, p) and (p,)
        Of the window's taps, row by row, about the means.
    window : Window
    noise : Noise
    centre : (int, int)

    Returns
    -------
    Window
        At least one tap is left.
    """
    covariance = np.linalg.inv(gram + ridge(gram) * np.eye(len(gram)))
    covariance = (covariance + covariance.T) / 2
    taps = covariance @ moment
    while window.taps > 1:
        candidates = []
        for side, end in product((0, 1), (False, True)):
            if window.size[side] == 1:
                continue
            smaller = window.without(side, end=end)
            strip = np.setdiff1d(np.arange(window.taps), smaller.places_in(window), assume_unique=True)
            own = covariance[np.ix_(strip, strip)]
            squares = float(taps[strip] @ np.linalg.solve(own, taps[strip]))
            if not noise.surpassed(taps[strip], own, squares):
                place = window.last[side] if end else window.offset[side]
                candidates.append((-abs(place - centre[side]), noise.deviate(squares, len(strip)), smaller, strip))
        if not candidates:
            break
        _, _, smaller, strip = min(candidates, key=lambda candidate: candidate[:2])
        kept = smaller.places_in(window)
        share = np.linalg.solve(covariance[np.ix_(strip, strip)], covariance[np.ix_(strip, kept)]).T
        taps = taps[kept] - share @ taps[strip]
        covariance = covariance[np.ix_(kept, kept)] - share @ covariance[np.ix_(strip, kept)]
        window = smaller
    return window
