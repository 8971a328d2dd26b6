"""Several kernels at once, and what is told of one."""

import numpy as np
import pytest
import scipy.ndimage

from convkit.convolution import Convention, Padding
from convkit.convolution.filtering import Combine, filter_picture
from convkit.errors import SettingsError, ShapeError
from convkit.image import Image, Kind
from convkit.kernel import Kernel, parse_kernel


@pytest.fixture
def picture(rng: np.random.Generator) -> Image:
    return Image(rng.random((20, 23)), Kind.MATRIX, "x")


def test_the_magnitude_of_two_derivatives_is_the_gradients_length(picture: Image) -> None:
    kernels = [parse_kernel("sobel-x"), parse_kernel("sobel-y")]
    done = filter_picture(picture, kernels, Convention(Padding.REFLECT), combine=Combine.MAGNITUDE)
    expected = np.hypot(*(scipy.ndimage.correlate(picture.values, one.taps, mode="mirror") for one in kernels))
    np.testing.assert_allclose(done.values, expected, atol=1e-12)
    assert not done.zero_sum  # a length is not negative
    assert done.offset == (-1, -1)


def test_three_kernels_count_alike(picture: Image) -> None:
    taps = [np.array([[float(n)]]) for n in (2, 3, 6)]
    done = filter_picture(picture, [Kernel(one) for one in taps], Convention(), combine=Combine.MAGNITUDE)
    np.testing.assert_allclose(done.values, 7 * picture.values, rtol=1e-12)


@pytest.mark.parametrize(("text", "zero_sum"), [("1,-1", True), ("box:3", False)])
def test_edge_filters_are_told_from_others(text: str, zero_sum: bool, picture: Image) -> None:
    assert filter_picture(picture, [parse_kernel(text)], Convention()).zero_sum is zero_sum


def test_a_bias_is_no_edge_filter(picture: Image) -> None:
    assert not filter_picture(picture, [Kernel(np.array([[1.0, -1.0]]), bias=0.5)], Convention()).zero_sum


def test_kernels_that_cannot_be_combined(picture: Image) -> None:
    with pytest.raises(SettingsError, match="2 without --combine"):
        filter_picture(picture, [parse_kernel("1"), parse_kernel("2")], Convention())
    with pytest.raises(SettingsError, match="1 with --combine"):
        filter_picture(picture, [parse_kernel("1")], Convention(), combine=Combine.MAGNITUDE)
    with pytest.raises(ShapeError, match="18x21 and 20x23"):
        filter_picture(picture, [parse_kernel("1"), parse_kernel("box:3")], Convention(), combine=Combine.MAGNITUDE)
