"""The taps of outputs along one axis, each from a pixel of its own on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.intp]

# Columns filtered at once, which caches hold.
_STRIP = 256


@dataclass(frozen=True)
class Weights:
    """The taps of some outputs along one axis, ``(n, K)``, each row from the input pixel ``first`` on."""

    taps: Array
    first: Places


def matrix(weights: Weights, inputs: int) -> Array:
    """Return taps as a matrix ``(n, inputs)``; those beyond the edge are left out.

    Examples
    --------
    >>> matrix(Weights(np.array([[0.5, 0.5]]), np.array([1])), 4)
    array([[0. , 0.5, 0.5, 0. ]])
    """
    found = np.zeros((len(weights.first), inputs))
    places = weights.first[:, None] + np.arange(weights.taps.shape[1])
    inside = (places >= 0) & (places < inputs)
    np.add.at(found, (np.nonzero(inside)[0], places[inside]), weights.taps[inside])
    return found


def filtered(weights: Weights, plane: Array) -> Array:
    """Return ``(n, W)``: the weighted sums of a plane's rows.

    Examples
    --------
    >>> filtered(Weights(np.array([[0.5, 0.5]]), np.array([1])), np.array([[9.0], [1.0], [2.0]]))
    array([[1.5]])
    """
    plane = np.ascontiguousarray(plane)
    found = np.zeros((len(weights.first), plane.shape[1]))
    rows = np.clip(weights.first[:, None] + np.arange(weights.taps.shape[1]), 0, plane.shape[0] - 1)
    for begin in range(0, plane.shape[1], _STRIP):
        part = slice(begin, begin + _STRIP)
        for tap in range(rows.shape[1]):
            found[:, part] += weights.taps[:, tap, None] * plane[rows[:, tap], part]
    return found
