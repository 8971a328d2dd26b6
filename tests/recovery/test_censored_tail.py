"""The tails of the normal distribution beside SciPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from convkit.recovery.saturation.normal_tail import log_normal_tail, mills_ratio

EVERYWHERE = np.concatenate([np.linspace(-40, 40, 4001), np.logspace(1, 8, 50), -np.logspace(1, 8, 50), [0.0, -0.0]])


def test_logarithm_is_scipys_to_rounding_in_both_tails() -> None:
    ours, _ = log_normal_tail(EVERYWHERE)
    expected = special.log_ndtr(EVERYWHERE)
    below = EVERYWHERE <= 0
    np.testing.assert_allclose(ours[below], expected[below], rtol=2e-15)
    # Above 0 it is about -φ(a), and exp(-a²/2) errs by the rounding of its exponent, up to 800·eps.
    np.testing.assert_allclose(ours[~below], expected[~below], rtol=4e-13, atol=1e-300)


def test_slope_is_the_inverse_mills_ratio() -> None:
    _, ours = log_normal_tail(EVERYWHERE)
    below = EVERYWHERE <= 0
    # φ/Φ = √(2/π) / erfcx(-a/√2), which SciPy computes without cancellation; above 0 it would overflow.
    expected = np.sqrt(2 / np.pi) / special.erfcx(-EVERYWHERE[below] / np.sqrt(2))
    np.testing.assert_allclose(ours[below], expected, rtol=4e-15)
    a = EVERYWHERE[~below]
    np.testing.assert_allclose(ours[~below], np.exp(-a * a / 2) / np.sqrt(2 * np.pi) / special.ndtr(a), rtol=1e-12)


def test_mills_ratio_is_right_up_to_infinity_as_good_as() -> None:
    x = np.concatenate([np.linspace(0, 30, 2001), np.logspace(1.5, 150, 60)])
    np.testing.assert_allclose(mills_ratio(x), np.sqrt(np.pi / 2) * special.erfcx(x / np.sqrt(2)), rtol=3e-15)


@given(st.floats(-1e4, 30))
def test_slope_is_the_derivative_and_its_fall_lies_between_0_and_1(a: float) -> None:
    (low, high), _ = log_normal_tail(np.array([a - 1e-3, a + 1e-3]))
    _, slope = log_normal_tail(np.array([a]))
    # Central differences: third derivative (below 1) times h²/6, and rounding of log Φ, up to a², over h.
    assert (high - low) / 2e-3 == pytest.approx(slope[0], abs=2e-7 + 1e-13 * a * a)
    fall = slope[0] * (slope[0] + a)
    assert -1e-12 <= fall <= 1 + 1e-15 * a * a + 1e-12
