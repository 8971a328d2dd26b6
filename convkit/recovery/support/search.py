"""Find the size and offset of an unknown kernel."""

import math
from dataclasses import dataclass

import numpy as np

from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.support.growth import Grown, Growth
from convkit.recovery.support.nest import Nest
from convkit.recovery.support.sample import Sample
from convkit.recovery.support.trim import Fit, trim
from convkit.recovery.support.window import Reach, Size, Window

# Rings beyond the last one that says anything, from which trimming begins.
_SLACK = 1
# Rings around a support in which the faint rest of a kernel may lie, and which share of the support's own these are.
_RINGS, _SHARE = 2, 3


@dataclass(frozen=True)
class Stage:
    """One window tried.

    Attributes
    ----------
    size, offset : (int, int)
    taps : int
    residual_squares : float
    f : float
        F statistic against the next smaller window: the fall of the residual squares per tap, over the variance
        that the largest window leaves. NaN for the smallest.
    deviate : float
        The standard normal deviate of as small a probability.
    aic, bic : float
        ``n·ln(RSS/n) + 2q`` and ``n·ln(RSS/n) + q·ln n`` for q unknowns, RSS/n never below the rounding.
    """

    size: Size
    offset: Size
    taps: int
    residual_squares: float
    f: float
    deviate: float
    aic: float
    bic: float


@dataclass(frozen=True)
class Support:
    """Where a kernel's taps lie, and how that was found.

    Attributes
    ----------
    size, offset : (int, int)
    criteria : tuple of Stage
        The windows of the last fit, one inside the next, on the same outputs.
    kept : Stage
        The support itself; its F statistic is that of the largest window against it: what was given up.
    rows_used : float
        Share of the outputs that the search looked at.
    outside : float
        Share of the kernel's energy ``Σ k²`` that lies outside the support in the largest window fitted.
    outside_by_chance : float
        What the noise alone brings about: the same for taps of 0 with their standard errors.
    settled : bool
        False when the window reached its largest size, or as many taps as the outputs allow, and the residual still
        fell; or when it would go on falling a little with every ring, as it does where the response is not linear.
    identifiable : bool
        Whether the image determines every tap of the last window fitted. If not, other kernels explain the target as
        well, and the support is that of a small one; windows grow no further then.
    around : Window or None
        A larger window, where the search reaches further. Taps that chance explains are left out of the support though
        they be there, and those inside then make up for them: of the sigma of a Gaussian on a smooth photograph up to
        five standard errors. In this window they do not.
    """

    size: Size
    offset: Size
    criteria: tuple[Stage, ...]
    kept: Stage
    rows_used: float
    outside: float
    outside_by_chance: float
    settled: bool
    identifiable: bool
    around: Window | None = None

    @property
    def window(self) -> Window:
        """Size and offset."""
        return Window(self.size, self.offset)


def find_support(scene: Registered, recording: Recording, *, largest: int = 71, bias: bool = True) -> Support:
    """Find the smallest window that explains a target as well as any up to a largest one.

    A window around the output pixel grows (7, 15, 31, 47, ``largest``, or by two rings where it is full while nothing
    beyond is wanted) until its outermost ring of taps does not differ from zero by more than chance, nor do the
    residuals correlate with the image at any lag up to the largest (`look_beyond`). Then outer rows and columns are
    dropped as long as chance explains them (`trim`).

    *Chance* is a probability of 1e-5 in Wald's test, of all taps jointly or of the largest (`Noise`). The variance is
    what the window leaves, at least that of rounding, and times what rings without taps show of it; taps that move
    the outputs by less than 1/64 of the rounding do not count, nor what goes on faintly beyond a cliff (`Nest`).
    AIC and BIC are there to compare: AIC keeps rows that predict but are not there, BIC drops rows in which a single
    tap is surely there.

    A target as large as the image leaves the kernel's place open; a smaller one is taken as what *valid* windows
    answer to, so that they start at offset 0 and end with the image.

    Saturated outputs are left out by value; when they are many and there is noise, by prediction.
    Of a large picture, bands of rows with half a million outputs are looked at.

    Parameters
    ----------
    scene : Registered
    recording : Recording
        Of the target.
    largest : int
        Sides of the largest window.
    bias : bool
        Whether a bias is sought.

    Returns
    -------
    Support

    Raises
    ------
    ImageError
        When image or target hold values that are not finite.

    Examples
    --------
    >>> image = np.random.default_rng(0).random((64, 64))
    >>> target = np.roll(image, 2, axis=0)  # moved down by 2
    >>> found = find_support(Registered(image, target), Recording())
    >>> found.size, found.offset, found.settled
    ((1, 1), (-2, 0), True)
    """
    reach = Reach.of(scene, largest)
    grown = Growth(Sample.of(scene, recording), reach, bias).grow()
    if grown is None:
        return _nothing_to_see(reach)
    nest = grown.nest
    # The last ring of a window that is too small is the background too, if that is all there is to gain beyond.
    noise = nest.noise.raised(nest.background(min(grown.last_ring + 1, len(nest.ends) - grown.in_vain)))
    start = reach.grown(max(nest.last_ring(noise), 0) + _SLACK).part(nest.window)
    kept = trim(nest.inner(start), noise, reach.centre)
    return _told(grown, kept, reach)


def _told(grown: Grown, kept: Fit, reach: Reach) -> Support:
    nest, support = grown.nest, kept.window
    energies, chances = np.square(nest.point.taps), nest.noise.variance * nest.variances().reshape(nest.window.size)
    outside = np.ones(nest.window.size, np.bool_)
    outside[support.slices_in(nest.window)] = False
    energy = float(energies.sum()) or 1.0
    squares = float(nest.residual_squares[-1]) + kept.squares
    farthest = int(reach.ring_of_taps(support).max())
    around = reach.grown(farthest + max(_RINGS, farthest // _SHARE))
    return Support(
        support.size,
        support.offset,
        tuple(_stages(nest, reach)),
        _stage(nest, support, squares, kept.squares, nest.window.taps - support.taps),
        grown.share,
        float(energies[outside].sum()) / energy,
        float(chances[outside].sum()) / energy,
        grown.settled,
        nest.identifiable,
        around if nest.identifiable and around.taps > support.taps else None,
    )


def _stages(nest: Nest, reach: Reach) -> list[Stage]:
    found = []
    for ring, squares in enumerate(nest.residual_squares.tolist()):
        window = reach.grown(ring).part(nest.window)
        found.append(
            _stage(nest, window, squares, float(nest.falls[ring]), int(np.sum(nest.rings == ring)) if ring else 0)
        )
    return found


def _stage(nest: Nest, window: Window, squares: float, fall: float, taps: int) -> Stage:
    """Tell one window; ``fall`` is the fall of the squares that its F statistic judges, by so many taps."""
    n, unknowns = nest.count, window.taps + nest.bias
    least = max(nest.recording.rounding_variance, np.finfo(float).eps * nest.energy / n, np.finfo(float).tiny)
    fit = n * math.log(max(squares / n, least))
    f, deviate = (nest.noise.statistic(fall, taps), nest.noise.deviate(fall, taps)) if taps else (math.nan, math.nan)
    return Stage(
        window.size,
        window.offset,
        window.taps,
        squares,
        f,
        deviate,
        fit + 2 * unknowns,
        fit + unknowns * math.log(n),
    )


def _nothing_to_see(reach: Reach) -> Support:
    """Tell of an image without contrast, or of a target without an output to use."""
    window = reach.grown(0)
    nothing = Stage(window.size, window.offset, 1, math.nan, math.nan, math.nan, math.nan, math.nan)
    return Support(window.size, window.offset, (), nothing, 0.0, 0.0, 0.0, settled=False, identifiable=False)
