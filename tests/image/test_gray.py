"""From colour to gray."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convkit.errors import SettingsError
from convkit.image import Gray, load_image
from convkit.image.gray import parse_background, parse_gray, to_gray

# The published weights, written independently of the code's whole numbers.
WEIGHTS = {
    Gray.BT601: ("0.299", "0.587", "0.114"),
    Gray.BT709: ("0.2126", "0.7152", "0.0722"),
    Gray.MEAN: ("1/3", "1/3", "1/3"),
    Gray.R: ("1", "0", "0"),
    Gray.G: ("0", "1", "0"),
    Gray.B: ("0", "0", "1"),
}


@pytest.mark.parametrize("gray", Gray)
@pytest.mark.parametrize("white", [255, 65535])
def test_integer_colour_becomes_the_nearest_float64_to_the_true_gray(gray, white):
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, white + 1, (1, 200, 3), dtype=np.uint16)
    exact = [
        float(sum(Fraction(w) * int(v) for w, v in zip(WEIGHTS[gray], pixel, strict=True)) / white)
        for pixel in pixels[0]
    ]
    assert np.array_equal(to_gray(pixels, white, gray)[0], exact)


@given(v=st.integers(0, 65535), white=st.sampled_from([255, 4095, 65535]), gray=st.sampled_from(list(Gray)))
def test_neutral_colour_equals_the_gray_picture_of_it(v, white, gray):
    v %= white + 1
    neutral = np.full((1, 1, 3), v, np.uint16)
    assert to_gray(neutral, white, gray) == to_gray(neutral[..., 0], white, gray) == v / white


@given(pixels=hnp.arrays(np.uint8, (3, 4, 3)), gray=st.sampled_from(list(Gray)))
@settings(deadline=None)
def test_gray_lies_between_darkest_and_brightest_channel(pixels, gray):
    values = to_gray(pixels, 255, gray) * 255
    assert (values >= pixels.min(axis=2) - 1e-9).all()
    assert (values <= pixels.max(axis=2) + 1e-9).all()


def test_default_is_what_opencv_rounds(photo):
    oracle = cv2.cvtColor(cv2.imread(str(photo("coffee.png"))), cv2.COLOR_BGR2GRAY)
    # Half a step from rounding, and 255 times half a unit of the 2**-14 in which OpenCV keeps each weight.
    assert np.abs(load_image(photo("coffee.png")) * 255 - oracle).max() <= 0.5 + 255 * 3 / 2**15


def test_gray_pictures_are_the_same_by_every_way(photo):
    first, *others = (load_image(photo("camera.png"), gray=gray) for gray in Gray)
    assert all(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("text", ["bt709", " BT709 ", Gray.BT709])
def test_names_are_forgiving_about_case(text):
    assert parse_gray(text) is Gray.BT709


@pytest.mark.parametrize(("text", "value"), [("White", 1), ("black", 0), ("0.5", 0.5), ("1/4", 0.25), ("1", 1)])
def test_backgrounds(text, value):
    assert parse_background(text) == value


@pytest.mark.parametrize("text", ["-0.1", "1.01", "gray", "inf"])
def test_backgrounds_out_of_range(text):
    with pytest.raises(SettingsError, match=f"from 0 to 1; got '{text}'"):
        parse_background(text)
