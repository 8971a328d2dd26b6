"""The loss and its gradient, beside dense matrices and PyTorch's own checker."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from convkit import Conv2D, ConvkitError
from convkit.convolution import Convention
from convkit.convolution.conv2d import correlate_tensor
from convkit.convolution.naive import correlate as naive
from convkit.recovery import Loss, Parameters, Problem
from convkit.recovery.autograd import AutogradObjective

_FORWARDS = [naive, correlate_tensor]


def dense(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Every window of the image as a row, plus a 1 for the bias; and the target as a vector."""
    pair = problem.pairs[0]
    windows = np.lib.stride_tricks.sliding_window_view(pair.image, problem.size)
    rows = windows[:: problem.stride, :: problem.stride].reshape(pair.target.size, -1)
    if problem.bias:
        rows = np.hstack([rows, np.ones((len(rows), 1))])
    return rows, pair.target.ravel()


def make_problem(
    rng: np.random.Generator, *, size: tuple[int, int], stride: int = 1, bias: bool = True, loss: Loss = Loss.SUM
) -> Problem:
    image = rng.random((11, 140))  # wide enough for the sixteen phases of conv2d
    shape = Convention(stride=stride).output_shape(image.shape, size)
    knee = 0.7 if loss is Loss.HUBER else None
    problem = Problem.of(image, rng.standard_normal(shape), size, stride=stride, bias=bias, loss=loss)
    return replace(problem, knee=knee)


@pytest.mark.parametrize("forward", _FORWARDS)
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("loss", list(Loss))
def test_loss_and_gradient_are_those_of_the_dense_system(
    forward, stride: int, bias: bool, loss: Loss, rng: np.random.Generator
) -> None:
    for size in [(1, 1), (1, 2), (3, 3), (2, 5), (4, 17)]:
        problem = make_problem(rng, size=size, stride=stride, bias=bias, loss=loss)
        start = Parameters.draw(size, rng, bias=bias)
        objective = AutogradObjective(problem, forward, start)
        matrix, target = dense(problem)
        weights = np.append(start.taps.ravel(), start.bias) if bias else start.taps.ravel()
        residual = matrix @ weights - target
        scale = 1.0 / target.size if loss is Loss.MEAN else 1.0
        knee = problem.knee or np.inf
        beyond = np.abs(residual) > knee
        with np.errstate(invalid="ignore"):  # inf - inf where the loss has no knee
            expected = scale * np.where(beyond, 2 * knee * np.abs(residual) - knee**2, residual**2).sum()
        residual = np.clip(residual, -knee, knee)
        assert objective.loss_with_gradient() == pytest.approx(expected, rel=1e-12)
        assert objective.loss() == pytest.approx(expected, rel=1e-12)
        gradient = np.concatenate([p.grad.numpy().ravel() for p in objective.parameters])
        np.testing.assert_allclose(gradient, 2 * scale * matrix.T @ residual, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("forward", _FORWARDS)
def test_gradcheck(forward) -> None:
    image = torch.rand(4, 70, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    kernel = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2), requires_grad=True)
    assert torch.autograd.gradcheck(lambda k: forward(image, k), (kernel,))


def test_many_strips_add_up_to_one(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make_problem(rng, size=(3, 5), stride=2)
    start = Parameters.draw((3, 5), rng)
    whole = AutogradObjective(problem, correlate_tensor, start)
    expected = whole.loss_with_gradient(), whole.weight.grad.clone()
    monkeypatch.setattr("convkit.recovery.autograd.rows_at_once", lambda _width: 2)
    strips = AutogradObjective(problem, correlate_tensor, start)
    assert strips.loss_with_gradient() == pytest.approx(expected[0], rel=1e-13)
    np.testing.assert_allclose(strips.weight.grad, expected[1], rtol=1e-12)


@pytest.mark.parametrize("backend", ["naive", "conv2d"])
def test_the_module_learns_in_anybodys_training_loop(backend: str) -> None:
    image = torch.ones(6, 8)
    image[:, 3:7] = 0
    target = image[:, :7] - image[:, 1:]
    layer = Conv2D((1, 2), backend=backend, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.01)
    for _ in range(40):
        optimizer.zero_grad()
        ((layer(image) - target) ** 2).sum().backward()
        optimizer.step()
    assert torch.allclose(layer.weight, torch.tensor([[1.0, -1.0]]), atol=0.05)


def test_the_module_starts_from_its_generator() -> None:
    expected = torch.randn((2, 3), generator=torch.Generator().manual_seed(5))
    layer = Conv2D((2, 3), generator=torch.Generator().manual_seed(5))
    assert torch.equal(layer.weight.detach(), expected)
    assert layer.bias.shape == (1,)
    assert Conv2D(3).weight.shape == (3, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv2D((0, 2)), r"got \(0, 2\)"),
        (lambda: Conv2D((1, 2), backend="fft"), "got 'fft'"),
        (lambda: Conv2D((1, 2))(torch.ones(1, 6, 8)), r"shape \(1, 6, 8\)"),
        (lambda: Conv2D((7, 2))(torch.ones(6, 8)), "got a 7x2 kernel"),
    ],
)
def test_the_module_refuses(make, message: str) -> None:
    with pytest.raises(ConvkitError, match=message):
        make()
