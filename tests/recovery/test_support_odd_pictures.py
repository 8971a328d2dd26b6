"""Pictures that tell little, and filters that have no kernel."""

import cv2
import numpy as np
import pytest
import scipy.ndimage
import skimage.data

from convkit import ConvkitError
from convkit.recovery import Problem, find_optimum
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.support import Support, find_support

BITS8, FLOAT = Recording(1 / 255, 0.0, 1.0), Recording()


def found(before: np.ndarray, after: np.ndarray, **options: object) -> Support:
    return find_support(Registered(before / 255, after / 255), BITS8, **options)


def rows_alike(seed: int = 1) -> np.ndarray:
    return np.tile(np.random.default_rng(seed).integers(0, 256, 210), (200, 1)).astype(float)


@pytest.mark.parametrize("bias", [True, False])
def test_a_constant_image_says_nothing(bias: bool) -> None:
    support = found(np.full((90, 80), 100.0), np.full((90, 80), 50.0), bias=bias)
    assert (support.size, support.offset, support.identifiable) == ((1, 1), (0, 0), False)


@pytest.mark.parametrize("turned", [False, True])
def test_stripes_leave_the_kernel_open(turned: bool) -> None:
    before = rows_alike()
    after = np.round(scipy.ndimage.correlate(before, np.full((3, 5), 1 / 15)))
    support = found(before.T, after.T) if turned else found(before, after)
    assert not support.identifiable
    assert support.criteria[-1].size == (7, 7)  # a larger window would leave as much open
    # One row of column sums is enough, in the middle.
    assert (support.size[turned], support.offset[turned]) == (1, 0)


@pytest.mark.parametrize("pattern", ["ramp", "checkerboard"])
def test_regular_patterns_leave_the_kernel_open(pattern: str) -> None:
    rows, columns = np.indices((100, 110))
    before = columns * 2.0 if pattern == "ramp" else 20 + 200.0 * ((rows + columns) % 2)
    support = found(before, np.round(scipy.ndimage.correlate(before, np.full((3, 3), 1 / 9))))
    assert (support.size, support.identifiable) == ((1, 1), False)


def test_a_constant_target_is_one_tap_of_nothing() -> None:
    before = np.random.default_rng(1).integers(0, 256, (90, 80))
    support = found(before, np.full((90, 80), 7.0))
    assert (support.size, support.offset, support.settled) == ((1, 1), (0, 0), True)


def test_a_target_all_saturated_says_nothing() -> None:
    before = np.random.default_rng(1).integers(0, 256, (90, 80))
    support = found(before, np.zeros((90, 80)))
    assert (support.identifiable, support.settled, support.criteria) == (False, False, ())


def test_a_target_that_has_nothing_to_do_with_the_image() -> None:
    rng = np.random.default_rng(1)
    support = found(rng.integers(0, 256, (200, 200)), rng.integers(0, 256, (200, 200)))
    assert support.size == (1, 1)
    assert support.settled


@pytest.mark.parametrize("median", [3, 5])
def test_a_median_filter_ends_at_a_sensible_window(median: int) -> None:
    before = skimage.data.camera()
    support = found(before, scipy.ndimage.median_filter(before, median))
    assert max(support.criteria[-1].size) <= 31
    assert max(support.size) <= 31


@pytest.mark.parametrize("kind", ["gamma", "bilateral", "equalised"])
def test_filters_without_a_kernel_end(kind: str) -> None:
    before = skimage.data.camera()
    after = {
        "gamma": lambda: np.round(255 * (before / 255) ** 0.6),
        "bilateral": lambda: cv2.bilateralFilter(before, 5, 30, 3),
        "equalised": lambda: cv2.equalizeHist(before),
    }[kind]()
    support = found(before, after)
    assert not support.settled
    assert max(support.criteria[-1].size) <= 47


def test_the_lessons_edges() -> None:
    image = np.ones((6, 8))
    image[:, 3:7] = 0
    support = find_support(Registered(image, image[:, :-1] - image[:, 1:]), FLOAT)
    assert (support.size, support.offset) == ((1, 2), (0, 0))


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 2), (5, 5), (1, 60), (60, 1), (12, 14)])
def test_small_images_do_not_crash(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).random(shape)
    support = find_support(Registered(image, image), FLOAT)
    assert (support.size, support.offset) == ((1, 1), (0, 0))


def test_a_window_that_reaches_its_largest_says_so() -> None:
    before = np.random.default_rng(1).integers(0, 256, (200, 200)).astype(float)
    after = np.round(scipy.ndimage.correlate(before, np.full((9, 9), 1 / 81)))
    support = found(before, after, largest=5)
    assert (support.size, support.settled) == ((5, 5), False)
    assert support.criteria[-1].size == (5, 5)


def test_values_that_are_not_finite_are_named() -> None:
    image = np.random.default_rng(1).random((40, 40))
    target = image.copy()
    target[20, 20] = np.nan
    with pytest.raises(ConvkitError, match="nan at row"):
        find_support(Registered(image, target), FLOAT)


def shaken(rng: np.random.Generator, side: int = 13) -> np.ndarray:
    """A shaken camera's path across a square, each step shared by four taps."""
    path = np.cumsum(np.cumsum(rng.standard_normal((2, 200)), axis=1) + 3 * rng.standard_normal((2, 1)), axis=1)
    path -= path.min(axis=1, keepdims=True)
    path *= (side - 1) / path.max(axis=1, keepdims=True)
    kernel = np.zeros((side + 1, side + 1))
    for place in path.T:
        (i, j), (u, v) = place.astype(int), place % 1
        kernel[i : i + 2, j : j + 2] += np.outer([1 - u, u], [1 - v, v])
    return kernel[:side, :side] / kernel.sum()


def test_trimming_does_not_bias_a_motion_blur_of_photographs() -> None:
    """Within 10 % of the Cramér-Rao bound of the true support, RMS over crops of an ill-conditioned photograph.

    The error of one fit has few degrees of freedom, that of its weakest directions; over 30 its RMS scatters by
    some 5 %.
    """
    rng, photograph, shares = np.random.default_rng(5), skimage.data.camera() / 255, []
    for _ in range(30):
        top, left = rng.integers(0, 512 - 255, 2)
        image, kernel = photograph[top : top + 255, left : left + 255], shaken(rng)
        target = np.clip(np.round(255 * scipy.ndimage.correlate(image, kernel)) / 255, 0, 1)
        scene = Registered(image, target)
        support = find_support(scene, BITS8)
        lines = np.pad(kernel, 20)
        errors = []
        for size, offset in [(support.size, support.offset), ((13, 13), (-6, -6))]:
            pair = scene.pair(size, offset)
            problem = Problem.of(pair.image, pair.target, size)
            optimum = find_optimum(problem, problem.condensed())
            laid = np.zeros_like(lines)
            laid[26 + offset[0] : 26 + offset[0] + size[0], 26 + offset[1] : 26 + offset[1] + size[1]] = (
                optimum.point.taps
            )
            errors.append(np.square(laid - lines).sum())
        bound = BITS8.rounding_variance * np.trace(optimum.unit_covariance[:-1, :-1])
        shares.append(errors[0] / bound)
    assert np.sqrt(np.mean(shares)) < 1.1
