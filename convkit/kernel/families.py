"""Kernels with parameters: the formulas, each after its source, and the table that names them."""

import math

import numpy as np

from convkit.errors import KernelError
from convkit.kernel.kernel import MAX_SIDE, decimal
from convkit.kernel.recipe import Recipe, Taps, integer, real, spread, window


def box(size: tuple[int, int]) -> Taps:
    """Equal taps of sum 1."""
    return np.full(size, 1 / (size[0] * size[1]))


def gaussian(sigma: float, size: tuple[int, int] | None = None, truncate: float = 4.0) -> Taps:
    """``exp(-(x² + y²) / 2σ²)`` sampled at the pixel centres, of sum 1.

    Without a size it reaches ``truncate`` sigmas, rounded, from the centre, as SciPy's `gaussian_filter`.
    """
    rows, columns = size or auto_size(truncate * sigma, sigma)
    return np.outer(bell(rows, sigma), bell(columns, sigma))


def bell(length: int, sigma: float) -> Taps:
    """Sample a one-dimensional Gaussian of sum 1, shape (length,)."""
    squares = _offsets(length) ** 2
    # Relative to the tap nearest to the centre, for a narrow bell between two pixels would underflow to 0/0.
    return unit_sum(np.exp(-(squares - squares.min()) / (2 * sigma**2)))


def unit_sum(taps: Taps) -> Taps:
    """Scale taps to sum 1."""
    return taps / float(taps.sum())


def auto_size(reach: float, sigma: float) -> tuple[int, int]:
    """Return the odd square size that reaches so many pixels from the centre, rounded to whole pixels."""
    side = 2 * int(reach + 0.5) + 1
    if side > MAX_SIDE:
        raise KernelError(
            expected=f"a kernel of at most {MAX_SIDE} taps on a side",
            got=f"a spread of {decimal(sigma)} pixels, which takes {side}",
            hint="a smaller sigma, or a size such as 9",
        )
    return side, side


def binomial(size: tuple[int, int]) -> Taps:
    """Rows of Pascal's triangle, of sum 1: the limit of repeated two-pixel means."""
    rows, columns = ([math.comb(n - 1, k) / 2 ** (n - 1) for k in range(n)] for n in size)
    return np.outer(rows, columns)


def tent(size: tuple[int, int]) -> Taps:
    """Weights that grow to the middle by equal steps, of sum 1: a box run twice, and stack blur."""
    rows, columns = (np.minimum(np.arange(1, n + 1), np.arange(n, 0, -1)) for n in size)
    return unit_sum(np.outer(rows, columns).astype(np.float64))


def diagonal(length: int) -> Taps:
    """Equal taps from the upper left to the lower right, of sum 1: the motion blur of many a lesson."""
    return np.eye(length) / length


def disk(radius: float) -> Taps:
    """Area of each pixel inside the circle, exactly, over the circle's area (MATLAB's `fspecial('disk')`)."""
    reach = math.ceil(radius - 0.5)
    edges = np.arange(-reach - 1, reach + 1) + 0.5
    below = _disk_area(edges[:, np.newaxis], edges[np.newaxis, :], radius)
    area = np.diff(np.diff(below, axis=0), axis=1)
    return unit_sum(np.where(area > 1e-14 * radius**2, area, 0.0))  # what rounding leaves outside is no area


def _disk_area(y: Taps, x: Taps, radius: float) -> Taps:
    """Area of the circle inside the rectangle with corners (0, 0) and (x, y), odd in both."""
    width = np.minimum(np.abs(x), radius)
    height = np.minimum(np.abs(y), radius)
    # Up to `flat` the arc is above the rectangle; from there to the right edge it bounds the area.
    flat = np.minimum(_chord(height, radius), width)
    area: Taps = height * flat + _under_arc(width, radius) - _under_arc(flat, radius)
    return np.copysign(area, x * y)


def _under_arc(x: Taps, radius: float) -> Taps:
    """Integrate ``sqrt(radius² - t²)`` from 0 to x."""
    twice: Taps = x * _chord(x, radius) + radius**2 * np.arcsin(x / radius)
    return twice / 2


def _chord(x: Taps, radius: float) -> Taps:
    """Half the chord at x, ``sqrt(radius² - x²)``, as a product that rounding cannot bring below 0 at the rim."""
    return np.asarray(np.sqrt((radius - x) * (radius + x)))


def motion(length: float, angle: float) -> Taps:
    """Streak of ``length`` pixels, ``angle`` degrees counter-clockwise from horizontal (MATLAB's `fspecial`).

    A tap is 1 minus its distance to the line, 0 beyond one pixel, scaled to sum 1. As in MATLAB's code (its
    manual differs), a tap farther from the centre than the line's end is measured to that end.
    """
    half = (length - 1) / 2
    phi = math.radians(angle % 180)
    cosine, sine = math.cos(phi), math.sin(phi)
    # Just under one pixel wider than the line, so that 0 and 90 degrees give a single row and column.
    columns = int(half * abs(cosine) + 1 - 1e-9)
    rows = int(half * sine + 1 - 1e-9)
    up = np.arange(rows, -rows - 1, -1.0)[:, np.newaxis]
    right = np.arange(-columns, columns + 1.0)[np.newaxis, :]
    aside = np.abs(up * cosine - right * sine)
    along = np.abs(up * sine + right * cosine)
    distance = np.where(np.hypot(up, right) >= half, np.hypot(aside, half - along), aside)
    return unit_sum((1 - distance).clip(min=0))


def log(sigma: float, size: tuple[int, int] | None = None) -> Taps:
    """Laplacian of a Gaussian, ``(r² - 2σ²)/σ⁴ · g``, less its mean so that it sums to 0, as `fspecial`."""
    taps = log_surface(sigma, size or auto_size(4 * sigma, sigma))
    return taps - float(taps.mean())


def log_surface(sigma: float, size: tuple[int, int]) -> Taps:
    """``(r² - 2σ²)/σ⁴`` times a Gaussian of sum 1, without any correction."""
    up, right = _grid(size)
    return (up**2 + right**2 - 2 * sigma**2) / sigma**4 * gaussian(sigma, size)


def dog(sigma1: float, sigma2: float, size: tuple[int, int] | None = None) -> Taps:
    """Difference of two Gaussians of sum 1 each, the first minus the second; sized by the wider one."""
    wider = max(sigma1, sigma2)
    size = size or auto_size(4 * wider, wider)
    return gaussian(sigma1, size) - gaussian(sigma2, size)


def unsharp(sigma: float, amount: float, size: tuple[int, int] | None = None) -> Taps:
    """Unsharp mask: the image plus ``amount`` times what a Gaussian takes away; sum 1."""
    return less_blurred(gaussian(sigma, size), amount)


def less_blurred(blur: Taps, amount: float) -> Taps:
    """Take ``amount`` times what a blur of sum 1 takes away, and put it on the image.

    Examples
    --------
    >>> less_blurred(box((1, 3)), 1.5)
    array([[-0.5,  2. , -0.5]])
    """
    taps = -amount * blur
    taps[taps.shape[0] // 2, taps.shape[1] // 2] += 1 + amount
    return taps


def gabor(
    wavelength: float,
    angle: float,
    sigma: float,
    aspect: float,
    phase: float,
    size: tuple[int, int] | None = None,
) -> Taps:
    """Wave under a Gaussian: ``exp(-(u² + aspect²·v²)/2σ²) · cos(2πu/wavelength - phase)``.

    ``u`` runs ``angle`` degrees clockwise from rightwards, ``v`` across it; ``phase`` is in degrees: at 90 it
    answers to brightness growing along ``u``. Unscaled, as OpenCV's `getGaborKernel` is.
    """
    widest = sigma * max(1, 1 / aspect)
    down, right = _grid(size or auto_size(3 * widest, widest))
    theta = math.radians(angle)
    u = right * math.cos(theta) + down * math.sin(theta)
    v = down * math.cos(theta) - right * math.sin(theta)
    envelope = np.exp(-(u**2 + (aspect * v) ** 2) / (2 * sigma**2))
    return envelope * np.cos(2 * math.pi * u / wavelength - math.radians(phase))


def shift(dy: int, dx: int) -> Taps:
    """Move the picture ``dy`` pixels down and ``dx`` to the right: ``y[i,j] = x[i-dy, j-dx]``."""
    taps = np.zeros((2 * abs(dy) + 1, 2 * abs(dx) + 1))
    taps[abs(dy) - dy, abs(dx) - dx] = 1
    return taps


def _offsets(length: int) -> Taps:
    """Distances of the taps from the middle of the kernel, in pixels; halves when the length is even."""
    return np.arange(length) - (length - 1) / 2


def _grid(size: tuple[int, int]) -> tuple[Taps, Taps]:
    """Offsets from the middle: a column that grows downwards, a row that grows to the right."""
    return _offsets(size[0])[:, np.newaxis], _offsets(size[1])[np.newaxis, :]


FAMILIES = (
    Recipe("shift", "basics", "moves the picture down and to the right, whole pixels",
           (integer("dy", 0, -2047, 2047), integer("dx", 1, -2047, 2047)), shift),
    Recipe("box", "smoothing", "mean of the window", (window("size", (3, 3)),), box),
    Recipe("binomial", "smoothing", "rows of Pascal's triangle, sum 1", (window("size", (3, 3)),), binomial),
    Recipe("tent", "smoothing", "weights that grow to the middle by equal steps, sum 1",
           (window("size", (5, 5)),), tent),
    Recipe("gaussian", "smoothing", "sampled Gaussian, sum 1; auto reaches 4 sigma, rounded",
           (spread("sigma", 1.0), window("size", None)), gaussian),
    Recipe("disk", "smoothing", "out-of-focus blur: exact circle areas, as fspecial",
           (real("radius", 5.0, 0.1, 2047),), disk),
    Recipe("diagonal", "smoothing", "equal taps along the diagonal, sum 1", (integer("length", 9, 1, 1000),), diagonal),
    Recipe("motion", "smoothing", "streak, angle counter-clockwise, as fspecial",
           (real("length", 9.0, 1, 2047), real("angle", 0.0)), motion),
    Recipe("unsharp", "sharpening", "identity + amount·(identity - gaussian)",
           (spread("sigma", 1.0), real("amount", 1.0), window("size", None, odd=True)), unsharp),
    Recipe("gabor", "gradients", "wave under a Gaussian; angle clockwise, phase 90 is odd, in degrees",
           (real("wavelength", 8.0, 0.01), real("angle", 0.0), spread("sigma", 4.0),
            real("aspect", 0.5, 0.01, 100), real("phase", 0.0), window("size", None)), gabor),
    Recipe("log", "laplacians", "Laplacian of a Gaussian, zero sum, as fspecial; auto reaches 4 sigma",
           (spread("sigma", 1.0), window("size", None)), log),
    Recipe("dog", "laplacians", "difference of two Gaussians, zero sum",
           (spread("sigma1", 1.0), spread("sigma2", 1.6), window("size", None)), dog),
)  # fmt: skip
