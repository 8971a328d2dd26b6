"""Axes of the small charts that move with the slider: numbers to places, and round numbers to label them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

# At most so many labels on an axis.
_MOST_LABELS = 6
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Axis:
    """A stretch of the drawing for a range of numbers, which grow by equal steps or, on request, equal factors.

    Attributes
    ----------
    low, high : float
        The range; above zero for a logarithmic one.
    start, end : float
        Where it lies, in pixels of the drawing.
    logarithmic, whole : bool
        Whether it grows by factors, and whether only whole numbers mean something.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False
    whole: bool = False

    def at(self, value: float) -> float:
        """Return the place of a number; one outside the range lies at its end."""
        low, high, here = (self._grown(number) for number in (self.low, self.high, value))
        share = (here - low) / (high - low) if high > low else 0.0
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 1)

    def _grown(self, value: float) -> float:
        return math.log10(max(value, self.low)) if self.logarithmic else value

    @property
    def labels(self) -> list[tuple[float, str]]:
        """Places and texts of round numbers.

        Examples
        --------
        >>> Axis(0, 40, 0, 100).labels
        [(0.0, '0'), (25.0, '10'), (50.0, '20'), (75.0, '30'), (100.0, '40')]
        >>> Axis(0.01, 10, 0, 90, logarithmic=True).labels
        [(0.0, '10⁻²'), (30.0, '10⁻¹'), (60.0, '1'), (90.0, '10')]
        """
        return self._powers() if self.logarithmic else self._round_numbers()

    def _powers(self) -> list[tuple[float, str]]:
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        stride = max(1, -(-(last - first + 1) // _MOST_LABELS))
        powers = [power for power in range(first, last + 1) if power % stride == 0]
        words = {0: "1", 1: "10"}
        return [(self.at(10.0**power), words.get(power, "10" + str(power).translate(_SUPERSCRIPT))) for power in powers]

    def _round_numbers(self) -> list[tuple[float, str]]:
        width = (self.high - self.low) / (_MOST_LABELS - 1)
        if not width > 0:
            return [(self.at(self.low), f"{self.low:g}")]
        ten = 10.0 ** math.floor(math.log10(width))
        step = next(ten * factor for factor in (1, 2, 5, 10) if ten * factor >= width * (1 - 1e-9))
        step = max(step, 1.0) if self.whole else step
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [(self.at(count * step), f"{count * step:.6g}") for count in range(first, last + 1)]


def path(points: Iterable[tuple[float, float]]) -> str:
    """Draw a line through points, as the ``d`` of an SVG path.

    Examples
    --------
    >>> path([(0.0, 1.5), (2.0, 3.0)])
    'M0 1.5L2 3'
    """
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
