"""Kernels with parameters as MATLAB, Octave, Pillow, SciPy, kornia and libvips define them."""

import math
from functools import partial

import numpy as np

from convkit.kernel.families import gaussian, less_blurred, log, log_surface, unit_sum
from convkit.kernel.recipe import Recipe, Taps, integer, real, spread, window
from convkit.kernel.rotation import rotated


def _matlab_laplacian(alpha: float) -> Taps:
    side, corner = (1 - alpha) / 4, alpha / 4
    taps = [[corner, side, corner], [side, -1, side], [corner, side, corner]]
    return np.array(taps) * 4 / (alpha + 1)


def _matlab_unsharp(alpha: float) -> Taps:
    """Take the Laplacian from the identity."""
    taps = -_matlab_laplacian(alpha)
    taps[1, 1] += 1
    return taps


def _octave_log(size: tuple[int, int], sigma: float) -> Taps:
    """Octave (image 2.14) divides by 2πσ² and leaves the mean in, so that the taps do not sum to 0."""
    return log_surface(sigma, size) / (2 * math.pi * sigma**2)


def _pillow_box_blur(radius: float) -> Taps:
    row = _extended_box(radius)
    return np.outer(row, row)


def pillow_pass(radius: float) -> Taps:
    """Row of one of the three boxes that together have the variance ``radius²``: a pass of Pillow's Gaussian.

    Examples
    --------
    >>> pillow_pass(1.2)
    array([0.24, 0.52, 0.24])
    """
    variance = radius**2 / 3
    whole = math.floor((math.sqrt(12 * variance + 1) - 1) / 2)
    edge = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance) / (6 * (variance - (whole + 1) ** 2))
    return _extended_box(whole + edge)


def _pillow_gaussian_blur(radius: float) -> Taps:
    """Three passes along each axis (Pillow rounds to 8 bits after each)."""
    box = pillow_pass(radius)
    row = np.convolve(np.convolve(box, box), box)
    return np.outer(row, row)


def _pillow_unsharp_mask(radius: float, percent: float) -> Taps:
    return less_blurred(_pillow_gaussian_blur(radius), percent / 100)


def _extended_box(radius: float) -> Taps:
    """Row of ``2·radius + 1`` pixels' width, its last pixels weighted by what is left of the radius."""
    whole = int(radius)
    row = np.ones(2 * whole + 1)
    if radius > whole:
        row = np.concatenate([[radius - whole], row, [radius - whole]])
    return unit_sum(row)


def _scipy_gradient(axis: int, smoothing: tuple[int, int, int]) -> Taps:
    """Difference from minus to plus along the axis, smoothed across it."""
    return rotated(np.outer(smoothing, (-1.0, 0.0, 1.0)), 90 if axis in (0, -2) else 0)


def _kornia_laplacian(size: tuple[int, int]) -> Taps:
    """All neighbours less as much in the centre, the absolute values summing to 1 (`normalized=True`)."""
    taps = np.ones(size)
    taps[size[0] // 2, size[1] // 2] = 1 - taps.size
    return taps / (np.abs(taps).sum() or 1)


def _vips_gaussmat(sigma: float, min_ampl: float) -> Taps:
    """Round samples of 20·exp(…) to whole numbers, as far as the unrounded bell reaches `min_ampl`."""
    reach = 0
    while math.exp(-((reach + 1) ** 2) / (2 * sigma**2)) >= min_ampl:
        reach += 1
    profile = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    taps = np.rint(20 * np.outer(profile, profile))
    return unit_sum(taps)


_ALPHA = real("alpha", 0.2, 0, 1)
_AXIS = integer("axis", -1, -2, 1)

FAMILIES = (
    Recipe("matlab/gaussian", "matlab", "fspecial: sampled Gaussian, sum 1",
           (window("size", (3, 3)), spread("sigma", 0.5)), gaussian),
    Recipe("matlab/laplacian", "matlab", "fspecial", (_ALPHA,), _matlab_laplacian),
    Recipe("matlab/unsharp", "matlab", "fspecial: identity - laplacian", (_ALPHA,), _matlab_unsharp),
    Recipe("matlab/log", "matlab", "fspecial: Laplacian of a Gaussian, zero sum",
           (window("size", (5, 5)), spread("sigma", 0.5)), log),
    Recipe("octave/log", "octave", "fspecial: MATLAB's over 2·pi·sigma², its mean left in",
           (window("size", (5, 5)), spread("sigma", 0.5)), _octave_log),
    Recipe("pillow/box-blur", "pillow", "BoxBlur: box of any radius", (real("radius", 1.0, 0, 1000),),
           _pillow_box_blur),
    Recipe("pillow/gaussian-blur", "pillow", "GaussianBlur: three boxes",
           (real("radius", 2.0, 0, 500),), _pillow_gaussian_blur),
    Recipe("pillow/unsharp-mask", "pillow", "UnsharpMask with threshold 0",
           (real("radius", 2.0, 0, 500), real("percent", 150.0, 0, 100_000)), _pillow_unsharp_mask),
    Recipe("scipy/sobel", "scipy", "ndimage.sobel", (_AXIS,), partial(_scipy_gradient, smoothing=(1, 2, 1))),
    Recipe("scipy/prewitt", "scipy", "ndimage.prewitt", (_AXIS,), partial(_scipy_gradient, smoothing=(1, 1, 1))),
    Recipe("scipy/gaussian", "scipy", "ndimage.gaussian_filter",
           (spread("sigma", 1.0), real("truncate", 4.0, 0, 100)), gaussian),
    Recipe("kornia/laplacian", "kornia", "every neighbour, absolute values of sum 1",
           (window("size", (3, 3), odd=True),), _kornia_laplacian),
    Recipe("vips/gaussmat", "vips", "whole-number Gaussian over its sum, as gaussblur uses",
           (real("sigma", 1.0, 0.01, 200), real("min_ampl", 0.2, 1e-6, 1)), _vips_gaussmat),
)  # fmt: skip
