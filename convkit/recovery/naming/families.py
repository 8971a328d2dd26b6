"""The families of kernels with parameters that a fit can find: what they are called, built of and started from."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from convkit.kernel import families, named_kernel
from convkit.kernel.families import bell
from convkit.kernel.recipe import Taps
from convkit.recovery.naming import shapes, starts
from convkit.recovery.naming.family import Build, Family, Free, Size
from convkit.recovery.naming.lines import half_gaussian, segment
from convkit.recovery.naming.rounded_bells import fixed_point

# The end of what a length may be is set by the window.
_PIXELS = math.inf
# How implausible a family is beforehand, in units of chi-square, where that is not the usual.
_WELL_KNOWN, _RARE = 1.0, 4.0


def _library(text: str) -> Build:
    """Build from kernel text with places for the parameters, ``{size}``, and ``{reach}``, taps beside the middle."""

    def build(values: Sequence[float], size: Size) -> Taps:
        return named_kernel(text.format(*map(repr, values), size=f"{size[0]}x{size[1]}", reach=size[0] // 2)).taps

    return build


def _windowed(build: Callable[..., Taps]) -> Build:
    return lambda values, size: build(*values, size)


def _bare(build: Callable[..., Taps]) -> Build:
    return lambda values, _: build(*values)


def _box(values: Sequence[float], size: Size) -> Taps:
    """A single row is no higher than a pixel, and in the middle of it; so is a column."""
    sides, middles = list(values[:2]), [*values[2:], 0.0, 0.0][:2]
    for axis in (0, 1):
        if size[axis] == 1:
            sides[axis], middles[axis] = 1.0, 0.0
    return shapes.box_between(*sides, *middles)


def _part_of_a_pixel(values: Sequence[float], size: Size) -> Taps:
    down, right = (0.0 if side == 1 else by for by, side in zip(values, size, strict=True))
    return shapes.bilinear_shift(down, right)


def _unsharp(values: Sequence[float], size: Size) -> Taps:
    return families.unsharp(values[1], values[0], size)


def _opencv_unsharp(values: Sequence[float], _: Size) -> Taps:
    amount, ksize, sigma = values
    return families.less_blurred(fixed_point(int(ksize), sigma), amount)


def _binned_unsharp(values: Sequence[float], size: Size) -> Taps:
    amount, sigma = values
    return families.less_blurred(shapes.separable(shapes.binned_bell)(sigma, size), amount)


def _comet_taps(values: Sequence[float], _: Size) -> Taps:
    sigma, angle, count = values
    return named_kernel(f"imagemagick/comet:width={int(count)},sigma={sigma!r},angle={int(180 - angle) % 360}").taps


def _half_gaussian(values: Sequence[float], _: Size) -> Taps:
    return half_gaussian(values[0], values[1], int(values[2]))


_SIGMA = Free("sigma", "sigma = {}", 0.05, _PIXELS)
_AMOUNT = Free("amount", "amount {}", 0.0, 1e3)
_PERCENT = Free("percent", "{} %", 0.0, 1e5, 5.0)
_ANGLE = Free("angle", "angle {} degrees", -400.0, 400.0, 1.0, turn=180.0)
_LENGTH = Free("length", "length {}", 1.0, _PIXELS, 0.5)
_RADIUS = Free("radius", "radius {}", 0.5, _PIXELS)
_DOWN = Free("down", "middle {} down", -1.0, 1.0, idle=True)
_RIGHT = Free("right", "middle {} to the right", -1.0, 1.0, idle=True)
_HEIGHT = Free("height", "height {}", 1.0, _PIXELS, 0.2, idle=True)
_WIDTH = Free("width", "width {}", 1.0, _PIXELS, 0.2, idle=True)
_TAPS = Free("count", "", 1.0, _PIXELS)
_AIM = Free("angle", "taps towards {} degrees", -400.0, 400.0, turn=360.0)
_SIDE, _ABOUT = Free("ksize", "ksize {}", 1.0, _PIXELS), Free("sigma", "sigma about {}", 0.05, _PIXELS)
_ALPHA = Free("alpha", "alpha {}", 0.0, 1.0)
_LESS = Free("sigma2", "less {}", 0.05, _PIXELS)
_FIRST = replace(_SIGMA, name="sigma1")

_BELLS = (
    Family("gaussian", "Gaussian", (_SIGMA,), _windowed(shapes.separable(bell)), starts.one_spread, "positive",
           oddity=_WELL_KNOWN),
    Family("gaussian", "Gaussian of two widths",
           (Free("sigma down", "sigma = {} down", 0.05, _PIXELS), Free("sigma across", "{} across", 0.05, _PIXELS)),
           _windowed(shapes.two_bells), starts.two_spreads, "positive", unless=("Gaussian",)),
    Family("gaussian", "tilted Gaussian",
           (Free("sigma along", "sigma = {} along", 0.05, _PIXELS), Free("sigma aside", "{} aside", 0.05, _PIXELS),
            _ANGLE),
           _windowed(shapes.tilted_gaussian), starts.ellipse, "positive", oddity=_RARE,
           unless=("Gaussian", "Gaussian of two widths")),
    Family("gaussian", "Gaussian beside the pixel grid", (_SIGMA, _DOWN, _RIGHT), _windowed(shapes.moved_gaussian),
           starts.moved_spread, "positive", centre="pixel", oddity=_RARE, unless=("Gaussian",)),
    Family("integrated-gaussian", "Gaussian integrated over pixels", (_SIGMA,),
           _windowed(shapes.separable(shapes.integrated_bell)), starts.one_spread, "positive"),
    Family("imagemagick/blur", "ImageMagick's Gaussian (three samples a pixel)", (_SIGMA,),
           _windowed(shapes.separable(shapes.binned_bell)), starts.one_spread, "positive"),
    Family("pillow/gaussian-blur", "Pillow's Gaussian (three boxes)", (_RADIUS,), _library("pillow/gaussian-blur:{0}"),
           starts.spread, "positive", windowed=False),
)  # fmt: skip

_BLURS = (
    Family("box", "box with fractional edges", (_HEIGHT, _WIDTH), _box, starts.widths, "positive", windowed=False,
           unless=("box",)),
    Family("box", "box with fractional edges beside the pixel grid", (_HEIGHT, _WIDTH, _DOWN, _RIGHT), _box,
           starts.moved_widths, "positive", windowed=False, oddity=_RARE, unless=("box", "box with fractional edges")),
    Family("shift", "shift by part of a pixel (bilinear)",
           (Free("dy", "{} down", -1.0, 1.0, idle=True), Free("dx", "{} to the right", -1.0, 1.0, idle=True)),
           _part_of_a_pixel, starts.part_of_a_pixel, "positive", windowed=False, unless=("box", "binomial")),
    Family("disk", "disk (out of focus)", (_RADIUS,), _bare(families.disk), starts.radius, "positive", windowed=False,
           oddity=_WELL_KNOWN),
    Family("motion", "motion blur", (_LENGTH, _ANGLE), _bare(families.motion), starts.streak, "positive",
           windowed=False, oddity=_WELL_KNOWN),
    Family("motion", "motion blur (a line of no width)", (_LENGTH, _ANGLE), _bare(segment), starts.streak, "positive",
           windowed=False),
    Family("imagemagick/motion-blur", "one-sided motion blur (half a Gaussian)", (_SIGMA,), _half_gaussian,
           starts.half_streak, "positive", centre="origin", windowed=False, given=(_AIM, _TAPS)),
    Family("imagemagick/comet", "comet (half a Gaussian, three samples a pixel)", (_SIGMA,), _comet_taps,
           starts.straight_half_streak, "positive", centre="origin", windowed=False, given=(_AIM, _TAPS)),
)  # fmt: skip

_SHARPENERS = (
    Family("unsharp", "unsharp mask", (_AMOUNT, _SIGMA), _unsharp, starts.sharpened,
           "mixed", centre="peak"),
    Family("imagemagick/unsharp", "ImageMagick's unsharp mask (three samples a pixel)", (_AMOUNT, _SIGMA),
           _binned_unsharp, starts.sharpened, "mixed", centre="peak"),
    Family("pillow/unsharp-mask", "Pillow's unsharp mask (three boxes)", (_RADIUS, _PERCENT),
           _library("pillow/unsharp-mask:{0},{1}"), starts.boxed_sharpened, "mixed", centre="peak", windowed=False),
    Family("opencv/unsharp", "unsharp mask of OpenCV's 8-bit Gaussian", (_AMOUNT,), _opencv_unsharp,
           starts.fixed_point_sharpened, "mixed", centre="peak", windowed=False, given=(_SIDE, _ABOUT)),
    Family("matlab/unsharp", "matlab/unsharp", (_ALPHA,), _library("matlab/unsharp:{0}"), starts.alpha, "mixed",
           centre="peak", windowed=False),
)  # fmt: skip

_DERIVATIVES = (
    Family("matlab/laplacian", "matlab/laplacian", (_ALPHA,), _library("matlab/laplacian:{0}"), starts.alpha,
           "zero-sum", centre="peak", windowed=False, unit_sum=False),
    Family("log", "Laplacian of a Gaussian", (_SIGMA,), _windowed(families.log), starts.rings, "zero-sum",
           centre="peak", unit_sum=False),
    Family("imagemagick/log", "ImageMagick's Laplacian of a Gaussian", (_SIGMA,),
           _library("imagemagick/log:{reach},{0}"), starts.rings, "zero-sum", centre="peak", unit_sum=False),
    Family("octave/log", "Octave's Laplacian of a Gaussian", (_SIGMA,), _library("octave/log:{size},{0}"),
           starts.rings, "mixed", centre="peak", unit_sum=False, unless=("Laplacian of a Gaussian",)),
    Family("dog", "difference of Gaussians", (_FIRST, _LESS), _windowed(families.dog), starts.two_rings, "zero-sum",
           centre="peak", unit_sum=False, unless=("Laplacian of a Gaussian",)),
    Family("imagemagick/dog", "ImageMagick's difference of Gaussians", (_FIRST, _LESS),
           _library("imagemagick/dog:{reach},{0},{1}"), starts.two_rings, "zero-sum", centre="peak", unit_sum=False,
           unless=("Laplacian of a Gaussian", "ImageMagick's Laplacian of a Gaussian")),
    Family("gaussian-slope", "first derivative of a Gaussian",
           (_SIGMA, Free("angle", "towards {} degrees", -400.0, 400.0, 1.0, turn=360.0)),
           _windowed(shapes.gaussian_slope), starts.slope, "zero-sum", centre="energy", unit_sum=False),
    Family("gabor", "Gabor",
           (Free("wavelength", "wavelength {}", 1.0, _PIXELS),
            Free("angle", "angle {} degrees clockwise", -400.0, 400.0, 1.0, turn=360.0), _SIGMA,
            Free("aspect", "aspect {}", 0.05, 20.0), Free("phase", "phase {} degrees", -400.0, 400.0, 1.0, turn=360.0)),
           _windowed(families.gabor), starts.wave, "mixed", centre="energy", unit_sum=False, oddity=_RARE,
           unless=("first derivative of a Gaussian", "Laplacian of a Gaussian")),
)  # fmt: skip

FAMILIES = _BELLS + _BLURS + _SHARPENERS + _DERIVATIVES
"""All of them; a family that makes another superfluous comes before it."""
