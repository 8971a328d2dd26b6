"""Find the taps of a resizer of any ratio, and its name."""

from convkit.recovery.recording import Recording
from convkit.recovery.resizers.axis import Axis
from convkit.recovery.resizers.known import explained_below, named, taps_of, variances_left
from convkit.recovery.resizers.outputs import blank_side, enough, too_small, widest
from convkit.recovery.resizers.separable import Planes, Separable, chosen
from convkit.recovery.resizers.turns import narrowed, solve_in_turns

# Outputs a tap where windows are no wider than a known resizer's, which is nearly proof already.
_OUTPUTS_A_KNOWN_TAP = 2.0
# Outputs predicted nearer to a rail than so many standard deviations are left out.
_MARGIN = 4.0


def find_separable(planes: Planes, rows: Axis, columns: Axis, recording: Recording) -> Separable:
    """Find the taps of every phase, down and along.

    Parameters
    ----------
    planes : sequence of (ndarray, ndarray)
        Images and targets, all of the same two shapes.
    rows, columns : Axis
    recording : Recording
        Of the targets: residuals smaller than their rounding are taken for that, and outputs on a rail, by value and
        then by prediction, are left out.

    Raises
    ------
    ShapeError
        When the pictures are too small for the number of phases.

    Examples
    --------
    >>> import numpy as np
    >>> from convkit.recovery.resizers.candidates import candidates
    >>> from convkit.recovery.resizers.weights import matrix
    >>> image = np.random.default_rng(0).random((101, 140))
    >>> rows, columns = Axis(101, 50), Axis(140, 70)
    >>> triangle = candidates(rows, columns)[3]
    >>> down, along = (matrix(triangle.weights(np.arange(one.outputs), one), one.inputs) for one in (rows, columns))
    >>> found = find_separable([(image, down @ image @ along.T)], rows, columns, Recording())
    >>> found.names[0].name
    'triangle (bilinear), antialiased, half-pixel centres'
    """
    sides = blank_side(rows, widest(rows)), blank_side(columns, widest(columns))
    if min(side.outputs.size for side in sides) == 0:
        raise too_small(sides, len(planes))
    tried = variances_left(planes, chosen(planes, sides), sides, recording)
    start, variance = min(tried, key=lambda one: one[1])
    if not enough(sides, len(planes)):
        # Windows as wide as those of the known resizer that explains the outputs, if one does.
        least = blank_side(rows, start.reach(rows) + 1), blank_side(columns, start.reach(columns) + 1)
        if variance > explained_below(0.0, recording) or not enough(least, len(planes), _OUTPUTS_A_KNOWN_TAP):
            raise too_small(sides, len(planes))
        sides = least
        tried = variances_left(planes, chosen(planes, sides), sides, recording)
    targets = chosen(planes, sides)
    used = [~recording.saturated(target) for target in targets]
    found = solve_in_turns(planes, targets, used, (taps_of(start, sides[0]), taps_of(start, sides[1])), recording)
    narrower = narrowed(found.rows), narrowed(found.columns)
    if recording.clips:
        margin = _MARGIN * max(found.variance, recording.rounding_variance) ** 0.5
        used = [recording.clear(target - left, margin) for target, left in found.left(planes)]
    found = solve_in_turns(planes, targets, used, narrower, recording)
    return named(found, tried, recording)
