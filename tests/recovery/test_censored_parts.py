"""What the censored fit is made of: predictions, fits to chosen outputs, and who is clipped."""

import math

import numpy as np
import pytest
from scipy import signal

from convkit.recovery import Parameters, Problem, find_optimum, responses
from convkit.recovery.problem import Pair
from convkit.recovery.recording import Recording
from convkit.recovery.responses import predicted
from convkit.recovery.saturation.masked_fit import MaskedFit, masked
from convkit.recovery.saturation.noise import Noise
from convkit.recovery.saturation.rails import Rails

EIGHT_BITS = Recording(1 / 255, 0.0, 1.0)


@pytest.mark.parametrize("size", [(3, 2), (7, 8)])  # by shifts and by FFTs
@pytest.mark.parametrize("stride", [1, 3])
def test_predictions_are_scipys_correlation_whatever_the_strips(monkeypatch, size, stride, rng) -> None:
    monkeypatch.setattr(responses, "_STRIP_ROWS", 7)
    image, taps = rng.random((160, 230)), rng.standard_normal(size)
    expected = signal.correlate2d(image, taps, "valid")[::stride, ::stride] + 0.25
    found = predicted(Pair(image, np.zeros_like(expected)), Parameters(taps, 0.25), stride=stride)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_predictions_do_not_see_pixels_that_no_used_output_sees(rng) -> None:
    image, taps = rng.random((60, 50)), rng.standard_normal((7, 7))
    mask = np.ones((54, 44), bool)
    mask[10:30] = False
    spoilt = image.copy()
    spoilt[18:28] = np.nan
    found = predicted(Pair(spoilt, np.zeros(mask.shape), mask), Parameters(taps))
    np.testing.assert_allclose(found[mask], signal.correlate2d(image, taps, "valid")[mask], atol=1e-12)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("stride", [1, 2])
def test_an_exchange_of_outputs_is_a_fit_to_the_others(bias: bool, stride: int, rng) -> None:
    image = 4 + rng.random((40, 41))
    target = rng.random((38, 39))[::stride, ::stride]
    problem = Problem.of(image, target, (3, 3), bias=bias, stride=stride)
    first = rng.random(target.shape) < 0.6
    second = first ^ (rng.random(target.shape) < 0.05)
    fit = MaskedFit.of(problem, (first,)).refitted((second,))
    expected = find_optimum(masked(problem, (second,)), masked(problem, (second,)).condensed())
    assert fit is not None
    np.testing.assert_allclose(fit.point.taps, expected.point.taps, atol=1e-10)
    assert fit.normal.count == second.sum()
    noise = fit.noise(EIGHT_BITS, fit.point)
    assert noise.variance == pytest.approx(expected.noise_variance(None), rel=1e-9)
    assert noise.floor == EIGHT_BITS.rounding_variance
    other = Parameters(rng.random((3, 3)), 0.5 if bias else 0.0)
    there = predicted(problem.pairs[0], other, stride=stride) - predicted(problem.pairs[0], fit.point, stride=stride)
    assert fit.distance(other) == pytest.approx(math.sqrt(np.mean(there[second] ** 2)), rel=1e-9)
    squares = np.sum((target - predicted(problem.pairs[0], other, stride=stride))[second] ** 2)
    assert fit.noise(EIGHT_BITS, other).variance == pytest.approx(squares / (second.sum() - problem.unknowns))


def test_a_choice_of_no_outputs_is_no_fit(rng) -> None:
    problem = Problem.of(rng.random((9, 9)), rng.random((7, 7)), (3, 3))
    fit = MaskedFit.of(problem, (np.ones((7, 7), bool),))
    assert fit.refitted((np.zeros((7, 7), bool),)) is None
    assert fit.refitted(fit.masks) is fit


def test_noise_is_real_from_a_quarter_of_a_level_on() -> None:
    rounding = 1 / 12
    assert not Noise(rounding + 0.249**2, rounding).is_real
    assert Noise(rounding + 0.251**2, rounding).is_real
    assert Noise(rounding / 2, rounding).spread == 0.0
    assert Noise(rounding / 2, rounding).total == math.sqrt(rounding)


def test_free_outputs_are_predicted_farther_inside_than_the_noise_goes() -> None:
    whole = Recording(1.0, 0.0, 255.0)
    for spread, inside in ((0.0, -0.2887), (1.0, 4 - 0.2887), (2.1, 8 - 0.2887)):
        noise = Noise(spread**2 + 1 / 12, 1 / 12)
        predictions = np.array([[inside - 0.01, inside + 0.01, 255 - inside - 0.01, 255 - inside + 0.01]])
        free = Rails(np.clip(np.round(predictions), 0, 255), predictions, whole, noise).free()
        assert free.tolist() == [[False, True, True, False]]


def test_contradictions_are_what_neither_noise_nor_clipping_explains() -> None:
    noise = Noise(1 + 1 / 12, 1 / 12)
    cases = [  # target, prediction, whether they contradict each other
        (0.0, -300.0, False),  # clipped
        (0.0, 6.0, False),  # noise
        (0.0, 7.0, True),
        (255.0, 400.0, False),
        (255.0, 240.0, True),
        (255.0, -300.0, True),  # the wrong rail
        (3.0, -2.0, False),
        (3.0, -40.0, True),  # off the rail, but predicted far beyond it
        (100.0, 140.0, False),  # a bad fit, which has nothing to do with the rails
    ]
    cases += [(100.0, 100.0, False)] * 100
    targets, predictions, expected = (np.array([column]) for column in zip(*cases, strict=True))
    rails = Rails(targets, predictions, Recording(1.0, 0.0, 255.0), noise)
    assert rails.contradictory().tolist() == expected.tolist()
    # So many of them contradict the kernel instead.
    assert not Rails(targets[:, :50], predictions[:, :50], rails.recording, noise).contradictory().any()


def test_near_outputs_lie_on_a_rail_and_not_far_beyond() -> None:
    noise = Noise(1 + 1 / 12, 1 / 12)
    targets = np.array([[0.0, 0.0, 255.0, 255.0, 1.0]])
    predictions = np.array([[-9.0, -10.0, 264.0, 265.0, 1.0]])
    rails = Rails(targets, predictions, Recording(1.0, 0.0, 255.0), noise)
    assert rails.near(10.0).tolist() == [[True, False, True, False, False]]  # half a level of it is rounding
    only_high = Rails(targets, predictions, Recording(1.0, -math.inf, 255.0), noise)
    assert only_high.near(10.0).tolist() == [[False, False, True, False, False]]
