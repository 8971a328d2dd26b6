"""What somebody will have asked for: a named kernel with round parameters, as the library has it."""

import math
from collections.abc import Iterator
from dataclasses import replace

from convkit.errors import KernelError
from convkit.kernel import Kernel, named_kernel
from convkit.recovery.naming.match import Match

# Standard errors between a parameter and the round number that it is taken for.
_NEAR = 4.0
# Chance that all parameters lie within a standard error of such numbers though they are not round; they are known to
# less than that if every pixel is reproduced.
_CHANCE = 0.04
_MOST_DIGITS = 6
# How far the factor on it may be off: its error, on a smooth picture, tells little of what roundings bring about.
_GAIN = 1e-2
_EQUAL = 1e-9


def nominal_kernels(match: Match, largest: int, times: float = 1.0) -> Iterator[Kernel]:
    """Yield the kernels of the library that a match may stand for, all parameters in their names.

    Parameters
    ----------
    match : Match
    largest : int
        Sides of the largest, where windows of several sizes cut the kernel off: the library's own size comes first,
        then the others, smallest first.
    times : float
        How many times their standard errors the parameters may be off as if that were one.

    Examples
    --------
    >>> import numpy as np
    >>> from convkit.recovery.naming import name_kernel
    >>> found = name_kernel(named_kernel("gaussian:sigma=0.7").taps, np.eye(49) * 1e-10, (-3, -3)).names[0]
    >>> [kernel.name for kernel in nominal_kernels(found, 5)]
    ['gaussian:sigma=0.7', 'gaussian:sigma=0.7,size=3', 'gaussian:sigma=0.7,size=5']
    """
    if abs(match.gain - 1.0) > _GAIN or match.flip != "none":
        return
    found = [_rounded(parameter.value, times * parameter.error) for parameter in match.parameters]
    if math.prod(chance for _, chance in found) > _CHANCE and found:
        return
    rounded = {parameter.name: value for parameter, (value, _) in zip(match.parameters, found, strict=True)}
    if match.rotation:
        rounded["angle"] = match.rotation
    text = ":".join(filter(None, [match.name, ",".join(f"{name}={value:.12g}" for name, value in rounded.items())]))
    sizes = range(3, largest + 1, 2) if match.parameters else ()
    for size in ("", *(f",size={side}" for side in sizes)):
        try:
            yield replace(named_kernel(text + size), name=text + size)
        except KernelError:  # the library has no such kernel, or no other sizes of it
            return


def _rounded(value: float, error: float) -> tuple[float, float]:
    """Return the roundest number that the error allows, and the chance that one is as near to a number as round."""
    if not math.isfinite(error):
        return value, 1.0
    for digits in range(-_MOST_DIGITS, _MOST_DIGITS + 1):
        found = round(value, digits)
        if abs(found - value) <= _NEAR * error + _EQUAL:
            return found + 0.0, min(2.0 * error * 10.0**digits, 1.0)  # never -0
    return value, 1.0
