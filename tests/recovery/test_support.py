"""The size and offset of kernels, found again from pairs that SciPy, OpenCV and Pillow made."""

import cv2
import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from convkit.recovery import NormalEquations, Problem, find_optimum
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.support import Support, find_support
from convkit.recovery.support.growth import Growth
from convkit.recovery.support.nest import Nest
from convkit.recovery.support.sample import Sample
from convkit.recovery.support.window import Reach, Window

BITS8, BITS16, FLOAT = Recording(1 / 255, 0.0, 1.0), Recording(1 / 65535, 0.0, 1.0), Recording()


def camera() -> np.ndarray:
    return skimage.data.camera()


def noise(seed: int = 1, shape: tuple[int, int] = (256, 256)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


PICTURES = pytest.mark.parametrize("picture", [camera, noise])


def found(before: np.ndarray, after: np.ndarray, recording: Recording = BITS8, **options: object) -> Support:
    full = 1.0 if recording.level is None else 1.0 / recording.level
    return find_support(Registered(before / np.round(full), after / np.round(full)), recording, **options)


def filtered(picture: np.ndarray, taps: np.ndarray, spread: float = 0.0) -> np.ndarray:
    """SciPy's correlation, with noise, in 8 bits."""
    response = scipy.ndimage.correlate(picture.astype(float), taps)
    response += spread * np.random.default_rng(7).standard_normal(response.shape)
    return np.clip(np.floor(response + 0.5), 0, 255)


def positive(size: tuple[int, int], seed: int = 2) -> np.ndarray:
    taps = 0.2 + np.random.default_rng(seed).random(size)
    return taps / taps.sum()


@PICTURES
@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("BLUR", 5),
        ("CONTOUR", 3),
        ("DETAIL", 3),
        ("EDGE_ENHANCE", 3),
        ("EDGE_ENHANCE_MORE", 3),
        ("FIND_EDGES", 3),
        ("SHARPEN", 3),
        ("SMOOTH", 3),
        ("SMOOTH_MORE", 5),
    ],
)
def test_pillows_filters_have_their_size(name: str, side: int, picture) -> None:
    before = picture()
    support = found(before, np.asarray(Image.fromarray(before).filter(getattr(ImageFilter, name))))
    assert (support.size, support.offset) == ((side, side), (-(side // 2), -(side // 2)))
    assert support.settled
    assert support.identifiable


@PICTURES
def test_emboss_is_its_two_taps(picture) -> None:
    """Of Pillow's 3x3 all but a diagonal pair is zero, which no picture can tell from a smaller kernel."""
    before = picture()
    support = found(before, np.asarray(Image.fromarray(before).filter(ImageFilter.EMBOSS)))
    assert (support.size, support.offset) == ((2, 2), (0, -1))


@PICTURES
@pytest.mark.parametrize("anchor", [(-1, -1), (1, 1)])
def test_an_even_box_has_opencvs_anchor(picture, anchor: tuple[int, int]) -> None:
    before = picture()
    support = found(before, cv2.boxFilter(before, -1, (4, 4), anchor=anchor))
    offset = -2 if anchor == (-1, -1) else -1
    assert (support.size, support.offset) == ((4, 4), (offset, offset))


@PICTURES
@pytest.mark.parametrize(("size", "offset"), [((1, 2), (0, -1)), ((2, 1), (-1, 0)), ((7, 6), (-3, -3))])
def test_opencvs_filter_of_random_taps(picture, size, offset) -> None:
    before = picture()
    support = found(before, cv2.filter2D(before, -1, positive(size)))
    assert (support.size, support.offset) == (size, offset)


@PICTURES
@pytest.mark.parametrize("side", [3, 5])
def test_scipys_truncated_boxes(picture, side: int) -> None:
    before = picture()
    assert found(before, scipy.ndimage.uniform_filter(before, side)).size == (side, side)


@PICTURES
def test_sobel_with_half_of_its_outputs_clipped(picture) -> None:
    before = picture()
    after = cv2.Sobel(before, -1, 1, 0)
    assert np.isin(after, (0, 255)).mean() > 0.5
    assert found(before, after).size == (3, 3)


@PICTURES
@pytest.mark.parametrize("spread", [0.0, 2.0])
def test_two_thirds_clipped(picture, spread: float) -> None:
    before = picture()
    taps = np.random.default_rng(4).standard_normal((5, 5))
    low, high = np.quantile(scipy.ndimage.correlate(before.astype(float), taps), [0.335, 0.665])
    scale = 255 / (high - low)
    response = scale * (scipy.ndimage.correlate(before.astype(float), taps) - low)
    response += spread * np.random.default_rng(7).standard_normal(response.shape)
    support = found(before, np.clip(np.round(response), 0, 255))
    assert (support.size, support.settled) == ((5, 5), True)


@PICTURES
@pytest.mark.parametrize("move", [(9, -3), (-2, 0), (0, 15)])
def test_a_pure_shift_is_one_tap_however_far(picture, move: tuple[int, int]) -> None:
    before = picture()
    support = found(before, np.roll(before, move, axis=(0, 1)))
    assert (support.size, support.offset) == ((1, 1), (-move[0], -move[1]))
    assert support.settled


@PICTURES
def test_two_taps_twenty_pixels_apart(picture) -> None:
    taps = np.zeros((1, 21))
    taps[0, [0, -1]] = 0.5
    before = picture()
    support = found(before, filtered(before, taps))
    assert (support.size, support.offset) == ((1, 21), (0, -10))


@PICTURES
def test_corners_alone_keep_their_rows(picture) -> None:
    taps = np.zeros((9, 9))
    taps[np.ix_([0, -1], [0, -1])] = 0.01
    taps[4, 4] = 0.96
    before = picture()
    assert found(before, filtered(before, taps, spread=1.0)).size == (9, 9)


def test_a_one_sided_motion_blur() -> None:
    """GraphicsMagick's ``-motion-blur 0x2`` is half a Gaussian of 29 taps; the last ones are below the rounding."""
    taps = np.zeros((1, 29))
    taps[0, 14:] = np.exp(-0.5 * (np.arange(15) / 2.0) ** 2)
    before = camera()
    support = found(before, filtered(before, taps / taps.sum()))
    assert support.offset == (0, 0)
    assert support.size[0] == 1
    assert 7 <= support.size[1] <= 10


@PICTURES
@pytest.mark.parametrize("size", [(15, 15), (11, 3), (1, 17)])
def test_a_full_stage_is_not_taken_for_the_end(picture, size: tuple[int, int]) -> None:
    before = picture()
    support = found(before, filtered(before, positive(size)))
    assert (support.size, support.offset) == (size, (-(size[0] // 2), -(size[1] // 2)))
    assert support.settled


@pytest.mark.slow
def test_63x63() -> None:
    before = noise(shape=(512, 512))
    support = found(before, filtered(before, positive((63, 63))))
    assert (support.size, support.offset, support.settled) == ((63, 63), (-31, -31), True)


@PICTURES
@pytest.mark.parametrize("spread", [0.0, 2.0, 10.0])
def test_noise_does_not_move_the_edges_of_a_box(picture, spread: float) -> None:
    before = picture()
    support = found(before, filtered(before, np.ones((9, 9)) / 81, spread))
    assert (support.size, support.settled) == ((9, 9), True)


@PICTURES
def test_sixteen_bits_show_more_of_a_gaussians_tails(picture) -> None:
    before = picture().astype(float)
    side = np.exp(-0.5 * (np.arange(-6, 7) / 1.2) ** 2)
    taps = np.outer(side, side) / side.sum() ** 2
    eight = found(before, filtered(before, taps))
    sixteen = found(257 * before, np.round(scipy.ndimage.correlate(257 * before, taps)), BITS16)
    assert max(eight.size) < min(sixteen.size) <= 13


@PICTURES
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_float_target_without_noise_ends_where_the_sums_do(picture, dtype) -> None:
    before = picture() / 255
    taps = np.random.default_rng(3).standard_normal((5, 12))
    support = found(before, scipy.ndimage.correlate(before, taps).astype(dtype).astype(float), FLOAT)
    assert (support.size, support.offset, support.settled) == ((5, 12), (-2, -6), True)
    assert support.outside < 1e-10


@given(st.integers(1, 6), st.integers(1, 6), st.integers(-4, 4), st.integers(-4, 4))
@settings(max_examples=25)
def test_any_size_at_any_offset(kh: int, kw: int, down: int, right: int) -> None:
    before = noise(shape=(96, 96)).astype(float)
    taps = np.pad(positive((kh, kw)), ((12 + down, 12 - down - kh + 1), (12 + right, 12 - right - kw + 1)))
    support = found(before, filtered(before, taps))
    assert (support.size, support.offset) == ((kh, kw), (down, right))


@PICTURES
@pytest.mark.parametrize("size", [(1, 2), (4, 6), (3, 1), (21, 21)])
def test_a_smaller_target_answers_to_valid_windows(picture, size: tuple[int, int]) -> None:
    before, taps = picture(), positive(size)
    after = np.round(scipy.signal.fftconvolve(before.astype(float), taps[::-1, ::-1], "valid"))
    support = found(before, after)
    assert (support.size, support.offset, support.settled) == (size, (0, 0), True)


def test_a_valid_target_of_a_kernel_with_an_empty_rim() -> None:
    before = noise()
    support = found(before, before[2:-1, 1:-3])
    assert (support.size, support.offset) == ((1, 1), (2, 1))


def test_a_full_target() -> None:
    before = noise()
    after = np.round(scipy.signal.convolve2d(before.astype(float), positive((3, 5)), "full"))
    support = found(before, after)
    assert (support.size, support.offset) == ((3, 5), (-2, -4))


def test_a_stride() -> None:
    before = noise()
    after = filtered(before, positive((3, 5)))[::2, ::2]
    support = find_support(Registered(before / 255, after / 255, stride=2), BITS8)
    assert (support.size, support.offset) == ((3, 5), (-1, -2))


def test_a_mask_hides_what_it_covers() -> None:
    before = noise()
    after = filtered(before, positive((3, 3)))
    after[50:90] = noise(9)[50:90]
    mask = np.ones(after.shape, np.bool_)
    mask[50:90] = False
    assert find_support(Registered(before / 255, after / 255, 1, mask), BITS8).size == (3, 3)


@pytest.mark.parametrize("bias", [True, False])
def test_the_criteria_are_those_of_fits_one_by_one(bias: bool) -> None:
    before, after = noise(shape=(60, 64)) / 255, filtered(noise(shape=(60, 64)), positive((3, 3))) / 255
    support = find_support(Registered(before, after), BITS8, bias=bias)
    largest = support.criteria[-1]
    assert largest.size == (7, 7)
    outputs = (60 - 6) * (64 - 6)
    variance = max(largest.residual_squares / (outputs - 49 - bias), BITS8.rounding_variance)
    previous = None
    for stage in support.criteria:
        inset = 3 + stage.offset[0], 3 + stage.offset[1]
        image = before[inset[0] : 60 - inset[0], inset[1] : 64 - inset[1]]
        problem = Problem.of(image, after[3:-3, 3:-3], stage.size, bias=bias)
        squares = find_optimum(problem, problem.condensed()).residual_squares
        # The sums of squares lose what the target's own is larger.
        assert stage.residual_squares == pytest.approx(squares, abs=1e-12 * np.square(after).sum())
        if previous is not None:
            fall = (previous.residual_squares - squares) / (stage.taps - previous.taps)
            assert stage.f == pytest.approx(fall / variance, abs=1e-4)
        if stage.size > (1, 1):
            unknowns = stage.taps + bias
            fit = outputs * np.log(max(squares / outputs, BITS8.rounding_variance))
            assert stage.aic == pytest.approx(fit + 2 * unknowns, abs=1e-3)
            assert stage.bic == pytest.approx(fit + unknowns * np.log(outputs), abs=1e-3)
        previous = stage
    assert min(support.criteria, key=lambda stage: stage.bic).size == (3, 3)


def test_what_lies_outside_is_what_chance_puts_there() -> None:
    before = noise()
    support = found(before, filtered(before, positive((3, 3)), spread=2.0))
    # 40 squares of normal deviates: a standard deviation of sqrt(2 / 40) = 22 % of their sum.
    assert support.outside == pytest.approx(support.outside_by_chance, rel=0.66)
    assert support.kept.residual_squares >= support.criteria[-1].residual_squares
    assert support.kept.deviate < 4.3


def test_trimming_is_a_fit_anew() -> None:
    from convkit.recovery.support.nest import Nest
    from convkit.recovery.support.trim import Strip
    from convkit.recovery.support.window import Reach

    before, after = noise(shape=(40, 44)) / 255, filtered(noise(shape=(40, 44)), positive((5, 5))) / 255
    scene = Registered(before, after)
    reach = Reach.of(scene, 7)
    window = reach.grown(2)
    pair = scene.pair(window.size, window.offset)
    nest = Nest.of(NormalEquations.of(pair.image, pair.target, (5, 5)), window, reach, BITS8)
    fit = nest.inner(window)
    for side, end in [(0, True), (1, False), (1, True)]:
        fit = fit.without(Strip.of(fit, side, (0, 0), end=end))
    problem = Problem.of(pair.image[:-1, 1:-1], pair.target, (4, 3))
    optimum = find_optimum(problem, problem.condensed())
    assert (fit.window.size, fit.window.offset) == ((4, 3), (-2, -1))
    np.testing.assert_allclose(fit.taps, optimum.point.taps.ravel(), atol=1e-11)
    np.testing.assert_allclose(fit.covariance, optimum.unit_covariance[:-1, :-1], rtol=1e-8, atol=1e-12)
    rise = optimum.residual_squares - nest.residual_squares[-1]
    assert fit.squares == pytest.approx(rise, rel=1e-8)


def test_a_large_picture_is_looked_at_in_part() -> None:
    before = noise(shape=(1200, 2000))
    support = found(before, filtered(before, positive((3, 3))))
    assert support.size == (3, 3)
    # 2^19 outputs in all, but for the rounding to whole rows in four bands.
    assert support.rows_used == pytest.approx(2**19 / (1994 * 1194), rel=0.02)


def test_a_faint_tap_far_out_is_found_where_only_rounding_hides_it() -> None:
    """Half a percent, twenty pixels away, is a third of a level: as much as rounding, but not for 80,000 outputs."""
    taps = np.zeros((1, 41))
    taps[0, [20, 40]] = 0.98, 0.005
    before = noise(shape=(300, 300))
    support = found(before, filtered(before, taps))
    assert (support.size, support.offset) == ((1, 21), (0, 0))


@pytest.mark.parametrize(("rows", "share"), [(1000, 1.0), (1040, 1.0), (1060, None), (4000, None)])
def test_pictures_up_to_a_million_outputs_are_looked_at_whole(rows: int, share: float | None) -> None:
    """Of larger ones half a million, in four bands from top to bottom, whatever the window."""
    picture = Sample.of(Registered(*(np.zeros((rows + 6, 1006)),) * 2), Recording())
    window = Window((7, 7), (-3, -3))
    looked_at = [(pair.target.shape[0], pair.target.shape[1]) for pair in picture.pairs(window)]
    if share is not None:
        assert looked_at == [(rows, 1000)]
        assert picture.share(window) == share
    else:
        assert looked_at == [(132, 1000)] * 4  # 2¹⁹ outputs are 524.3 rows of a thousand
        assert picture.share(window) == pytest.approx(528 / rows)


def test_noisy_outputs_on_a_rail_are_left_out_by_prediction_in_the_smallest_window() -> None:
    """Chosen by their value, those pushed off the rail by noise bend the taps; chosen by prediction they do not."""
    rng = np.random.default_rng(5)
    taps = np.array([[0.5, -0.3, 0.1], [0.2, 1.1, -0.9], [-0.4, 0.1, 0.6]])
    image = rng.random((200, 200))
    response = scipy.ndimage.correlate(image, taps) - 0.45 + 0.03 * rng.standard_normal(image.shape)
    recording = Recording(1 / 255, 0.0, 1.0)
    scene = Registered(image, np.rint(255 * response.clip(0, 1)) / 255)
    reach = Reach.of(scene, 7)
    sample = Sample.of(scene, recording)
    assert 0.2 < 1 - sample.usable < 0.7
    grown = Growth(sample, reach, bias=True).grow()
    assert grown is not None
    inner = grown.nest.point.taps[2:5, 2:5]
    by_value = sample.condense(reach.grown(3), bias=True)
    bent = Nest.of(by_value, reach.grown(3), reach, recording).point.taps[2:5, 2:5]
    error = np.sqrt(grown.nest.noise.variance * grown.nest.variances().max())
    assert np.abs(bent - taps).max() > 6 * error
    assert np.abs(inner - taps).max() < 4 * error


@pytest.mark.parametrize("stride", [2, 3])
def test_outputs_of_a_stride_lie_on_the_images_grid(stride: int, rng: np.random.Generator) -> None:
    """From the first to the last, and nothing between them counts."""
    target, mask = rng.random((7, 9)), rng.random((7, 9)) < 0.8
    for used in (None, mask):
        laid = Sample.of(Registered(rng.random((30, 40)), target, stride, used), Recording()).scene
        assert (laid.stride, laid.target.shape) == (1, (6 * stride + 1, 8 * stride + 1))
        np.testing.assert_array_equal(laid.target[::stride, ::stride], target)
        np.testing.assert_array_equal(laid.mask[::stride, ::stride], True if used is None else used)
        assert np.count_nonzero(laid.mask) == (target.size if used is None else np.count_nonzero(used))
