"""What a window's residuals still say of taps beyond it, without fitting them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.backends import Backend
from convkit.recovery.problem import Parameters, Problem
from convkit.recovery.residual import residual_moments
from convkit.recovery.support.chance import critical
from convkit.recovery.support.nest import Nest, ridge
from convkit.recovery.support.sample import Sample
from convkit.recovery.support.window import Size, Window

_WHITENER = 2  # pixels to either side


@dataclass(frozen=True, eq=False)
class Whitener:
    """The filter that leaves of each pixel what its neighbours do not tell.

    Attributes
    ----------
    taps : ndarray
        A column of the inverse Gram matrix, 1 in the middle: the direction in which one tap moves while the
        others adapt.
    variance : float
        Of the filtered image.
    """

    taps: NDArray[np.float64]
    variance: float

    @classmethod
    def of(cls, nest: Nest, centre: Size) -> "Whitener":
        """Take it from the middle of a window."""
        first, last = (tuple(place + step for place in centre) for step in (-_WHITENER, _WHITENER))
        inner = Window.between((first[0], first[1]), (last[0], last[1])).part(nest.window)
        places = inner.places_in(nest.window)
        gram = nest.gram[np.ix_(places, places)]
        gram[np.diag_indices(len(places))] += ridge(gram)
        middle = (centre[0] - inner.offset[0]) * inner.size[1] + centre[1] - inner.offset[1]
        unit = np.zeros(len(places))
        unit[middle] = 1.0
        column = np.linalg.solve(gram, unit)
        return cls((column / column[middle]).reshape(inner.size), float(1.0 / column[middle] / nest.count))


def strongest_beyond(sample: Sample, nest: Nest, reach: Window, whitener: Whitener) -> Size | None:
    """Return the position beyond a window where the residuals most want a tap; None if nowhere more than by chance.

    A score (Lagrange multiplier) test of each tap of the reach, by one correlation of the residuals with the image
    (Rao, *Proc. Camb. Phil. Soc.* 44, 1948). Of a photograph, whose pixels are alike, the plain score of one lag is
    that of many; so the score of the whitened image is looked at too. Both are divided by the standard deviation
    they have with no tap fitted; with the window's taps fitted they vary less, so that chance is not underrated.

    Parameters
    ----------
    sample : Sample
    nest : Nest
        Of the window that was fitted.
    reach : Window
        Where taps are looked for.
    whitener : Whitener
    """
    taps = np.zeros(reach.size)
    inside = nest.window.slices_in(reach)
    taps[inside] = nest.point.taps
    problem = Problem(tuple(pair for pair in sample.pairs(reach) if pair.count), reach.size)
    if not problem.pairs:
        return None
    shift = float(nest.means[0].mean())
    _, moments = residual_moments(problem, Parameters(taps, nest.point.bias), image_shift=shift)
    score = moments[:-1].reshape(reach.size)
    noise, count = nest.noise, problem.count
    # In both the square is by how much a fit would lower the squared residuals, if the window's taps stood still.
    wanted = np.square(score) / (count * float(np.diag(nest.gram).mean()) / nest.count)
    rows, columns = ((length - 1) // 2 for length in whitener.taps.shape)
    if all(length >= side for length, side in zip(reach.size, whitener.taps.shape, strict=True)):
        whitened = np.square(Backend.SHIFT.load()(score, whitener.taps)) / (count * whitener.variance)
        middle = wanted[rows : rows + whitened.shape[0], columns : columns + whitened.shape[1]]
        np.maximum(middle, whitened, out=middle)
    wanted[inside] = 0.0
    row, column = np.unravel_index(int(wanted.argmax()), reach.size)
    least = nest.noise.least / nest.count * count
    if wanted[row, column] <= max(noise.variance * critical(2 * reach.taps) ** 2, least):
        return None
    return int(row) + reach.offset[0], int(column) + reach.offset[1]
