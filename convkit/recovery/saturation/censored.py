"""Fit a kernel to a target that is clipped at its rails."""

import math
import operator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.optimum import Optimum, find_optimum
from convkit.recovery.problem import Pair, Parameters, Problem
from convkit.recovery.recording import Recording
from convkit.recovery.responses import predicted
from convkit.recovery.saturation.masked_fit import MaskedFit, Masks, masked
from convkit.recovery.saturation.rails import Noise, Rails
from convkit.recovery.saturation.tobit import TobitFit, maximise_likelihood
from convkit.recovery.spectrum import Spectrum

_MOST_ROUNDS = 10
# A choice of outputs is final when the fit to it moves the predictions by less than this share of the noise.
_SETTLED = 0.01
# Predicted farther than the first number of standard deviations beyond its rail, an output tells nothing: the slope
# of log Φ is 1e-22 there. The maximum may bring it closer; up to the second, 1e-11, that does no harm.
_FAR, _TOO_NEAR = 10.0, 7.0
_MOST_SEARCHES = 4
# Noise that has changed by less than this share leaves the choice of outputs as it is.
_SAME_NOISE = 0.1
# Fewer outputs than so many per unknown tell noise and predictions too badly to choose outputs by them.
_ENOUGH = 10


class SaturationMethod(StrEnum):
    """How saturated outputs were dealt with."""

    NONE = "none"
    MASK_BY_VALUE = "mask-by-value"
    MASK_BY_PREDICTION = "mask-by-prediction"
    TOBIT = "tobit"


@dataclass(frozen=True, eq=False)
class SaturatedFit:
    """A kernel fitted to a target that its format may have clipped.

    Attributes
    ----------
    optimum : Optimum
        The kernel; residual squares and count are those of `masks`. For Tobit, `unit_covariance` is `covariance`
        over the noise variance of these, so that the standard errors come out right.
    method : SaturationMethod
    saturated_fraction : float
        Share of the problem's outputs that lie on a rail, from 0 to 1.
    noise : float
        Standard deviation of the residuals, rounding included, in image units; NaN when there are no more outputs
        than unknowns.
    masks : tuple of ndarray of bool, one a pair, of the shape of its target
        The outputs that were fitted, or, of Tobit, which makes use of all, those that are surely not clipped, whose
        residuals are noise alone. Where these are next to none, the outputs off the rails.
    covariance : ndarray, shape (p, p)
        Of the unknowns, taps row by row, then the bias; nothing along directions that the data leave open.
    """

    optimum: Optimum
    method: SaturationMethod
    saturated_fraction: float
    noise: float
    masks: Masks
    covariance: NDArray[np.float64]


def fit_saturated(problem: Problem, recording: Recording, *, start: Parameters | None = None) -> SaturatedFit:
    """Fit a kernel by least squares or maximum likelihood, whichever the saturated outputs call for.

    Where no output lies on a rail it is plain least squares. Else those that do are left out. With noise that bends
    the answer, for what the noise pushed over a rail is then missing. So outputs are chosen anew by what the kernel
    *predicts* for them, which their noise has no part in, and the kernel is fitted again, until the choice settles.
    Without noise that is exact. With noise, outputs on a rail still tell that the response was beyond it, and the
    likelihood of that is maximised (Tobin, Econometrica 26, 1958). Outputs that contradict their prediction (on a
    rail but predicted deep between the rails, or the reverse) are left out.

    Parameters
    ----------
    problem : Problem
    recording : Recording
        Level and rails of the targets.
    start : Parameters, optional
        A kernel to predict with at first, such as one fitted to a part; by default that of the outputs off the rails.

    Raises
    ------
    ImageError
        When a used pixel is not finite, or no output is used.

    Examples
    --------
    >>> image = np.random.default_rng(0).integers(0, 256, (40, 40)) / 255
    >>> target = np.clip(2 * image[:, 1:] - image[:, :-1], 0, 1)
    >>> found = fit_saturated(Problem.of(image, target, (1, 2)), Recording(1 / 255, 0, 1))
    >>> str(found.method), found.optimum.point.taps.round(9)
    ('mask-by-prediction', array([[-1.,  2.]]))
    """
    kept = problem.count - count_saturated(problem, recording)
    used = tuple(_everywhere(pair) if pair.mask is None else pair.mask for pair in problem.pairs)
    search = _Search(problem, recording, used, (problem.count - kept) / max(problem.count, 1))
    if kept == problem.count:
        return search.plain()
    off_rails = tuple(mask & ~recording.saturated(pair.target) for pair, mask in zip(problem.pairs, used, strict=True))
    by_value = MaskedFit.of(problem, off_rails) if kept else None
    if by_value is None or not by_value.spectrum.identifiable:
        whole = MaskedFit.of(problem, used)
        if by_value is None or by_value.spectrum.rank < whole.spectrum.rank:
            return search.of_too_little(by_value, whole)
    return search.beyond_value(by_value, by_value.point if start is None else start)


def count_saturated(problem: Problem, recording: Recording) -> int:
    """Count the outputs used that lie on a rail.

    Examples
    --------
    >>> count_saturated(Problem.of(np.ones((1, 3)), np.array([[0.2, 0.0]]), (1, 2)), Recording(None, 0.0, 1.0))
    1
    """
    return int(problem.total(partial(_saturated_in, recording), operator.add)) if recording.clips else 0


def _saturated_in(recording: Recording, part: Problem) -> int:
    (pair,) = part.pairs
    return int(np.count_nonzero(recording.saturated(pair.used())))


def _everywhere(pair: Pair) -> NDArray[np.bool_]:
    """Return a mask that leaves nothing out, and takes no memory."""
    return np.broadcast_to(np.True_, pair.target.shape)


@dataclass(frozen=True, eq=False)
class _Search:
    """The search for a kernel and for the outputs to fit it to, each of which tells the other."""

    problem: Problem
    recording: Recording
    used: Masks
    saturated_fraction: float

    def plain(self) -> SaturatedFit:
        """Report plain least squares, of outputs none of which is on a rail."""
        optimum = find_optimum(self.problem, self.problem.condensed())
        return self._of_optimum(optimum, SaturationMethod.NONE, self.used)

    def of_too_little(self, by_value: MaskedFit | None, whole: MaskedFit) -> SaturatedFit:
        """Report the fit to outputs off the rails that determine less than all the outputs would.

        Predictions would be worth nothing there, unless nothing is clipped.
        """
        touching = self.touching(whole)
        if touching is not None:
            return self.least_squares(touching, SaturationMethod.MASK_BY_PREDICTION)
        if by_value is not None:
            return self.least_squares(by_value, SaturationMethod.MASK_BY_VALUE)
        found = self.least_squares(whole, SaturationMethod.NONE)
        nothing = np.zeros_like(found.covariance)  # outputs that are all clipped bound the kernel, no more
        optimum = replace(found.optimum, spectrum=Spectrum.of(nothing), unit_covariance=nothing)
        return replace(found, optimum=optimum, covariance=nothing)

    def beyond_value(self, by_value: MaskedFit, start: Parameters) -> SaturatedFit:
        """Do better than leaving out outputs by their value, where these are enough to predict with."""
        if by_value.normal.count < _ENOUGH * by_value.spectrum.rank:
            return self.least_squares(by_value, SaturationMethod.MASK_BY_VALUE)
        between = by_value
        if by_value.spectrum.identifiable and by_value.noise(self.recording, by_value.point).is_real:
            found = self.likeliest(by_value, start)
            if found.tobit.noise.is_real:
                return self.likelihood(found)
            between, start = found.between, found.tobit.point  # contradictions had passed for noise
        fit = self.settled(between, start) or self.settled(by_value, by_value.point)
        if fit is None:
            return self.least_squares(by_value, SaturationMethod.MASK_BY_VALUE)
        return self.least_squares(fit, SaturationMethod.MASK_BY_PREDICTION)

    def touching(self, whole: MaskedFit) -> MaskedFit | None:
        """Return the fit to a target that lies on the rails without being clipped, as one in black and white does.

        That is believed when most outputs are free, nothing but rounding is left of them, and they are not all the
        same. (Steeper kernels that clip would explain a target in black and white too; this is the least steep.)
        """
        lowest, highest = whole.normal.target_range
        fit = self.settled(whole, whole.point) if lowest < highest else None
        if fit is None or 2 * fit.normal.count < self.problem.count:
            return None
        return None if fit.noise(self.recording, fit.point).is_real else fit

    def settled(self, fit: MaskedFit, point: Parameters) -> MaskedFit | None:
        """Choose outputs by prediction and fit again until the choice settles; None when it leaves too few."""
        chosen = None
        noise = fit.noise(self.recording, point)
        for _ in range(_MOST_ROUNDS):
            better = fit.refitted(self.free(self.rails(point, noise)))
            if better is None or better.spectrum.rank < fit.spectrum.rank:
                break
            fit = chosen = better
            moved, point, noise = fit.distance(point), fit.point, fit.noise(self.recording, fit.point)
            if moved <= _SETTLED * noise.total:
                break
        return chosen

    def likeliest(self, by_value: MaskedFit, point: Parameters) -> "_Likeliest":
        """Maximise the likelihood of the outputs off the rails, and of those on a rail that tell something.

        Which outputs contradict the rails, and which tell something, is found anew with the noise that comes out,
        as leaving out outputs by value makes it look smaller than it is.
        """
        between, noise = by_value, by_value.noise(self.recording, point)
        rails = self.rails(point, noise)
        for _ in range(_MOST_SEARCHES):
            sensible = [mask & ~beside.contradictory() for mask, beside in zip(self.used, rails, strict=True)]
            kept = between.refitted(tuple(a & b for a, b in zip(by_value.masks, sensible, strict=True)))
            if kept is not None and kept.spectrum.identifiable:
                between = kept
            near = [mask & beside.near(_FAR) for mask, beside in zip(sensible, rails, strict=True)]
            tobit = maximise_likelihood(self.problem, self.recording, between.normal, near, start=point, noise=noise)
            grown = abs(tobit.noise.total - noise.total) > _SAME_NOISE * noise.total
            point, noise = tobit.point, tobit.noise
            rails = self.rails(point, noise)
            come_near = [mask & beside.near(_TOO_NEAR) for mask, beside in zip(sensible, rails, strict=True)]
            missed = any((a & ~b).any() for a, b in zip(come_near, near, strict=True))
            if not noise.is_real or not (grown or missed):
                break
        return _Likeliest(tobit, rails, between)

    def likelihood(self, found: "_Likeliest") -> SaturatedFit:
        """Report a maximum of the likelihood, with the residuals of the outputs that are surely not clipped."""
        tobit, masks = found.tobit, self.free(found.rails)
        if sum(int(np.count_nonzero(mask)) for mask in masks) < _ENOUGH * self.problem.unknowns:
            masks = found.between.masks
        count, squares, total, energy = 0, 0.0, 0.0, 0.0
        for beside, mask in zip(found.rails, masks, strict=True):
            residuals = beside.target - beside.predicted
            residuals[~mask] = 0.0
            count += int(np.count_nonzero(mask))
            squares += float(np.einsum("ij,ij->", residuals, residuals))
            total += float(np.einsum("ij,ij->", beside.target, mask))
            energy += float(np.einsum("ij,ij,ij->", beside.target, beside.target, mask))
        freedom = count - tobit.spectrum.rank
        variance = squares / freedom if freedom > 0 else math.nan
        spread = max(energy - total**2 / max(count, 1), 0.0)
        optimum = Optimum(
            tobit.point, squares, squares, variance, tobit.spectrum, tobit.covariance, float(count), spread
        )
        optimum = replace(optimum, unit_covariance=tobit.covariance / optimum.noise_variance(self.recording.level))
        return self._told(optimum, SaturationMethod.TOBIT, tobit.noise.total, masks, tobit.covariance)

    def least_squares(self, fit: MaskedFit, method: SaturationMethod) -> SaturatedFit:
        """Refine a masked fit by passes over the image, and report it."""
        return self._of_optimum(find_optimum(masked(self.problem, fit.masks), fit.normal), method, fit.masks)

    def _of_optimum(self, optimum: Optimum, method: SaturationMethod, masks: Masks) -> SaturatedFit:
        covariance = optimum.noise_variance(self.recording.level) * optimum.unit_covariance
        return self._told(optimum, method, math.sqrt(optimum.noise_variance(None)), masks, covariance)

    def _told(
        self, optimum: Optimum, method: SaturationMethod, noise: float, masks: Masks, covariance: NDArray[np.float64]
    ) -> SaturatedFit:
        return SaturatedFit(optimum, method, self.saturated_fraction, noise, masks, covariance)

    def rails(self, point: Parameters, noise: Noise) -> tuple[Rails, ...]:
        """Lay the targets beside what a kernel predicts."""
        return tuple(
            Rails(pair.target, predicted(pair, point, stride=self.problem.stride), self.recording, noise)
            for pair in self.problem.pairs
        )

    def free(self, rails: tuple[Rails, ...]) -> Masks:
        """Which of the used outputs are surely not clipped."""
        return tuple(mask & beside.free() for mask, beside in zip(self.used, rails, strict=True))


@dataclass(frozen=True, eq=False)
class _Likeliest:
    """Where the likelihood is largest, the predictions there, and the outputs that it took at their value."""

    tobit: TobitFit
    rails: tuple[Rails, ...]
    between: MaskedFit
