"""Probe pictures must not let roundings follow them."""

import cv2
import numpy as np
import pytest

from convkit.probe.contrast import Contrast
from convkit.recovery import Problem, find_optimum

# OpenCV's 8-bit Gaussian of sigma 1, in 1/128.
ROW = np.array([7, 31, 52, 31, 7])


@pytest.mark.parametrize("amplitude", [0.25, 223 / 510, 0.45])
def test_taps_are_within_their_error_bars_at_any_contrast(amplitude: float) -> None:
    picture = Contrast(0.5, amplitude).draw((149, 163), np.random.default_rng(0), 255)
    pixels = np.rint(picture * 255).astype(np.uint8)
    answer = cv2.GaussianBlur(pixels, (5, 5), 1.0)[2:-2, 2:-2].astype(float)
    problem = Problem.of(pixels.astype(float), answer, (5, 5))
    found = find_optimum(problem, problem.condensed())
    deviates = (found.point.taps - np.outer(ROW, ROW) / 128**2).ravel() / found.standard_errors(1.0)[:25]
    assert np.abs(deviates).max() < 5.0  # with two levels alone, 12 at an amplitude of 111 levels
