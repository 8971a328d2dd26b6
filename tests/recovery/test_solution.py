"""What runs share: a solution is found again only for a problem that is the same in everything."""

from dataclasses import replace

import numpy as np
import pytest

from convkit import learn_kernel
from convkit.recovery import Problem
from convkit.recovery.problem import Loss
from convkit.recovery.solution import LastSolution, solve


def test_a_problem_that_differs_in_anything_is_solved_anew(rng: np.random.Generator) -> None:
    image = rng.random((9, 9))
    target = rng.random((8, 8))
    problem = Problem.of(image, target, (2, 2))
    solved = LastSolution()
    first = solved(problem)
    assert solved(Problem.of(image.copy(), target, (2, 2))) is first
    mask = np.arange(64).reshape(8, 8) > 3
    masked = solved(Problem.of(image, target, (2, 2), mask=mask))
    assert masked is not first
    assert solved(Problem.of(image.copy(), target, (2, 2), mask=mask.copy())) is masked
    assert solved(Problem.of(image, target, (2, 2))) is not masked
    first = solved(problem)
    for other in (
        Problem.of(image, target + 1e-9, (2, 2)),
        Problem.of(image + 1e-9, target, (2, 2)),
        replace(problem, bias=False),
        replace(problem, loss=Loss.MEAN),
        Problem.of(image.astype(np.float32), target, (2, 2)),
        Problem.of(image, target, (2, 2), mask=mask),
        Problem.of(image, target, (2, 2), mask=~mask),
        replace(problem, pairs=problem.pairs * 2),
        Problem.of(image, target[:7, :7], (3, 3)),
        Problem.of(image[:, :8], target[:, :7], (2, 2)),
    ):
        again = solved(other)
        assert again is not first
        alone = solve(other)
        assert again.optimum.point.taps.tobytes() == alone.optimum.point.taps.tobytes()
        assert again.optimum.point.bias == alone.optimum.point.bias
        first = again


@pytest.mark.parametrize("backend", ["gram", "conv2d"])
@pytest.mark.parametrize("solver", ["gd", "momentum", "adam", "lbfgs"])
def test_who_watches_a_step_sees_where_it_began(solver: str, backend: str) -> None:
    def first(**settings: object) -> np.ndarray:
        seen: list[np.ndarray] = []
        learn_kernel(steps=2, watch=lambda _step, _loss, point: seen.append(point.taps.copy()), **settings)
        return seen[0]

    start = first(solver="gd", backend="naive")
    np.testing.assert_allclose(first(solver=solver, backend=backend), start, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("most", "kept"), [(81, True), (80, False)])
def test_solutions_of_more_than_so_many_pixels_are_not_kept(most: int, kept: bool, monkeypatch, rng) -> None:
    monkeypatch.setattr("convkit.recovery.solution._MOST_PIXELS", most)
    problem, solved = Problem.of(rng.random((9, 9)), rng.random((8, 8)), (2, 2)), LastSolution()
    assert (solved(problem) is solved(problem)) is kept
