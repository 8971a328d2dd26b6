"""The families of kernels with parameters that a fit can find: what they are called, built of and started from."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from convkit.kernel import families, named_kernel
from convkit.kernel.families import bell
from convkit.recovery.naming import shapes
from convkit.recovery.naming.lines import half_gaussian, segment
from convkit.recovery.naming.moments import energy, mass
from convkit.recovery.naming.observation import Observation

Taps = NDArray[np.float64]
Size = tuple[int, int]
Start = tuple[float, ...]

# The end of what a length may be is set by the window.
_PIXELS = math.inf


@dataclass(frozen=True)
class Free:
    """A parameter of a family.

    Attributes
    ----------
    name : str
    label : str
        What stands before the number, ``{}``, and after it.
    low, high : float
        How far a fit may go; a length without an end goes to twice the window.
    grain : float
        People choose multiples of this.
    turn : float
        A whole turn of an angle; 0 for what is none.
    idle : bool
        Whether the taps may be blind to it, as those of one row are to a height.
    """

    name: str
    label: str
    low: float
    high: float
    grain: float = 0.05
    turn: float = 0.0
    idle: bool = False


@dataclass(frozen=True)
class Family:
    """A kernel with parameters.

    Attributes
    ----------
    name : str
        As in the library, where it is there.
    title : str
    free : tuple of Free
    build : callable
        Parameters and a size to taps; that of families that no window cuts off is the size seen.
    start : callable
        Where fits begin: one tuple of parameters each, those that are only given last.
    sign : str
        Which kernels it may be: ``positive``, ``zero-sum`` or ``mixed``, taps of both signs.
    centre : str
        What tells its middle: ``mass``, ``energy`` (of the squares) or ``peak`` (the largest tap).
    windowed : bool
        Whether it is cut off by a window, whose size is to be found.
    unit_sum : bool
    oddity : float
        How implausible it is beforehand, in units of chi-square.
    unless : tuple of str
        Titles of families, or names of templates, that make it superfluous when they fit.
    given : tuple of Free
        Parameters that are not fitted: each start brings its own.
    """

    name: str
    title: str
    free: tuple[Free, ...]
    build: Callable[[Sequence[float], Size], Taps]
    start: Callable[[Observation], list[Start]]
    sign: Literal["positive", "zero-sum", "mixed"]
    centre: Literal["mass", "energy", "peak"] = "mass"
    windowed: bool = True
    unit_sum: bool = True
    oddity: float = 3.0
    unless: tuple[str, ...] = ()
    given: tuple[Free, ...] = ()

    def suits(self, observation: Observation) -> bool:
        """Whether the signs of the taps allow it."""
        if self.sign == "positive":
            return observation.positive
        return observation.zero_sum if self.sign == "zero-sum" else observation.negative


def _spread(observation: Observation) -> list[Start]:
    return [(max(mass(observation).spread, 0.3),)]


def _one_spread(observation: Observation) -> list[Start]:
    """For a Gaussian that may be a row or a column: the spread along the longer side."""
    moments = mass(observation)
    return [(max(math.sqrt(max(moments.rows, moments.columns)), 0.3),)]


def _two_spreads(observation: Observation) -> list[Start]:
    moments = mass(observation)
    return [(max(math.sqrt(moments.rows), 0.3), max(math.sqrt(moments.columns), 0.3))]


def _ellipse(observation: Observation) -> list[Start]:
    long, short, angle = mass(observation).axes
    return [(max(long, 0.3), max(short, 0.3), angle)]


def _widths(observation: Observation) -> list[Start]:
    moments = mass(observation)
    return [tuple(max(math.sqrt(12 * variance), 1.0) for variance in (moments.rows, moments.columns))]


def _fraction(observation: Observation) -> tuple[float, float]:
    row, column = mass(observation).centre
    return row - round(row), column - round(column)


def _radius(observation: Observation) -> list[Start]:
    return [(max(2 * math.sqrt(max(mass(observation).spread ** 2 - 1 / 12, 0.0)), 0.6),)]


def _streak(observation: Observation) -> list[Start]:
    long, _, angle = mass(observation).axes
    length = max(math.sqrt(12) * long, 1.2)
    return [(length, angle), (length, round(angle / 45) * 45.0 % 180)]


def _half_streak(observation: Observation) -> list[Start]:
    """Directions from the largest tap to the middle of all, and the eight plain ones."""
    moments = mass(observation)
    head = np.unravel_index(int(np.abs(observation.taps).argmax()), observation.shape)
    down, right = (middle - float(at) for middle, at in zip(moments.centre, head, strict=True))
    toward = math.degrees(math.atan2(-down, right))
    # The mean distance of half a Gaussian is sqrt(2/pi) sigma.
    sigma = max(1.25 * math.hypot(down, right), 0.4)
    near = {*(round(toward) + turn for turn in range(-3, 4)), round(toward / 45) * 45}
    places = np.argwhere(observation.seen) - np.array(head)
    seen = int(np.abs(places).max(initial=1)) + 1
    return [(sigma, float(angle % 360), count) for count in {seen, max(math.ceil(6.5 * sigma), seen)} for angle in near]


def _comet(observation: Observation) -> list[Start]:
    return [start for start in _half_streak(observation) if start[1] % 90 == 0]


def _sharpened(observation: Observation) -> list[Start]:
    """The Gaussian is what is left when the largest tap is taken out."""
    rest = observation.taps.copy()
    peak = np.unravel_index(int(np.abs(rest).argmax()), rest.shape)
    rest[peak] = 0.0
    total, around = float(observation.taps.sum()), -float(rest.sum())
    amount = max(1.3 * around / (abs(total) or 1.0), 0.1)
    box = observation.box
    side = max(part.stop - part.start for part in box) if box else max(observation.shape)
    return [(amount, side / 5), (amount, side / 9), (amount, side / 2)]


def _rings(observation: Observation) -> list[Start]:
    """For a Laplacian of a Gaussian: ``Σ r²·k² / Σ k²`` is 5/6·... of sigma², near enough 1."""
    spread = energy(observation).spread
    return [(max(1.2 * spread, 0.3),), (max(0.7 * spread, 0.3),)]


def _two_rings(observation: Observation) -> list[Start]:
    spread = max(energy(observation).spread, 0.3)
    return [(1.2 * spread, 1.9 * spread), (1.9 * spread, 1.2 * spread), (0.6 * spread, 3 * spread)]


def _slope(observation: Observation) -> list[Start]:
    rows, columns = (np.arange(float(side)) for side in observation.shape)
    down, right = float(rows @ observation.taps.sum(axis=1)), float(observation.taps.sum(axis=0) @ columns)
    angle = math.degrees(math.atan2(-down, right))
    return [(max(energy(observation).spread, 0.3), angle)]


def _wave(observation: Observation) -> list[Start]:
    """For a Gabor kernel: wavelength, direction and phase of the strongest frequency, and the extent of the squares."""
    moments = energy(observation)
    side = 4 * max(observation.shape)
    spectrum = np.fft.rfft2(observation.taps, (side, side))
    down, right = np.unravel_index(int(np.abs(spectrum).argmax()), spectrum.shape)
    along_rows = np.fft.fftfreq(side)[down]
    frequency = math.hypot(along_rows, right / side) or 1 / side
    angle = math.atan2(along_rows, right / side)
    middle = 2 * math.pi * (along_rows * moments.centre[0] + right / side * moments.centre[1])
    phase = -math.degrees(np.angle(spectrum[down, right]) + middle)
    # The squares of a Gaussian spread by sigma/√2.
    cosine, sine = math.cos(angle), math.sin(angle)
    across = moments.rows * cosine**2 + moments.columns * sine**2 - 2 * moments.mixed * cosine * sine
    along = moments.columns * cosine**2 + moments.rows * sine**2 + 2 * moments.mixed * cosine * sine
    sigma, aside = math.sqrt(max(2 * along, 0.1)), math.sqrt(max(2 * across, 0.1))
    return [(1 / frequency, math.degrees(angle), sigma, sigma / aside, phase)]


def _library(text: str) -> Callable[[Sequence[float], Size], Taps]:
    """Build from kernel text with places for the parameters, and ``{size}``."""

    def build(values: Sequence[float], size: Size) -> Taps:
        return named_kernel(text.format(*map(repr, values), size=f"{size[0]}x{size[1]}", reach=size[0] // 2)).taps

    return build


def _windowed(build: Callable[..., Taps]) -> Callable[[Sequence[float], Size], Taps]:
    return lambda values, size: build(*values, size)


def _bare(build: Callable[..., Taps]) -> Callable[[Sequence[float], Size], Taps]:
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


def _two_bells(values: Sequence[float], size: Size) -> Taps:
    return np.outer(bell(size[0], values[0]), bell(size[1], values[1]))


def _unsharp(values: Sequence[float], size: Size) -> Taps:
    return families.unsharp(values[1], values[0], size)


def _log(values: Sequence[float], size: Size) -> Taps:
    return families.log(values[0], size)


def _octave_log(values: Sequence[float], size: Size) -> Taps:
    return families.log_surface(values[0], size) / (2 * math.pi * values[0] ** 2)


def _dog(values: Sequence[float], size: Size) -> Taps:
    return families.dog(values[0], values[1], size)


def _gabor(values: Sequence[float], size: Size) -> Taps:
    wavelength, angle, sigma, aspect, phase = values
    return families.gabor(wavelength, angle, sigma, aspect, phase, size)


def _comet_taps(values: Sequence[float], _: Size) -> Taps:
    sigma, angle, count = values
    return named_kernel(f"imagemagick/comet:width={int(count)},sigma={sigma!r},angle={int(180 - angle) % 360}").taps


def _half_gaussian(values: Sequence[float], _: Size) -> Taps:
    return half_gaussian(values[0], values[1], int(values[2]))


_SIGMA = Free("sigma", "sigma = {}", 0.05, _PIXELS)
_DEGREES = Free("angle", "angle {} degrees", -400.0, 400.0, 1.0, 180.0)
_TOWARDS = Free("angle", "towards {} degrees", -400.0, 400.0, 1.0, 360.0)
_LENGTH = Free("length", "length {}", 1.0, _PIXELS, 0.5)
_RADIUS = Free("radius", "radius {}", 0.5, _PIXELS)
_DOWN = Free("down", "middle {} down", -1.0, 1.0, idle=True)
_RIGHT = Free("right", "middle {} to the right", -1.0, 1.0, idle=True)
_HEIGHT = Free("height", "height {}", 1.0, _PIXELS, 0.2, idle=True)
_WIDTH = Free("width", "width {}", 1.0, _PIXELS, 0.2, idle=True)
_TAPS = Free("count", "", 1.0, _PIXELS)
_AIM = Free("angle", "taps towards {} degrees", -400.0, 400.0)
_ALPHA = Free("alpha", "alpha {}", 0.0, 1.0)

FAMILIES = (
    Family("gaussian", "Gaussian", (_SIGMA,), _windowed(shapes.separable(bell)), _one_spread, "positive", oddity=1.0),
    Family("gaussian", "Gaussian of two widths",
           (Free("sigma down", "sigma = {} down", 0.05, _PIXELS), Free("sigma across", "{} across", 0.05, _PIXELS)),
           _two_bells, _two_spreads, "positive", unless=("Gaussian",)),
    Family("gaussian", "tilted Gaussian",
           (Free("sigma along", "sigma = {} along", 0.05, _PIXELS), Free("sigma aside", "{} aside", 0.05, _PIXELS), _DEGREES),
           _windowed(shapes.tilted_gaussian), _ellipse, "positive", oddity=4.0,
           unless=("Gaussian", "Gaussian of two widths")),
    Family("gaussian", "Gaussian beside the pixel grid", (_SIGMA, _DOWN, _RIGHT), _windowed(shapes.moved_gaussian),
           lambda o: [(*_spread(o)[0], *_fraction(o))], "positive", oddity=4.0, unless=("Gaussian",)),
    Family("integrated-gaussian", "Gaussian integrated over pixels", (_SIGMA,),
           _windowed(shapes.separable(shapes.integrated_bell)), _one_spread, "positive"),
    Family("imagemagick/blur", "ImageMagick's Gaussian (three samples a pixel)", (_SIGMA,),
           _windowed(shapes.separable(shapes.binned_bell)), _one_spread, "positive"),
    Family("pillow/gaussian-blur", "Pillow's Gaussian (three boxes)", (_RADIUS,), _library("pillow/gaussian-blur:{0}"),
           _spread, "positive", windowed=False),
    Family("box", "box with fractional edges", (_HEIGHT, _WIDTH), _box, _widths, "positive", windowed=False,
           unless=("box",)),
    Family("box", "box with fractional edges beside the pixel grid", (_HEIGHT, _WIDTH, _DOWN, _RIGHT), _box,
           lambda o: [(*_widths(o)[0], *_fraction(o))], "positive", windowed=False, oddity=4.0,
           unless=("box", "box with fractional edges")),
    Family("shift", "shift by part of a pixel (bilinear)",
           (Free("dy", "{} down", -1.0, 1.0, idle=True), Free("dx", "{} to the right", -1.0, 1.0, idle=True)),
           _part_of_a_pixel, lambda o: [tuple(-part for part in _fraction(o))], "positive", windowed=False),
    Family("disk", "disk (out of focus)", (_RADIUS,), _bare(families.disk), _radius, "positive", windowed=False,
           oddity=1.0),
    Family("motion", "motion blur", (_LENGTH, _DEGREES), _bare(families.motion), _streak, "positive", windowed=False,
           oddity=1.0),
    Family("motion", "motion blur (a line of no width)", (_LENGTH, _DEGREES), _bare(segment), _streak, "positive",
           windowed=False),
    Family("imagemagick/motion-blur", "one-sided motion blur (half a Gaussian)", (_SIGMA,), _half_gaussian, _half_streak,
           "positive", centre="peak", windowed=False, given=(_AIM, _TAPS)),
    Family("imagemagick/comet", "comet (half a Gaussian, three samples a pixel)", (_SIGMA,), _comet_taps, _comet,
           "positive", centre="peak", windowed=False, given=(_AIM, _TAPS)),
    Family("unsharp", "unsharp mask", (Free("amount", "amount {}", 0.0, 1e3), _SIGMA), _unsharp, _sharpened, "mixed",
           centre="peak"),
    Family("matlab/unsharp", "matlab/unsharp", (_ALPHA,), _library("matlab/unsharp:{0}"), lambda _: [(0.3,)], "mixed",
           centre="peak", windowed=False),
    Family("matlab/laplacian", "matlab/laplacian", (_ALPHA,), _library("matlab/laplacian:{0}"), lambda _: [(0.3,)],
           "zero-sum", centre="peak", windowed=False, unit_sum=False),
    Family("log", "Laplacian of a Gaussian", (_SIGMA,), _log, _rings, "zero-sum", centre="peak", unit_sum=False),
    Family("imagemagick/log", "ImageMagick's Laplacian of a Gaussian", (_SIGMA,),
           _library("imagemagick/log:{reach},{0}"), _rings, "zero-sum", centre="peak", unit_sum=False),
    Family("octave/log", "Octave's Laplacian of a Gaussian", (_SIGMA,), _octave_log, _rings, "mixed", centre="peak",
           unit_sum=False, unless=("Laplacian of a Gaussian",)),
    Family("dog", "difference of Gaussians",
           (Free("sigma1", "sigma = {}", 0.05, _PIXELS), Free("sigma2", "less {}", 0.05, _PIXELS)),
           _dog, _two_rings, "zero-sum", centre="peak", unit_sum=False, unless=("Laplacian of a Gaussian",)),
    Family("imagemagick/dog", "ImageMagick's difference of Gaussians",
           (Free("sigma1", "sigma = {}", 0.05, _PIXELS), Free("sigma2", "less {}", 0.05, _PIXELS)),
           _library("imagemagick/dog:{reach},{0},{1}"), _two_rings, "zero-sum", centre="peak", unit_sum=False,
           unless=("Laplacian of a Gaussian", "ImageMagick's Laplacian of a Gaussian")),
    Family("gaussian-slope", "first derivative of a Gaussian", (_SIGMA, _TOWARDS), _windowed(shapes.gaussian_slope),
           _slope, "zero-sum", centre="energy", unit_sum=False),
    Family("gabor", "Gabor",
           (Free("wavelength", "wavelength {}", 1.0, _PIXELS), _TOWARDS, _SIGMA, Free("aspect", "aspect {}", 0.05, 20.0),
            Free("phase", "phase {} degrees", -400.0, 400.0, 1.0, 360.0)),
           _gabor, _wave, "mixed", centre="energy", unit_sum=False, oddity=4.0,
           unless=("first derivative of a Gaussian", "Laplacian of a Gaussian")),
)  # fmt: skip
