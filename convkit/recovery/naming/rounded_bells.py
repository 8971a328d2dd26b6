"""Gaussians whose taps a program rounds to whole numbers: the same taps for a range of sigmas."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from convkit.errors import KernelError
from convkit.kernel import named_kernel
from convkit.kernel.families import bell
from convkit.recovery.naming.estimate import Estimate
from convkit.recovery.naming.match import Parameter

Taps = NDArray[np.float64]

# Sigmas that are tried, as factors of the one seen; rounding changes it by less than that.
_FACTORS = np.linspace(0.88, 1.12, 61)
# Beyond these, tables of so few steps are not used.
_SIGMAS = (0.3, 12.0)


@dataclass(frozen=True, eq=False)
class RoundedBell:
    """Taps, and the sigmas that give them.

    Attributes
    ----------
    name, title : str
    taps : ndarray, shape (k, k)
    parameters : tuple of Parameter
        Sigma: the middle of its range, and half of it as the error.
    """

    name: str
    title: str
    taps: Taps
    parameters: tuple[Parameter, ...]


def rounded_bells(estimate: Estimate) -> Iterator[RoundedBell]:
    """Yield OpenCV's 8-bit Gaussians and libvips' whole-number ones, of about the spread that is seen."""
    sigma = _sigma(estimate)
    if estimate.box is None or not _SIGMAS[0] <= sigma <= _SIGMAS[1]:
        return
    seen = max(part.stop - part.start for part in estimate.box) | 1
    if _in_256ths(estimate):
        for ksize in (seen, seen + 2):
            title = f"OpenCV's 8-bit Gaussian {ksize}x{ksize}"
            yield from _ranges("opencv/gaussian", title, sigma, partial(fixed_point, ksize))
    yield from _ranges("vips/gaussmat", "libvips' whole-number Gaussian", sigma, _vips)


def _sigma(estimate: Estimate) -> float:
    """Sigma from the largest column sum and one of about 0.6 of it: it does not see where the bell is cut off."""
    sums = estimate.taps.sum(axis=0)
    top = int(sums.argmax())
    ratios = sums / sums[top]
    ratios[top] = 0.0
    beside = int(np.abs(ratios - 0.6).argmin())
    if not 0.01 < ratios[beside] < 0.999:
        return 0.0
    return abs(beside - top) / math.sqrt(-2 * math.log(ratios[beside]))


def _in_256ths(estimate: Estimate) -> bool:
    """Whether the column sums may be whole 256ths of theirs."""
    sums = estimate.taps.sum(axis=0)
    steps = 256 * sums / sums.sum()
    slack = 256 * 5 * math.sqrt(len(sums)) * estimate.typical_error / abs(sums.sum())
    return bool(np.abs(steps - np.rint(steps)).max() <= slack + 1e-3)


def fixed_point(ksize: int, sigma: float) -> Taps:
    """OpenCV's Gaussian for 8-bit pictures: 256ths along each axis, each rounding error carried to the next tap.

    Parameters
    ----------
    ksize : int
        Odd.
    sigma : float

    Returns
    -------
    ndarray, shape (ksize, ksize)
        Of sum 1 (``getGaussianKernelFixedPoint_ED`` of OpenCV's smooth.dispatch.cpp).

    Examples
    --------
    >>> (256 * fixed_point(7, 1.2).sum(axis=0)).tolist()
    [4.0, 21.0, 60.0, 86.0, 60.0, 21.0, 4.0]
    """
    wanted, row, error = 256 * bell(ksize, sigma), np.zeros(ksize), 0.0
    for place in range(ksize // 2):
        carried = float(wanted[place]) + error
        row[place] = row[-1 - place] = round(carried)
        error = carried - round(carried)
    row[ksize // 2] = 256 - row.sum()
    return np.outer(row, row) / 256**2


def _vips(sigma: float) -> Taps:
    return named_kernel(f"vips/gaussmat:sigma={sigma!r}").taps


def _ranges(name: str, title: str, around: float, build: Callable[[float], Taps]) -> Iterator[RoundedBell]:
    """Yield each set of taps once, with the range of sigmas that give it."""
    ranges: dict[tuple[int, bytes], tuple[Taps, list[float]]] = {}
    for sigma in (around * _FACTORS).tolist():
        try:
            taps = build(sigma)
        except KernelError:  # larger than a kernel may be
            continue
        ranges.setdefault((len(taps), taps.tobytes()), (taps, []))[1].append(sigma)
    step = around * float(_FACTORS[1] - _FACTORS[0])
    for taps, sigmas in ranges.values():
        middle, half = (sigmas[0] + sigmas[-1]) / 2, (sigmas[-1] - sigmas[0] + step) / 2
        if math.isfinite(middle) and taps.any():
            shown = f"{title}, sigma between {middle - half:.3g} and {middle + half:.3g}"
            yield RoundedBell(name, shown, taps, (Parameter("sigma", middle, half),))
