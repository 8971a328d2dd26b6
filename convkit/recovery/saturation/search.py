"""The search for a kernel and for the outputs to fit it to, each of which tells the other."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.optimum import Optimum, find_optimum
from convkit.recovery.parameters import Parameters
from convkit.recovery.problem import Problem
from convkit.recovery.recording import Recording
from convkit.recovery.responses import predicted
from convkit.recovery.saturation.masked_fit import MaskedFit, Masks, masked
from convkit.recovery.saturation.noise import Noise
from convkit.recovery.saturation.rails import Rails
from convkit.recovery.saturation.saturated_fit import SaturatedFit, SaturationMethod
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


@dataclass(frozen=True, eq=False)
class Likeliest:
    """Where the likelihood is largest, the predictions there, and the outputs that it took at their value."""

    tobit: TobitFit
    rails: tuple[Rails, ...]
    between: MaskedFit


@dataclass(frozen=True, eq=False)
class Search:
    """What a search goes by: the problem, how its targets were recorded, and which outputs may be used at all."""

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

    def likeliest(self, by_value: MaskedFit, point: Parameters) -> Likeliest:
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
        return Likeliest(tobit, rails, between)

    def likelihood(self, found: Likeliest) -> SaturatedFit:
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
