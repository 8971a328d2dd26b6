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

# Each pass over the image takes the error of the solution down by about κ·eps; most images need one or two.
_REFINEMENTS = 10
# A step that promises to lower the squares by less than this share of them is not worth a pass.
_NOTHING_TO_GAIN = 1e-15


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
    count : float
        How many outputs were used.
    """

    point: Parameters
    residual_squares: float
    spectrum: Spectrum
    unit_covariance: Matrix
    count: float

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
        if freedom > 0:
            return max(self.residual_squares / freedom, floor)
        return floor or math.nan  # as many unknowns as data: only rounding is known

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
    point, spectrum = solve_moments(normal)
    shift = normal.image_shift if problem.bias else 0.0
    squares, moments = residual_moments(problem, point, image_shift=shift)
    for _ in range(_REFINEMENTS):
        correlated = moments[: problem.unknowns]
        step = spectrum.judged_inverse @ correlated
        if float(correlated @ step) <= _NOTHING_TO_GAIN * squares:
            break
        vector = as_vector(point, bias=problem.bias) + spectrum.back @ step
        better = _shortened(as_parameters(vector, problem.size, bias=problem.bias), spectrum, bias=problem.bias)
        better_squares, better_moments = residual_moments(problem, better, image_shift=shift)
        if not better_squares < squares:
            break
        point, squares, moments = better, better_squares, better_moments
    return Optimum(point, squares, spectrum, spectrum.pseudo_inverse, normal.count)


def solve_moments(normal: NormalEquations) -> tuple[Parameters, Spectrum]:
    """Solve normal equations, with no look at the image: the shortest of the minimisers, and the spectrum.

    Some ``κ·eps`` of it may be wrong, which `find_optimum` puts right.

    Examples
    --------
    >>> point, spectrum = solve_moments(NormalEquations.of([[1, 2, 4, 1]], [[3, 6, 5]], (1, 2)))
    >>> point.taps.round(9).tolist(), round(point.bias, 9), spectrum.rank
    ([[1.0, 1.0]], 0.0, 3)
    """
    if normal.bias:
        judged, right = normal.moments[:-1, :-1], normal.moments[:-1, -1]
        back = np.eye(len(judged))
        back[-1, :-1] = -normal.image_shift  # b = b' + target_shift - image_shift·Σw
        spectrum = Spectrum.of(normal.gram, judged, back)
        solution = spectrum.judged_inverse @ right
        point = _unshifted(solution, normal.image_shift, normal.target_shift, normal.size)
    else:
        spectrum = Spectrum.of(normal.gram)
        point = as_parameters(spectrum.judged_inverse @ normal.moment, normal.size, bias=False)
    return _shortened(point, spectrum, bias=normal.bias), spectrum


def _shortened(point: Parameters, spectrum: Spectrum, *, bias: bool) -> Parameters:
    if spectrum.identifiable:
        return point
    return as_parameters(spectrum.shortened(as_vector(point, bias=bias)), point.taps.shape, bias=bias)


def _unshifted(solution: NDArray[Any], image_shift: float, target_shift: float, size: tuple[int, int]) -> Parameters:
    shifted = as_parameters(solution, size, bias=True)
    return Parameters(shifted.taps, shifted.bias + target_shift - image_shift * float(shifted.taps.sum()))
