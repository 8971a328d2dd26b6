"""A problem with its normal equations and its exact answer, which runs on the same data can share."""

import time
from dataclasses import dataclass

import numpy as np

from convkit.recovery.normal_equations import NormalEquations
from convkit.recovery.optimum import Optimum, find_optimum
from convkit.recovery.problem import Pair, Problem

# A problem with more pixels is not kept in memory for the next run.
_MOST_PIXELS = 1 << 24


@dataclass(frozen=True, eq=False)
class Solution:
    """What there is to know of a problem before any descent, and how many seconds that took."""

    normal: NormalEquations
    optimum: Optimum
    seconds: float


def solve(problem: Problem) -> Solution:
    """Condense a problem and solve it.

    Raises
    ------
    ConvkitError
        When image and target hold values that are not finite.

    Examples
    --------
    >>> image = np.arange(6.0)[None] ** 2
    >>> solve(Problem.of(image, 2 * image[:, :5], (1, 2))).optimum.point.taps.round(6) + 0
    array([[2., 0.]])
    """
    began = time.perf_counter()
    normal = problem.condensed()
    optimum = find_optimum(problem, normal)
    return Solution(normal, optimum, time.perf_counter() - began)


class LastSolution:
    """Solve problems, but not one that equals the last: a grid over starts, rates or solvers has only one.

    The seconds told are those that the solution took when it was found.

    Examples
    --------
    >>> image, solved = np.arange(6.0)[None] ** 2, LastSolution()
    >>> first, second = (solved(Problem.of(image, 2 * image[:, :5], (1, 2))) for _ in range(2))
    >>> first is second
    True
    """

    def __init__(self) -> None:
        self._last: tuple[Problem, Solution] | None = None

    def __call__(self, problem: Problem) -> Solution:
        """Return the solution of a problem."""
        last = self._last  # taken once: a worker of several threads may call this from each
        if last is not None and _equal(last[0], problem):
            return last[1]
        last = self._last = None  # frees its memory before more is needed
        solution = solve(problem)
        if sum(pair.image.size for pair in problem.pairs) <= _MOST_PIXELS:
            self._last = problem, solution
        return solution


def _equal(a: Problem, b: Problem) -> bool:
    return (
        (a.size, a.stride, a.bias, a.loss) == (b.size, b.stride, b.bias, b.loss)
        and len(a.pairs) == len(b.pairs)
        and all(_same(one, other) for one, other in zip(a.pairs, b.pairs, strict=True))
    )


def _same(one: Pair, other: Pair) -> bool:
    masks = one.mask is other.mask or (
        one.mask is not None and other.mask is not None and np.array_equal(one.mask, other.mask)
    )
    return (
        masks
        and one.image.dtype == other.image.dtype
        and np.array_equal(one.image, other.image)
        and np.array_equal(one.target, other.target)
    )
