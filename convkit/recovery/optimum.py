"""The least-squares answer: the kernel that no descent can beat, and how surely the data determine it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.normal_equations import NormalEquations
from convkit.recovery.null_directions import undetermined
from convkit.recovery.parameters import Parameters, as_parameters, as_vector
from convkit.recovery.problem import Problem
from convkit.recovery.residual import residual_moments
from convkit.recovery.spectrum import Spectrum

Matrix = NDArray[np.float64]

# Each pass over the image takes the error of the solution down by about κ·eps; most images need one or two.
_REFINEMENTS = 10
# A step that promises to lower the squares by less than this share of them is not worth a pass.
_NOTHING_TO_GAIN = 1e-15
# Nor is one that changes no unknown by more than this share of the largest tap.
_NO_DIGIT = 1e-14
# A sum of squares this much smaller than that of the targets is not left to a difference of large numbers.
_CANCELLED = 1e-6
# What a solution may err by, beside its smallest error bar.
_BESIDE_THE_BARS = 1e-6


@dataclass(frozen=True, eq=False)
class Optimum:
    """A minimiser of the squared residuals, and the shape of the loss around it.

    Attributes
    ----------
    point : Parameters
        The only minimiser, or the shortest one when the data leave some directions open.
    residual_squares : float
        Sum of the squared residuals there.
    least : float
        What the loss sums up to there: the same, but for a robust loss.
    variance : float
        Of the noise, told from the residuals; NaN with as many unknowns as data.
    spectrum : Spectrum
        Of ``G = XᵀX``, bias included, uncentred.
    unit_covariance : ndarray, shape (p, p)
        ``G⁻¹`` (its pseudo-inverse when deficient): the covariance for noise of variance 1.
    count : float
        How many outputs were used.
    spread : float
        Sum of the squared deviations of their targets from the mean.
    """

    point: Parameters
    residual_squares: float
    least: float
    variance: float
    spectrum: Spectrum
    unit_covariance: Matrix
    count: float
    spread: float

    @property
    def unknowns(self) -> int:
        """How many numbers were sought."""
        return len(self.spectrum.gram)

    def noise_variance(self, level: float | None) -> float:
        """Estimate the variance of the noise, never below that of rounding to steps of ``level``.

        ``RSS / (n - rank)``, and ``level² / 12`` for a target of integers.
        """
        floor = level**2 / 12.0 if level is not None else 0.0
        if math.isnan(self.variance):  # as many unknowns as data: only rounding is known
            return floor or math.nan
        return max(self.variance, floor)

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
    known = _known_well(normal, point, spectrum)
    if known is not None:
        return _optimum(point, known, spectrum, normal)
    squares, moments = residual_moments(problem, point, image_shift=shift)
    for _ in range(_REFINEMENTS):
        correlated = moments[: problem.unknowns]
        step = spectrum.judged_inverse @ correlated
        gain, reach = float(correlated @ step), float(np.abs(point.taps).max())
        if gain <= _NOTHING_TO_GAIN * squares or float(np.abs(step).max()) <= _NO_DIGIT * reach:
            break
        vector = as_vector(point, bias=problem.bias) + spectrum.unshifted(step)
        better = _shortened(as_parameters(vector, problem.size, bias=problem.bias), spectrum, bias=problem.bias)
        better_squares, better_moments = residual_moments(problem, better, image_shift=shift)
        if not better_squares < squares:
            break
        point, squares, moments = better, better_squares, better_moments
    return _optimum(point, squares, spectrum, normal)


def _optimum(point: Parameters, squares: float, spectrum: Spectrum, normal: NormalEquations) -> Optimum:
    freedom = normal.count - spectrum.rank
    variance = squares / freedom if freedom > 0 else math.nan
    unit_covariance, spread = spectrum.pseudo_inverse, normal.centred().energy
    return Optimum(point, squares, squares, variance, spectrum, unit_covariance, normal.count, spread)


def _known_well(normal: NormalEquations, point: Parameters, spectrum: Spectrum) -> float | None:
    """Return the sum of squares where no pass over the image could tell more; None where one is needed.

    ``e - cᵀw`` loses as many digits as it is smaller than ``e``, and ``w`` errs by about ``κ·eps``. With noise on
    the target both vanish beside the error bars. Without, only the residuals themselves tell how small they are.
    """
    if not (normal.bias and spectrum.identifiable):
        return None
    centred = normal.centred()
    taps = np.asarray(point.taps, dtype=np.float64).ravel()
    squares = centred.squares(taps)
    freedom = normal.count - spectrum.rank
    if freedom <= 0 or not squares > _CANCELLED * centred.energy:
        return None
    bars = np.sqrt(squares / freedom * np.diag(spectrum.judged_inverse))
    slip = spectrum.scaled_condition * np.finfo(np.float64).eps * float(np.abs(taps).max())
    return squares if slip <= _BESIDE_THE_BARS * float(bars[:-1].min()) else None


def solve_moments(normal: NormalEquations) -> tuple[Parameters, Spectrum]:
    """Solve normal equations as they are, to what their condition number leaves of the digits.

    Returns
    -------
    point : Parameters
        The shortest solution when some directions are open.
    spectrum : Spectrum
        Of ``G``, judged about the image's shift where a bias makes up for it.

    Examples
    --------
    >>> solve_moments(NormalEquations.of([[1, 2, 4, 9]], [[3, 6, 13]], (1, 2), bias=False))[0].taps.round(9)
    array([[1., 1.]])
    """
    if not normal.bias:
        spectrum = Spectrum.of(normal.gram)
        point = as_parameters(spectrum.judged_inverse @ normal.moment, normal.size, bias=False)
    else:
        spectrum = Spectrum.of(normal.gram, normal.moments[:-1, :-1], normal.image_shift)
        shifted = spectrum.unshifted(spectrum.judged_inverse @ normal.moments[:-1, -1])
        shifted[-1] += normal.target_shift
        point = as_parameters(shifted, normal.size, bias=True)
    return _shortened(point, spectrum, bias=normal.bias), spectrum


def _shortened(point: Parameters, spectrum: Spectrum, *, bias: bool) -> Parameters:
    if spectrum.identifiable:
        return point
    return as_parameters(spectrum.shortened(as_vector(point, bias=bias)), point.taps.shape, bias=bias)
