"""What is sought: taps and a bias, as a kernel and as one vector."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Parameters:
    """A point of the search: correlation taps and a bias.

    Attributes
    ----------
    taps : ndarray, shape (kh, kw)
    bias : float
        Zero when the problem has none.
    """

    taps: NDArray[np.floating[Any]]
    bias: float = 0.0

    @classmethod
    def draw(cls, size: tuple[int, int], rng: np.random.Generator, *, bias: bool = True) -> "Parameters":
        """Draw a standard normal start: the taps row by row, then the bias.

        Examples
        --------
        >>> Parameters.draw((1, 2), np.random.default_rng(0)).taps.shape
        (1, 2)
        """
        taps = rng.standard_normal(size)
        drawn = float(rng.standard_normal())
        return cls(taps, drawn if bias else 0.0)

    def turned(self, *, flip: bool = True) -> "Parameters":
        """Go between a kernel under its convention and the correlation taps that the solvers know.

        Examples
        --------
        >>> Parameters(np.array([[1.0, 2.0]])).turned().taps.tolist()
        [[2.0, 1.0]]
        """
        return Parameters(self.taps[::-1, ::-1].copy(), self.bias) if flip else self


def as_vector(point: Parameters, *, bias: bool) -> Vector:
    """Lay the taps out row by row, then the bias if there is one.

    Examples
    --------
    >>> as_vector(Parameters(np.array([[1.0, 2.0]]), 3.0), bias=True)
    array([1., 2., 3.])
    """
    taps = np.asarray(point.taps, dtype=np.float64).ravel()
    return np.append(taps, point.bias) if bias else taps.copy()


def as_parameters(vector: Vector, size: tuple[int, ...], *, bias: bool) -> Parameters:
    """Undo `as_vector`.

    Examples
    --------
    >>> as_parameters(np.array([1.0, 2.0, 3.0]), (1, 2), bias=True).bias
    3.0
    """
    taps: NDArray[Any] = vector[: size[0] * size[1]].reshape(size)
    return Parameters(taps.copy(), float(vector[-1]) if bias else 0.0)
