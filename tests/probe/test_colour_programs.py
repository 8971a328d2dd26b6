"""Programs that answer in colour: whether channels share a kernel, have one each, or mix."""

import sys
from pathlib import Path

import numpy as np
import pytest

from convkit import Recovery, learn_kernel

PROGRAMS = Path(__file__).with_name("programs") / "colour.py"


def asked(name: str, **settings) -> Recovery:
    return learn_kernel(program=f"{sys.executable} {PROGRAMS} {name} {{input}} {{output}}", **settings)


def test_channels_that_share_a_kernel() -> None:
    found = asked("alike")
    assert found.channels_share
    assert [channel.name for channel in found.channels] == ["red", "green", "blue"]
    assert found.fit.verdict == "exact"
    assert found.probe.mixing_told == "each channel stays by itself"


def test_each_channel_has_its_own_kernel() -> None:
    found = asked("apart")
    assert found.kernel is None
    assert found.channels_share is False
    red, green, blue = found.channels
    assert [channel.fit.verdict for channel in found.channels] == ["exact"] * 3
    assert red.kernel.name.startswith("OpenCV's 8-bit Gaussian 5x5")
    assert np.allclose(green.kernel.learned[1:4, 1:4], 1 / 9)
    assert green.kernel.learned.sum() == pytest.approx(1.0)
    assert np.array_equal(blue.kernel.learned != 0.0, np.eye(5)[:, 2:3] @ np.eye(5)[2:3] != 0.0)


def test_mixing_is_told_as_a_matrix() -> None:
    found = asked("mixed")
    # OpenCV has blue first.
    expected = np.array([[0.9, 0.1, 0.0], [0.1, 0.7, 0.2], [0.1, 0.1, 0.8]])
    assert np.abs(found.probe.mixing - expected).max() < 0.002
    assert found.probe.mixing_told.startswith("channels mix: red = 0.900 red + 0.100 green")
    assert found.channels == []


def test_a_blur_that_varies_is_not_shift_invariant_in_colour_either() -> None:
    found = asked("varying")
    assert found.fit.verdict == "not-linear"
    assert found.fit.reason.startswith("not shift-invariant: taps differ between tiles by")


def test_a_resizer_in_colour() -> None:
    found = asked("halved", stride="auto")
    assert found.channels_share
    assert found.kernel.name == "bicubic, a = -0.75, without antialiasing, half-pixel centres"
