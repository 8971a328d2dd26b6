"""Which outputs of a resizer are looked at, and whether they are enough for its phases."""

import math

import numpy as np

from convkit.errors import ShapeError
from convkit.recovery.resizers.axis import Axis
from convkit.recovery.resizers.curves import LOBES
from convkit.recovery.resizers.separable import Side

# Outputs looked at, a side.
_MOST = 384
# The widest curves, antialiased, have three lobes; 4 without.
_ANTIALIASED_LOBES = 3
# Outputs a tap that a phase must have.
_OUTPUTS_A_TAP = 3.0


def widest(axis: Axis) -> int:
    """Return how far windows reach that hold any known resizer's taps."""
    scale = max(axis.scale, 1.0)
    return math.ceil(max(_ANTIALIASED_LOBES * scale, LOBES) + abs(axis.scale - 1.0) / 2.0) + 1


def blank_side(axis: Axis, reach: int) -> Side:
    """Choose the outputs whose window lies inside the image, from the middle."""
    nearest = np.array([axis.nearest(output) for output in range(axis.outputs)], dtype=np.intp)
    inside = np.flatnonzero((nearest - reach >= 0) & (nearest + reach + 1 < axis.inputs))
    most = max(_MOST, 2 * axis.phases)
    if inside.size > most:
        begin = (inside.size - most) // 2
        inside = inside[begin : begin + most]
    taps = np.zeros((np.unique(inside % axis.phases).size, 2 * reach + 2))
    return Side(axis, inside, nearest[inside] - reach, taps, taps)


def enough(sides: tuple[Side, Side], pictures: int, a_tap: float = _OUTPUTS_A_TAP) -> bool:
    """Whether every phase has enough outputs for its taps."""
    return all(
        side.outputs.size > 0
        and int(np.bincount(side.labels)[side.phases].min()) * other.outputs.size * pictures
        >= a_tap * side.taps.shape[1]
        for side, other in (sides, sides[::-1])
    )


def too_small(sides: tuple[Side, Side], pictures: int) -> ShapeError:
    """Refuse pictures that have fewer outputs for a phase than its taps need, and tell how many would do."""
    needed = []
    for side, other in (sides, sides[::-1]):
        outputs = _OUTPUTS_A_TAP * other.taps.shape[1] / pictures
        needed.append(math.ceil(outputs * side.axis.scale) + side.taps.shape[1] + math.ceil(side.axis.scale))
    tall, wide = (side.axis for side in sides)
    return ShapeError(
        expected="pictures that show each output phase of a resizer often enough",
        got=f"{tall.inputs}x{wide.inputs} to {tall.outputs}x{wide.outputs}, "
        f"{tall.phases}x{wide.phases} phases ({tall.ratio} and {wide.ratio})",
        hint=f"pictures of {max(needed[0], tall.inputs)}x{max(needed[1], wide.inputs)} pixels or more, resized "
        "likewise, or sizes in a simpler ratio",
    )
