"""Where the fits begin: parameters of each family, read off the moments of the taps."""

import math

import numpy as np

from convkit.recovery.naming.estimate import Estimate
from convkit.recovery.naming.family import Start
from convkit.recovery.naming.moments import energy, mass, origin
from convkit.recovery.naming.rounded_bells import fixed_point

# Below this a sampled Gaussian is all but one tap, and has no slope to follow.
_NARROWEST = 0.3
# Rounding to pixels turns a short line by so many degrees.
_ASTRAY = 12


def spread(estimate: Estimate) -> list[Start]:
    """One sigma for both axes."""
    return [(max(mass(estimate).spread, _NARROWEST),)]


def one_spread(estimate: Estimate) -> list[Start]:
    """For a Gaussian that may be a row or a column: the spread along the longer side."""
    moments = mass(estimate)
    return [(max(math.sqrt(max(moments.rows, moments.columns)), _NARROWEST),)]


def two_spreads(estimate: Estimate) -> list[Start]:
    """A sigma for each axis."""
    moments = mass(estimate)
    return [(max(math.sqrt(moments.rows), _NARROWEST), max(math.sqrt(moments.columns), _NARROWEST))]


def ellipse(estimate: Estimate) -> list[Start]:
    """Sigmas along the long and the short axis, and the angle of the long one."""
    long, short, angle = mass(estimate).axes
    return [(max(long, _NARROWEST), max(short, _NARROWEST), angle)]


def widths(estimate: Estimate) -> list[Start]:
    """Height and width of a box; one of width w has variance w²/12."""
    moments = mass(estimate)
    return [tuple(max(math.sqrt(12 * variance), 1.0) for variance in (moments.rows, moments.columns))]


def _fraction(estimate: Estimate) -> tuple[float, float]:
    row, column = mass(estimate).centre
    return row - round(row), column - round(column)


def moved_spread(estimate: Estimate) -> list[Start]:
    """A spread, and where the middle lies beside the grid."""
    return [(*spread(estimate)[0], *_fraction(estimate))]


def moved_widths(estimate: Estimate) -> list[Start]:
    """Height and width, and where the middle lies beside the grid."""
    return [(*widths(estimate)[0], *_fraction(estimate))]


def part_of_a_pixel(estimate: Estimate) -> list[Start]:
    """A shift moves the picture against the middle of the taps."""
    down, right = _fraction(estimate)
    return [(-down, -right)]


def alpha(_: Estimate) -> list[Start]:
    """MATLAB's shape of a Laplacian, somewhere between the ends."""
    return [(0.3,)]


def radius(estimate: Estimate) -> list[Start]:
    """A disk has variance r²/4 along each axis, and a pixel adds 1/12."""
    return [(max(2 * math.sqrt(max(mass(estimate).spread ** 2 - 1 / 12, 0.0)), 0.6),)]


def streak(estimate: Estimate) -> list[Start]:
    """Length and angle of the long axis, and the multiple of 45 degrees nearest to it."""
    long, _, angle = mass(estimate).axes
    length = max(math.sqrt(12) * long, 1.2)
    return [(length, angle), (length, round(angle / 45) * 45.0 % 180)]


def half_streak(estimate: Estimate) -> list[Start]:
    """Sigma, direction from the output pixel to the middle of all, and how many taps.

    Many directions give the same pixels, so that the roundest come first.
    """
    moments, head = mass(estimate), origin(estimate)
    down, right = moments.centre[0] - head[0], moments.centre[1] - head[1]
    toward = round(math.degrees(math.atan2(-down, right)))
    # The mean distance of half a Gaussian is sqrt(2/pi) sigma.
    sigma = max(1.25 * math.hypot(down, right), 0.4)
    near = sorted(range(toward - _ASTRAY, toward + _ASTRAY + 1), key=lambda angle: (angle % 45 > 0, angle % 5 > 0))
    reach = float(np.abs(np.argwhere(estimate.seen) - np.array(head)).max(initial=1))
    long = math.ceil(6.5 * sigma)
    return [(sigma, float(angle % 360), count) for angle in near for count in sorted({*_counts(reach, angle), long})]


def _counts(reach: float, angle: int) -> set[int]:
    """How many steps along a line may end so many pixels away along an axis."""
    steps = reach / max(abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle))))
    return {math.floor(steps) + 1, math.ceil(steps) + 1}


def straight_half_streak(estimate: Estimate) -> list[Start]:
    """Those along the axes."""
    return [start for start in half_streak(estimate) if start[1] % 90 == 0]


def sharpened(estimate: Estimate) -> list[Start]:
    """The Gaussian is what is left when the largest tap is taken out."""
    rest = estimate.taps.copy()
    peak = np.unravel_index(int(np.abs(rest).argmax()), rest.shape)
    rest[peak] = 0.0
    total, around = float(estimate.taps.sum()), -float(rest.sum())
    amount = max(1.3 * around / (abs(total) or 1.0), 0.1)
    box = estimate.box
    side = max(part.stop - part.start for part in box) if box else max(estimate.shape)
    return [(amount, side / 5), (amount, side / 9), (amount, side / 2)]


def fixed_point_sharpened(estimate: Estimate) -> list[Start]:
    """Amount, and side and sigma of each of OpenCV's 8-bit Gaussians about the one seen, the roundest sigma of each.

    The rows beside the largest tap are of the Gaussian alone: as wide as it, and a known share of it.
    """
    peak, _ = np.unravel_index(int(np.abs(estimate.taps).argmax()), estimate.shape)
    if estimate.box is None or not 0 < peak < estimate.shape[0] - 1:
        return []
    row, total = (estimate.taps[peak - 1] + estimate.taps[peak + 1]) / -2, float(estimate.taps.sum())
    places = np.arange(len(row))
    variance = float(row @ (places - row @ places / row.sum()) ** 2 / row.sum()) if row.sum() > 0 else 0.0
    if not (variance > _NARROWEST**2 and total > 0):
        return []
    sigma = math.sqrt(variance)
    seen = max(part.stop - part.start for part in estimate.box) | 1
    found: dict[tuple[int, bytes], Start] = {}
    for side in (seen, seen + 2, seen + 4):
        # Cut off, the row is narrower than the Gaussian; and there are others as good.
        for percent in sorted(range(round(85 * sigma), round(125 * sigma) + 1), key=_roundness):
            taps = fixed_point(side, percent / 100)
            beside = float(taps[side // 2 - 1].sum())
            if side == 1 or beside == 0.0:
                continue
            amount = float(row.sum()) / beside / total
            found.setdefault((side, taps.tobytes()), (amount, float(side), percent / 100))
    return list(found.values())


def _roundness(percent: int) -> tuple[bool, bool]:
    return percent % 50 > 0, percent % 10 > 0


def boxed_sharpened(estimate: Estimate) -> list[Start]:
    """Radius and per cent of Pillow's unsharp mask: those of a Gaussian's."""
    return [(max(sigma, 0.6), 100 * amount) for amount, sigma in sharpened(estimate)]


def rings(estimate: Estimate) -> list[Start]:
    """The sigma of a Laplacian of a Gaussian, whose squares spread by about as much."""
    spread = energy(estimate).spread
    return [(max(1.2 * spread, _NARROWEST),), (max(0.7 * spread, _NARROWEST),)]


def two_rings(estimate: Estimate) -> list[Start]:
    """Two sigmas, either of them the larger one."""
    spread = max(energy(estimate).spread, _NARROWEST)
    return [(1.2 * spread, 1.9 * spread), (1.9 * spread, 1.2 * spread), (0.6 * spread, 3 * spread)]


def slope(estimate: Estimate) -> list[Start]:
    """Sigma, and the direction in which the taps grow."""
    rows, columns = (np.arange(float(side)) for side in estimate.shape)
    down, right = float(rows @ estimate.taps.sum(axis=1)), float(estimate.taps.sum(axis=0) @ columns)
    angle = math.degrees(math.atan2(-down, right))
    return [(max(energy(estimate).spread, _NARROWEST), angle)]


def wave(estimate: Estimate) -> list[Start]:
    """For a Gabor kernel: wavelength, direction and phase of the strongest frequency, and the extent of the squares."""
    moments = energy(estimate)
    side = 4 * max(estimate.shape)
    spectrum = np.fft.rfft2(estimate.taps, (side, side))
    down, right = np.unravel_index(int(np.abs(spectrum).argmax()), spectrum.shape)
    along_rows = np.fft.fftfreq(side)[down]
    frequency = math.hypot(along_rows, right / side) or 1 / side
    angle = math.atan2(along_rows, right / side)
    middle = 2 * math.pi * (along_rows * moments.centre[0] + right / side * moments.centre[1])
    phase = -math.degrees(np.angle(spectrum[down, right]) + middle) % 360
    # The squares of a Gaussian spread by sigma/√2.
    cosine, sine = math.cos(angle), math.sin(angle)
    across = moments.rows * cosine**2 + moments.columns * sine**2 - 2 * moments.mixed * cosine * sine
    along = moments.columns * cosine**2 + moments.rows * sine**2 + 2 * moments.mixed * cosine * sine
    sigma, aside = math.sqrt(max(2 * along, 0.1)), math.sqrt(max(2 * across, 0.1))
    return [(1 / frequency, math.degrees(angle), sigma, sigma / aside, phase)]
