"""How a kernel's place and its numbers are put into words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convkit.recovery.naming import offset_in_words
from convkit.recovery.naming.gain import simple_gain, times
from convkit.recovery.naming.words import with_error


@pytest.mark.parametrize(
    ("size", "offset", "words"),
    [
        ((3, 3), (-1, -1), "centred"),
        ((1, 1), (0, 0), "centred"),
        ((1, 1), (-2, 0), "shifted down by 2"),
        ((1, 1), (2, -1), "shifted up by 2 and right by 1"),
        ((1, 5), (0, -4), "one-sided to the left"),
        ((5, 1), (0, 0), "one-sided downwards"),
        ((3, 3), (-2, 0), "one-sided upwards and to the right"),
        ((3, 3), (-3, -1), "shifted down by 2"),
        ((3, 3), (-2, 4), "one-sided upwards, shifted left by 5"),
        ((4, 4), (-1, -1), "centred, half a pixel down and right"),
        ((4, 4), (-2, -2), "centred, half a pixel up and left"),
        ((4, 3), (-2, -1), "centred, half a pixel up"),
        ((2, 5), (0, 0), "one-sided to the right, half a pixel down"),
        ((4, 4), (-4, -1), "shifted down by 2.5, half a pixel right"),
    ],
)
def test_places(size: tuple[int, int], offset: tuple[int, int], words: str) -> None:
    assert offset_in_words(size, offset) == words


@given(st.integers(1, 30), st.integers(1, 30))
def test_every_same_size_window_is_centred(rows: int, columns: int) -> None:
    assert offset_in_words((rows, columns), (-((rows - 1) // 2), -((columns - 1) // 2))).startswith("centred")
    assert offset_in_words((rows, columns), (-(rows // 2), -(columns // 2))).startswith("centred")


@given(st.integers(2, 30), st.integers(-40, 40))
def test_only_a_kernel_that_ends_at_the_output_pixel_is_one_sided(length: int, first: int) -> None:
    words = offset_in_words((1, length), (0, first))
    assert words.startswith("one-sided") == (length > 2 and first in (0, 1 - length))
    assert ("left" in words) == (first + (length - 1) / 2 < 0) if words.startswith("one-sided") else True


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1.2034, 0.0012, "1.2034 ± 0.0012"),
        (1.2034, 0.0096, "1.203 ± 0.010"),
        (30.3, 1.7, "30.3 ± 1.7"),
        (30.3, 2.7, "30 ± 3"),
        (9.0, 0.25, "9.0 ± 0.2"),
        (1.5, 0.0, "1.5"),
        (1.5, float("inf"), "1.5"),
        (8.99998, 2e-5, "9"),
        (-0.0, 0.0, "0"),
        (1234.5, 30.0, "1230 ± 30"),
    ],
)
def test_numbers_with_errors(value: float, error: float, text: str) -> None:
    assert with_error(value, error) == text


@pytest.mark.parametrize(
    ("gain", "error", "text"),
    [
        (1.0, 1e-9, ""),
        (0.25, 1e-6, " / 4"),
        (-0.25, 1e-6, " / -4"),
        (9.0, 1e-6, " × 9"),
        (1 / 273, 1e-9, " / 273"),
        (1 / 273, 1e-5, " × 0.003663 ± 0.000010"),  # as well 1/272
        (0.26, 0.05, " × 0.26 ± 0.05"),
        (0.53, 1e-6, " × 0.53"),
    ],
)
def test_gains_are_fractions_where_they_can_be_nothing_else(gain: float, error: float, text: str) -> None:
    assert times(gain, error) == text


@given(st.integers(1, 200), st.booleans())
def test_whole_numbers_and_their_inverses_are_simple(n: int, inverse: bool) -> None:
    gain = 1 / n if inverse else float(n)
    assert simple_gain(gain, 1e-8) == gain
