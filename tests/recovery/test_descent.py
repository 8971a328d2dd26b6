"""Descent beside a plain PyTorch loop, and how it ends."""

import math

import numpy as np
import pytest
import torch

from convkit.recovery import LearningBackend, Parameters, Problem, Solver, Status, largest_curvature
from convkit.recovery.descent import DescentPlan


@pytest.fixture
def problem(rng: np.random.Generator) -> Problem:
    image = rng.random((10, 12))
    target = image[1:, 1:] - 0.5 * image[:-1, :-1] + 0.01 * rng.standard_normal((9, 11))
    return Problem(image, target, (2, 2))


@pytest.fixture
def start(rng: np.random.Generator) -> Parameters:
    return Parameters.draw((2, 2), rng)


def plain_loop(problem: Problem, start: Parameters, make, steps: int) -> tuple[list[float], np.ndarray]:
    """What anybody would write, with nothing of convkit in it."""
    image, target = torch.tensor(problem.image)[None, None], torch.tensor(problem.target)
    weight = torch.tensor(start.taps, requires_grad=True)
    bias = torch.tensor(start.bias, dtype=torch.float64, requires_grad=True)
    optimizer = make([weight, bias])
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ((torch.nn.functional.conv2d(image, weight[None, None])[0, 0] + bias - target) ** 2).sum()
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    return losses, weight.detach().numpy()


@pytest.mark.parametrize("backend", list(LearningBackend))
@pytest.mark.parametrize(
    ("solver", "make"),
    [
        (Solver.GD, lambda p: torch.optim.SGD(p, lr=0.002)),
        (Solver.MOMENTUM, lambda p: torch.optim.SGD(p, lr=0.002, momentum=0.9)),
        (Solver.ADAM, lambda p: torch.optim.Adam(p, lr=0.002)),
    ],
)
def test_same_walk_as_a_plain_loop(problem, start, solver: Solver, make, backend: LearningBackend) -> None:
    found = solver.load()(problem, start, DescentPlan(30, 0.002, backend))
    losses, weight = plain_loop(problem, start, make, 30)
    np.testing.assert_allclose(found.losses, losses, rtol=0, atol=1e-10 * losses[0])
    np.testing.assert_allclose(found.found.taps, weight, atol=1e-10)
    assert found.steps == 30
    assert found.status is Status.MAX_STEPS


@pytest.mark.parametrize("solver", list(Solver))
def test_backends_take_the_same_walk(problem, start, solver: Solver) -> None:
    # Relative to the first loss: 1e-5 in float32 and 1e-10 in float64, as promised.
    rate = solver.auto_rate(largest_curvature(problem))
    for dtype, tolerance in (("float64", 1e-10), ("float32", 1e-5)):
        naive, conv2d = (
            solver.load()(problem, start, DescentPlan(25, rate, backend, dtype)) for backend in LearningBackend
        )
        np.testing.assert_allclose(naive.losses, conv2d.losses, rtol=0, atol=tolerance * naive.losses[0])
        np.testing.assert_allclose(naive.found.taps, conv2d.found.taps, rtol=0, atol=10 * tolerance)


@pytest.mark.parametrize("solver", list(Solver))
def test_final_loss_is_that_of_the_kernel_returned(problem, start, solver: Solver) -> None:
    rate = solver.auto_rate(largest_curvature(problem))
    found = solver.load()(problem, start, DescentPlan(20, rate))
    windows = np.lib.stride_tricks.sliding_window_view(problem.image, (2, 2))
    residual = np.einsum("ijuv,uv->ij", windows, found.found.taps) + found.found.bias - problem.target
    assert found.final_loss == pytest.approx(np.square(residual).sum(), rel=1e-10)
    assert found.final_loss < found.losses[0]


@pytest.mark.parametrize("solver", [Solver.GD, Solver.MOMENTUM])
def test_the_limit_parts_descent_from_divergence(problem, start, solver: Solver) -> None:
    limit = solver.stable_below(largest_curvature(problem))
    assert limit is not None
    below = solver.load()(problem, start, DescentPlan(400, 0.98 * limit))
    beyond = solver.load()(problem, start, DescentPlan(800, 1.05 * limit))
    assert below.status is Status.MAX_STEPS
    assert below.final_loss < below.losses[0]
    assert beyond.status is Status.DIVERGED
    assert beyond.steps < 800


def test_a_diverged_descent_keeps_its_last_finite_kernel(problem, start) -> None:
    found = Solver.GD.load()(problem, start, DescentPlan(50, 1e200))
    assert found.status is Status.DIVERGED
    assert np.isfinite(found.found.taps).all()
    assert math.isfinite(found.final_loss)


def test_auto_rates_never_diverge(rng: np.random.Generator) -> None:
    images = [np.ones((8, 8)), np.zeros((8, 8)), 1e6 * rng.random((8, 8)), 1e-9 * np.eye(8)]
    for image in images:
        problem = Problem(image, image[:7, :7].copy(), (2, 2))
        curvature = largest_curvature(problem)
        for solver in Solver:
            found = solver.load()(problem, Parameters.draw((2, 2), rng), DescentPlan(40, solver.auto_rate(curvature)))
            assert found.status is not Status.DIVERGED, (solver, image[0, 0])


def test_watching_sees_every_step(problem, start) -> None:
    seen: list[tuple[int, float]] = []
    plan = DescentPlan(7, 0.002, on_step=lambda step, loss, _: seen.append((step, loss)))
    found = Solver.GD.load()(problem, start, plan)
    assert seen == list(enumerate(found.losses, start=1))
