"""The learning rate: how steep the loss is, and so how long a step may be."""

from dataclasses import replace

import numpy as np

from convkit.recovery.problem import Parameters, Problem

# The estimate is a Rayleigh quotient, so it errs on the low side only, by less than this.
_TOLERANCE = 1e-4
_MOST_PASSES = 60
# Fraction of the estimated limit that `--lr auto` takes: stable even were the curvature underrated by a third.
AUTO_FRACTION = 0.75


def largest_curvature(problem: Problem, *, device: str = "cpu") -> float:
    """Largest eigenvalue of the loss's Hessian ``H = 2XᵀX``, by power iteration.

    The loss with a target of zero is ``wᵀXᵀXw``, whose gradient is ``Hw``: one pass forward through the image and
    one back through the adjoint (Golub & Van Loan, *Matrix Computations*, section 8.2). Gradient descent is stable
    for rates below ``2 / λmax``.

    Returns
    -------
    float
        Zero for an image of zeros without a bias.

    Examples
    --------
    >>> image = np.ones((6, 8)); image[:, 3:7] = 0
    >>> round(largest_curvature(Problem(image, image[:, :7] - image[:, 1:], (1, 2))), 2)
    124.31
    """
    import torch

    from convkit.convolution.conv2d import correlate_tensor
    from convkit.recovery.autograd import Objective

    homogeneous = replace(problem, target=np.broadcast_to(np.float64(0), problem.target.shape))
    # Any start with a part along the steepest direction will do; a fixed one keeps results reproducible.
    start = Parameters.draw(problem.size, np.random.default_rng(0), bias=problem.bias)
    objective = Objective(homogeneous, correlate_tensor, start, device=device)
    curvature = 0.0
    with torch.no_grad():
        for _ in range(_MOST_PASSES):
            norm = torch.sqrt(sum((p * p).sum() for p in objective.parameters))  # type: ignore[arg-type]
            for parameter in objective.parameters:
                parameter /= norm
            with torch.enable_grad():
                objective.loss_with_gradient()
            before, curvature = curvature, 0.0
            for parameter in objective.parameters:
                assert parameter.grad is not None
                curvature += float((parameter * parameter.grad).sum())
                parameter.copy_(parameter.grad)
            if curvature == 0.0 or abs(curvature - before) <= _TOLERANCE * curvature:
                break
    return curvature
