"""Turning kernels: the sense, and the laws of turning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from convkit.kernel import named_kernel
from convkit.kernel.rotation import centred, rotated

NUMBERS = st.integers(-9, 9).map(float)
ANY = npst.arrays(np.float64, npst.array_shapes(min_dims=2, max_dims=2, max_side=5), elements=NUMBERS)
THREE = npst.arrays(np.float64, (3, 3), elements=NUMBERS)


@pytest.mark.parametrize("name", ["sobel", "prewitt", "scharr", "kirsch", "compass", "frei-chen"])
@pytest.mark.parametrize("angle", range(0, 360, 45))
def test_a_gradient_answers_most_to_brightness_growing_along_its_angle(name, angle):
    """The angle runs clockwise on the screen: 0 is rightwards, 90 downwards."""
    down, right = np.mgrid[-1:2, -1:2]
    answers = {}
    for direction in range(0, 360, 45):
        turn = np.radians(direction)
        ramp = np.cos(turn) * right + np.sin(turn) * down
        answers[direction] = float((named_kernel(f"{name}:angle={angle}").taps * ramp).sum())
    assert max(answers, key=answers.get) == angle
    assert answers[angle] > 0


@given(ANY, st.sampled_from([0, 90, 180, 270]), st.sampled_from([0, 90, 180, 270]))
def test_quarter_turns_add_up(taps, first, second):
    again = rotated(rotated(taps, first), second)
    assert np.array_equal(again, rotated(taps, (first + second) % 360))


@given(THREE, st.integers(0, 7), st.integers(0, 7))
def test_eighth_turns_of_three_by_three_add_up(taps, first, second):
    again = rotated(rotated(taps, 45 * first), 45 * second)
    assert np.array_equal(again, rotated(taps, 45 * ((first + second) % 8)))
    assert again[1, 1] == taps[1, 1]


@given(ANY)
def test_a_half_turn_reverses_both_axes(taps):
    assert np.array_equal(rotated(taps, 180), taps[::-1, ::-1])


@given(ANY, st.data())
def test_centring_moves_the_origin_to_the_middle_and_keeps_the_taps(taps, data):
    origin = tuple(data.draw(st.integers(0, side - 1)) for side in taps.shape)
    padded = centred(taps, origin)
    middle = [(side - 1) // 2 for side in padded.shape]
    corner = [m - o for m, o in zip(middle, origin, strict=True)]
    window = padded[corner[0] : corner[0] + taps.shape[0], corner[1] : corner[1] + taps.shape[1]]
    assert np.array_equal(window, taps)
    assert np.abs(padded).sum() == np.abs(taps).sum()
