"""What somebody will have asked for: a named kernel with round parameters, as the library has it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from convkit.errors import KernelError
from convkit.kernel import Kernel, named_kernel
from convkit.recovery.naming.match import Match, Parameter

# Standard errors between a parameter and the round number that it is taken for.
_NEAR = 4.0
_MOST_DIGITS = 4
# How far the factor on it may be off: its error, on a smooth picture, tells little of what roundings bring about.
_GAIN = 1e-2


@dataclass(frozen=True, eq=False)
class Nominal:
    """A kernel of the library with round parameters, all of them in its name, and one with a standard error more."""

    kernel: Kernel
    neighbour: Kernel


def nominal_kernels(match: Match, largest: int) -> Iterator[Nominal]:
    """Yield the kernels of the library that a match with parameters may stand for.

    Parameters
    ----------
    match : Match
    largest : int
        Sides of the largest, where windows of several sizes cut the kernel off: the library's own size comes first,
        then the others, smallest first.

    Examples
    --------
    >>> import numpy as np
    >>> from convkit.recovery.naming import name_kernel
    >>> found = name_kernel(named_kernel("gaussian:sigma=0.7").taps, np.eye(49) * 1e-10, (-3, -3)).names[0]
    >>> [one.kernel.name for one in nominal_kernels(found, 5)]
    ['gaussian:sigma=0.7', 'gaussian:sigma=0.7,size=3', 'gaussian:sigma=0.7,size=5']
    """
    if not match.parameters or abs(match.gain - 1.0) > _GAIN:
        return
    rounded = [(parameter.name, _rounded(parameter), parameter.error) for parameter in match.parameters]
    asked, off = (
        f"{match.name}:" + ",".join(f"{name}={value + errors * error:.12g}" for name, value, error in rounded)
        for errors in (0, 1)
    )
    for size in ("", *(f",size={side}" for side in range(3, largest + 1, 2))):
        try:
            yield Nominal(replace(named_kernel(asked + size), name=asked + size), named_kernel(off + size))
        except KernelError:  # the library has no such kernel, or no other sizes of it
            return


def _rounded(parameter: Parameter) -> float:
    """Return the roundest number that the error allows."""
    if not math.isfinite(parameter.error):
        return parameter.value
    for digits in range(_MOST_DIGITS + 1):
        found = round(parameter.value, digits)
        if abs(found - parameter.value) <= _NEAR * parameter.error:
            return found
    return parameter.value
