"""Find the size and offset of an unknown kernel."""

import math
from dataclasses import dataclass, replace

import numpy as np

from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.support.beyond import Whitener, strongest_beyond
from convkit.recovery.support.nest import Nest, ridge
from convkit.recovery.support.sample import Model, Sample
from convkit.recovery.support.trim import trim
from convkit.recovery.support.window import Reach, Size, Window

# Half sides of the windows fitted, until one is enough; then the whole reach.
_STAGES = (3, 7, 15, 23)
# Rings beyond the last one that says anything, from which trimming begins.
_SLACK = 2
# From this share of saturated outputs on they are left out by prediction, if there is noise beyond rounding.
_MANY_SATURATED = 0.01
_MARGIN = 4.0  # standard deviations from the rails
# Several passes of rounding, as of a blur made of boxes, leave at most twice the variance of one.
_NOISY = 3.0
# When more is left than rounding, a response that is not linear has something to gain from any window, without end:
# a median, a gamma curve or a bilateral filter some 0.3 to 0.6 % of the variance a ring. A ring that a linear kernel
# misses takes at least 1 % in noise of 2 levels, for boxes up to 63x63. So beyond 15x15 such gains are left.
_RING = 5e-3
_TAP = 1e-3


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
        False when the window reached its largest size and the residual still fell.
    identifiable : bool
        Whether the image determines every tap of the support.
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


def find_support(scene: Registered, recording: Recording, *, largest: int = 71, bias: bool = True) -> Support:
    """Find the smallest window that explains a target as well as any up to a largest one.

    A window around the output pixel grows (7, 15, 31, 47, ``largest``) until its outermost ring of taps does not
    differ from zero by more than chance, nor do the residuals correlate with the image at any lag up to the largest
    (`strongest_beyond`). Then outer rows and columns are dropped as long as chance explains them (`trim`). *Chance*
    is a probability of 1e-5 in Wald's test, jointly or for the largest tap (`Noise`), with the variance that the
    window leaves and at least that of rounding; and taps that move the outputs by less than a hundredth of the
    rounding do not count. AIC and BIC are there to compare: AIC keeps rows that predict but are not there, BIC
    drops rows in which a single tap is surely there.

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
    search = _Search(Sample.of(scene, recording), reach, bias)
    grown = search.grow()
    if grown is None:
        return _nothing_to_see(reach)
    nest = grown.nest
    # The last ring of a window that is too small is the background too, if that is all there is to gain beyond.
    noise = nest.noise.raised(nest.background(min(grown.last_ring + 1, len(nest.ends) - grown.in_vain)))
    start = reach.grown(max(nest.last_ring(noise), 0) + _SLACK).part(nest.window)
    places = start.places_in(nest.window)
    support = trim(nest.gram[np.ix_(places, places)], nest.moment[places], start, noise, reach.centre)
    return _told(nest, support, reach, grown.sample.share(nest.window), settled=grown.settled)


@dataclass(frozen=True, eq=False)
class _Grown:
    """The last window fitted.

    Attributes
    ----------
    sample : Sample
        The outputs used.
    nest : Nest
    last_ring : int
        The outermost ring with taps.
    settled : bool
        Whether the window is large enough.
    in_vain : bool
        Whether a larger window would lower the residuals significantly, but hardly.
    """

    sample: Sample
    nest: Nest
    last_ring: int
    settled: bool = True
    in_vain: bool = False


@dataclass(frozen=True, eq=False)
class _Search:
    sample: Sample
    reach: Reach
    bias: bool

    def grow(self) -> _Grown | None:
        """Fit larger and larger windows until one is enough; None if not even the first can be fitted."""
        furthest = self.reach.rings - 1
        grown, whitener, least = None, None, 0
        for half in [half for half in _STAGES if half < furthest] + [furthest]:
            if half < least:
                continue
            fitted = self._fit(self.reach.grown(half))
            if fitted is None:
                break
            sample, nest = fitted
            last_ring = nest.last_ring(nest.noise)
            if half == furthest:
                return _Grown(sample, nest, last_ring, settled=self.reach.given or last_ring < furthest)
            grown = _Grown(sample, nest, last_ring, settled=False)
            noisy = nest.noise.variance > _NOISY * nest.floor
            if last_ring == half:
                if noisy and half > _STAGES[0] and nest.falls[half] < _RING * nest.noise.variance * nest.count:
                    return replace(grown, in_vain=True)
                continue
            if whitener is None:
                whitener = Whitener.of(self.sample.scene.image, self.reach.window)
            worthwhile = _TAP * nest.noise.variance if noisy else nest.noise.least / nest.count
            wanted = strongest_beyond(sample, nest, self.reach.window, whitener, worthwhile)
            if wanted is None:
                return replace(grown, settled=True)
            least = max(abs(place - middle) for place, middle in zip(wanted, self.reach.centre, strict=True))
        return grown

    def _fit(self, window: Window) -> tuple[Sample, Nest] | None:
        """Fit one window, and where many outputs are saturated once more without those predicted to be."""
        sample, recording = self.sample, self.sample.recording
        nest = self._condensed(sample, window)
        if nest is None:
            return None
        margin = _MARGIN * math.sqrt(nest.noise.variance)
        noisy = nest.noise.variance > _NOISY * nest.floor
        if noisy and 8 * margin < recording.highest - recording.lowest < math.inf:
            looked_at = sum(pair.target.size for pair in sample.pairs(window))
            if nest.count < (1 - _MANY_SATURATED) * looked_at:
                again = sample.predicted_by(Model(window, nest.point), margin)
                refitted = self._condensed(again, window)
                if refitted is not None:
                    return again, refitted
        return sample, nest

    def _condensed(self, sample: Sample, window: Window) -> Nest | None:
        normal = sample.condense(window, bias=self.bias)
        if normal is None or normal.count < 2 * window.taps:
            return None
        nest = Nest.of(normal, window, self.reach, sample.recording)
        return nest if np.diag(nest.gram).max() > 0.0 else None


def _told(nest: Nest, support: Window, reach: Reach, share: float, *, settled: bool) -> Support:
    places = support.places_in(nest.window)
    gram, moment = nest.gram[np.ix_(places, places)], nest.moment[places]
    pivots = np.square(np.diag(np.linalg.cholesky(gram + ridge(gram) * np.eye(len(gram)))))
    answer = np.linalg.solve(gram + ridge(gram) * np.eye(len(gram)), moment)
    squares = max(nest.energy - float(answer @ moment), float(nest.residual_squares[-1]))
    taps, variances = np.square(nest.point.taps.ravel()), nest.noise.variance * nest.variances()
    outside = np.ones(len(taps), np.bool_)
    outside[places] = False
    energy = float(taps.sum()) or 1.0
    return Support(
        support.size,
        support.offset,
        tuple(_stages(nest, reach)),
        _stage(nest, support, squares, squares - float(nest.residual_squares[-1]), nest.window.taps - support.taps),
        share,
        float(taps[outside].sum()) / energy,
        float(variances[outside].sum()) / energy,
        settled,
        bool(pivots.min() > 4 * ridge(gram)),
    )


def _stages(nest: Nest, reach: Reach) -> list[Stage]:
    found = []
    for ring, squares in enumerate(nest.residual_squares.tolist()):
        window = reach.grown(ring).part(nest.window)
        found.append(_stage(nest, window, squares, float(nest.falls[ring]), int(np.sum(nest.rings == ring)) if ring else 0))
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
