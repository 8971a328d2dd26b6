"""The ways a kernel may lie: flipped, as programs do, and turned."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from convkit.kernel.rotation import rotated

Taps = NDArray[np.float64]
Flip = Literal["none", "both", "vertical", "horizontal"]

_FLIPS: dict[Flip, str] = {
    "none": "correlated",
    "both": "convolved",
    "vertical": "flipped top to bottom",
    "horizontal": "flipped left to right",
}
_STEPS = {"none": (1, 1), "both": (-1, -1), "vertical": (-1, 1), "horizontal": (1, -1)}


@dataclass(frozen=True)
class Orientation:
    """A flip, and then a turn.

    Attributes
    ----------
    flip : str
        ``none`` for a kernel laid on the picture as it is written (correlation), ``both`` for one turned by 180
        degrees (convolution), ``vertical`` or ``horizontal`` for its rows or columns reversed.
    rotation : int
        Degrees clockwise.
    oddity : float
        How much less likely than the plain one, in units of chi-square.
    """

    flip: Flip = "none"
    rotation: int = 0
    oddity: float = 0.0

    def applied(self, taps: Taps) -> Taps:
        """Flip and turn taps.

        Examples
        --------
        >>> Orientation("none", 90).applied(np.array([[1.0, 2.0]]))
        array([[1.],
               [2.]])
        """
        down, across = _STEPS[self.flip]
        return np.ascontiguousarray(rotated(taps[::down, ::across], self.rotation))

    @property
    def words(self) -> str:
        """As the one-line text says it."""
        turned = f"turned by {self.rotation} degrees" if self.rotation else ""
        return ", ".join(filter(None, [turned, "" if turned and self.flip == "none" else _FLIPS[self.flip]]))


# Convolution and Pillow's upside-down kernels are common; the transposes are there for completeness.
_SQUARE = (
    Orientation(),
    Orientation("both", 0, 1.0),
    Orientation("vertical", 0, 1.25),
    Orientation("none", 90, 1.5),
    Orientation("none", 270, 1.75),
    Orientation("horizontal", 0, 3.0),
    Orientation("horizontal", 90, 4.0),
    Orientation("horizontal", 270, 4.0),
)
_RING = tuple(
    Orientation(flip, angle, 4.0 + 2.0 * (flip != "none"))
    for flip in ("none", "horizontal")
    for angle in (45, 135, 225, 315)
)


def orientations(taps: Taps) -> Iterator[tuple[Orientation, Taps]]:
    """Yield the distinct ways a kernel may lie, the plainest first; the ring of a full 3×3 turns by 45 degrees too.

    Examples
    --------
    >>> [o.rotation for o, _ in orientations(np.array([[1.0, 2.0, 1.0]]))]
    [0, 90]
    """
    seen: list[Taps] = []
    edges = (taps[0], taps[-1], taps[:, 0], taps[:, -1])
    has_ring = taps.shape == (3, 3) and all(edge.any() for edge in edges)
    for orientation in _SQUARE + (_RING if has_ring else ()):
        laid = orientation.applied(taps)
        if not any(np.array_equal(laid, other) for other in seen):
            seen.append(laid)
            yield orientation, laid
