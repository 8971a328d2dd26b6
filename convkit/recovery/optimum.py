"""The least-squares answer: the kernel that no descent can beat, and how surely the data determine it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.normal_equations import NormalEquations
from convkit.recovery.null_directions import undetermined
from convkit.recovery.problem import Parameters, Problem
from convkit.recovery.quadratic import as_parameters, as_vector
from convkit.recovery.residual import residual_moments
from convkit.recovery.spectrum import Spectrum

Matrix = NDArray[np.float64]

# Each pass over the image takes the error of the solution down by about κ·eps; two reach the rounding of the image.
_REFINEMENTS = 2


@dataclass(frozen=True, eq=False)
class Optimum:
    """A minimiser of the squared residuals, and the shape of the loss around it.

    Attributes
    ----------
    point : Parameters
        The only minimiser, or the shortest one when the data leave some directions open.
    residual_squares : float
        Sum of squares there.
    spectrum : Spectrum
        Of ``G = XᵀX``, bias included, uncentred.
    unit_covariance : ndarray, shape (p, p)
        ``G⁻¹`` (its pseudo-inverse when deficient): the covariance for noise of variance 1.
    count : int
        How many outputs were used.
    """

    point: Parameters
    residual_squares: float
    spectrum: Spectrum
    unit_covariance: Matrix
    count: int

    @property
    def unknowns(self) -> int:
        """How many numbers were sought."""
        return len(self.spectrum.gram)

    def noise_variance(self, level: float | None) -> float:
        """Estimate the variance of the noise, never below that of rounding to steps of ``level``.

        ``RSS / (n - rank)``, and ``level² / 12`` for a target of integers.
        """
        freedom = self.count - self.spectrum.rank
        floor = level**2 / 12.0 if level is not None else 0.0
        return max(self.residual_squares / freedom, floor) if freedom > 0 else math.nan

    def standard_errors(self, level: float | None) -> NDArray[np.float64]:
        """Standard error of each unknown, ``sqrt(σ² · diag(G⁻¹))``; NaN for those that are not determined.

        They meet the Cramér-Rao bound for Gaussian noise of that variance (Kay, *Estimation Theory*, section 4.5).
        """
        errors: NDArray[np.float64] = np.sqrt(self.noise_variance(level) * np.diag(self.unit_covariance))
        errors[undetermined(self.spectrum)] = np.nan
        return errors


def find_optimum(problem: Problem, normal: NormalEquations) -> Optimum:
    """Solve the normal equations of a problem and refine the answer by passes over the image.

    Squaring the condition number costs digits: at 15x15 a natural picture has ``κ ≈ 4·10⁶``. So the image is
    centred, which the bias makes up for, and the answer is corrected by solving for what the residuals still
    correlate with (iterative refinement; Golub & Van Loan, section 5.3.8).

    Raises
    ------
    ConvkitError
        When image and target hold values that are not finite.
    """
    spectrum = Spectrum.of(normal.gram)
    if problem.bias and spectrum.identifiable:
        shift, gram = normal.image_shift, normal.moments[:-1, :-1]
        right = normal.moments[:-1, -1]
        inverse = _inverse(gram)
        point = _unshifted(inverse @ right, shift, normal.target_shift, problem.size)
        back = np.eye(len(gram))
        back[-1, :-1] = -shift  # b = b' + target_shift - image_shift·Σw
        covariance = back @ inverse @ back.T
    else:
        shift, inverse = 0.0, spectrum.pseudo_inverse
        point = as_parameters(inverse @ normal.moment, problem.size, bias=problem.bias)
        back, covariance = np.eye(len(inverse)), inverse
    squares, moments = residual_moments(problem, point, image_shift=shift)
    for _ in range(_REFINEMENTS):
        step = back @ (inverse @ moments[: len(inverse)])
        if np.abs(step).max() <= np.finfo(np.float64).eps * np.abs(point.taps).max():
            break  # below the rounding of the taps
        better = as_parameters(as_vector(point, bias=problem.bias) + step, problem.size, bias=problem.bias)
        better_squares, better_moments = residual_moments(problem, better, image_shift=shift)
        if not better_squares < squares:
            break
        point, squares, moments = better, better_squares, better_moments
    return Optimum(point, squares, spectrum, covariance, normal.count)


def _unshifted(solution: NDArray[Any], image_shift: float, target_shift: float, size: tuple[int, int]) -> Parameters:
    shifted = as_parameters(solution, size, bias=True)
    return Parameters(shifted.taps, shifted.bias + target_shift - image_shift * float(shifted.taps.sum()))


def _inverse(gram: Matrix) -> Matrix:
    """Invert after scaling every column to length 1, which evens out units."""
    scale = 1.0 / np.sqrt(np.diag(gram))
    scaled: Matrix = np.linalg.inv(gram * np.outer(scale, scale)) * np.outer(scale, scale)
    return 0.5 * (scaled + scaled.T)
