"""Which loss a solver walks down: through a convolution of the image, or on the Gram matrix."""

from enum import StrEnum
from typing import TYPE_CHECKING

from convkit.recovery.descent import Objective
from convkit.recovery.optimum import Optimum
from convkit.recovery.parameters import Parameters
from convkit.recovery.problem import Problem
from convkit.recovery.quadratic import Quadratic
from convkit.text import choice

if TYPE_CHECKING:
    from convkit.recovery.autograd import Forward


class LearningBackend(StrEnum):
    """What the gradient flows through."""

    NAIVE = "naive"
    CONV2D = "conv2d"
    GRAM = "gram"

    @classmethod
    def parse(cls, text: str) -> "LearningBackend | None":
        """Read a backend's name; ``auto`` is None.

        Raises
        ------
        SettingsError
            When there is no such learning backend.

        Examples
        --------
        >>> LearningBackend.parse("gram"), LearningBackend.parse("auto")
        (<LearningBackend.GRAM: 'gram'>, None)
        """
        name = choice("--backend", text, ["auto", *cls])
        return None if name == "auto" else cls(name)

    def forward(self) -> "Forward":
        """Return valid cross-correlation of tensors, through which gradients flow; ``gram`` has none."""
        from convkit.convolution import conv2d, naive

        return naive.correlate if self is LearningBackend.NAIVE else conv2d.correlate_tensor


def make_objective(
    problem: Problem,
    optimum: Optimum,
    start: Parameters,
    backend: LearningBackend,
    *,
    dtype: str = "float64",
    device: str = "cpu",
) -> Objective:
    """Return a problem's loss with its parameters at the start."""
    if backend is LearningBackend.GRAM:
        return Quadratic(
            optimum.spectrum.gram,
            optimum.point,
            optimum.residual_squares,
            problem.loss_scale,
            start,
            bias=problem.bias,
        )
    import torch

    from convkit.recovery.autograd import AutogradObjective

    return AutogradObjective(problem, backend.forward(), start, dtype=getattr(torch, dtype), device=device)
