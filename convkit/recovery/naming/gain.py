"""The factor on a named kernel: whether it is a simple one, how plausible it is, and how it is written."""

import math

from convkit.recovery.naming.words import with_error

# A fraction is proven when its neighbours lie this many standard errors away.
_APART = 8.0
_AGREES = 4.0
_LARGEST_DIVISOR = 1024


def simple_gain(gain: float, error: float) -> float | None:
    """Return the whole number, or one over a whole number, that a gain can only be; None when there is none.

    Examples
    --------
    >>> simple_gain(0.2501, 0.0001), simple_gain(-3.0, 1e-6), simple_gain(0.25, 0.2), simple_gain(0.3, 1e-6)
    (0.25, -3.0, None, None)
    """
    size = abs(gain)
    if not math.isfinite(error) or size == 0.0:
        return None
    nearest = round(size) if size >= 1 else round(1 / size)
    if not 1 <= nearest <= _LARGEST_DIVISOR:
        return None
    simple, other = (nearest, nearest + 1) if size >= 1 else (1 / nearest, 1 / (nearest + 1))
    if abs(size - simple) > _AGREES * error or abs(other - simple) < _APART * error:
        return None
    return math.copysign(simple, gain)


def gain_oddity(gain: float, error: float, *, unit_sum: bool) -> float:
    """How implausible a gain is beforehand, in units of chi-square: 1 is plain, 1/4 usual, 0.2713 odd.

    Kernels of sum 1 keep a picture's brightness on purpose; a gain on one is twice as odd. All else equal, the gain
    nearer to 1 is the likelier.
    """
    simple = simple_gain(gain, error)
    oddity = (0.0 if simple in (1.0, -1.0) else 1.0 if simple else 4.0) + (3.0 if gain < 0 else 0.0)
    return (2 * oddity if unit_sum else oddity) + 0.05 * abs(math.log2(abs(gain)))


def times(gain: float, error: float) -> str:
    """Write a gain behind a name: nothing for 1, `` / 4``, `` × 2``, `` × 0.271 ± 0.001``.

    Examples
    --------
    >>> times(1.0, 0.0), times(0.25, 1e-7), times(-2.0, 1e-7), times(0.2713, 0.004)
    ('', ' / 4', ' × -2', ' × 0.271 ± 0.004')
    """
    simple = simple_gain(gain, error)
    if simple is None:
        return f" × {with_error(gain, error)}"
    if simple == 1.0:
        return ""
    if abs(simple) >= 1.0:
        return f" × {simple:g}"
    return f" / {1 / simple:g}"


def sums_to(gain: float, error: float) -> str:
    """Write the gain of a kernel of sum 1 as its sum.

    Examples
    --------
    >>> sums_to(1.0, 1e-6), sums_to(0.48, 0.01)
    ('sum 1', 'sum 0.480 ± 0.010')
    """
    simple = simple_gain(gain, error)
    return f"sum {simple:g}" if simple is not None and abs(simple) >= 1 else f"sum {with_error(gain, error)}"
