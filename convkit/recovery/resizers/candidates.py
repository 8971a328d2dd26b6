"""The resizers that are known: a curve, stretched or not, and where its outputs are centred."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convkit.recovery.resizers.axis import Axis
from convkit.recovery.resizers.curves import CURVES, LOBES, Curve
from convkit.recovery.resizers.weights import Weights

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """A resizer that is known.

    Attributes
    ----------
    name : str
    curve : function or None
        None for single pixels, and for the area that an output covers.
    stretched : bool
        Whether the curve is as wide as the output's pixels where these are larger.
    corner : float
        What of an output pixel lies at its number: ½ for pixels as areas, 0 for points that begin together; NaN for
        points whose first and last fall together.
    inner : float or None
        The same of an input pixel, where it differs.
    grid : int or None
        Outputs are laid on places of so many to an input pixel.
    halving : bool
        Whether what shrinks by four or more is first shrunk to more than half, by means of so many pixels each way.
    scale : Fraction or None
        The input pixels an output pixel, where the program does not take them from the sizes.
    middle : bool
        Whether what is so left over of the image is cut off (or lacking) on both sides alike.
    """

    name: str
    curve: Curve | None
    stretched: bool
    corner: float = 0.5
    inner: float | None = None
    grid: int | None = None
    halving: bool = False
    scale: Fraction | None = None
    middle: bool = False

    def weights(self, outputs: ArrayLike, axis: Axis) -> Weights:
        """Return its taps for some outputs.

        Examples
        --------
        >>> Candidate("triangle", CURVES["triangle (bilinear)"], True).weights([3], Axis(8, 4)).taps.round(3)
        array([[0.125, 0.375, 0.375, 0.125]])
        """
        number = np.asarray(outputs, dtype=np.float64)
        scale = axis.scale if self.scale is None else float(self.scale)
        if (means := self.means(axis)) > 1:
            of_means = replace(self, halving=False, scale=Fraction(scale / means)).weights(outputs, axis)
            return Weights(np.repeat(of_means.taps / means, means, axis=1), of_means.first * means)
        if self.curve is None and self.stretched:
            return _areas(number, scale)
        if self.curve is None:
            return Weights(np.ones((number.size, 1)), np.floor((number + self.corner) * scale + 1e-9).astype(np.intp))
        if math.isnan(self.corner):
            middle = number * ((axis.inputs - 1) / max(axis.outputs - 1, 1))
        else:
            lost = (axis.inputs - axis.outputs * scale) / 2.0 if self.middle else 0.0
            middle = (number + self.corner) * scale - (self.corner if self.inner is None else self.inner) + lost
        if self.grid is not None:
            middle = np.floor(middle * self.grid + 0.5) / self.grid
        stretch = max(scale, 1.0) if self.stretched else 1.0
        reach = math.ceil(LOBES * stretch) if "Lanczos" in self.name else math.ceil(2 * stretch)
        first = np.floor(middle).astype(np.intp) - reach
        places = first[:, None] + np.arange(2 * reach + 2)
        # A place that lies on the edge of a curve but for rounding errors lies on it.
        values = self.curve(np.round((places - middle[:, None]) / stretch, 12))
        kept = np.flatnonzero(values.any(axis=0))
        values, first = values[:, kept[0] : kept[-1] + 1], first + kept[0]
        return Weights(values / values.sum(axis=1, keepdims=True), first)

    def means(self, axis: Axis) -> int:
        """Return how many pixels are averaged before the curve."""
        return max(math.floor((axis.scale if self.scale is None else float(self.scale)) / 2), 1) if self.halving else 1

    def reach(self, axis: Axis) -> int:
        """Return how far its taps reach from the pixel at an output's centre, at any phase."""
        outputs = np.arange(axis.outputs)
        weights = self.weights(outputs, axis)
        nearest = np.array([axis.nearest(output) for output in outputs.tolist()])
        last = weights.first + weights.taps.shape[1] - 1
        return int(max((nearest - weights.first).max(), (last - nearest).max()))


def _areas(number: Array, scale: float) -> Weights:
    """Return how much of each pixel lies in the stretch of an output."""
    start = number * scale
    first = np.floor(start + 1e-9).astype(np.intp)
    places = first[:, None] + np.arange(math.ceil(scale) + 1)
    overlap = np.minimum(places + 1, (start + scale)[:, None]) - np.maximum(places, start[:, None])
    overlap = np.where(overlap > 1e-9, overlap, 0.0)
    return Weights(overlap / overlap.sum(axis=1, keepdims=True), first)


def candidates(rows: Axis, columns: Axis, *, anywhere: bool = False) -> list[Candidate]:
    """Return the resizers that are known for a pair of ratios, the likelier first.

    Parameters
    ----------
    rows, columns : Axis
    anywhere : bool
        Whether outputs may drift against the ratio of the sizes: those whose first and last pixels fall together, and
        those of a program that was told a ratio and rounded the size.
    """
    shrinks = max(rows.scale, columns.scale) > 1.0
    found = [
        Candidate("point-sampled (nearest), the pixel at ⌊i·p/q⌋", None, False, 0.0),
        Candidate("point-sampled (nearest), the pixel under the output's centre", None, False),
        *_centred("half-pixel centres", 0.5, shrinks=shrinks),
        *_centred("first pixels aligned", 0.0, shrinks=shrinks),
    ]
    if rows.scale != 1.0 or columns.scale != 1.0:
        found.append(Candidate("area (each pixel by how much of it an output covers)", None, True))
    if max(rows.scale, columns.scale) >= 4.0:  # libvips
        name = "Lanczos 3 of means of pixels, antialiased, half-pixel centres"
        found.append(Candidate(name, CURVES["Lanczos 3"], True, halving=True))
    if not shrinks:  # libvips 8.14
        place = "at the outputs' upper left corners"
        found += _centred(place, 0.0, 0.5, shrinks=False)
        cubic = "bicubic, a = -0.5"
        found.append(Candidate(f"{cubic}, {place}, in 64ths of a pixel", CURVES[cubic], False, 0.0, 0.5, 64))
    if not anywhere:
        return found
    told = [
        replace(one, name=f"{one.name}, at a scale of {scale}{where}", scale=scale, middle=middle)
        for scale in _told_scales(rows, columns)
        for middle, where in ((False, ""), (True, ", centred"))
        for one in found
    ]
    return [*found, *_centred("aligned corners", math.nan, shrinks=shrinks), *told]


def _centred(place: str, corner: float, inner: float | None = None, *, shrinks: bool) -> Iterable[Candidate]:
    for name, curve in CURVES.items():
        if shrinks:
            yield Candidate(f"{name}, antialiased, {place}", curve, True, corner, inner)
        if not shrinks or name != "box":
            yield Candidate(
                f"{name}{', without antialiasing' if shrinks else ''}, {place}", curve, False, corner, inner
            )


def _told_scales(rows: Axis, columns: Axis) -> Sequence[Fraction]:
    """Return the simple ratios, and whole percentages, that the sizes may have been rounded from."""
    simple = {Fraction(p, q) for q in range(1, 7) for p in range(1, 33)} | {Fraction(100, n) for n in range(3, 401)}
    return [
        scale
        for scale in sorted(simple, key=lambda one: (one.denominator, one.numerator))
        if {rows.ratio, columns.ratio} != {scale}
        and all(abs(axis.inputs / scale - axis.outputs) < 1 for axis in (rows, columns))
    ]
