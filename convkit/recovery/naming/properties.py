"""What can be said of a kernel without a name."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.bounding_box import bounding_box
from convkit.recovery.naming.estimate import LIMIT, SEEN
from convkit.recovery.naming.moments import Moments
from convkit.recovery.naming.words import joined, with_error
from convkit.recovery.significance import deviations, effective_freedom

Taps = NDArray[np.float64]
Matrix = NDArray[np.float64]
Band = Literal["low-pass", "high-pass", "band-pass", "high-boost", "all-pass"]

_AGREES = 4.0
# Shares of the largest response: what counts as the largest, and as flat.
_NEARLY = 0.99
# From this frequency on, in cycles per pixel along an axis, a response belongs to the highest ones.
_HIGH = 0.45


@dataclass(frozen=True)
class Properties:
    """What holds of a kernel within its error bars.

    Attributes
    ----------
    size : tuple of int
        Rows and columns of the smallest box with every tap that stands out from its error bar; (0, 0) when none does.
    sum, sum_error : float
    zero_sum, unit_sum : bool
        Whether the sum is 0, or 1; never where it is not known to a tenth.
    separable : bool
        Whether it is a column times a row.
    symmetries, antisymmetries : tuple of str
        Of ``left-right``, ``top-bottom``, ``diagonal``, ``half-turn`` and ``quarter-turn``: what leaves it as it is,
        and what changes every sign.
    band : str
        What its frequency response lets pass.
    width : tuple of float
        Effective height and width in pixels: of the box whose taps spread as the absolute taps do.
    centre : tuple of float or None
        Centre of mass, in pixels down and right of the output pixel; None when positive and negative taps cancel but
        for a tenth.
    """

    size: tuple[int, int]
    sum: float
    sum_error: float
    zero_sum: bool
    unit_sum: bool
    separable: bool
    symmetries: tuple[str, ...]
    antisymmetries: tuple[str, ...]
    band: Band
    width: tuple[float, float]
    centre: tuple[float, float] | None

    @property
    def text(self) -> str:
        """All of it, in one line."""
        rows, columns = self.size
        if not rows:
            return "no tap stands out from its error bar"
        parts = [f"{rows}x{columns}", "separable" if self.separable else "not separable"]
        if self.symmetries:
            parts.append(f"symmetric ({joined(list(self.symmetries))})")
        if self.antisymmetries:
            parts.append(f"antisymmetric ({joined(list(self.antisymmetries))})")
        if not self.symmetries and not self.antisymmetries:
            parts.append("not symmetric")
        parts.append(
            "sum 0" if self.zero_sum else "sum 1" if self.unit_sum else f"sum {with_error(self.sum, self.sum_error)}"
        )
        parts += [self.band, f"effective width {self.width[0]:.3g}x{self.width[1]:.3g} pixels"]
        if self.centre is not None:
            parts.append(f"centre of mass ({_short(self.centre[0])}, {_short(self.centre[1])})")
        return ", ".join(parts)


def _short(value: float) -> str:
    return f"{round(value, 6) + 0.0:.3g}"


def find_properties(taps: Taps, covariance: Matrix, offset: tuple[int, int], floor: float) -> Properties:
    """Find what holds of a kernel within its error bars.

    Parameters
    ----------
    taps : ndarray, shape (kh, kw)
    covariance : ndarray, shape (p, p)
    offset : tuple of int
    floor : float
        Standard error that every tap has beside its covariance.

    Examples
    --------
    >>> sobel = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    >>> found = find_properties(sobel, np.zeros((9, 9)), (-1, -1), 1e-6)
    >>> found.separable, found.zero_sum, found.symmetries, found.antisymmetries, found.band
    (True, True, ('top-bottom',), ('left-right', 'half-turn'), 'band-pass')
    """
    errors = np.sqrt(np.diag(covariance) + floor**2).reshape(taps.shape)
    total = float(taps.sum())
    total_error = math.sqrt(max(float(covariance.sum()), 0.0) + taps.size * floor**2)
    box = bounding_box(np.abs(taps) > SEEN * errors)
    size = float(np.abs(taps).sum())
    zero = abs(total) <= _AGREES * total_error and total_error <= 0.1 * size
    noise = _Noise(covariance, floor, float(np.vdot(covariance, covariance)) + taps.size * floor**4)
    even, odd = _symmetries(taps, noise, _middle(taps, errors))
    return Properties(
        size=(box[0].stop - box[0].start, box[1].stop - box[1].start) if box else (0, 0),
        sum=total,
        sum_error=total_error,
        zero_sum=zero,
        unit_sum=abs(total - 1) <= _AGREES * total_error and total_error <= 0.1,
        separable=_is_separable(taps, noise),
        symmetries=even,
        antisymmetries=odd,
        band=_band(taps),
        width=_width(np.where(np.abs(taps) > 3 * errors, np.abs(taps), 0.0)),
        centre=_centre_of_mass(taps, offset) if abs(total) > max(_AGREES * total_error, 0.1 * size) else None,
    )


@dataclass(frozen=True, eq=False)
class _Noise:
    """Errors of the taps, and the sum of squares of their covariance."""

    covariance: Matrix
    floor: float
    squares: float

    def explains(self, residual: Taps, mean: float, stretch: float) -> bool:
        """Whether squares of a residual of that mean are chance; ``stretch`` bounds what a map does to ``tr C²``."""
        squares = float(np.square(residual).sum())
        if mean <= 0.0:
            return squares <= residual.size * self.floor**2
        freedom = effective_freedom(mean, stretch * self.squares, residual.size)
        return deviations(squares / mean, freedom) <= LIMIT


def _is_separable(taps: Taps, noise: _Noise) -> bool:
    """Whether what a column times a row leaves is noise: ``(1 - uuᵀ) N (1 - vvᵀ)`` to first order."""
    columns, strengths, rows = np.linalg.svd(taps, full_matrices=False)
    u, v = columns[:, 0], rows[0]
    height, width = taps.shape
    four = noise.covariance.reshape(height, width, height, width)
    mean = float(np.trace(noise.covariance))
    mean -= float(np.einsum("iaja,i,j->", four, u, u)) + float(np.einsum("iaib,a,b->", four, v, v))
    mean += float(np.outer(u, v).ravel() @ noise.covariance @ np.outer(u, v).ravel())
    mean = max(mean, 0.0) + (height - 1) * (width - 1) * noise.floor**2
    return noise.explains(taps - strengths[0] * np.outer(u, v), mean, 1.0)


def _middle(taps: Taps, errors: Taps) -> tuple[float, float]:
    """The centre about which a kernel may be symmetric, to half a pixel: that of its squares."""
    squares = np.square(np.where(np.abs(taps) > 3 * errors, taps, 0.0))
    if not squares.any():
        return (taps.shape[0] - 1) / 2, (taps.shape[1] - 1) / 2
    row, column = Moments.of(squares).centre
    return round(2 * row) / 2, round(2 * column) / 2


def _symmetries(taps: Taps, noise: _Noise, middle: tuple[float, float]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    rows, columns = np.indices(taps.shape)
    down, across = np.asarray(rows - middle[0]), np.asarray(columns - middle[1])
    mirrored = {
        "left-right": (down, -across),
        "top-bottom": (-down, across),
        "diagonal": (across, down),
        "half-turn": (-down, -across),
        "quarter-turn": (across, -down),
    }
    even: list[str] = []
    odd: list[str] = []
    for name, (to_down, to_across) in mirrored.items():
        if name in ("diagonal", "quarter-turn") and (middle[0] + middle[1]) % 1:
            continue  # pixels do not fall on pixels
        partner = _partners(taps.shape, middle, to_down, to_across)
        for sign, names in ((1.0, even), (-1.0, odd)):
            if _is_even(taps, noise, partner, sign):
                names.append(name)
                break
    return tuple(even), tuple(odd)


def _partners(shape: tuple[int, ...], middle: tuple[float, float], down: Taps, across: Taps) -> NDArray[np.int_]:
    """Index of the tap that each one falls on; -1 outside the window."""
    rows, columns = np.rint(down + middle[0]).astype(int), np.rint(across + middle[1]).astype(int)
    inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    return np.where(inside, rows * shape[1] + columns, -1).ravel()


def _is_even(taps: Taps, noise: _Noise, partner: NDArray[np.int_], sign: float) -> bool:
    """Whether ``k - sign·Sk`` is noise. ``1 - sign·S`` is twice a projection, so it stretches ``tr C²`` by 16."""
    flat, inside = taps.ravel(), partner >= 0
    residual = flat - sign * np.where(inside, flat[partner], 0.0)
    variances = np.diag(noise.covariance) + noise.floor**2
    theirs = np.where(inside, variances[partner], variances.mean())
    index = np.arange(len(flat))
    shared = np.where(inside, noise.covariance[index, partner], 0.0) + noise.floor**2 * (partner == index)
    mean = float((variances + theirs - 2 * sign * shared).sum())
    return noise.explains(residual, mean, 16.0)


def _band(taps: Taps) -> Band:
    """Judge by the size of the frequency response, on a grid twice as fine as the taps need."""
    side = max(64, 2 ** math.ceil(math.log2(2 * max(taps.shape))))
    response = np.abs(np.fft.fft2(taps, (side, side)))
    largest = float(response.max())
    if float(response.min()) >= _NEARLY * largest:
        return "all-pass"
    if response[0, 0] >= _NEARLY * largest:
        return "low-pass"
    if response[0, 0] >= (1 - _NEARLY) * largest:
        return "high-boost"
    strongest = np.argwhere(response >= (1 - 1e-6) * largest) / side
    # Of frequencies that pass alike, the lowest counts: a difference along a row does not care about columns.
    lowest = np.minimum(strongest, 1 - strongest).max(axis=1).min()
    return "high-pass" if lowest >= _HIGH else "band-pass"


def _width(weights: Taps) -> tuple[float, float]:
    """Height and width of the box of the same spread: one of n pixels has variance ``(n² - 1)/12``."""
    if not weights.any():
        return 0.0, 0.0
    moments = Moments.of(weights)
    return math.sqrt(12 * moments.rows + 1), math.sqrt(12 * moments.columns + 1)


def _centre_of_mass(taps: Taps, offset: tuple[int, int]) -> tuple[float, float]:
    row, column = Moments.of(taps).centre
    return row + offset[0], column + offset[1]
