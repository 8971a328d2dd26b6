"""Border rules of real programs, told from their rim pixels."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
import scipy.ndimage
from PIL import Image, ImageFilter

from convkit import convolve, load_image
from convkit.kernel import named_kernel
from convkit.kernel.dialects import pillow_pass
from convkit.recovery import Parameters
from convkit.recovery.proof.border import Border, find_border
from convkit.recovery.proof.border_rule import BorderRule
from convkit.recovery.proof.layers import Layers
from convkit.recovery.proof.program import Passes, Program, Rounding, centred
from convkit.recovery.proof.replay import replay
from convkit.recovery.proof.snapped import Snapped
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered

EIGHT = Recording(1 / 255, 0.0, 1.0)
REPLICATE, SYMMETRIC, REFLECT, ZERO, CIRCULAR, STAGED, RENORMALISED, COPIED = BorderRule

OPENCV = {
    cv2.BORDER_CONSTANT: ZERO,
    cv2.BORDER_REPLICATE: REPLICATE,
    cv2.BORDER_REFLECT: SYMMETRIC,
    cv2.BORDER_REFLECT_101: REFLECT,
}
SCIPY = {"constant": ZERO, "nearest": REPLICATE, "reflect": SYMMETRIC, "mirror": REFLECT, "wrap": CIRCULAR}


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    scene = np.rint(load_image("pictures/scene.png") * 255).astype(np.uint8)
    return {"scene": scene[60:200, 100:290], "noise": np.random.default_rng(1).integers(0, 256, (50, 60), np.uint8)}


def border_of(
    before, after, program: Program, offset: tuple[int, int], recording: Recording = EIGHT, layers: Layers | None = None
) -> Border:
    scene = Registered(before / 255, after / 255)
    interior = replay(scene, program, offset, recording)
    return find_border(scene, program, offset, recording, interior, layers=layers)


@pytest.mark.parametrize("name", ["scene", "noise"])
@pytest.mark.parametrize(("mode", "rule"), OPENCV.items(), ids=map(str, OPENCV.values()))
def test_opencvs_borders(mode: int, rule: BorderRule, name: str, pictures, rng) -> None:
    before, taps = pictures[name], rng.random((5, 3))
    taps /= taps.sum()
    found = border_of(before, cv2.filter2D(before, -1, taps, borderType=mode), Program(Parameters(taps)), (-2, -1))
    height, width = before.shape
    assert found.rule is rule
    assert found.candidates[0].count == 2 * 2 * width + 2 * (height - 4)
    assert found.candidates[0].reproduced == found.candidates[0].count
    assert found.told == f"{rule} reproduces {found.candidates[0].count} of {found.candidates[0].count} rim pixels"
    blurred = cv2.boxFilter(before, -1, (4, 4), borderType=mode)
    box = Program(Snapped(np.ones((4, 4), int), 16, Fraction(1, 16)))
    assert border_of(before, blurred, box, (-2, -2)).rule is rule


@pytest.mark.parametrize(("mode", "rule"), OPENCV.items(), ids=map(str, OPENCV.values()))
def test_clipped_derivatives(mode: int, rule: BorderRule, pictures) -> None:
    before = pictures["noise"]
    program = Program(Snapped(np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]), 1), Rounding.NONE)
    found = border_of(before, cv2.Sobel(before, -1, 1, 0, borderType=mode), program, (-1, -1))
    # One pixel beyond the edge, repeated or mirrored about it, is the same pixel.
    assert found.rule is (REPLICATE if rule is SYMMETRIC else rule)
    if found.rule is REPLICATE:
        assert found.candidates[0].same == (SYMMETRIC,)
        assert found.told.endswith("; with this kernel the same as symmetric")


@pytest.mark.parametrize(("mode", "rule"), SCIPY.items(), ids=map(str, SCIPY.values()))
def test_scipys_borders_in_one_pass_and_two(mode: str, rule: BorderRule, pictures) -> None:
    before = pictures["scene"]
    taps = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])
    once = Program(Snapped(taps, 256), Rounding.TRUNCATE)
    assert border_of(before, scipy.ndimage.correlate(before, taps / 256, mode=mode), once, (-2, -2)).rule is rule
    twice = Program(Snapped(np.ones((5, 5), int), 25), Rounding.TRUNCATE, Passes.COLUMN_FIRST)
    found = border_of(before, scipy.ndimage.uniform_filter(before, 5, mode=mode), twice, (-2, -2))
    assert found.rule is rule
    assert found.candidates[0].reproduced == found.candidates[0].count


@pytest.mark.parametrize("kernel", [ImageFilter.BLUR, ImageFilter.SMOOTH, ImageFilter.FIND_EDGES])
def test_pillows_kernels_copy_the_rim(kernel: type, pictures) -> None:
    (height, width), scale, _, taps = kernel.filterargs
    before = pictures["scene"]
    program = Program(Snapped(np.array(taps).reshape(height, width)[::-1], int(scale)))
    where = -(height // 2), -(width // 2)
    assert border_of(before, np.asarray(Image.fromarray(before).filter(kernel)), program, where).rule is COPIED


def test_pillows_emboss_copies_a_rim_all_around(pictures) -> None:
    """Its two taps reach up and to the left only; the window that they lie in does not."""
    before = pictures["noise"]
    after = np.asarray(Image.fromarray(before).filter(ImageFilter.EMBOSS))
    program, offset = centred(Program(Snapped(np.array([[0, 1], [-1, 0]]), 1, Fraction(128))), (0, -1))
    assert offset == (-1, -1)
    found = border_of(before, after, program, offset)
    assert found.rule is COPIED
    assert found.candidates[0].count == 2 * 60 + 2 * 48


def test_pillows_box_repeats_the_edge(pictures) -> None:
    before = pictures["scene"]
    program = Program(Snapped(np.ones((5, 5), int), 25), Rounding.ROUND, Passes.ROW_FIRST)
    after = np.asarray(Image.fromarray(before).filter(ImageFilter.BoxBlur(2)))
    assert border_of(before, after, program, (-2, -2)).rule is REPLICATE


@pytest.mark.parametrize("radius", [2.0, 3.0, 7.5])
def test_pillows_gaussian_repeats_the_edge_before_each_pass(radius: float, pictures) -> None:
    before = pictures["scene"]
    after = np.asarray(Image.fromarray(before).filter(ImageFilter.GaussianBlur(radius)))
    taps = named_kernel(f"pillow/gaussian-blur:{radius}").taps
    middle = len(taps) // 2
    program, offset = Program(Parameters(taps)), (-middle, -middle)
    assert border_of(before, after, program, offset).rule in (None, SYMMETRIC)  # which it nearly is
    found = border_of(before, after, program, offset, layers=Layers(0.0, pillow_pass(radius)))
    assert found.rule is STAGED
    # No worse than inside, in whole rows and columns.
    assert found.candidates[0].rms < 0.5


def test_an_unsharp_mask_of_three_boxes(pictures) -> None:
    """Held against SciPy's boxes of odd width, of which Pillow's are the special case."""
    before = pictures["scene"].astype(float)
    blur = before
    for axis in (1, 1, 1, 0, 0, 0):
        blur = scipy.ndimage.uniform_filter1d(blur, 5, axis=axis, mode="nearest")
    after = np.rint(1.75 * before - 0.75 * blur)
    box = np.full(5, 0.2)
    row = np.convolve(np.convolve(box, box), box)
    taps = -0.75 * np.outer(row, row)
    taps[6, 6] += 1.75
    unclipped = Recording(1 / 255, -np.inf, np.inf)
    program = Program(Parameters(taps))
    found = border_of(before, after, program, (-6, -6), unclipped, Layers(1.75, box))
    assert found.rule is STAGED
    assert found.candidates[0].reproduced == found.candidates[0].count
    assert border_of(before, after, program, (-6, -6), unclipped, Layers(1.7, box)).rule is None


def test_an_unsharp_mask_of_a_blur_that_renormalises(pictures) -> None:
    before = pictures["scene"].astype(float)
    blur = named_kernel("gaussian:sigma=1.2,size=9").taps
    inside = scipy.ndimage.correlate(np.ones(before.shape), blur, mode="constant")
    after = np.rint(2.5 * before - 1.5 * scipy.ndimage.correlate(before, blur, mode="constant") / inside)
    taps = -1.5 * blur
    taps[4, 4] += 2.5
    unclipped = Recording(1 / 255, -np.inf, np.inf)
    program = Program(Parameters(taps))
    assert border_of(before, after, program, (-4, -4), unclipped).rule is None
    found = border_of(before, after, program, (-4, -4), unclipped, Layers(2.5))
    assert found.rule is RENORMALISED
    assert found.candidates[0].reproduced == found.candidates[0].count


def test_a_moved_unsharp_mask_is_of_no_layers(pictures) -> None:
    """Its picture itself lies beside the output's pixel."""
    before = pictures["scene"].astype(float)
    taps = named_kernel("unsharp:1.2,1.5,9").taps
    after = np.rint(np.roll(scipy.ndimage.correlate(before, taps, mode="wrap"), (20, -20), (0, 1)))
    unclipped = Recording(1 / 255, -np.inf, np.inf)
    assert border_of(before, after, Program(Parameters(taps)), (-24, 16), unclipped, Layers(2.5)).rule is CIRCULAR


def test_a_blur_that_renormalises_its_weights(pictures, rng) -> None:
    before, taps = pictures["scene"], rng.random((5, 5))
    weighted = scipy.ndimage.correlate(before.astype(float), taps, mode="constant")
    after = np.floor(weighted / scipy.ndimage.correlate(np.ones(before.shape), taps, mode="constant") + 0.5)
    found = border_of(before, after, Program(Parameters(taps / taps.sum())), (-2, -2))
    assert found.rule is RENORMALISED
    assert found.candidates[0].reproduced == found.candidates[0].count
    # A gain and an offset are not divided away.
    after = np.floor(0.5 * weighted / scipy.ndimage.correlate(np.ones(before.shape), taps, mode="constant") + 20.5)
    program = Program(Parameters(0.5 * taps / taps.sum(), 20 / 255))
    assert border_of(before, after, program, (-2, -2)).rule is RENORMALISED


@pytest.mark.parametrize("mode", SCIPY)
def test_rows_far_outside_the_image(mode: str, pictures) -> None:
    """A kernel of 3x2 that starts six rows above its output and seven columns to the right."""
    before, taps = pictures["noise"], np.array([[1, 5], [2, 3], [4, 1]])
    padded = np.pad(before.astype(int), 9, mode={"constant": "constant", "nearest": "edge", "reflect": "symmetric",
                                                 "mirror": "reflect", "wrap": "wrap"}[mode])  # fmt: skip
    height, width = before.shape
    after = sum(
        taps[u, v] * padded[9 - 6 + u : 9 - 6 + u + height, 9 + 7 + v : 9 + 7 + v + width]
        for u in range(3) for v in range(2)
    ) // 16  # fmt: skip
    found = border_of(before, after, Program(Snapped(taps, 16), Rounding.TRUNCATE), (-6, 7))
    assert found.rule is SCIPY[mode]
    assert RENORMALISED not in [candidate.rule for candidate in found.candidates]  # there is nothing to divide by


@pytest.mark.parametrize(("mode", "rule"), SCIPY.items(), ids=map(str, SCIPY.values()))
def test_a_window_larger_than_the_image(mode: str, rule: BorderRule) -> None:
    """No output has its window inside; every one tells."""
    rng = np.random.default_rng(5)
    before, taps = rng.integers(0, 256, (6, 7)), rng.integers(1, 9, (9, 9))
    after = np.floor(scipy.ndimage.correlate(before, taps, mode=mode, output=np.int64) / taps.sum() + 0.5)
    found = border_of(before, after, Program(Snapped(taps, int(taps.sum()))), (-4, -4))
    assert found.rule is rule
    assert found.candidates[0].count == 42


@pytest.mark.parametrize(("mode", "rule"), SCIPY.items(), ids=map(str, SCIPY.values()))
def test_noise_of_two_levels_leaves_the_rule(mode: str, rule: BorderRule, pictures, rng) -> None:
    before, taps = pictures["scene"], np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
    response = scipy.ndimage.correlate(before.astype(float), taps, mode=mode)
    after = np.rint(response + 2 * rng.standard_normal(before.shape)).clip(0, 255)
    found = border_of(before, after, Program(Parameters(taps)), (-2, -2))
    assert found.rule is rule
    assert 1.8 < found.candidates[0].rms < 2.2
    assert "inside" in found.told


def test_float_pictures_without_levels(rng: np.random.Generator) -> None:
    picture, taps = rng.random((20, 22)), rng.random((5, 5))
    for padding, rule in (("zero", ZERO), ("circular", CIRCULAR), ("symmetric", SYMMETRIC)):
        scene = Registered(picture, convolve(picture, taps, padding=padding))
        program = Program(Parameters(taps), Rounding.NONE)
        interior = replay(scene, program, (-2, -2), Recording())
        assert find_border(scene, program, (-2, -2), Recording(), interior).rule is rule


@pytest.mark.parametrize("stride", [2, 3])
def test_a_stride(stride: int, pictures) -> None:
    before, taps = pictures["noise"], np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])
    for mode, rule in SCIPY.items():
        after = scipy.ndimage.correlate(before, taps / 256, mode=mode)[::stride, ::stride]
        scene = Registered(before / 255, after / 255, stride)
        program = Program(Snapped(taps, 256), Rounding.TRUNCATE)
        interior = replay(scene, program, (-2, -2), EIGHT)
        assert find_border(scene, program, (-2, -2), EIGHT, interior).rule is rule


def test_a_rule_that_nobody_knows_is_none(pictures) -> None:
    before, taps = pictures["scene"], np.outer([1, 2, 1], [1, 2, 1])
    padded = np.pad(before.astype(float), 1, constant_values=128)
    after = np.floor(scipy.ndimage.correlate(padded, taps / 16)[1:-1, 1:-1])
    found = border_of(before, after, Program(Snapped(taps, 16), Rounding.TRUNCATE), (-1, -1))
    assert found.rule is None
    assert found.told.startswith("no rule explains the rim: ")
    assert len(found.candidates) == 6  # replicate and symmetric are one


def test_a_black_frame_cannot_tell_replicate_from_zero(pictures) -> None:
    before = pictures["scene"].copy()
    before[:6], before[-6:], before[:, :6], before[:, -6:] = 0, 0, 0, 0
    program = Program(Snapped(np.ones((3, 3), int), 9))
    found = border_of(before, cv2.boxFilter(before, -1, (3, 3)), program, (-1, -1))
    assert found.rule is None
    assert found.told.startswith("cannot be told apart: replicate or ")
    assert "zero" in found.told


def test_zeros_around_a_kernel_reach_beyond_the_edge_without_reading(pictures) -> None:
    before, taps = pictures["scene"], np.zeros((5, 5), int)
    taps[1:4, 1:4] = 1
    after = cv2.boxFilter(before, -1, (3, 3), borderType=cv2.BORDER_REFLECT)
    found = border_of(before, after, Program(Snapped(taps, 9)), (-2, -2))
    assert (found.rule, found.candidates[0].same) == (REPLICATE, (SYMMETRIC,))


def test_the_interior_is_never_asked(pictures) -> None:
    """With the interior spoilt but its residual stated, the rim alone decides."""
    before = pictures["scene"]
    after = cv2.boxFilter(before, -1, (3, 3), borderType=cv2.BORDER_REFLECT_101)
    program = Program(Snapped(np.ones((3, 3), int), 9))
    scene = Registered(before / 255, after / 255)
    interior = replay(scene, program, (-1, -1), EIGHT)
    after[1:-1, 1:-1] = 77
    assert find_border(Registered(before / 255, after / 255), program, (-1, -1), EIGHT, interior).rule is REFLECT


def test_no_rim_and_a_masked_rim(pictures) -> None:
    before = pictures["noise"]
    program = Program(Snapped(np.ones((3, 3), int), 9))
    after = cv2.boxFilter(before, -1, (3, 3))
    valid = Registered(before / 255, after[1:-1, 1:-1] / 255)
    found = find_border(valid, program, (0, 0), EIGHT, replay(valid, program, (0, 0), EIGHT))
    assert (found.rule, found.told) == (None, "no output's window hangs over the edge")
    mask = np.zeros(before.shape, dtype=bool)
    mask[1:-1, 1:-1] = True
    masked = Registered(before / 255, after / 255, mask=mask)
    found = find_border(masked, program, (-1, -1), EIGHT, replay(masked, program, (-1, -1), EIGHT))
    assert (found.rule, found.told) == (None, "every output whose window hangs over the edge is masked")


def test_a_rim_that_is_black_is_not_explained_by_rails(pictures) -> None:
    """SciPy's shift leaves outputs black whose window reaches beyond the edge; with zeros there they would be gray."""
    before = pictures["scene"]
    after = scipy.ndimage.shift(before.astype(float), (0, 0.5), order=1)
    program = Program(Parameters(np.array([[0.5, 0.5]])))
    assert border_of(before, np.rint(after), program, (0, -1)).rule is None
