"""Least squares under what is known of a kernel: its signs, its sum, its symmetry, or that it is separable."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from convkit.errors import SettingsError
from convkit.recovery.normal_equations import NormalEquations, of_taps_alone
from convkit.recovery.parameters import Parameters

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

# The change of the taps, relative to the largest, at which alternating least squares has arrived.
_ARRIVED = 1e-12
_MOST_ROUNDS = 2000


class Constraint(StrEnum):
    """Something known of a kernel beforehand."""

    NONNEGATIVE = "nonnegative"
    SUM_ONE = "sum-one"
    ZERO_SUM = "zero-sum"
    SYMMETRIC = "symmetric"
    SEPARABLE = "separable"


@dataclass(frozen=True, eq=False)
class Constrained:
    """The least-squares answer among the kernels allowed.

    Attributes
    ----------
    point : Parameters
    residual_squares : float
    unit_covariance : ndarray, shape (p, p)
        Of the taps, and the bias if there is one, for noise of variance 1, on the free set: taps held at zero have
        none.
    freedom : int
        How many numbers were free, the bias not counted.
    """

    point: Parameters
    residual_squares: float
    unit_covariance: Matrix
    freedom: int


def check_constraints(constraints: Collection[Constraint]) -> None:
    """Refuse constraints that contradict each other or cannot be combined.

    Raises
    ------
    SettingsError
    """
    held = set(constraints)
    for first, second, why in (
        (Constraint.SUM_ONE, Constraint.ZERO_SUM, "a sum of one or of zero"),
        (Constraint.NONNEGATIVE, Constraint.ZERO_SUM, "a zero sum of taps of either sign, or no negative tap"),
    ):
        if first in held and second in held:
            raise SettingsError(expected=why, got=f"{first} with {second}", hint=f"--constraint {first}")
    if Constraint.SEPARABLE in held and held - {Constraint.SEPARABLE, Constraint.SUM_ONE}:
        raise SettingsError(
            expected="separable alone or with sum-one", got=", ".join(sorted(held)), hint="--constraint separable"
        )


def solve_constrained(normal: NormalEquations, constraints: Collection[Constraint]) -> Constrained:
    """Minimise ``‖y - Xw‖²`` over the kernels allowed; the bias is always free.

    ``symmetric`` means unchanged by a turn of 180°: the filter moves nothing.

    Raises
    ------
    SettingsError
        When the constraints cannot be combined.

    Examples
    --------
    >>> image = np.random.default_rng(0).random((9, 9))
    >>> normal = NormalEquations.of(image, 0.5 * image[:, 1:] + 0.5 * image[:, :-1], (1, 2))
    >>> found = solve_constrained(normal, [Constraint.NONNEGATIVE, Constraint.SUM_ONE])
    >>> found.point.taps.round(9), found.freedom
    (array([[0.5, 0.5]]), 1)
    """
    held = set(constraints)
    check_constraints(held)
    equations = of_taps_alone(normal)
    gram, moment = equations.gram, equations.moment
    total = 1.0 if Constraint.SUM_ONE in held else 0.0 if Constraint.ZERO_SUM in held else None
    if Constraint.SEPARABLE in held:
        taps, directions = _separable(gram, moment, normal.size, total)
    else:
        basis = _orbits(normal.size) if Constraint.SYMMETRIC in held else np.eye(len(gram))
        taps, directions = _in_basis(gram, moment, basis, total, nonnegative=Constraint.NONNEGATIVE in held)
    reduced = directions.T @ gram @ directions
    covariance = directions @ np.linalg.pinv(reduced, hermitian=True) @ directions.T
    if normal.bias:  # the targets' mean less that of the patches times the taps
        back = np.vstack([np.eye(len(taps)), -equations.patch_mean])
        covariance = back @ covariance @ back.T
        covariance[-1, -1] += 1.0 / normal.count
    point = Parameters(taps.reshape(normal.size), equations.bias(taps))
    return Constrained(point, max(equations.squares(taps), 0.0), covariance, directions.shape[1])


def _orbits(size: tuple[int, int]) -> Matrix:
    """One column per pair of taps that a turn of 180° exchanges."""
    count = size[0] * size[1]
    basis = np.zeros((count, (count + 1) // 2))
    for tap in range((count + 1) // 2):
        basis[[tap, count - 1 - tap], tap] = 1.0
    return basis


def _in_basis(
    gram: Matrix, moment: Vector, basis: Matrix, total: float | None, *, nonnegative: bool
) -> tuple[Vector, Matrix]:
    """Return the minimiser ``w = basis·v`` and the directions in which it was free to move.

    Without signs that is one linear system. With ``v >= 0``, a primal active set: go towards the minimiser on the
    taps that are free; hold the first that would turn negative; free the held tap whose multiplier says that it
    wants to grow (Nocedal & Wright, *Numerical Optimization*, algorithm 16.3; without a sum, Lawson & Hanson's).
    """
    quadratic, linear, weights = basis.T @ gram @ basis, basis.T @ moment, basis.sum(axis=0)
    count = len(linear)
    if not nonnegative:
        free = np.ones(count, dtype=bool)
        return basis @ _minimum(quadratic, linear, weights, total, free), basis @ _free_directions(weights, total, free)
    values = np.zeros(count)
    free = np.zeros(count, dtype=bool)
    if total is not None:  # a feasible start that is free to move
        values[:] = total / weights.sum()
        free[:] = True
    tolerance = 1e-10 * float(np.abs(linear).max() or 1.0)
    for _ in range(10 * count + 100):
        aim = _minimum(quadratic, linear, weights, total, free)
        falling = free & (aim < 0.0)
        if falling.any():
            shares = values[falling] / (values[falling] - aim[falling])
            values = values + float(shares.min()) * (aim - values)
            stopped = np.flatnonzero(falling)[np.argmin(shares)]
            values[stopped], free[stopped] = 0.0, False
            continue
        values = aim
        pull = linear - quadratic @ values
        if total is not None and free.any():  # what the sum's multiplier takes off every tap
            pull = pull - weights * float(np.mean(pull[free] / weights[free]))
        pull[free] = -np.inf
        if free.all() or pull.max() <= tolerance:
            break
        free[np.argmax(pull)] = True
    return basis @ values, basis @ _free_directions(weights, total, free)


def _minimum(
    quadratic: Matrix, linear: Vector, weights: Vector, total: float | None, free: NDArray[np.bool_]
) -> Vector:
    """Minimise over the free values, with their weighted sum given or not; the others are zero."""
    solution = np.zeros(len(linear))
    if not free.any():
        return solution
    part = quadratic[np.ix_(free, free)]
    if total is None:
        solution[free] = np.linalg.lstsq(part, linear[free])[0]
        return solution
    start = weights[free] * (total / float(weights[free] @ weights[free]))
    directions = _null_of(weights[free])
    if directions.shape[1]:
        reduced = directions.T @ part @ directions
        start = start + directions @ np.linalg.lstsq(reduced, directions.T @ (linear[free] - part @ start))[0]
    solution[free] = start
    return solution


def _free_directions(weights: Vector, total: float | None, free: NDArray[np.bool_]) -> Matrix:
    units = np.eye(len(weights))[:, free]
    return units if total is None or not free.any() else units @ _null_of(weights[free])


def _null_of(weights: Vector) -> Matrix:
    """Orthonormal directions along which a weighted sum does not change."""
    directions: Matrix = np.linalg.svd(weights[None, :])[2][1:].T
    return directions


def _separable(gram: Matrix, moment: Vector, size: tuple[int, int], total: float | None) -> tuple[Vector, Matrix]:
    """Alternate between the column and the row of ``k = a·bᵀ``: each is a linear problem when the other is given.

    Starts from the leading singular vectors of the kernel without constraint.
    """
    kh, kw = size
    full = np.linalg.lstsq(gram, moment)[0].reshape(size)
    left, values, right = np.linalg.svd(full)
    column, row = left[:, 0] * values[0], right[0]
    taps = np.outer(column, row).ravel()
    for _ in range(_MOST_ROUNDS):
        before = taps
        from_column: Matrix = np.kron(np.eye(kh), row[:, None])  # to the taps
        column = _side(gram, moment, from_column, total)
        from_row: Matrix = np.kron(column[:, None], np.eye(kw)).astype(np.float64)
        row = _side(gram, moment, from_row, total)
        taps = np.outer(column, row).ravel()
        length = float(np.linalg.norm(row)) or 1.0  # shared evenly, or one side would run away from the other
        row = row / length
        if np.abs(taps - before).max() <= _ARRIVED * np.abs(taps).max():
            break
    column = taps.reshape(size) @ row
    tangent = np.hstack([np.kron(np.eye(kh), row[:, None]), np.kron(column[:, None], np.eye(kw))])
    if total is not None:
        tangent = tangent @ _null_of(tangent.sum(axis=0))
    kept, strengths, _ = np.linalg.svd(tangent, full_matrices=False)
    directions: Matrix = kept[:, strengths > 1e-10 * strengths.max()]
    return taps, directions


def _side(gram: Matrix, moment: Vector, spread: Matrix, total: float | None) -> Vector:
    free = np.ones(spread.shape[1], dtype=bool)
    return _minimum(spread.T @ gram @ spread, spread.T @ moment, spread.sum(axis=0), total, free)
