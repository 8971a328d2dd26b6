"""Say what a recovered kernel is: every name that fits within its error bars, the likeliest first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convkit.errors import KernelError
from convkit.recovery.naming.cut import cut_to_seen
from convkit.recovery.naming.estimate import Estimate
from convkit.recovery.naming.family_match import match_families
from convkit.recovery.naming.match import Match
from convkit.recovery.naming.properties import Properties, find_properties
from convkit.recovery.naming.template_match import TemplateMatch, match_templates
from convkit.recovery.naming.templates import templates_for

Taps = NDArray[np.float64]

# Shares of the largest tap, as standard errors; some five of them are let pass. Single precision leaves 1e-6 of a
# coefficient, and programs that round theirs to decimals or in fixed point 1e-4.
_SINGLE, _ROUNDED = 2e-7, 2e-5
# Coefficients that are whole multiples of a binary or decimal step carry that rounding, if they are many steps large.
_DIVISORS = sorted([2**bits for bits in range(17)] + [10**digits for digits in range(1, 6)])
_STEPS = 50
# A name whose chi-square is so much above that of the best one is out, 5.5 standard errors in one direction.
_WORSE = 30.0
_SHOWN = 4


@dataclass(frozen=True)
class Naming:
    """What a kernel is.

    Attributes
    ----------
    names : tuple of Match
        Every name that fits, the likeliest first; none when no known name does.
    properties : Properties
        What can be said without a name.
    note : str
        How the names were judged, where that is not by the error bars alone.
    """

    names: tuple[Match, ...]
    properties: Properties
    note: str = ""

    @property
    def text(self) -> str:
        """The answer in one line: the likeliest name, then the others; or what can be said without one."""
        note = f" ({self.note})" if self.note else ""
        if not self.names:
            return f"no known name: {self.properties.text}{note}"
        first, *others = (match.text for match in self.names)
        if not others:
            return first + note
        more = f"; {len(others) + 1} names fit in all" if len(others) > _SHOWN else ""
        return f"{first}{note}; also {'; '.join(others[:_SHOWN])}{more}"


def name_kernel(
    taps: ArrayLike, covariance: ArrayLike, offset: tuple[int, int], *, samples: int | None = None
) -> Naming:
    """Name a kernel, up to gain, flip, turn and offset, within its error bars.

    A name fits when a generalised chi-square, ``rᵀ C⁺ r`` of the differences to the taps, is no more than chance
    gives, and no single difference is. Beside its covariance every tap is granted an error of a millionth of
    the largest tap, as single precision leaves; if nothing fits so, of 1/10,000; and if the taps are whole
    multiples of a binary or decimal step, of that rounding. Which one it was is said.

    A window of more than 625 taps is cut to what is seen. If that is still larger, the chi-square is that of sums of
    neighbours, beside every single tap, and directions that the data leave open are not looked for.

    Parameters
    ----------
    taps : array_like, shape (kh, kw)
        For correlation.
    covariance : array_like, shape (kh·kw, kh·kw)
        Of the taps, row by row; all zero when they are known exactly. Where it is singular, the directions without
        variance count as not determined, and are not judged.
    offset : tuple of int
        Where the first tap sits relative to the output pixel: (-1, -1) for a centred 3×3.
    samples : int, optional
        How many outputs the noise variance in the covariance was estimated from.

    Returns
    -------
    Naming

    Raises
    ------
    KernelError
        When taps and covariance do not fit together, or are not finite.

    Examples
    --------
    >>> from convkit.kernel import named_kernel
    >>> found = name_kernel(named_kernel("sobel").taps / 4, np.zeros((9, 9)), (-1, -1))
    >>> found.names[0].text
    'Sobel / 4, correlated, centred'
    """
    kernel, errors = _checked(taps, covariance)
    largest = float(np.abs(kernel).max())
    freedom = float(max(samples - kernel.size, 1)) if samples is not None else float("inf")
    found = find_properties(kernel, errors, offset, _SINGLE * largest)
    if largest == 0.0:
        return Naming((), found)
    typical = float(np.sqrt(np.diag(errors).mean()))
    note = ""
    for floor, rounding in _floors(kernel):
        if rounding and typical > floor:
            break  # the error bars are wider than that already
        estimate = cut_to_seen(kernel, errors, offset, floor, freedom)
        names = _names(estimate)
        note = _judged_in_part(estimate)
        if names:
            return Naming(names, found, ", ".join(filter(None, [rounding, note])))
    return Naming((), found, note)


def _checked(taps: ArrayLike, covariance: ArrayLike) -> tuple[Taps, Taps]:
    kernel, errors = np.asarray(taps, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    if kernel.ndim != 2 or not kernel.size or errors.shape != (kernel.size, kernel.size):
        raise KernelError(
            expected="taps of shape (rows, columns) and a covariance with a row for each of them",
            got=f"shapes {kernel.shape} and {errors.shape}",
            hint="zeros of shape (taps.size, taps.size) for a kernel that is known exactly",
        )
    for array in (kernel, errors):
        if not np.isfinite(array).all():
            value = array[~np.isfinite(array)][0]
            raise KernelError(
                expected="finite taps and covariance", got=f"{value}", hint="the pseudo-inverse of the Gram"
            )
    return kernel, errors


def _floors(taps: Taps) -> list[tuple[float, str]]:
    """What error to grant every tap, in turn, and how to say so."""
    largest = float(np.abs(taps).max())
    floors = [(_SINGLE * largest, ""), (_ROUNDED * largest, "to 1e-4 of the largest tap")]
    for divisor in _DIVISORS:
        steps = taps * divisor
        if np.abs(steps - np.rint(steps)).max() <= _SINGLE * largest * divisor:
            if largest * divisor >= _STEPS and 1 / divisor > _ROUNDED * largest:
                floors.append((1 / divisor / 12**0.5, f"to rounding of its taps to 1/{divisor}"))
            break
    return floors


def _judged_in_part(estimate: Estimate) -> str:
    if estimate.pool > 1:
        return f"judged by sums of {estimate.pool}x{estimate.pool} taps"
    if estimate.judged < estimate.taps.size:
        return f"as far as the data tell: {estimate.judged} of {estimate.taps.size} directions"
    return ""


def _names(estimate: Estimate) -> tuple[Match, ...]:
    if estimate.box is None and not float(estimate.whitened @ estimate.whitened) > 4 * estimate.judged:
        return ()  # nothing stands out: every name would fit
    templates = match_templates(estimate, templates_for(estimate))
    families = match_families(estimate, {found.template.name for found in templates})
    least = min([*(found.chi2 for found in templates), *(found.chi2 for found in families)], default=0.0)
    kept = [found.match for found in families if found.chi2 <= least + _WORSE]
    kept += [found.match for found in _distinct(templates) if found.chi2 <= least + _WORSE]
    return tuple(sorted(kept, key=lambda match: match.score))


def _distinct(found: list[TemplateMatch]) -> list[TemplateMatch]:
    """Leave of kernels that differ by gain and turn only the plain names, and those that fit as they are.

    Where no name is plain, or they are one rounded Gaussian of several sigmas, the likeliest is left.
    """
    kept: dict[object, TemplateMatch] = {}
    by_likelihood = sorted(found, key=lambda one: one.match.score)
    for one in by_likelihood:
        if not one.template.rounded and (one.template.plain or one.literal):
            kept.setdefault((one.template.form, one.template.name), one)
    forms = {one.template.form for one in kept.values()}
    for one in by_likelihood:
        if one.template.form not in forms:
            kept.setdefault(one.template.form, one)
    return list(kept.values())
