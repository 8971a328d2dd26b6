"""Algebra of second moments ``M = Σ z zᵀ``, ``z = (patch - shift, 1, y - shift)``: no pixel is needed any more."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def moved(moments: NDArray[np.float64], image_step: float, target_step: float) -> NDArray[np.float64]:
    """Return the moments after every tap of ``z`` grew by one step and ``y`` by another.

    With ``z' = z + d`` and ``m = Σ z``: ``Σ z'z'ᵀ = M + d·mᵀ + m·dᵀ + n·d·dᵀ``. Exact but for rounding.

    Returns
    -------
    ndarray, shape (p + 2, p + 2)
        Symmetric to the last bit when ``moments`` is; not to be written to, as it is ``moments`` for steps of 0.

    Examples
    --------
    >>> z = np.array([[3.0, 5.0], [1.0, 1.0], [2.0, 4.0]])
    >>> moved(z @ z.T, -4.0, -3.0)
    array([[2., 0., 2.],
           [0., 2., 0.],
           [2., 0., 2.]])
    """
    d = _steps(moments, image_step, target_step)
    if not d.any():
        return moments
    change = np.outer(d, moments[-2] + moments[-2, -2] / 2 * d)
    change = change + change.T
    change += moments
    return change


def moved_column(moments: NDArray[np.float64], image_step: float, target_step: float) -> NDArray[np.float64]:
    """Return the last column of `moved` alone: ``Σ patch·y``, ``Σ y``, ``Σ y²``, shape (p + 2,).

    Examples
    --------
    >>> z = np.array([[3.0, 5.0], [1.0, 1.0], [2.0, 4.0]])
    >>> moved_column(z @ z.T, -4.0, -3.0)
    array([2., 0., 2.])
    """
    d, sums = _steps(moments, image_step, target_step), moments[-2]
    column: NDArray[np.float64] = moments[-1] + d * sums[-1] + d[-1] * (sums + sums[-2] * d)
    return column


def _steps(moments: NDArray[np.float64], image_step: float, target_step: float) -> NDArray[np.float64]:
    d = np.full(len(moments), image_step)
    d[-2:] = 0.0, target_step
    return d


@dataclass(frozen=True, eq=False)
class Centred:
    """Normal equations about the means: what remains when the bias is solved for.

    With ``w = gram⁻¹ moment`` the bias is ``target_mean - patch_mean · w``.

    Attributes
    ----------
    gram : ndarray, shape (p, p)
        ``Σ (patch - mean)(patch - mean)ᵀ``, the Schur complement of the row of ones.
    moment : ndarray, shape (p,)
        ``Σ (patch - mean)(y - mean)``.
    energy : float
        ``Σ (y - mean)²``.
    patch_mean : ndarray, shape (p,)
        In image units: each tap sees a slightly different part of the image.
    target_mean : float
    """

    gram: NDArray[np.float64]
    moment: NDArray[np.float64]
    energy: float
    patch_mean: NDArray[np.float64]
    target_mean: float

    def bias(self, taps: NDArray[np.float64]) -> float:
        """Return the bias that goes with taps, shape (p,)."""
        return self.target_mean - float(self.patch_mean @ taps)

    def squares(self, taps: NDArray[np.float64]) -> float:
        """Return what taps leave of the targets, ``Σ r²`` with the bias that goes with them; below 0 by rounding."""
        return self.energy - float(taps @ (2.0 * self.moment - self.gram @ taps))

    @classmethod
    def of(cls, moments: NDArray[np.float64], image_shift: float, target_shift: float) -> "Centred":
        """Take the means out of moments about shifts near them, which loses no digits.

        Examples
        --------
        >>> z = np.array([[3.0, 5.0], [1.0, 1.0], [2.0, 4.0]])
        >>> found = Centred.of(z @ z.T, 10.0, 0.0)
        >>> found.gram, found.moment, found.energy, found.patch_mean, found.target_mean
        (array([[2.]]), array([2.]), 2.0, array([14.]), 3.0)
        """
        sums, n = moments[-2], moments[-2, -2]
        about_means = np.outer(sums, sums)
        about_means /= -n
        about_means += moments
        return cls(
            about_means[:-2, :-2],
            about_means[:-2, -1],
            float(about_means[-1, -1]),
            image_shift + sums[:-2] / n,
            target_shift + float(sums[-1] / n),
        )
