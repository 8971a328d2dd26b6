"""Replays beside the programs themselves, and beside exact fractions."""

import math
from fractions import Fraction

import cv2
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from convkit import ConvkitError, load_image
from convkit.recovery import Parameters, Problem, find_optimum
from convkit.recovery.proof.arithmetic import Arithmetic
from convkit.recovery.proof.program import Passes, Program, Rounding, centred
from convkit.recovery.proof.replay import Replay, proves, replay
from convkit.recovery.proof.rounding import _Search, find_rounding
from convkit.recovery.proof.snapped import Snapped
from convkit.recovery.proof.tally import Ties
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered

EIGHT = Recording(1 / 255, 0.0, 1.0)
SIXTEEN = Recording(1 / 65535, 0.0, 1.0)
WHOLE = Recording(1.0)

PILLOW = [
    ImageFilter.BLUR, ImageFilter.CONTOUR, ImageFilter.DETAIL, ImageFilter.EDGE_ENHANCE, ImageFilter.EDGE_ENHANCE_MORE,
    ImageFilter.EMBOSS, ImageFilter.FIND_EDGES, ImageFilter.SHARPEN, ImageFilter.SMOOTH, ImageFilter.SMOOTH_MORE,
]  # fmt: skip
BINOMIAL = np.outer([1, 2, 1], [1, 2, 1])


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    scene = np.rint(load_image("pictures/scene.png") * 255).astype(np.uint8)
    return {"scene": scene[60:260, 100:330], "noise": np.random.default_rng(1).integers(0, 256, (90, 100), np.uint8)}


def scene_of(before: np.ndarray, after: np.ndarray) -> Registered:
    return Registered(before / np.iinfo(before.dtype).max, after / np.iinfo(after.dtype).max)


def pillow_kernel(kernel: type) -> tuple[Snapped, tuple[int, int]]:
    (height, width), scale, offset, taps = kernel.filterargs
    numerators = np.array(taps).reshape(height, width)[::-1]  # Pillow applies kernels upside down
    return Snapped(numerators, int(scale), Fraction(int(offset))), (-(height // 2), -(width // 2))


def estimate(scene: Registered, size: tuple[int, int], offset: tuple[int, int]) -> Parameters:
    unclipped = (scene.target > 0) & (scene.target < 1)
    problem = Problem((Registered(scene.image, scene.target, mask=unclipped).pair(size, offset),), size)
    return find_optimum(problem, problem.condensed()).point


@pytest.mark.parametrize("name", ["scene", "noise"])
@pytest.mark.parametrize("kernel", PILLOW, ids=lambda kernel: kernel.name)
def test_every_interior_pixel_of_pillows_kernels_is_reproduced(kernel: type, name: str, pictures) -> None:
    before = pictures[name]
    after = np.asarray(Image.fromarray(before).filter(kernel))
    snapped, offset = pillow_kernel(kernel)
    found = replay(scene_of(before, after), Program(snapped), offset, EIGHT)
    reach = -2 * offset[0]
    assert found.count == (before.shape[0] - reach) * (before.shape[1] - reach)
    assert found.exact
    assert found.worst == 0.0
    assert found.near == 0  # what single precision decides are exact halves, and they are known as such
    assert found.text().startswith(f"exact: {found.count} of {found.count} pixels")


def test_which_way_exact_halves_go_is_told(rng: np.random.Generator) -> None:
    matrix = rng.integers(-40, 40, (30, 31)).astype(float)
    exact = (matrix[:, :-1] + matrix[:, 1:]) / 2
    rules = {
        Ties.UP: np.floor(exact + 0.5),
        Ties.EVEN: np.rint(exact),
        Ties.AWAY: np.copysign(np.floor(np.abs(exact) + 0.5), exact),
        Ties.DOWN: np.ceil(exact - 0.5),
    }
    halves = np.count_nonzero(exact % 1)
    program = Program(Snapped(np.array([[1, 1]]), 2))
    for rule, target in rules.items():
        found = replay(Registered(matrix, target), program, (0, 0), WHOLE)
        assert (found.rule, found.halves, found.split, found.exact) == (rule, halves, 0, True)
    mixed = np.where(rng.random(exact.shape) < 0.5, rules[Ties.UP], rules[Ties.DOWN])
    found = replay(Registered(matrix, mixed), program, (0, 0), WHOLE)
    assert (found.rule, found.split, found.exact) == (None, halves, True)
    assert f"{halves} exact halves rounded either way" in found.text()


def test_one_wrong_pixel_is_one_pixel_less(pictures) -> None:
    before = pictures["noise"]
    after = np.asarray(Image.fromarray(before).filter(ImageFilter.SMOOTH)).copy()
    snapped, offset = pillow_kernel(ImageFilter.SMOOTH)
    for step, worst in ((1, 1.0), (7, 7.0)):
        wrong = after.copy()
        wrong[40, 50] += step if wrong[40, 50] < 200 else -step
        found = replay(scene_of(before, wrong), Program(snapped), offset, EIGHT)
        assert (found.missed, found.worst, found.exact) == (1, worst, False)


@given(
    st.integers(0, 10_000),
    st.sampled_from(list(Rounding)[:2]),
    st.integers(1, 12),
    st.sampled_from([(-math.inf, math.inf), (0.0, 40.0), (0.0, math.inf), (-math.inf, 40.0)]),
)
@settings(max_examples=100)
def test_counts_are_those_of_exact_fractions(seed: int, rounding: Rounding, divisor: int, rails: tuple) -> None:
    """Every output in Fractions, against targets of which some are wrong."""
    rng = np.random.default_rng(seed)
    numerators, bias = rng.integers(-4, 9, (2, 3)), Fraction(int(rng.integers(-6, 7)), int(rng.integers(1, 4)))
    image = rng.integers(0, 30, (7, 8))
    recording = Recording(1.0, *rails)
    target, expected = np.zeros((6, 6)), 0
    for i in range(6):
        for j in range(6):
            response = Fraction(int((numerators * image[i : i + 2, j : j + 3]).sum()), divisor) + bias
            clip = lambda value: min(max(value, rails[0]), rails[1])  # noqa: E731
            if rounding is Rounding.ROUND:
                right = {clip(math.floor(response + Fraction(1, 2))), clip(math.ceil(response - Fraction(1, 2)))}
            else:
                right = {clip(math.trunc(response))}
                if response.denominator == 1:  # a sum in single precision may fall short of it
                    right.add(clip(response - (1 if response > 0 else -1 if response < 0 else 0)))
            target[i, j] = clip(math.trunc(response)) + rng.integers(-1, 2)
            expected += target[i, j] in right
    program = Program(Snapped(numerators, divisor, bias), rounding)
    found = replay(Registered(image.astype(float), target), program, (0, 0), recording)
    assert (found.reproduced, found.near) == (expected, 0)


def test_sums_in_single_precision_are_reproduced_to_their_bound_and_no_further(pictures, rng) -> None:
    before, taps = pictures["scene"], rng.random((5, 5))
    taps /= taps.sum()
    scene = scene_of(before, cv2.filter2D(before, -1, taps))
    found = replay(scene, Program(Parameters(taps)), (-2, -2), EIGHT)
    # 25 taps: 6·√28·2⁻²⁴·255.5 levels; some of 45,000 pixels lie as near to a half, and some of those go wrong.
    assert found.exact
    assert found.tolerance <= 6 * math.sqrt(28) * 2.0**-24 * 255.5 * 1.000001
    assert found.near <= 10
    off = replay(scene, Program(Parameters(taps, bias=20 * found.tolerance / 255)), (-2, -2), EIGHT)
    # The share of pixels whose boundary is crossed is the shift in levels: 0.0097 less what counts as near.
    assert 0.005 < off.missed / off.count < 0.015


@pytest.mark.parametrize(
    ("count", "steps"), [(1, 4), (9, 12), (33, 36), (34, 6 * math.sqrt(37)), (200, 6 * math.sqrt(203))]
)
def test_single_precision_may_err_by_its_bound_or_what_chance_leaves_of_it(count: int, steps: float, rng) -> None:
    """``min(n + 3, 6·√(n + 3))·2⁻²⁴·(Σ|k|·max|x| + |b| + ½)`` levels for n taps that are not zero, as documented."""
    taps = np.zeros((15, 15))
    taps.ravel()[rng.permutation(225)[:count]] = rng.uniform(-1, 1, count)
    pixels = rng.uniform(-200, 250, (20, 21)) / 255
    sums = Arithmetic(Program(Parameters(taps, -3 / 255)), EIGHT).sums(pixels)
    terms = np.abs(taps).sum() * np.abs(255 * pixels).max() + 3
    assert sums.near == pytest.approx(steps * 2.0**-24 * (terms + 0.5), rel=1e-9)
    assert sums.slack == pytest.approx(2.0**-43 * terms, rel=1e-9)


def test_an_estimate_of_real_numbers_reproduces_nearly_all_and_says_so(pictures, rng) -> None:
    before, taps = pictures["scene"], rng.random((3, 3))
    scene = scene_of(before, cv2.filter2D(before, -1, taps / taps.sum()))
    found = replay(scene, Program(estimate(scene, (3, 3), (-1, -1))), (-1, -1), EIGHT)
    assert 0.99 < found.reproduced / found.count < 1.0
    assert found.worst == 1.0
    assert found.text().startswith(f"{found.reproduced} of {found.count} pixels")
    assert found.text().endswith("the others off by at most 1 level")


def test_a_right_model_leaves_the_rounding_noise(pictures) -> None:
    before = pictures["noise"]
    after = scipy.ndimage.correlate(before, BINOMIAL / 16)
    for rounding, bias in ((Rounding.TRUNCATE, Fraction(0)), (Rounding.ROUND, Fraction(-1, 2))):
        found = replay(scene_of(before, after), Program(Snapped(BINOMIAL, 16, bias), rounding), (-1, -1), EIGHT)
        assert found.exact
        # 16 values 1/16 apart: the variance is (1 + 2/16²)/12 about a mean of 1/32; 8,600 pixels tell it to 1 %.
        assert found.rms == pytest.approx(math.sqrt((1 + 2 / 256) / 12), rel=0.03)
    wrong = replay(scene_of(before, after), Program(Snapped(BINOMIAL, 16), Rounding.ROUND), (-1, -1), EIGHT)
    assert wrong.reproduced / wrong.count == pytest.approx(9 / 16, abs=0.02)  # half a level off: 0/16 to 8/16


def test_clipped_pixels_count_and_are_left_out_of_the_residual(pictures) -> None:
    before = pictures["noise"]
    taps = 3 * np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    after = cv2.filter2D(before, -1, taps.astype(float))
    found = replay(scene_of(before, after), Program(Snapped(taps, 1), Rounding.NONE), (-1, -1), EIGHT)
    assert found.exact
    assert found.rms == 0.0
    after = np.full_like(before, 255)
    assert math.isnan(replay(scene_of(before, after), Program(Snapped(taps, 1)), (-1, -1), EIGHT).rms)


def test_sixteen_bits_and_eight_to_sixteen(pictures) -> None:
    before = np.random.default_rng(2).integers(0, 65536, (60, 70)).astype(np.uint16)
    after = scipy.ndimage.correlate(before, BINOMIAL / 16)
    program = Program(Snapped(BINOMIAL, 16), Rounding.TRUNCATE)
    assert replay(scene_of(before, after), program, (-1, -1), SIXTEEN).exact
    eight = pictures["noise"]
    # Thirds of a picture at 257 times the level: 65535/255.
    sums = eight[:, :-1].astype(int) + eight[:, 1:]
    after = np.floor(sums * 257 / 6 + 0.5).astype(np.uint16)
    scene = Registered(eight / 255, after / 65535)
    found = replay(scene, Program(Snapped(np.array([[1, 1]]), 6)), (0, 0), SIXTEEN, image_level=1 / 255)
    assert found.exact
    assert found.rule is Ties.UP


def test_large_integer_kernels_stay_exact_through_the_fft(rng: np.random.Generator) -> None:
    """21x21 taps of 16 bits; the oracle adds integers. Halves are found to the last one."""
    image = rng.integers(0, 65536, (70, 80))
    numerators = rng.integers(-(2**15), 2**15, (21, 21)) * 2
    sums = np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(image, (21, 21)), numerators)
    divisor = 2 * 21 * 2**15
    target = (2 * sums + divisor) // (2 * divisor)
    found = replay(
        Registered(image.astype(float), target.astype(float)), Program(Snapped(numerators, divisor)), (0, 0), WHOLE
    )
    assert found.exact
    assert found.near == 0


def test_exact_halves_are_known_through_the_fft(rng: np.random.Generator) -> None:
    """15x15 taps over 64: one sum in 64 is a half, and a transform's last digits must not move it."""
    image, numerators = rng.integers(0, 256, (90, 100)), rng.integers(0, 9, (15, 15))
    sums = np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(image, (15, 15)), numerators)
    scene = Registered(image.astype(float), np.rint(sums / 64))
    found = replay(scene, Program(Snapped(numerators, 64)), (0, 0), WHOLE)
    assert (found.halves, found.rule, found.near) == (np.count_nonzero(sums % 64 == 32), Ties.EVEN, 0)
    assert found.exact


def test_masked_outputs_and_what_only_they_see_do_not_count(pictures) -> None:
    before = pictures["noise"] / 255
    after = cv2.boxFilter(pictures["noise"], -1, (3, 3)) / 255
    before[20, 30] = np.nan
    mask = np.ones(before.shape, dtype=bool)
    mask[19:22, 29:32] = False
    after[20, 31] += 5 / 255
    after[60, 50] += 5 / 255
    found = replay(Registered(before, after, mask=mask), Program(Snapped(np.ones((3, 3), int), 9)), (-1, -1), EIGHT)
    assert (found.count, found.missed) == (88 * 98 - 9, 1)


@pytest.mark.parametrize("stride", [2, 3])
def test_a_stride_keeps_every_few_outputs(stride: int, pictures) -> None:
    before = pictures["noise"]
    after = scipy.ndimage.correlate(before, BINOMIAL / 16)[::stride, ::stride]
    scene = Registered(before / 255, after / 255, stride)
    found = replay(scene, Program(Snapped(BINOMIAL, 16), Rounding.TRUNCATE), (-1, -1), EIGHT)
    assert found.exact
    assert found.count == scene.pair((3, 3), (-1, -1)).target.size


def test_nothing_to_replay_is_no_proof() -> None:
    found = replay(Registered(np.eye(4), np.eye(4)), Program(Parameters(np.ones((5, 5)))), (-2, -2), EIGHT)
    assert (found.count, found.exact) == (0, False)


def test_float_targets_are_reproduced_to_single_precision(rng: np.random.Generator) -> None:
    image, taps = rng.random((40, 41)), rng.standard_normal((3, 3))
    target = scipy.ndimage.correlate(image.astype(np.float32), taps.astype(np.float32)).astype(float)
    scene = Registered(image, target)
    assert replay(scene, Program(Parameters(taps), Rounding.NONE), (-1, -1), Recording()).exact
    taps[0, 0] += 1e-4
    found = replay(scene, Program(Parameters(taps), Rounding.NONE), (-1, -1), Recording())
    assert found.reproduced < 0.05 * found.count
    assert found.worst == pytest.approx(1e-4, rel=0.02)


def test_scipys_gaussian_and_box_truncate_after_columns_and_again_after_rows(pictures) -> None:
    before = pictures["scene"]
    weights = np.exp(-0.5 * (np.arange(-4, 5) / 1.0) ** 2)
    weights /= weights.sum()
    gaussian = Program(Parameters(np.outer(weights, weights)), Rounding.TRUNCATE, Passes.COLUMN_FIRST)
    scene = scene_of(before, scipy.ndimage.gaussian_filter(before, 1.0))
    found = replay(scene, gaussian, (-4, -4), EIGHT)
    # Flat parts are sums of weights times a whole number, which SciPy's own order of adding makes whole or not.
    assert found.exact
    once = replay(scene, Program(gaussian.kernel, Rounding.TRUNCATE), (-4, -4), EIGHT)
    assert once.reproduced < 0.7 * once.count
    box = Program(Snapped(np.ones((3, 5), int), 15), Rounding.TRUNCATE, Passes.COLUMN_FIRST)
    scene = scene_of(before, scipy.ndimage.uniform_filter(before, (3, 5)))
    assert replay(scene, box, (-1, -2), EIGHT).exact


def test_flat_parts_stay_what_they_are_when_weights_fall_short_of_one() -> None:
    """All grays, in squares: float64 sums of weights times a gray are off by a rounding error, and truncated.

    SciPy's own sums mostly fall on the right side; at a sigma of 1.2 some do not, and 32 pixels are missed.
    """
    before = np.kron(np.arange(256, dtype=np.uint8).reshape(16, 16), np.ones((14, 14), np.uint8))
    for sigma, missed in ((0.7, 0), (1.0, 0), (1.2, 40)):
        reach = int(4 * sigma + 0.5)
        weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        weights /= weights.sum()
        program = Program(Parameters(np.outer(weights, weights)), Rounding.TRUNCATE, Passes.COLUMN_FIRST)
        scene = scene_of(before, scipy.ndimage.gaussian_filter(before, sigma))
        assert replay(scene, program, (-reach, -reach), EIGHT).missed <= missed


def test_pillows_box_rounds_after_rows_and_again_after_columns(pictures) -> None:
    before = pictures["noise"]
    scene = scene_of(before, np.asarray(Image.fromarray(before).filter(ImageFilter.BoxBlur(2))))
    box = Program(Snapped(np.ones((5, 5), int), 25), Rounding.ROUND, Passes.ROW_FIRST)
    assert replay(scene, box, (-2, -2), EIGHT).exact
    other = Program(box.kernel, Rounding.ROUND, Passes.COLUMN_FIRST)
    assert not replay(scene, other, (-2, -2), EIGHT).exact


def test_long_first_passes_stay_whole_through_the_fft(rng: np.random.Generator) -> None:
    before = rng.integers(0, 4, (300, 700)).astype(np.uint8) * 41  # many averages of 41 are whole
    after = scipy.ndimage.uniform_filter(before, (3, 41))
    program = Program(Snapped(np.ones((3, 41), int), 123), Rounding.TRUNCATE, Passes.COLUMN_FIRST)
    assert replay(scene_of(before, after), program, (-1, -20), EIGHT).exact
    after = scipy.ndimage.uniform_filter(scipy.ndimage.uniform_filter(before, (1, 41)), (3, 1))
    program = Program(program.kernel, Rounding.TRUNCATE, Passes.ROW_FIRST)
    assert replay(scene_of(before, after), program, (-1, -20), EIGHT).exact


def test_two_passes_need_a_column_times_a_row() -> None:
    program = Program(Snapped(np.array([[0, 1], [1, 0]]), 2), Rounding.ROUND, Passes.ROW_FIRST)
    with pytest.raises(ConvkitError, match=r"a column times a row.*shape \(2, 2\)"):
        replay(Registered(np.eye(4), np.eye(4)), program, (0, 0), EIGHT)


# ---- find_rounding: which rounding, and the bias that is left


@pytest.mark.parametrize("offset", [0, 12])
@pytest.mark.parametrize("name", ["scene", "noise"])
def test_truncation_leaves_a_bias_of_what_the_program_added(name: str, offset: int, pictures, rng) -> None:
    """From an estimate of real taps: its bias is right to its error, not half a level off."""
    before, taps = pictures[name], rng.random((3, 3))
    after = np.trunc(scipy.ndimage.correlate(before.astype(float), 0.9 * taps / taps.sum()) + offset)
    scene = scene_of(before, after.astype(np.uint8))
    point = estimate(scene, (3, 3), (-1, -1))
    assert point.bias * 255 == pytest.approx(offset - 0.5, abs=0.03)
    found = find_rounding(scene, point, (-1, -1), EIGHT, bias_error=0.01 / 255)
    assert found.program.rounding is Rounding.TRUNCATE
    assert found.program.kernel.bias * 255 == pytest.approx(offset, abs=0.03)
    after = np.rint(scipy.ndimage.correlate(before.astype(float), 0.9 * taps / taps.sum()) + offset)
    scene = scene_of(before, after.astype(np.uint8))
    found = find_rounding(scene, estimate(scene, (3, 3), (-1, -1)), (-1, -1), EIGHT, bias_error=0.01 / 255)
    assert found.program.rounding is Rounding.ROUND
    assert found.program.kernel.bias * 255 == pytest.approx(offset, abs=0.03)


@pytest.mark.parametrize("off", [0, Fraction(1, 4)])
@pytest.mark.parametrize("kernel", PILLOW, ids=lambda kernel: kernel.name)
def test_pillows_offsets_are_found_whole(kernel: type, off: Fraction, pictures) -> None:
    """The fitted bias is 1/32 or 1/4 level off where halves go up, or the half of a truncating program."""
    before = pictures["scene"]
    after = np.asarray(Image.fromarray(before).filter(kernel))
    snapped, offset = pillow_kernel(kernel)
    fitted = Snapped(snapped.numerators, snapped.divisor, snapped.bias + off / snapped.divisor)
    found = find_rounding(scene_of(before, after), fitted, offset, EIGHT)
    assert found.program.kernel.bias == snapped.bias
    assert found.program.rounding is (Rounding.NONE if snapped.divisor == 1 else Rounding.ROUND)
    assert proves(found.program, replay(scene_of(before, after), found.program, offset, EIGHT))


def test_a_bias_between_whole_levels_is_found_to_the_divisors_part(pictures) -> None:
    before = pictures["noise"]
    scene = scene_of(before, cv2.filter2D(before, -1, BINOMIAL / 16, delta=3.7))
    found = find_rounding(scene, Snapped(BINOMIAL, 16, Fraction(15, 4), chance=1e-5), (-1, -1), EIGHT)
    # All biases above 58.5/16 and up to 59.5/16, for halves that go up, store the same.
    assert found.program.kernel.bias == Fraction(59, 16)
    final = replay(scene, found.program, (-1, -1), EIGHT)
    assert final.exact
    assert proves(found.program, final)
    doubtful = Program(Snapped(BINOMIAL, 16, Fraction(59, 16), chance=0.5))
    assert not proves(doubtful, final)


def test_opencvs_box_of_sixteen_adds_one_sixteenth(pictures) -> None:
    """OpenCV divides by multiplying with a reciprocal, and adds 9 before, not 8: 7 of 16 are rounded up."""
    before = pictures["noise"]
    scene = scene_of(before, cv2.boxFilter(before, -1, (4, 4)))
    box = Snapped(np.ones((4, 4), int), 16, Fraction(1, 8))
    found = find_rounding(scene, box, (-2, -2), EIGHT)
    assert found.program.kernel.bias == Fraction(1, 16)
    assert replay(scene, found.program, (-2, -2), EIGHT).rule is Ties.UP


def test_nothing_was_rounded_where_every_response_is_whole(pictures) -> None:
    before = pictures["noise"]
    scene = scene_of(before, cv2.Sobel(before, -1, 1, 0))
    for kernel in (estimate(scene, (3, 3), (-1, -1)), Snapped(np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]), 1)):
        found = find_rounding(scene, kernel, (-1, -1), EIGHT)
        assert found.program.rounding is Rounding.NONE
        assert found.sample.exact
    assert find_rounding(scene, kernel, (-1, -1), Recording()).told == "the target is not in steps"


@pytest.mark.parametrize(
    ("blur", "size", "passes", "rounding"),
    [
        (lambda x: scipy.ndimage.uniform_filter(x, 3), 3, Passes.COLUMN_FIRST, Rounding.TRUNCATE),
        (lambda x: np.asarray(Image.fromarray(x).filter(ImageFilter.BoxBlur(2))), 5, Passes.ROW_FIRST, Rounding.ROUND),
    ],
    ids=["SciPy", "Pillow"],
)
def test_a_rounding_between_two_passes_is_found(blur, size: int, passes, rounding, pictures) -> None:
    scene = scene_of(pictures["scene"], blur(pictures["scene"]))
    offset = (-(size // 2), -(size // 2))
    fitted = estimate(scene, (size, size), offset).bias * 255
    box = Snapped(np.ones((size, size), int), size**2, Fraction(fitted).limit_denominator(12))
    found = find_rounding(scene, box, offset, EIGHT)
    assert (found.program.passes, found.program.rounding, found.program.kernel.bias) == (passes, rounding, 0)
    assert replay(scene, found.program, offset, EIGHT).exact


def test_scipys_two_truncations_leave_no_bias_in_an_estimate(pictures) -> None:
    """The fitted bias is a whole level, which looks like rounding with an offset; the pixels tell."""
    scene = scene_of(pictures["scene"], scipy.ndimage.gaussian_filter(pictures["scene"], 1.0))
    point = estimate(scene, (9, 9), (-4, -4))
    assert point.bias * 255 == pytest.approx(-1.0, abs=0.05)
    found = find_rounding(scene, point, (-4, -4), EIGHT)
    assert (found.program.passes, found.program.rounding) == (Passes.COLUMN_FIRST, Rounding.TRUNCATE)
    assert found.program.kernel.bias * 255 == pytest.approx(0.0, abs=0.05)
    assert "column" in found.told


@pytest.mark.parametrize("truncates", [False, True])
def test_noise_hides_the_pixels_but_not_the_mean(truncates: bool, pictures, rng) -> None:
    before = pictures["noise"]
    response = scipy.ndimage.correlate(before.astype(float), BINOMIAL / 16) + 2 * rng.standard_normal(before.shape)
    after = (np.floor(response) if truncates else np.rint(response)).clip(0, 255).astype(np.uint8)
    scene = scene_of(before, after)
    found = find_rounding(scene, estimate(scene, (3, 3), (-1, -1)), (-1, -1), EIGHT, bias_error=0.05 / 255)
    assert found.program.rounding is (Rounding.TRUNCATE if truncates else Rounding.ROUND)
    assert found.program.kernel.bias * 255 == pytest.approx(0.0, abs=0.2)
    snapped = Snapped(BINOMIAL, 16, Fraction(-1, 2) if truncates else Fraction(0))
    for seed in range(8):  # the right rounding hits 50 pixels of 8,600 more, 40 of which are chance
        noise = 2 * np.random.default_rng(seed).standard_normal(before.shape)
        after = (np.floor if truncates else np.rint)(response + noise).clip(0, 255)
        found = find_rounding(Registered(before / 255, after / 255), snapped, (-1, -1), EIGHT)
        assert found.program.rounding is (Rounding.TRUNCATE if truncates else Rounding.ROUND)
        assert found.program.kernel.bias == 0


def test_signed_targets_truncate_towards_zero(rng: np.random.Generator) -> None:
    image, taps = rng.integers(-50, 50, (60, 60)).astype(float), rng.standard_normal((2, 2))
    exact = scipy.ndimage.correlate(image, taps)[1:, 1:]
    found = find_rounding(Registered(image, np.trunc(exact)), Parameters(taps), (0, 0), WHOLE)
    assert found.program.rounding is Rounding.ROUND  # its bias says so: what is cut off has no mean
    program = Program(Parameters(taps), Rounding.TRUNCATE)
    assert replay(Registered(image, np.trunc(exact)), program, (0, 0), WHOLE).exact


def test_a_window_is_filled_up_until_it_is_centred() -> None:
    program, offset = centred(Program(Snapped(np.array([[1, 0], [0, -1]]), 1)), (0, -2))
    assert program.kernel.numerators.tolist() == [[0] * 5, [1, 0, 0, 0, 0], [0, -1, 0, 0, 0]]
    assert offset == (-1, -2)


def test_what_may_round_either_way_is_a_tie() -> None:
    found = Replay(100, 98, 5, None, 5, 3, 1e-4, 1.0, 0.3)
    assert (found.ties, found.missed, found.exact) == (8, 2, False)
    assert Replay(1, 1, 0, None, 0, 0, 1e-4, 0.0, 0.3).exact
    assert not Replay(0, 0, 0, None, 0, 0, 1e-4, 0.0, 0.3).exact


def test_the_line_that_is_shown() -> None:
    found = Replay(260100, 260100, 512, None, 512, 0, 1e-4, 0.0, 0.289)
    assert found.text() == "exact: 260100 of 260100 pixels, 512 exact halves rounded either way"


def test_nearly_a_product_of_whole_numbers_is_not_run_in_two_passes() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 40))
    product = np.outer([1, 2, 1], [1, 3, 1])
    nearly = product.copy()
    nearly[0, 0] += 1  # by singular values it is a product to one part in twenty
    for numerators, passes in ((product, 4), (nearly, 0)):
        target = scipy.ndimage.correlate(picture.astype(float), numerators / numerators.sum())[1:-1, 1:-1]
        scene = Registered(picture / 255, np.rint(target) / 255)
        snapped = Snapped(numerators, int(numerators.sum()))
        search = _Search(scene, (0, 0), Recording(1 / 255, 0.0, 1.0), None, snapped)
        programs = list(search.two_passes())
        assert len(programs) == passes  # rows or columns first, rounded or truncated
        assert all(search.run(program).sample.count for program in programs)


@pytest.mark.parametrize("rounding", [Rounding.ROUND, Rounding.TRUNCATE])
def test_on_both_sides_of_zero_rounding_and_truncation_are_told_apart(rounding: Rounding, rng) -> None:
    """Above zero, rounding with half a level less is truncation; below, they differ, and the pixels tell."""
    image, taps = rng.integers(0, 256, (60, 60)).astype(float), rng.standard_normal((2, 2)) / 3
    sums = np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(image, (2, 2)), taps)
    target = np.rint(sums - 0.5) if rounding is Rounding.ROUND else np.trunc(sums)
    assert 0.2 < np.mean(sums < 0) < 0.8
    kernel = Parameters(taps, -0.5)
    found = find_rounding(Registered(image, target), kernel, (0, 0), WHOLE, bias_error=0.01)
    assert found.program.rounding is rounding
    assert found.sample.exact
