"""Integers found in estimates from real programs, and not found where there are none."""

import math
from fractions import Fraction

import cv2
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from convkit import load_image
from convkit.kernel import parse_kernel
from convkit.recovery import Parameters, Problem, find_optimum
from convkit.recovery.proof.factors import estimated_factors
from convkit.recovery.proof.replay import proves, replay
from convkit.recovery.proof.rounding import find_rounding
from convkit.recovery.proof.snapped import Snapped
from convkit.recovery.proof.snapping import guesses, simplest_fraction, snap
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered

PILLOW = [
    ImageFilter.BLUR, ImageFilter.CONTOUR, ImageFilter.DETAIL, ImageFilter.EDGE_ENHANCE, ImageFilter.EDGE_ENHANCE_MORE,
    ImageFilter.EMBOSS, ImageFilter.FIND_EDGES, ImageFilter.SHARPEN, ImageFilter.SMOOTH, ImageFilter.SMOOTH_MORE,
]  # fmt: skip


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    scene = np.rint(load_image("pictures/scene.png") * 255).astype(np.uint8)
    return {"scene": scene, "noise": np.random.default_rng(1).integers(0, 256, (160, 170), np.uint8)}


def registered(before: np.ndarray, after: np.ndarray) -> Registered:
    return Registered(before / 255, after / 255)


def estimate(scene: Registered, size: tuple[int, int]) -> tuple[Parameters, np.ndarray]:
    offset = -(size[0] // 2), -(size[1] // 2)
    unclipped = (scene.target > 0) & (scene.target < 1)
    problem = Problem((Registered(scene.image, scene.target, mask=unclipped).pair(size, offset),), size)
    optimum = find_optimum(problem, problem.condensed())
    return optimum.point, optimum.noise_variance(1 / 255) * optimum.unit_covariance


@pytest.mark.parametrize("name", ["scene", "noise"])
@pytest.mark.parametrize("kernel", PILLOW, ids=lambda kernel: kernel.name)
def test_pillows_kernels_are_found_as_they_are_written(kernel: type, name: str, pictures) -> None:
    (height, width), scale, offset, taps = kernel.filterargs
    before = pictures[name]
    scene = registered(before, np.asarray(Image.fromarray(before).filter(kernel)))
    point, covariance = estimate(scene, (height, width))
    found = snap(point, covariance, 1 / 255)
    # Upside down, and without common factors: Pillow's SHARPEN is -2, 32 over 16.
    expected = np.array(taps).reshape(height, width)[::-1]
    common = np.gcd.reduce([*expected.ravel(), int(scale)])
    assert found.numerators.tolist() == (expected // common).tolist()
    assert found.divisor == scale / common
    assert found.bias == offset
    where = -(height // 2), -(width // 2)
    rounding = find_rounding(scene, found, where, Recording(1 / 255, 0.0, 1.0))
    assert proves(rounding.program, replay(scene, rounding.program, where, Recording(1 / 255, 0.0, 1.0)))


@pytest.mark.parametrize(("size", "sigma"), [(5, 1.2), (7, 1.0), (9, 1.5)])
def test_opencvs_fixed_point_gaussians_are_products_over_256(size: int, sigma: float, pictures) -> None:
    """No tap's error bar is narrower than 1/65536, but those of the column and the row tell 1/256."""
    before = pictures["scene"]
    scene = registered(before, cv2.GaussianBlur(before, (size, size), sigma))
    point, covariance = estimate(scene, (size, size))
    found = snap(point, covariance, 1 / 255)
    assert 65536 % found.divisor == 0
    where = -(size // 2), -(size // 2)
    replayed = replay(
        scene, find_rounding(scene, found, where, Recording(1 / 255, 0.0, 1.0)).program, where,
        Recording(1 / 255, 0.0, 1.0),
    )  # fmt: skip
    assert replayed.exact


def test_truncation_is_a_bias_of_minus_one_half(pictures) -> None:
    before = pictures["scene"]
    after = scipy.ndimage.correlate(before, np.outer([1, 2, 1], [1, 2, 1]) / 16)
    found = snap(*estimate(registered(before, after), (3, 3)), 1 / 255)
    assert (found.text(), found.bias, found.telling) == ("1,2,1; 2,4,2; 1,2,1 / 16", Fraction(-1, 2), True)


def test_noise_widens_the_bars_and_sixteenths_are_still_found(pictures, rng) -> None:
    before = pictures["scene"]
    response = scipy.ndimage.correlate(before.astype(float), np.outer([1, 2, 1], [1, 2, 1]) / 16)
    after = np.rint(response + rng.standard_normal(before.shape)).clip(0, 255)
    found = snap(*estimate(registered(before, after), (3, 3)), 1 / 255)
    assert (found.text(), found.bias, found.telling) == ("1,2,1; 2,4,2; 1,2,1 / 16", 0, True)


@pytest.mark.parametrize("error", [1e-3, 1e-4, 1e-6, 1e-12])
@pytest.mark.parametrize("unit_sum", [False, True])
def test_real_numbers_are_told_as_integers_as_rarely_as_promised(error: float, unit_sum: bool) -> None:
    """At most one in a hundred: of 120 kernels no more than 6, which is four standard deviations over 1.2."""
    rng = np.random.default_rng(7)
    told = 0
    for _ in range(120):
        taps = rng.random((2, 2))
        if unit_sum:
            taps /= taps.sum()
        taps = taps + error * rng.standard_normal((2, 2))
        found = snap(Parameters(taps), error**2 * np.eye(5))
        told += found is not None and found.telling
    assert told <= 6


@pytest.mark.parametrize("shape", ["unsharp", "two taps"])
def test_what_follows_from_a_sum_of_one_is_no_evidence(shape: str) -> None:
    """A centre and eight alike around it, or two taps, that add up to one are a single number; it counts once."""
    rng = np.random.default_rng(8)
    told = 0
    for _ in range(120):
        value = rng.random()
        taps = np.array([[value, 1 - value]])
        if shape == "unsharp":
            taps = np.full((3, 3), -value)
            taps[1, 1] = 1 + 8 * value
        taps += 1e-5 * rng.standard_normal(taps.shape)
        found = snap(Parameters(taps), 1e-10 * np.eye(taps.size + 1))
        told += found is not None and found.telling
    assert told <= 6


@given(st.integers(0, 10_000), st.integers(1, 200), st.sampled_from([(1, 2), (3, 3), (2, 5)]))
def test_integers_over_any_divisor_are_found_in_narrow_bars(seed: int, divisor: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    numerators = rng.integers(-50, 50, size)
    numerators[0, 0] = numerators[0, 0] or 1
    error = 1e-8
    taps = numerators / divisor + error * rng.standard_normal(size)
    found = snap(Parameters(taps), error**2 * np.eye(taps.size))
    expected = Fraction(int(numerators[0, 0]), divisor)
    assert found is not None
    assert Fraction(int(found.numerators[0, 0]), found.divisor) == expected
    np.testing.assert_allclose(found.taps, numerators / divisor, rtol=0, atol=1e-12)


def test_the_smallest_divisor_is_told() -> None:
    found = snap(Parameters(np.array([[2.0, 4.0], [6.0, 8.0]]) / 20), 1e-12 * np.eye(5))
    assert (found.text(), found.divisor) == ("1,2; 3,4 / 10", 10)


def test_wide_bars_tell_nothing() -> None:
    found = snap(Parameters(np.array([[0.31, 0.69]])), 0.03**2 * np.eye(3))
    assert found is None or not found.telling
    assert snap(Parameters(np.array([[0.31, 0.69]])), np.full((3, 3), np.nan)) is None
    assert snap(Parameters(np.zeros((2, 2))), 1e-8 * np.eye(5)) is None


def test_taps_further_from_integers_than_their_bars_are_not_snapped() -> None:
    """10 standard errors: near to 1/4 as numbers go, but not what was measured."""
    found = snap(Parameters(np.array([[0.25 + 1e-4, 0.25, 0.5]])), 1e-10 * np.eye(4))
    assert found is None or found.divisor > 4


def test_a_sum_that_contradicts_the_integers_refutes_them() -> None:
    """Taps known badly, but their sum well, as on a smooth picture: 0.26·4 is not 1."""
    spread = 0.02**2 * (np.eye(4) - 0.25)  # no error along the sum
    covariance = spread + 1e-8 * np.eye(4)
    found = snap(Parameters(np.full((2, 2), 0.26)), covariance)
    assert found is None or found.divisor != 4
    assert snap(Parameters(np.full((2, 2), 0.25)), covariance).divisor == 4


def test_a_large_kernel_is_searched_quickly_and_found() -> None:
    rng = np.random.default_rng(3)
    numerators = rng.integers(0, 5, (63, 63))
    taps = numerators / 9973 + 1e-7 * rng.standard_normal((63, 63))
    found = snap(Parameters(taps), 1e-14 * np.eye(63 * 63))
    assert found.divisor == 9973
    np.testing.assert_array_equal(found.numerators, numerators)


def test_factors_are_known_as_well_as_they_say() -> None:
    """Their covariance beside simulation, with errors that hang together."""
    rng = np.random.default_rng(4)
    truth = np.outer([1.0, 2.0, 1.5], [0.2, 0.5, 0.3])
    mix = 1e-3 * rng.standard_normal((9, 9))
    covariance = mix @ mix.T
    columns, rows = [], []
    for _ in range(200):
        column, row = estimated_factors(truth + (mix @ rng.standard_normal(9)).reshape(3, 3), covariance)
        columns.append(column.values)
        rows.append(row.values)
    # A standard deviation from 200 draws is known to 5 %.
    np.testing.assert_allclose(np.std(columns, axis=0), np.sqrt(np.diag(column.covariance)), rtol=0.2)
    np.testing.assert_allclose(np.std(rows, axis=0), np.sqrt(np.diag(row.covariance)), rtol=0.2)
    np.testing.assert_allclose(np.mean(columns, axis=0), [1.0, 2.0, 1.5], atol=1e-3)


@given(st.floats(-5, 5), st.floats(1e-6, 1))
def test_the_simplest_fraction_has_the_smallest_denominator(low: float, width: float) -> None:
    found = simplest_fraction(low, low + width)
    assert Fraction(low) <= found <= Fraction(low + width)
    for denominator in range(1, min(found.denominator, 200)):
        # In whole numbers: the float 0.4 lies above 2/5, but 0.4 * 5 is rounded to 2.
        assert math.floor(Fraction(low + width) * denominator) < Fraction(low) * denominator


def test_the_text_reads_as_a_kernel_where_it_is_put_in_brackets() -> None:
    snapped = Snapped(np.array([[1, 2, 1], [2, 4, 2]]), 12, Fraction(3))
    rows, divisor = snapped.text().split(" / ")
    np.testing.assert_allclose(parse_kernel(f"({rows})/{divisor}").taps, snapped.taps)
    assert Snapped(np.array([[-1, 0, 1]]), 1).text() == "-1,0,1"
    assert snapped.parameters(1 / 255).bias == pytest.approx(3 / 255)
    assert snapped.parameters(None).bias == 3.0


@pytest.mark.parametrize("bits", [6, 7, 8, 9, 10, 11, 12, 14, 15, 16])
def test_fixed_point_is_one_of_few_guesses(bits: int) -> None:
    """Nine taps known to 0.03 of a step: chance does as well for one divisor in 5000, and so hardly for one of ten.

    A divisor that programs have no reason for is one of as many guesses as it is large.
    """
    for divisor, telling in ((1 << bits, True), ((1 << bits) + (1 << bits) // 8 + 1, False)):
        numerators = np.array([1, 3, 5, 7, 9, 11, 13, 4, divisor - 53])
        found = snap(Parameters(numerators.reshape(3, 3) / divisor), (0.03 / divisor) ** 2 * np.eye(9))
        assert (found is not None and found.telling) == telling
        if found is not None and telling:
            assert found.divisor == divisor
            np.testing.assert_array_equal(found.numerators.ravel(), numerators)


@pytest.mark.parametrize("level", [None, 1 / 255])
def test_guesses_tell_the_bias_in_levels_or_units(level: float | None) -> None:
    """A tenth of an integer near, the least divisors first, and the bias to half a level."""
    taps, bias = np.array([[0.3341, 0.6659]]), 2.5 * (level or 1.0)
    found = list(guesses(Parameters(taps, bias * 1.01), 1e-10 * np.eye(3), level))
    assert [one.divisor for one in found] == sorted(one.divisor for one in found)
    assert (found[0].text(), found[0].bias) == ("1,2 / 3", Fraction(5, 2))
    for one in found:
        assert np.abs(one.divisor * taps - one.numerators).max() <= 0.1
        assert math.gcd(one.divisor, *one.numerators.ravel().tolist()) == 1
        assert one.divisor * 1e-5 <= 0.02
    # What is known worse than to a fiftieth of a step is no guess: over 3, that is an error of 1/150.
    assert any(one.divisor == 3 for one in guesses(Parameters(taps), 0.0066**2 * np.eye(2), level))
    assert not any(one.divisor == 3 for one in guesses(Parameters(taps), 0.0067**2 * np.eye(2), level))


@pytest.mark.parametrize("level", [None, 1 / 255])
def test_a_bias_is_told_in_levels_or_else_in_the_images_unit(level: float | None) -> None:
    for bias in (Fraction(3), Fraction(-7, 2), Fraction(0)):
        found = snap(Parameters(np.array([[0.25, 0.5, 0.25]]), float(bias) * (level or 1.0)), 1e-12 * np.eye(4), level)
        assert found is not None
        assert (found.text(), found.bias) == ("1,2,1 / 4", bias)
