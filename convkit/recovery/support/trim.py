"""Rows and columns that chance explains are dropped from a kernel's rim."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.support.chance import Noise
from convkit.recovery.support.window import Size, Window

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fit:
    """Taps of a window, and how surely they are known.

    Attributes
    ----------
    window : Window
    taps : ndarray, shape (p,)
        Row by row.
    covariance : ndarray, shape (p, p)
        For noise of variance 1.
    squares : float
        By how much the squared residuals have risen since the first strip was dropped.
    """

    window: Window
    taps: Vector
    covariance: Matrix
    squares: float = 0.0

    def without(self, strip: "Strip") -> "Fit":
        """Drop a strip and fit the rest anew, for which no pixel is needed.

        With ``S`` the strip's taps,

            w_R ← w_R - C_RS·C_SS⁻¹·w_S,    C_RR ← C_RR - C_RS·C_SS⁻¹·C_SR.
        """
        (kh, kw), kept = self.window.size, strip.rest.slices_in(self.window)
        inner = self.covariance.reshape(kh, kw, kh, kw)[*kept, *kept].reshape(strip.rest.taps, -1)
        places = strip.rest.places_in(self.window)
        across = self.covariance[np.ix_(strip.places, places)]
        share = np.linalg.solve(strip.covariance, across).T
        return Fit(
            strip.rest,
            self.taps[places] - share @ strip.taps,
            inner - share @ across,
            self.squares + strip.squares,
        )


@dataclass(frozen=True, eq=False)
class Strip:
    """An outer row or column of a window.

    Attributes
    ----------
    rest : Window
        What is left without it.
    distance : int
        How far out it lies.
    places : ndarray of int, shape (m,)
        Its taps' numbers in the window.
    taps : ndarray, shape (m,)
    covariance : ndarray, shape (m, m)
    squares : float
        By how much the squared residuals rise without it.
    """

    rest: Window
    distance: int
    places: NDArray[np.intp]
    taps: Vector
    covariance: Matrix
    squares: float

    @classmethod
    def of(cls, fit: Fit, side: int, centre: Size, *, end: bool) -> "Strip":
        """Take the first or last row (side 0) or column (side 1) of a window."""
        window = fit.window
        rest = window.without(side, end=end)
        places = np.setdiff1d(np.arange(window.taps), rest.places_in(window), assume_unique=True)
        taps, covariance = fit.taps[places], fit.covariance[np.ix_(places, places)]
        squares = float(taps @ np.linalg.solve(covariance, taps))
        distance = abs((window.last if end else window.offset)[side] - centre[side])
        return cls(rest, distance, places, taps, covariance, squares)


def trim(fit: Fit, noise: Noise, centre: Size) -> Fit:
    """Drop outer rows and columns whose taps do not differ from zero by more than chance, until none goes.

    Backward elimination (Draper & Smith, *Applied Regression Analysis*, section 15.2): the strip farthest from the
    centre goes first, of equals the least significant. At least one tap is left.

    Examples
    --------
    >>> fit = Fit(Window((1, 3), (0, -1)), np.array([0.1, 7.0, 9.0]), np.eye(3))
    >>> trim(fit, Noise(1.0, 1e6), (0, 0)).window
    Window(size=(1, 2), offset=(0, 0))
    """
    while True:
        strips = [
            Strip.of(fit, side, centre, end=end)
            for side, end in product((0, 1), (False, True))
            if fit.window.size[side] > 1
        ]
        chance = [strip for strip in strips if not noise.surpassed(strip.taps, strip.covariance, strip.squares)]
        if not chance:
            return fit
        weakest = min(chance, key=lambda strip: (-strip.distance, noise.deviate(strip.squares, len(strip.taps))))
        fit = fit.without(weakest)
