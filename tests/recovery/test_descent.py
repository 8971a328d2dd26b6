"""Descent beside a plain PyTorch loop, on every backend, and how it ends."""

import math

import numpy as np
import pytest
import torch

from convkit.recovery import (
    Descent,
    DescentPlan,
    LearningBackend,
    Loss,
    Optimum,
    Parameters,
    Problem,
    Rates,
    Solver,
    Status,
    descend,
    find_optimum,
    make_objective,
)

DESCENTS = [solver for solver in Solver if solver is not Solver.EXACT]


@pytest.fixture
def problem(rng: np.random.Generator) -> Problem:
    image = rng.random((10, 12))
    target = image[1:, 1:] - 0.5 * image[:-1, :-1] + 0.01 * rng.standard_normal((9, 11))
    return Problem.of(image, target, (2, 2))


@pytest.fixture
def start(rng: np.random.Generator) -> Parameters:
    return Parameters.draw((2, 2), rng)


def optimum_of(problem: Problem) -> Optimum:
    return find_optimum(problem, problem.condensed())


def rates_of(problem: Problem) -> Rates:
    return Rates(2 * problem.loss_scale * optimum_of(problem).spectrum.seen)


def walk(
    problem: Problem, start: Parameters, solver: Solver, rate: float, steps: int, *,
    backend: LearningBackend = LearningBackend.GRAM, dtype: str = "float64", **plan,
) -> Descent:  # fmt: skip
    objective = make_objective(problem, optimum_of(problem), start, backend, dtype=dtype)
    return descend(objective, DescentPlan(steps, **plan), solver.steps(objective, rate))


def plain_loop(problem: Problem, start: Parameters, make, steps: int) -> tuple[list[float], np.ndarray]:
    """What anybody would write, with nothing of convkit in it."""
    pair = problem.pairs[0]
    image, target = torch.tensor(pair.image)[None, None], torch.tensor(pair.target)
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
    found = walk(problem, start, solver, 0.002, 30, backend=backend)
    losses, weight = plain_loop(problem, start, make, 30)
    np.testing.assert_allclose(found.losses, losses, rtol=0, atol=1e-10 * losses[0])
    np.testing.assert_allclose(found.found.taps, weight, atol=1e-10)
    assert found.steps == 30
    assert found.status is Status.MAX_STEPS


@pytest.mark.parametrize("solver", DESCENTS)
@pytest.mark.parametrize("loss", list(Loss))
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("stride", [1, 2])
def test_backends_take_the_same_walk(solver: Solver, loss: Loss, bias: bool, stride: int) -> None:
    """Relative to the first loss: 1e-9 for gram and 1e-10 for conv2d in float64, 1e-5 in float32."""
    rng = np.random.default_rng(3)
    image = rng.random((12, 14))
    shape = (11 - 1) // stride + 1, (12 - 1) // stride + 1
    problem = Problem.of(image, rng.random(shape), (2, 3), stride=stride, bias=bias, loss=loss)
    start = Parameters.draw((2, 3), rng, bias=bias)
    rate = solver.auto_rate(rates_of(problem), 25)
    naive = walk(problem, start, solver, rate, 25, backend=LearningBackend.NAIVE)
    for backend, dtype, tolerance in (
        (LearningBackend.CONV2D, "float64", 1e-10),
        (LearningBackend.GRAM, "float64", 1e-9),
        (LearningBackend.CONV2D, "float32", 1e-5),
    ):
        other = walk(problem, start, solver, rate, 25, backend=backend, dtype=dtype)
        np.testing.assert_allclose(naive.losses, other.losses, rtol=0, atol=tolerance * naive.losses[0])


def test_gram_keeps_its_digits_near_a_loss_of_zero() -> None:
    rng = np.random.default_rng(4)
    image = rng.standard_normal((30, 30))
    problem = Problem.of(image, image[:29, :29] - 2 * image[1:, 1:], (2, 2))
    found = walk(problem, Parameters.draw((2, 2), rng), Solver.GD, rates_of(problem).best, 60)
    # e - 2cᵀw + wᵀGw would end at eps·e = 1e-12, or below zero.
    assert 0 <= found.final_loss < 1e-24
    assert all(later <= earlier for earlier, later in zip(found.losses, found.losses[1:], strict=False))


@pytest.mark.parametrize("backend", list(LearningBackend))
@pytest.mark.parametrize("solver", DESCENTS)
def test_final_loss_is_that_of_the_kernel_returned(problem, start, solver: Solver, backend: LearningBackend) -> None:
    found = walk(problem, start, solver, solver.auto_rate(rates_of(problem), 20), 20, backend=backend)
    windows = np.lib.stride_tricks.sliding_window_view(problem.pairs[0].image, (2, 2))
    residual = np.einsum("ijuv,uv->ij", windows, found.found.taps) + found.found.bias - problem.pairs[0].target
    assert found.final_loss == pytest.approx(np.square(residual).sum(), rel=1e-9)
    assert found.final_loss < found.losses[0]


@pytest.mark.parametrize("solver", [Solver.GD, Solver.MOMENTUM])
@pytest.mark.parametrize("backend", [LearningBackend.GRAM, LearningBackend.CONV2D])
def test_the_limit_parts_descent_from_divergence(problem, start, solver: Solver, backend: LearningBackend) -> None:
    """To 0.1 % in gram, where steps cost nothing."""
    limit = solver.stable_below(rates_of(problem))
    assert limit is not None
    margin, steps = (0.001, 20_000) if backend is LearningBackend.GRAM else (0.05, 600)
    below = walk(problem, start, solver, (1 - margin) * limit, steps, backend=backend)
    beyond = walk(problem, start, solver, (1 + margin) * limit, steps, backend=backend)
    assert below.status is Status.MAX_STEPS
    assert below.final_loss < below.losses[0]
    assert beyond.status is Status.DIVERGED
    assert beyond.steps < steps


def test_each_direction_decays_as_predicted(problem, start) -> None:
    """Along eigenvector i the error shrinks by 1 - ηλi, seen through autograd."""
    optimum = optimum_of(problem)
    rates = Rates(2 * optimum.spectrum.seen)
    rate = 0.5 * rates.stable_below * 0.9
    seen = []
    walk(problem, start, Solver.GD, rate, 4, backend=LearningBackend.CONV2D, on_step=lambda *args: seen.append(args[2]))
    aim = np.append(optimum.point.taps, optimum.point.bias)
    gaps = np.array([np.append(point.taps, point.bias) - aim for point in seen]) @ optimum.spectrum.vectors
    for step in range(3):
        np.testing.assert_allclose(gaps[step + 1] / gaps[step], 1 - rate * rates.curvatures, rtol=0.01)


def test_a_diverged_descent_keeps_its_last_finite_kernel(problem, start) -> None:
    for backend in LearningBackend:
        found = walk(problem, start, Solver.GD, 1e200, 50, backend=backend)
        assert found.status is Status.DIVERGED
        assert np.isfinite(found.found.taps).all()
        assert math.isfinite(found.final_loss)


def test_auto_rates_never_diverge(rng: np.random.Generator) -> None:
    images = [np.ones((8, 8)), np.zeros((8, 8)), 1e6 * rng.random((8, 8)), 1e-9 * np.eye(8)]
    for image in images:
        problem = Problem.of(image, image[:7, :7].copy(), (2, 2))
        rates = rates_of(problem)
        for solver in DESCENTS:
            found = walk(problem, Parameters.draw((2, 2), rng), solver, solver.auto_rate(rates, 40), 40)
            assert found.status is not Status.DIVERGED, (solver, image[0, 0])


def test_watching_sees_every_step(problem, start) -> None:
    seen: list[tuple[int, float]] = []
    found = walk(problem, start, Solver.GD, 0.002, 7, on_step=lambda step, loss, _: seen.append((step, loss)))
    assert seen == list(enumerate(found.losses, start=1))


def test_arriving_stops_the_walk(problem, start) -> None:
    found = walk(problem, start, Solver.GD, 0.002, 1000, arrived=lambda point: abs(point.bias) < 10)
    assert found.status is Status.CONVERGED
    assert found.steps == 0
    assert found.final_loss > 0


def test_states_are_kept_only_where_they_are_asked_for(problem: Problem, start: Parameters) -> None:
    assert walk(problem, start, Solver.GD, 0.01, 4).trajectory is None
    kept = walk(problem, start, Solver.GD, 0.01, 4, keep_steps=True).trajectory
    assert kept is not None
    assert len(kept) == 5
