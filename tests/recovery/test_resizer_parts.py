"""The parts of finding a resizer: which outputs are used, and how well each phase's taps are known."""

import numpy as np
import pytest

from convkit.recovery.recording import Recording
from convkit.recovery.resizers import find_separable
from convkit.recovery.resizers.axis import Axis
from convkit.recovery.resizers.candidates import candidates
from convkit.recovery.resizers.outputs import blank_side
from convkit.recovery.resizers.weights import matrix


@pytest.mark.parametrize(("inputs", "outputs"), [(60, 24), (60, 90), (50, 50), (61, 23)])
@pytest.mark.parametrize("reach", [0, 2, 5])
def test_outputs_are_those_whose_whole_window_lies_inside(inputs: int, outputs: int, reach: int) -> None:
    """From ``reach`` pixels before the nearest pixel to one more after it, first and last pixel included."""
    axis = Axis(inputs, outputs)
    side = blank_side(axis, reach)
    expected = [
        (n, axis.nearest(n) - reach) for n in range(outputs) if 0 <= axis.nearest(n) - reach <= inputs - 2 * reach - 2
    ]
    assert list(zip(side.outputs.tolist(), side.first.tolist(), strict=True)) == expected
    assert side.taps.shape[1] == 2 * reach + 2


def test_error_bars_of_phases_are_the_scatter(rng: np.random.Generator) -> None:
    """Taps of a triangle from 8 draws of noise: their errors are the standard errors, of each side given the other."""
    rows, columns = Axis(101, 50), Axis(140, 70)
    triangle = candidates(rows, columns)[3]
    down, along = (matrix(triangle.weights(np.arange(one.outputs), one), one.inputs) for one in (rows, columns))
    off = []
    for _ in range(8):
        image = rng.random((101, 140))
        target = down @ image @ along.T
        found = find_separable([(image, target + 0.01 * rng.standard_normal(target.shape))], rows, columns, Recording())
        for side in (found.rows, found.columns):
            known = matrix(triangle.weights(side.outputs, side.axis), side.axis.inputs)
            gap = matrix(side.weights, side.axis.inputs) - known
            at = [int(np.flatnonzero(side.labels == phase)[0]) for phase in side.phases]
            for phase, output in enumerate(at):
                first = side.first[output]
                off.append(gap[output, first : first + side.taps.shape[1]] / side.errors[phase])
    assert 0.7 < np.sqrt(np.mean(np.square(np.concatenate(off)))) < 1.4


def test_windows_are_narrowed_to_what_has_taps(rng: np.random.Generator) -> None:
    """A triangle over two pixels has four of them, and one more on each side is kept."""
    axis = Axis(120, 60)
    triangle = candidates(axis, axis)[3]
    down = matrix(triangle.weights(np.arange(60), axis), 120)
    image = rng.random((120, 120))
    found = find_separable([(image, down @ image @ down.T)], axis, axis, Recording())
    for side in (found.rows, found.columns):
        np.testing.assert_allclose(side.taps, [[0, 0.125, 0.375, 0.375, 0.125, 0]], atol=1e-6)


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.55), (0.45, 1.0)])
def test_clipped_outputs_do_not_bend_the_taps(low: float, high: float, rng: np.random.Generator) -> None:
    """A quarter of the outputs lies on a rail; with noise, what stays off it by its value alone is no fair choice."""
    axis = Axis(160, 80)
    triangle = candidates(axis, axis)[3]
    down = matrix(triangle.weights(np.arange(80), axis), 160)
    image = rng.random((160, 160))
    target = np.clip(down @ image @ down.T + 0.03 * rng.standard_normal((80, 80)), low, high)
    recording = Recording(None, low, high)
    assert 0.15 < recording.saturated(target).mean() < 0.4
    found = find_separable([(image, target)], axis, axis, recording)
    for side in (found.rows, found.columns):
        known = matrix(triangle.weights(side.outputs[:1], axis), 160)[0, side.first[0] :][: side.taps.shape[1]]
        assert (np.abs(side.taps[0] - known) < 6 * side.errors[0]).all()
