"""Least squares on chosen outputs, where another choice that differs in few costs little."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.normal_equations import NormalEquations
from convkit.recovery.observations import observe
from convkit.recovery.optimum import solve_moments
from convkit.recovery.parameters import Parameters
from convkit.recovery.patches import add_patches
from convkit.recovery.problem import Problem
from convkit.recovery.recording import Recording
from convkit.recovery.saturation.noise import Noise
from convkit.recovery.spectrum import Spectrum

Masks = tuple[NDArray[np.bool_], ...]

# What a sum of squares taken from moments may owe to cancellation, as a share of the products that cancel.
_CANCELLATION = 64 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class MaskedFit:
    """The least-squares answer of some of a problem's outputs, from their moments alone.

    Attributes
    ----------
    problem : Problem
        With all the outputs that may be used.
    masks : tuple of ndarray of bool
        Those used, per pair.
    normal : NormalEquations
    point : Parameters
    spectrum : Spectrum
    """

    problem: Problem
    masks: Masks
    normal: NormalEquations
    point: Parameters
    spectrum: Spectrum

    @classmethod
    def of(cls, problem: Problem, masks: Masks) -> "MaskedFit":
        """Fit the outputs of some masks, of which there must be one.

        Examples
        --------
        >>> problem = Problem.of(np.array([[1.0, 2.0, 4.0]]), np.array([[3.0, 6.0, 9.0]]), (1, 1))
        >>> fit = MaskedFit.of(problem, (np.array([[True, True, False]]),))
        >>> fit.refitted((np.array([[True, False, True]]),)).point.taps.round(9)
        array([[2.]])
        """
        return cls._solved(problem, masks, masked(problem, masks).condensed())

    @classmethod
    def _solved(cls, problem: Problem, masks: Masks, normal: NormalEquations) -> "MaskedFit":
        return cls(problem, masks, normal, *solve_moments(normal))

    def refitted(self, masks: Masks) -> "MaskedFit | None":
        """Fit other outputs, by exchanging those that differ where they are few; None when no output is left."""
        used = sum(int(np.count_nonzero(mask)) for mask in masks)
        changed = sum(int(np.count_nonzero(old ^ new)) for old, new in zip(self.masks, masks, strict=True))
        if not used:
            return None
        if not changed:
            return self
        if changed > min(used, self.problem.count - used):  # nothing saved, and digits to lose
            return MaskedFit.of(self.problem, masks)
        moments = self.normal.moments.copy()
        for old, new, pair in zip(self.masks, masks, self.problem.pairs, strict=True):
            for exchanged, sign in ((new & ~old, 1), (old & ~new, -1)):
                if not exchanged.any():
                    continue
                stride = self.problem.stride
                seen = observe(pair.image, pair.target, self.problem.size, stride=stride, mask=exchanged)
                seen = seen.about(self.normal.image_shift, self.normal.target_shift)
                add_patches(moments, seen.image, seen.target, seen.size, stride=stride, weights=seen.weights, sign=sign)
        return MaskedFit._solved(self.problem, masks, replace(self.normal, moments=moments))

    def noise(self, recording: Recording, point: Parameters) -> Noise:
        """Estimate the noise from the residuals of a kernel, this answer or another."""
        row, moments = self._row(point, 1.0), self.normal.moments
        freedom = self.normal.count - self.spectrum.rank
        variance = max(float(row @ moments @ row), 0.0) / freedom if freedom > 0 else 0.0
        if recording.level is not None:
            return Noise(variance, recording.rounding_variance)
        return Noise(variance, _CANCELLATION * float(np.abs(row) @ np.abs(moments) @ np.abs(row)) / self.normal.count)

    def distance(self, point: Parameters) -> float:
        """Root mean square of how far the predictions of this answer are from another kernel's."""
        row = self._row(self.point, 0.0) - self._row(point, 0.0)
        return math.sqrt(max(float(row @ self.normal.moments @ row), 0.0) / self.normal.count)

    def _row(self, point: Parameters, target: float) -> NDArray[np.float64]:
        """Return ``v`` for which ``vᵀz = target·y - prediction``, ``z`` being the rows that the moments sum over."""
        taps = np.asarray(point.taps, dtype=np.float64).ravel()
        constant = target * self.normal.target_shift - point.bias - self.normal.image_shift * float(taps.sum())
        return np.concatenate([-taps, [constant, target]])


def masked(problem: Problem, masks: Masks) -> Problem:
    """Return the problem of some outputs; a pair that has none of them is left out, unless that is all of them."""
    pairs = tuple(replace(pair, mask=mask) for pair, mask in zip(problem.pairs, masks, strict=True))
    return replace(problem, pairs=tuple(pair for pair in pairs if pair.count) or pairs)
