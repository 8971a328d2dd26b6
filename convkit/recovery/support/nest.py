"""Windows inside windows, all from one factorisation."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.normal_equations import NormalEquations, of_taps_alone
from convkit.recovery.parameters import Parameters
from convkit.recovery.recording import Recording
from convkit.recovery.support.chance import CRITICAL, Noise
from convkit.recovery.support.trim import Fit
from convkit.recovery.support.window import Reach, Window

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
# Taps that move the outputs by less than 1/64 of the rounding (RMS: 0.0045 levels) carry no practical weight.
# Rounding is not white: that of multiples of 1/6 or 1/9 of a level depends on the pixels, and on photographs of
# 250,000 the taps beside the kernel explain up to 2.2e-4 of its variance, where chance explains 1e-4.
_PRACTICAL = 1 / 64**2
# A ring that moves the outputs by less than 7 % of the noise (RMS) is faint: 0.02 levels if that is rounding.
FAINT = 5e-3
# Rings of which one lowers the squares a thousand times less than the one before, and the next at least a third of
# that: not the tail of a Gaussian, whose rings fall faster and faster, nor the edge of a box.
_CLIFF = 1e-3
_GOES_ON = 0.3
# Several passes of rounding, as of a blur made of boxes, leave at most twice the variance of one.
_NOISY = 3.0
_BLOCK = 128
# A pivot counts from so many times the ridge on: what is left of a dependent tap is the ridge and its rounding.
_SEEN = 4.0
_ATTEMPTS = 5


@dataclass(frozen=True, eq=False)
class Nest:
    r"""Normal equations of a window, factored from the centre outwards.

    With the taps ordered ring by ring and ``L Lᵀ = [[G, c], [cᵀ, e]]``, the last row of ``L`` holds ``z = L_G⁻¹ c``,
    and every leading part of it belongs to an inner window: ``RSS = e - Σ z²`` over its taps. So each ring lowers
    the squared residuals by its own ``Σ z²``, and its taps, given those inside and none outside, have the
    covariance ``(L_rr L_rrᵀ)⁻¹``.

    Attributes
    ----------
    window : Window
    gram, moment : ndarray, shape (p, p) and (p,)
        About the means if there is a bias; taps row by row.
    energy, count : float
    means : (ndarray, float)
        Of the patches and of the target, or zeros without a bias.
    rings : ndarray of int, shape (p,)
        Which ring each tap lies in.
    recording : Recording
    bias : bool
    """

    window: Window
    gram: Matrix
    moment: Vector
    energy: float
    count: float
    means: tuple[Vector, float]
    rings: NDArray[np.intp]
    recording: Recording
    bias: bool

    @classmethod
    def of(cls, normal: NormalEquations, window: Window, reach: Reach, recording: Recording) -> "Nest":
        """Take what is needed from the normal equations of a window."""
        about = of_taps_alone(normal)
        means = about.patch_mean, about.target_mean
        rings = reach.ring_of_taps(window)
        return cls(window, about.gram, about.moment, about.energy, normal.count, means, rings, recording, normal.bias)

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """The taps from the centre outwards."""
        return np.argsort(self.rings, kind="stable")

    @cached_property
    def ends(self) -> NDArray[np.intp]:
        """How many taps each ring and those inside it have."""
        return np.cumsum(np.bincount(self.rings))

    @cached_property
    def _factored(self) -> tuple[Matrix, float]:
        """``L``, and the ridge that it took."""
        p = len(self.order)
        joint = np.empty((p + 1, p + 1))
        joint[:p, :p] = self.gram[np.ix_(self.order, self.order)]
        joint[:p, p] = joint[p, :p] = self.moment[self.order]
        joint[p, p] = 2 * self.energy + np.finfo(float).tiny  # so that no rounding makes the last pivot negative
        added, least = 0.0, ridge(self.gram)
        for _ in range(_ATTEMPTS):
            joint[np.diag_indices(p)] += least - added
            try:
                return np.asarray(np.linalg.cholesky(joint), dtype=np.float64), least
            except np.linalg.LinAlgError:  # sums over very many outputs round more coarsely
                added, least = least, 100 * least
        raise AssertionError("a Gram matrix is positive semi-definite but for rounding")

    @property
    def _factor(self) -> Matrix:
        return self._factored[0]

    @property
    def responses(self) -> Vector:
        """``z``, in the taps' order."""
        return self._factor[-1, :-1]

    @cached_property
    def inverse_factor(self) -> Matrix:
        """``L_G⁻¹``: the taps' covariance is ``L_G⁻ᵀ L_G⁻¹``."""
        return inverse_of_triangle(self._factor[:-1, :-1])

    @cached_property
    def point(self) -> Parameters:
        """The least-squares kernel of the whole window."""
        taps = np.empty(len(self.order))
        taps[self.order] = self.responses @ self.inverse_factor
        return Parameters(taps.reshape(self.window.size), self.means[1] - float(self.means[0] @ taps))

    @cached_property
    def residual_squares(self) -> Vector:
        """Squared residuals of each window, from the innermost on."""
        least = max(float(self._factor[-1, -1]) ** 2 - self.energy, 0.0)
        falls = self.falls
        return least + np.append(np.cumsum(falls[:0:-1])[::-1], 0.0)

    @cached_property
    def falls(self) -> Vector:
        """By how much each ring lowers the squared residuals."""
        return np.add.reduceat(np.square(self.responses), np.append(0, self.ends[:-1]))

    @cached_property
    def identifiable(self) -> bool:
        """Whether the image determines every tap: each has something to itself that those further in do not tell."""
        factor, least = self._factored
        return bool(np.square(np.diag(factor)[:-1]).min() > _SEEN * least)

    @cached_property
    def floor(self) -> float:
        """The least variance that can be told from none: that of the target's rounding, or that of the sums.

        A sum of squares of the size of ``(‖y‖ + ‖w‖₁·‖x‖)²`` is known to ``eps`` of it.
        """
        size = np.sqrt(self.energy) + np.abs(self.point.taps).sum() * np.sqrt(np.diag(self.gram).mean())
        return max(self.recording.rounding_variance, _EPS * float(size) ** 2)

    @cached_property
    def noise(self) -> Noise:
        """What the whole window leaves, but no less than the floor."""
        freedom = self.count - len(self.order) - self.bias
        variance = max(float(self.residual_squares[-1]) / freedom, self.floor)
        noise = Noise(variance, freedom, _PRACTICAL * self.recording.rounding_variance * self.count)
        faint = FAINT * variance * self.count
        return replace(noise, least=faint) if self._has_halo(noise, faint) else noise

    def _has_halo(self, noise: Noise, faint: float) -> bool:
        """Whether the falls drop from a cliff to something significant but faint that goes on from ring to ring.

        Where neighbours differ by a few levels, the rounding of a mean of two or three is a function of these
        differences, and taps all around take part in what is not linear of it. A kernel's own tail falls off
        without a cliff, or ends.
        """
        falls, taps = self.falls, np.bincount(self.rings)
        return any(
            fall < min(faint, _CLIFF * falls[ring - 1])
            and falls[ring + 1] > _GOES_ON * fall
            and min(noise.deviate(float(falls[r]), int(taps[r])) for r in (ring, ring + 1)) > CRITICAL
            for ring, fall in enumerate(falls[:-1])
            if ring > 0
        )

    @property
    def noisy(self) -> bool:
        """Whether clearly more is left than rounding."""
        return self.noise.variance > _NOISY * self.floor

    def last_ring(self, noise: Noise) -> int:
        """Return the outermost ring whose taps differ from zero by more than chance; -1 if none do."""
        for ring in range(len(self.ends) - 1, -1, -1):
            part = slice(0 if ring == 0 else self.ends[ring - 1], self.ends[ring])
            inverse = inverse_of_triangle(self._factor[part, part])
            taps = self.responses[part] @ inverse
            if noise.surpassed(taps, inverse.T @ inverse, float(self.falls[ring])):
                return ring
        return -1

    def background(self, first: int) -> float:
        """Return by how much the rings from ``first`` on surpass the noise: their F statistic, if it is more than 1.

        Rounding errors that hang together from pixel to pixel, those of a truncating program say, or a response that
        is not quite linear, lend a little significance to all taps. What rings without taps of their own have of it,
        the others have to surpass.
        """
        begin = int(self.ends[first - 1]) if first else 0
        taps = len(self.order) - begin
        if not taps:
            return 1.0
        found = self.noise.statistic(float(self.falls[first:].sum()), taps)
        return found if found > 1.0 + 3.0 * np.sqrt(2.0 / taps) else 1.0

    def inner(self, window: Window) -> Fit:
        """Return the fit of one of the inner windows, taps row by row."""
        p = window.taps
        assert p in self.ends  # it is one of the nest
        inverse = self.inverse_factor[:p, :p]
        # The taps' numbers in the nest grow row by row, so their order in the inner window is that of these numbers.
        rows = np.argsort(self.order[:p])
        taps, inverse = (self.responses[:p] @ inverse)[rows], inverse[:, rows]
        return Fit(window, taps, inverse.T @ inverse, float(np.square(self.responses[p:]).sum()))

    def variances(self) -> Vector:
        """Return the variance of each tap of the whole window, row by row, for noise of variance 1."""
        found = np.empty(len(self.order))
        found[self.order] = np.einsum("ij,ij->j", self.inverse_factor, self.inverse_factor)
        return found


def ridge(gram: Matrix) -> float:
    """Return what makes a Gram matrix positive definite whatever its rank: a few times the rounding of its sums."""
    return 8 * (len(gram) + 64) * _EPS * float(np.diag(gram).max()) + np.finfo(float).tiny


def inverse_of_triangle(lower: Matrix) -> Matrix:
    """Invert a lower triangular matrix by halves: ``[[A, 0], [B, D]]⁻¹ = [[A⁻¹, 0], [-D⁻¹·B·A⁻¹, D⁻¹]]``.

    Examples
    --------
    >>> inverse_of_triangle(np.array([[2.0, 0.0], [1.0, 4.0]]))
    array([[ 0.5  ,  0.   ],
           [-0.125,  0.25 ]])
    """
    n = len(lower)
    if n <= _BLOCK:
        return np.tril(np.linalg.inv(lower))
    half = n // 2
    found = np.zeros_like(lower)
    found[:half, :half] = inverse_of_triangle(lower[:half, :half])
    found[half:, half:] = inverse_of_triangle(lower[half:, half:])
    found[half:, :half] = -found[half:, half:] @ (lower[half:, :half] @ found[:half, :half])
    return found
