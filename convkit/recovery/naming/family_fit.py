"""Fitting a family: where its middle lies, which window cuts it off, and with what parameters."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convkit.errors import KernelError
from convkit.recovery.naming.estimate import Estimate
from convkit.recovery.naming.family import Family, Size, Start
from convkit.recovery.naming.levenberg import Point, at_point, fit
from convkit.recovery.naming.misfit import Misfit, misfit
from convkit.recovery.naming.moments import energy, mass, origin
from convkit.recovery.naming.placing import Placed, corner_of, place

Taps = NDArray[np.float64]
Vector = NDArray[np.float64]

# A family that misses a tap by more standard errors in one window needs no second look.
_FAR = 15.0
# A row of so many taps that are seen, or taps seen so sharply, leave no doubt that it is a row.
_LONG_ROW, _SHARP = 4, 1000.0
# Of many starts, the best are worth a fit.
_MOST_STARTS = 2
# Rings around what is seen in which a window may end.
_RINGS = 3
# By how much the chi-square of an endless kernel may exceed the best window's: to be preferred, and to be possible.
_SLACK, _SLACK_WHEN_EXACT = (4.0, 9.0), (0.01, 0.01)


@dataclass(frozen=True, eq=False)
class Window:
    """A window of a family.

    Attributes
    ----------
    size : tuple of int
    centre : tuple of float
        Its middle, in rows and columns of the block.
    cut : bool
        Whether it may cut the kernel off; otherwise it reaches beyond the block.
    """

    size: Size
    centre: tuple[float, float]
    cut: bool


@dataclass(frozen=True, eq=False)
class Model:
    """A family in a window, with the parameters that are only given: from the others to a block of taps."""

    estimate: Estimate
    family: Family
    window: Window
    given: tuple[float, ...]

    def placed(self, values: Vector) -> Placed:
        """Lay the kernel on the block, without a gain."""
        taps = self.family.build([*values.tolist(), *self.given], self.window.size)
        corner = corner_of((taps.shape[0], taps.shape[1]), self.window.centre)
        return place(taps, self.estimate.shape, corner) if corner else Placed(np.zeros(self.estimate.shape), 0.0)

    def block(self, values: Vector) -> Taps:
        """Return what of the kernel lies on the block, shape (h, w)."""
        return self.placed(values).block

    @property
    def bounds(self) -> tuple[Vector, Vector]:
        """How far the parameters may go."""
        longest = 2.0 * max(self.estimate.shape) + 3
        low = np.array([free.low for free in self.family.free])
        return low, np.array([free.high if math.isfinite(free.high) else longest for free in self.family.free])


@dataclass(frozen=True, eq=False)
class FamilyFit:
    """A fit in one window.

    Attributes
    ----------
    model : Model
    point : Point
    placed : Placed
        The kernel on the block, with its gain.
    misfit : Misfit
    ends : bool
        Whether the kernel is certainly cut off by the window.
    rival : Point or None
        The fit in another window that is as likely.
    """

    model: Model
    point: Point
    placed: Placed
    misfit: Misfit
    ends: bool = False
    rival: Point | None = None


def best_fit(estimate: Estimate, family: Family) -> FamilyFit | None:
    """Fit a family in every window that it may have, and keep the best that fits.

    Where the taps are seen, the windows between the smallest and the endless one change next to nothing: if both are
    far off, so are those.
    """
    windows = _windows(estimate, family, _centre(estimate, family))
    ends = windows[:1] + windows[-1:] if len(windows) > 1 else windows
    starts = family.start(estimate)
    found = [one for window in ends if (one := _best_start(estimate, family, window, starts))]
    if not any(_is_near(estimate, one) for one in found):
        return None
    again = [(*one.point.values.tolist(), *one.model.given) for one in found]
    found += [one for window in windows[1:-1] if (one := _best_start(estimate, family, window, again))]
    fitting = [one for one in found if one.misfit.fits and estimate.hides(one.placed.outside)]
    if not fitting:
        return None
    best = min(fitting, key=lambda one: one.misfit.chi2)
    endless = next((one for one in fitting if not one.model.window.cut), None)
    slack, possible = _SLACK if estimate.covariance is not None else _SLACK_WHEN_EXACT
    if endless is None or endless.misfit.chi2 > best.misfit.chi2 + possible:
        return replace(best, ends=best.model.window.cut)
    plainer, other = (endless, best) if endless.misfit.chi2 <= best.misfit.chi2 + slack else (best, endless)
    return replace(plainer, rival=other.point)


def _is_near(estimate: Estimate, found: FamilyFit) -> bool:
    """Whether the fit is about right where the taps are seen."""
    if estimate.box is None:
        return True
    gap = np.abs(estimate.taps - found.placed.block) / estimate.errors
    return bool(gap[estimate.box].max() <= _FAR)


def _centre(estimate: Estimate, family: Family) -> tuple[float, float]:
    """Where the family's middle lies in the block."""
    if family.centre == "origin":
        row, column = origin(estimate)
        return float(row), float(column)
    if family.centre == "peak":
        row, column = divmod(int(np.abs(estimate.taps).argmax()), estimate.shape[1])
        return float(row), float(column)
    middle = (energy if family.centre == "energy" else mass)(estimate).centre
    grid = 2 if family.windowed and family.centre == "mass" else 1
    return round(grid * middle[0]) / grid, round(grid * middle[1]) / grid


def _windows(estimate: Estimate, family: Family, centre: tuple[float, float]) -> list[Window]:
    """Sizes about the centre: what is seen, up to some rings more, and one beyond the block (not cut)."""
    reaches = [max(at, side - 1 - at) for at, side in zip(centre, estimate.shape, strict=True)]
    box = estimate.box or (slice(0, estimate.shape[0]), slice(0, estimate.shape[1]))
    seen = [2 * max(at - part.start, part.stop - 1 - at, 0.0) + 1 for at, part in zip(centre, box, strict=True)]
    if not family.windowed:
        return [Window(_size(seen), centre, cut=False)]
    windows = []
    for flat in _flatness(estimate, seen):
        endless = [1.0 if thin else 2 * (reach + 2) + 1 for thin, reach in zip(flat, reaches, strict=True)]
        windows.append(Window(_size(endless), centre, cut=False))
        for ring in range(_RINGS if estimate.box else -1, -1, -1):
            sides = [side + (0 if thin else 2 * ring) for side, thin in zip(seen, flat, strict=True)]
            if ring == 0 or all(side <= 2 * reach + 1 for side, reach in zip(sides, reaches, strict=True)):
                windows.append(Window(_size(sides), centre, cut=True))
    return windows[::-1]


def _flatness(estimate: Estimate, seen: list[float]) -> list[tuple[bool, bool]]:
    """Whether rows or columns stay one, in the ways worth a try: what is seen as one row may be the top of a hill."""
    flat = (seen[0] == 1 < seen[1], seen[1] == 1 < seen[0])
    certain = max(seen) >= _LONG_ROW or estimate.largest >= _SHARP * estimate.typical_error
    return [flat] if certain or not any(flat) else [(False, False), flat]


def _size(sides: Sequence[float]) -> Size:
    return round(sides[0]), round(sides[1])


def _best_start(estimate: Estimate, family: Family, window: Window, starts: list[Start]) -> FamilyFit | None:
    """Fit from the start that looks best, or the next if that leads nowhere."""
    fitted = len(family.free)
    tries = []
    for start in starts:
        model = Model(estimate, family, window, start[fitted:])
        try:
            tries.append((at_point(estimate, model.block, np.array(start[:fitted], dtype=np.float64)), model))
        except KernelError:  # a size beyond what a kernel may have
            continue
    tries.sort(key=lambda one: _coarse(one[0].chi2))
    found: list[FamilyFit] = []
    for point, model in tries[:_MOST_STARTS]:
        one = _fitted(model, point)
        found += [one] if one else []
        if one and one.misfit.fits:
            break
    return min(found, key=lambda one: _coarse(one.misfit.chi2), default=None)


def _coarse(chi2: float) -> float:
    """Leave of a chi-square what tells starts apart, so that the first of equals wins."""
    return float(f"{chi2 + 1e-3:.4g}")


def _fitted(model: Model, start: Point) -> FamilyFit | None:
    estimate, (low, high) = model.estimate, model.bounds
    try:
        point = _on_grain(model, fit(estimate, model.block, start.values, low, high))
        placed = model.placed(point.values)
    except KernelError:
        return None
    if not placed.block.any():
        return None
    placed = Placed(point.gain * placed.block, abs(point.gain) * placed.outside)
    judged = misfit(estimate, placed.block, len(low) + 1, point.gain * point.whitened)
    return FamilyFit(model, point, placed, judged)


def _on_grain(model: Model, point: Point) -> Point:
    """Take round parameters instead where they fit better: a fit cannot settle on a kink, as at 45 degrees."""
    grains = np.array([free.grain for free in model.family.free])
    rounded = at_point(model.estimate, model.block, np.clip(np.rint(point.values / grains) * grains, *model.bounds))
    return rounded if rounded.chi2 < point.chi2 else point
