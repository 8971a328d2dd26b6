"""How surely taps are known: standard errors without the rounding that nobody need see."""

import math

import numpy as np
from numpy.typing import NDArray

from convkit.experiment.record import KernelBlock, Recovery
from convkit.report.numbers import compact

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


def tells_every_tap(found: Recovery) -> bool:
    """Whether every tap means something: where the data leave some open, a price or a constraint may settle them.

    Examples
    --------
    >>> from convkit import learn_kernel
    >>> tells_every_tap(learn_kernel(size=3)), tells_every_tap(learn_kernel(size=3, solver="exact", ridge=0.1))
    (False, True)
    """
    return found.identifiability.identifiable or found.ridge is not None or found.constraint is not None


def error_bar(value: float, largest: float) -> str:
    """Write a standard error beside a kernel whose largest tap is known; that of an open tap is —.

    Examples
    --------
    >>> error_bar(0.0123, 1.0), error_bar(1e-16, 1.0), error_bar(math.nan, 1.0)
    ('0.012', '0', '—')
    """
    if not math.isfinite(value):
        return "—"
    return compact(value, 2) if value > ROUNDING * largest else "0"
