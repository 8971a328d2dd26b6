"""What the eigenvalues of the normal equations say of the data: rank, condition, and the directions left open."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# From here on, eigenvectors take seconds: they are left out where something cheaper tells as much.
_LARGE = 400
# How far from the tolerance a bound on the condition must stay to settle the rank: such bounds err by rounding too.
_CLEARLY = 1e3

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues and directions of a Gram matrix ``G = XᵀX``, and those that the data can see.

    Attributes
    ----------
    gram : ndarray, shape (p, p)
        Symmetric, positive semi-definite.
    judged : ndarray, shape (p, p)
        The Gram matrix in which rank and inverse are judged: that of a shifted image, whose mean does not drown
        what its pixels differ by. The same as ``gram`` where there is no bias to make up for a shift.
    shift : float
        By how much the image of ``judged`` is lower.
    tolerance : float
        Eigenvalues of the column-scaled ``G`` count towards the rank above this share of the largest.

    Examples
    --------
    >>> s = Spectrum.of(np.array([[18.0, 12, 18], [12, 18, 18], [18, 18, 42]]))  # the lesson's image, with bias
    >>> s.rank, (2 * s.eigenvalues).round(3).tolist()
    (3, [12.0, 19.693, 124.307])
    """

    gram: Matrix
    judged: Matrix
    shift: float
    tolerance: float

    @classmethod
    def of(cls, gram: Matrix, judged: Matrix | None = None, shift: float = 0.0) -> "Spectrum":
        """Take ``p · eps`` as the tolerance, the rounding of a sum of p products."""
        return cls(gram, gram if judged is None else judged, shift, len(gram) * np.finfo(np.float64).eps)

    @cached_property
    def _eigen(self) -> tuple[Vector, Matrix]:
        values, vectors = np.linalg.eigh(self.gram)
        return np.maximum(values, 0.0), vectors

    @cached_property
    def eigenvalues(self) -> Vector:
        """All eigenvalues of ``G``, ascending, none below zero."""
        if len(self.gram) > _LARGE:  # the values alone take a third of the time, and most runs want no more
            values: Vector = np.maximum(np.linalg.eigvalsh(self.gram), 0.0)
            return values
        return self._eigen[0]

    @property
    def vectors(self) -> Matrix:
        """The eigenvectors of ``G`` as columns, in the order of `eigenvalues`."""
        return self._eigen[1]

    @cached_property
    def _scale(self) -> Vector:
        """What every unknown is divided by so that its column of X has length 1."""
        lengths = np.sqrt(np.diag(self.judged))
        lengths[lengths == 0] = 1.0
        return lengths

    @property
    def _scaled(self) -> Matrix:
        scaled: Matrix = self.judged / np.outer(self._scale, self._scale)
        return scaled

    @cached_property
    def _scaled_eigen(self) -> tuple[Vector, Matrix]:
        values, vectors = np.linalg.eigh(self._scaled)
        return values, vectors

    @cached_property
    def _clear_inverse(self) -> Matrix | None:
        """The inverse of a large scaled matrix whose rank is beyond doubt; else None.

        No eigenvalue lies below ``1 / ‖A⁻¹‖₁`` nor above ``‖A‖₁``. An inverse takes a tenth of the time of the
        eigenvectors.
        """
        if len(self.gram) <= _LARGE:
            return None
        scaled = self._scaled
        try:
            inverse = np.linalg.inv(scaled)
        except np.linalg.LinAlgError:
            return None
        bound = float(np.linalg.norm(scaled, 1) * np.linalg.norm(inverse, 1))
        return (inverse + inverse.T) / 2.0 if bound * self.tolerance * _CLEARLY < 1.0 else None

    @cached_property
    def rank(self) -> int:
        """Numerical rank, judged on columns of length 1, so that units do not matter."""
        if self._clear_inverse is not None:
            return len(self.gram)
        values = self._scaled_eigen[0]
        return int(np.count_nonzero(values > self.tolerance * max(values[-1], 0.0)))

    @property
    def scaled_condition(self) -> float:
        """``λmax / λmin`` of the column-scaled matrix along the directions seen, or a bound on it.

        It is what the rounding of a solution is multiplied by.
        """
        if self._clear_inverse is not None:
            return float(np.linalg.norm(self._scaled, 1) * np.linalg.norm(self._clear_inverse, 1))
        values = self._scaled_eigen[0][len(self.gram) - self.rank :]
        return float(values[-1] / values[0]) if values.size else 1.0

    @property
    def identifiable(self) -> bool:
        """Whether every unknown is determined."""
        return self.rank == len(self.gram)

    @property
    def seen(self) -> Vector:
        """The eigenvalues of ``G`` along the directions that the data determine, ascending, all positive."""
        values = self.eigenvalues[len(self.gram) - self.rank :]
        return values[values > 0.0]

    @cached_property
    def null(self) -> Matrix:
        """Orthonormal directions, as columns, in which the unknowns may move without the data noticing."""
        if self.identifiable:
            return np.empty((len(self.gram), 0))
        scaled = self._scaled_eigen[1][:, : len(self.gram) - self.rank]
        directions: Matrix = np.linalg.qr(self.unshifted(scaled / self._scale[:, None]))[0]
        return directions

    @property
    def condition_number(self) -> float | None:
        """``λmax / λmin`` of ``G``; None when the rank is deficient."""
        if not self.identifiable or len(self.seen) < len(self.gram):
            return None
        return float(self.seen[-1] / self.seen[0])

    @cached_property
    def judged_inverse(self) -> Matrix:
        """An inverse of ``judged`` on the directions that the data see."""
        if self._clear_inverse is not None:
            clear: Matrix = self._clear_inverse / np.outer(self._scale, self._scale)
            return clear
        kept = len(self.gram) - self.rank
        values, vectors = self._scaled_eigen[0][kept:], self._scaled_eigen[1][:, kept:] / self._scale[:, None]
        inverse: Matrix = (vectors / values) @ vectors.T
        return inverse

    @property
    def pseudo_inverse(self) -> Matrix:
        """``G⁺``: it gives the shortest of all solutions; the inverse when nothing is left open."""
        inverse = self.unshifted(self.unshifted(self.judged_inverse).T)
        return inverse if self.identifiable else self.shortened(self.shortened(inverse).T)

    def unshifted(self, solutions: Matrix) -> Matrix:
        """Take solutions for ``judged``, in columns or alone, to ``gram``: ``b = b' - shift·Σw``."""
        if not self.shift:
            return solutions
        moved = solutions.copy()
        moved[-1] -= self.shift * solutions[:-1].sum(axis=0)
        return moved

    def shortened(self, solutions: Matrix) -> Matrix:
        """Take from solutions, in columns or alone, what lies in the null directions."""
        return solutions - self.null @ (self.null.T @ solutions)

    def unseen_share(self) -> Vector:
        """How much of each unknown lies in the null directions: 0 is determined, 1 is free.

        Squared length of the projection of each unit vector onto the null space.
        """
        share: Vector = np.square(self.null).sum(axis=1)
        return share
