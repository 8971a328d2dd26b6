"""How surely taps are known: standard errors without the rounding that nobody need see."""

import numpy as np
from numpy.typing import NDArray

from convkit.experiment.record import KernelBlock

# Standard errors below this share of the largest tap are rounding.
ROUNDING = 1e-13


def shown_errors(kernel: KernelBlock) -> NDArray[np.float64]:
    """Return the standard errors of a kernel's taps; those of rounding alone are 0, those of open taps NaN.

    Examples
    --------
    >>> from convkit import learn_kernel
    >>> shown_errors(learn_kernel().kernel), shown_errors(learn_kernel(size=3).kernel)[0]
    (array([[0., 0.]]), array([nan, nan, nan]))
    """
    errors = np.array(kernel.standard_error, np.float64)
    errors[errors <= ROUNDING * float(np.abs(kernel.learned).max())] = 0.0
    return errors
