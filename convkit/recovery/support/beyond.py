"""What a window's residuals still say of taps beyond it, without fitting them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.backends import Backend
from convkit.recovery.parameters import Parameters
from convkit.recovery.problem import Problem
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.residual import residual_moments
from convkit.recovery.support.chance import critical
from convkit.recovery.support.nest import Nest, ridge
from convkit.recovery.support.sample import Sample
from convkit.recovery.support.window import Size, Window

_WHITENER = 2  # pixels to either side
_MEDIAN = 0.4549  # of the square of a standard normal deviate


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
    def of(cls, image: NDArray[np.float64], reach: Window) -> "Whitener":
        """Take it from all pixels, as those that outputs on a rail see are unlike the rest.

        It is no larger than the reach.
        """
        rows, columns = (min(_WHITENER, (side - 1) // 2) for side in reach.size)
        size = 2 * rows + 1, 2 * columns + 1
        window = Window(size, (0, 0))
        equations = Sample(Registered(image, image), Recording()).condense(window, bias=True)
        assert equations is not None  # no output is left out
        gram = equations.centred().gram
        gram[np.diag_indices(len(gram))] += ridge(gram)
        middle = len(gram) // 2
        column = np.linalg.solve(gram, np.eye(len(gram))[middle])
        return cls((column / column[middle]).reshape(size), float(1.0 / column[middle] / equations.count))


@dataclass(frozen=True)
class Beyond:
    """What there is to gain beyond a window.

    Attributes
    ----------
    wanted : (int, int) or None
        The position where the residuals most want a tap; None if nowhere more than by chance.
    gain : float
        By which share of the variance all taps of the reach together would lower it, beyond what chance does.
    """

    wanted: Size | None = None
    gain: float = 0.0


def look_beyond(sample: Sample, nest: Nest, reach: Window, whitener: Whitener, worthwhile: float) -> Beyond:
    """Ask the residuals of a window for taps beyond it.

    A score (Lagrange multiplier) test of each position of the reach, by one correlation of the residuals with the
    image (Rao, *Proc. Camb. Phil. Soc.* 44, 1948). The pixels of a photograph are alike, so that the score of one lag
    is that of many, and slow residuals, as of a curved response, correlate with all; so the image is whitened first.
    The scores are divided by the standard deviation they have with no tap fitted; with the window's taps fitted
    they vary less, so that chance is not underrated.

    Parameters
    ----------
    sample : Sample
    nest : Nest
        Of the window that was fitted.
    reach : Window
        Where taps are looked for.
    whitener : Whitener
    worthwhile : float
        Per output, a fall of the squares below this does not count.
    """
    margin = whitener.taps.shape[0] // 2, whitener.taps.shape[1] // 2
    wide = reach.widened(margin)
    pairs = tuple(pair for pair in sample.pairs(wide) if pair.count)
    if not pairs:
        return Beyond()
    problem, taps = Problem(pairs, wide.size), np.zeros(wide.size)
    taps[nest.window.slices_in(wide)] = nest.point.taps
    shift = float(nest.means[0].mean())
    _, moments = residual_moments(problem, Parameters(taps, nest.point.bias), image_shift=shift)
    score = Backend.SHIFT.load()(moments[:-1].reshape(wide.size), whitener.taps)
    # By how much a fit would lower the squared residuals, if the window's taps stood still.
    falls = np.square(score) / (problem.count * whitener.variance)
    falls[nest.window.slices_in(reach)] = 0.0
    row, column = np.unravel_index(int(falls.argmax()), reach.size)
    # Most positions have no tap: what they show is chance, should its variance be larger than thought.
    outside = falls[falls > 0.0]
    spread = max(nest.noise.variance, float(np.median(outside)) / _MEDIAN) if outside.size else nest.noise.variance
    least = max(spread * critical(reach.taps) ** 2, worthwhile * problem.count)
    gain = float(outside.sum()) / nest.noise.variance - outside.size
    beyond = int(row) + reach.offset[0], int(column) + reach.offset[1]
    return Beyond(beyond if falls[row, column] > least else None, max(gain, 0.0) / problem.count)
