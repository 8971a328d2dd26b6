"""A first look at where templates may lie, cheap enough for every template at every place."""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from convkit.recovery.naming.estimate import LIMIT, Estimate
from convkit.recovery.naming.template import Laid, Template
from convkit.recovery.significance import effective_freedom, largest_by_chance

Place = tuple[Template, Laid, tuple[int, int]]
Scores = NDArray[np.float64]

# A template may reach so far beyond the window, if what is there could not be seen. Where the data leave directions
# open, more would only add guesses.
_OVERHANG, _OVERHANG_WHEN_OPEN = 4, 1
# So many places are let through, best first.
_MOST_PLACES = 400
# Templates that are laid at once on every direction, for the memory that takes.
_BATCH = 16


def likely_places(estimate: Estimate, templates: list[Template]) -> list[Place]:
    """Return templates and the place of their first tap where they may fit, the likeliest first.

    What is left of the taps beside a template, with the best gain, must be no more than noise gives.
    """
    is_open = estimate.open_directions.size > 0
    overhang = _OVERHANG_WHEN_OPEN if is_open else _OVERHANG
    shapes: dict[tuple[int, ...], list[tuple[Template, Laid]]] = {}
    for template in templates:
        for laid in template.laid:
            shapes.setdefault(laid.taps.shape, []).append((template, laid))
    bound = _bound_of_chi2(estimate) if is_open else _bound_of_squares(estimate)
    found: list[tuple[float, Place]] = []
    for shape, members in shapes.items():
        if any(side > own + 2 * overhang for side, own in zip(shape, estimate.shape, strict=True)):
            continue
        units = np.array([laid.taps.ravel() / np.linalg.norm(laid.taps) for _, laid in members])
        across = estimate.shape[1] + 2 * overhang - shape[1] + 1
        scores = _chi2(estimate, shape, units) if is_open else _squares(estimate, shape, units)
        let_through = np.flatnonzero(scores <= bound)
        best = let_through[np.argsort(scores.flat[let_through], kind="stable")[:_MOST_PLACES]]
        for at, member in zip(*np.unravel_index(best, scores.shape), strict=True):
            top, left = divmod(int(at), across)
            found.append((float(scores[at, member]), (*members[member], (top - overhang, left - overhang))))
    found.sort(key=lambda entry: entry[0])
    return [place for _, place in found[:_MOST_PLACES]]


def _squares(estimate: Estimate, shape: tuple[int, ...], units: Scores) -> Scores:
    """Sum of squares left by each template at each place, shape (places, templates)."""
    windows = sliding_window_view(np.pad(estimate.taps, _OVERHANG), shape)
    explained = np.square(windows.reshape(-1, units.shape[1]) @ units.T)
    return np.asarray(float(np.square(estimate.taps).sum()) - explained)


def _bound_of_squares(estimate: Estimate) -> float:
    """The squares left by the true kernel are at most those of the noise, whose mean and variance are known."""
    mean = float(np.square(estimate.errors).sum())
    squares = estimate.floor**4 * estimate.taps.size
    if estimate.covariance is not None:
        squares = max(float(np.vdot(estimate.covariance, estimate.covariance)), squares)
    return mean * largest_by_chance(effective_freedom(mean, squares, estimate.taps.size), LIMIT + 1)


def _chi2(estimate: Estimate, shape: tuple[int, ...], units: Scores) -> Scores:
    """Chi-square of each template at each place, shape (places, templates).

    Squares of all taps would count what the data leave open.
    """
    margin = _OVERHANG_WHEN_OPEN
    directions = np.pad(estimate.functionals, ((margin, margin), (margin, margin), (0, 0)))
    windows = sliding_window_view(directions, shape, axis=(0, 1))
    windows = windows.reshape(-1, windows.shape[2], units.shape[1])
    total = float(estimate.whitened @ estimate.whitened)
    return np.hstack([total - _explained(estimate, windows, batch) for batch in _batches(units)])


def _batches(units: Scores) -> Iterator[Scores]:
    for start in range(0, len(units), _BATCH):
        yield units[start : start + _BATCH]


def _explained(estimate: Estimate, windows: Scores, units: Scores) -> Scores:
    laid = windows @ units.T
    energies = np.square(laid).sum(axis=1)
    along = np.einsum("d,pdt->pt", estimate.whitened, laid)
    return np.asarray(np.divide(np.square(along), energies, out=np.zeros_like(along), where=energies > 0))


def _bound_of_chi2(estimate: Estimate) -> float:
    return estimate.judged * largest_by_chance(estimate.judged, LIMIT + 1)
