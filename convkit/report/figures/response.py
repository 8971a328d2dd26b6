"""The frequency response: how strongly the kernel passes each frequency, and how surely that is known."""

from typing import Any

import numpy as np
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from convkit.experiment import Recovery
from convkit.report.figures.matrix import draw_scale
from convkit.report.figures.panel import Panel
from convkit.report.figures.style import FORETOLD, SEEN, TRUE, amount_map
from convkit.report.figures.subject import Subject, subjects, unfinished

Vector = NDArray[np.float64]

_FREQUENCIES = np.linspace(0.0, 0.5, 65)
_MAP_SIDE = 65
# Of a normal distribution, 95 % lie within this many standard deviations.
_WITHIN = 1.96


def magnitude(taps: NDArray[np.floating[Any]], down: Vector, across: Vector) -> Vector:
    """Return ``|Σ k[u, v]·exp(-2πi(u·f + v·g))|`` at frequencies ``(f, g)`` in cycles per pixel.

    Examples
    --------
    >>> magnitude(np.array([[1.0, -1.0]]), np.zeros(3), np.array([0.0, 0.25, 0.5])).round(3).tolist()
    [0.0, 1.414, 2.0]
    """
    waves = _waves(taps.shape, down, across)
    response: Vector = np.abs(waves @ np.asarray(taps, np.float64).ravel())
    return response


def magnitude_error(
    taps: NDArray[np.floating[Any]],
    covariance: NDArray[np.float64],
    down: Vector,
    across: Vector,
) -> Vector:
    """Return the standard error of `magnitude`, by the delta method from the covariance of the taps.

    With ``S`` the covariance of the response's real and imaginary parts and ``d`` its direction, the variance of the
    length is ``dᵀSd`` to first order. Where the response is zero it has no direction: the largest one is told.

    Examples
    --------
    >>> zero, ones = np.zeros(1), np.array([[1.0, 1.0]])
    >>> magnitude_error(ones, np.diag([0.09, 0.16]), zero, zero).round(9).tolist()  # of a sum, √(0.3² + 0.4²)
    [0.5]
    """
    waves = _waves(taps.shape, down, across)
    response = waves @ np.asarray(taps, np.float64).ravel()
    real, imaginary = waves.real @ covariance, waves.imag @ covariance
    a = np.einsum("fp,fp->f", real, waves.real)
    b = np.einsum("fp,fp->f", real, waves.imag)
    c = np.einsum("fp,fp->f", imaginary, waves.imag)
    length = np.abs(response)
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = response.real / length, response.imag / length
        along = a * x * x + 2.0 * b * x * y + c * y * y
    largest = (a + c) / 2.0 + np.hypot((a - c) / 2.0, b)
    nowhere = length <= 1e-12 * float(np.abs(taps).sum())
    error: Vector = np.sqrt(np.maximum(np.where(nowhere, largest, along), 0.0))
    return error


def _waves(shape: tuple[int, ...], down: Vector, across: Vector) -> NDArray[np.complex128]:
    """Return ``exp(-2πi(u·f + v·g))``, one row a frequency and one column a tap."""
    rows = np.exp(-2j * np.pi * np.outer(down, np.arange(shape[0])))
    columns = np.exp(-2j * np.pi * np.outer(across, np.arange(shape[1])))
    waves: NDArray[np.complex128] = (rows[:, :, None] * columns[:, None, :]).reshape(len(down), -1)
    return waves


def _draw(figure: FigureBase, found: Recovery) -> None:
    left, right = figure.subplots(1, 2, width_ratios=[1.0, 1.45])
    one = subjects(found)[0]
    sides = np.linspace(-0.5, 0.5, _MAP_SIDE)
    down, across = (part.ravel() for part in np.meshgrid(sides, sides, indexing="ij"))
    plane = magnitude(one.learned, down, across).reshape(_MAP_SIDE, _MAP_SIDE)
    edge = 0.5 + 0.5 / (_MAP_SIDE - 1)
    image = left.imshow(
        plane, cmap=amount_map(), vmin=0.0, vmax=float(plane.max()) or 1.0, origin="lower", interpolation="none",
        extent=(-edge, edge, -edge, edge),
    )  # fmt: skip
    left.set(xlabel="across (cycles per pixel)", ylabel="down (cycles per pixel)")
    left.set(xticks=[-0.5, 0, 0.5], yticks=[-0.5, 0, 0.5])
    draw_scale(left, image, "gain")
    still = np.zeros_like(_FREQUENCIES)
    lines = [("across", SEEN, still, _FREQUENCIES), ("down", FORETOLD, _FREQUENCIES, still)]
    if one.learned.shape[0] == 1:
        lines = lines[:1]
    elif one.learned.shape[1] == 1:
        lines = lines[1:]
    covariance = _tap_covariance(found, one)
    for width, (name, colour, f, g) in zip((2.8, 1.4), lines, strict=False):  # both are seen where they coincide
        gain = magnitude(one.learned, f, g)
        right.plot(_FREQUENCIES, gain, color=colour, linewidth=width, label=name)
        if covariance is not None:
            reach = _WITHIN * magnitude_error(one.learned, covariance, f, g)
            low, high = np.maximum(gain - reach, 0.0), gain + reach
            right.fill_between(_FREQUENCIES, low, high, color=colour, alpha=0.25, linewidth=0)
        if one.true is not None:
            label = "true" if name == lines[0][0] else None
            right.plot(_FREQUENCIES, magnitude(one.true, f, g), color=TRUE, linewidth=1, linestyle="--", label=label)
    right.set(xlabel="frequency (cycles per pixel)", ylabel="gain", xlim=(0.0, 0.5))
    right.set_ylim(bottom=-0.02 * right.get_ylim()[1])
    right.grid(visible=True)
    figure.legend(loc="outside upper right", ncols=3)


def _tap_covariance(found: Recovery, one: Subject) -> NDArray[np.float64] | None:
    """Covariance of the taps alone; None where it is not known or there is no error."""
    if found.kernel is None or found.covariance is None or not one.errors.any():
        return None
    taps = one.learned.size
    return np.asarray(found.covariance[:taps, :taps], np.float64)


def _applies(found: Recovery) -> bool:
    return found.identifiability.identifiable and bool(subjects(found))


def _caption(found: Recovery) -> str:
    one = subjects(found)[0]
    of = f" of {one.name}" if one.name else ""
    band = ""
    if _tap_covariance(found, one) is not None:
        band = " The band is where it lies with 95 % confidence." + unfinished(found)
    return (
        f"The gain{of} at 0 is the sum of the taps; 0.5 cycles per pixel is the finest stripe there is. Blurs fall to "
        f"the right, edges rise.{band}"
    )


RESPONSE = Panel("response", "Frequency response", _applies, lambda _: (7.0, 3.2), _draw, _caption)
