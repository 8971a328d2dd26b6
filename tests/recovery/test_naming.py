"""Names of kernels that are known exactly: every one of the library, in every way it may lie."""

import re

import cv2
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from convkit.errors import KernelError
from convkit.kernel import fixed_kernels, groups, named_kernel
from convkit.kernel.rotation import rotated
from convkit.recovery.naming import Match, Naming, name_kernel
from convkit.recovery.naming.lines import half_gaussian, segment
from convkit.recovery.naming.naming import _floors
from convkit.recovery.naming.rounded_bells import fixed_point
from convkit.recovery.naming.shapes import binned_bell, box_between

LIBRARY = [entry.name for entries in groups().values() for entry in entries]
# What is the same kernel, by its plain name.
SAME = {
    "imagemagick/binomial": "binomial",
    "imagemagick/gaussian": "gaussian",
    "imagemagick/rectangle": "box",
    "imagemagick/square": "box",
    "imagemagick/unity": "identity",
    "matlab/gaussian": "gaussian",
    "matlab/log": "log",
    "opencv/gabor": "gabor",
    "opencv/laplacian": "laplacian",
    "pillow/box-blur": "box",
    "scipy/gaussian": "gaussian",
}


def named(taps: np.ndarray, offset: tuple[int, int] | None = None) -> Naming:
    taps = np.asarray(taps, dtype=float)
    rows, columns = taps.shape
    if offset is None:
        offset = -((rows - 1) // 2), -((columns - 1) // 2)
    return name_kernel(taps, np.zeros((taps.size, taps.size)), offset)


def names(naming: Naming) -> list[str]:
    return [match.name for match in naming.names]


def found(naming: Naming, name: str) -> Match:
    return next(match for match in naming.names if match.name == name)


def values(match: Match) -> dict[str, float]:
    return {parameter.name: parameter.value for parameter in match.parameters}


def in_window(taps: np.ndarray, side: int) -> np.ndarray:
    window = np.zeros((side, side))
    top, left = ((side - 1) // 2 - (length - 1) // 2 for length in taps.shape)
    window[top : top + taps.shape[0], left : left + taps.shape[1]] = taps
    return window


@pytest.mark.parametrize("name", LIBRARY)
def test_every_kernel_of_the_library_has_its_name(name: str) -> None:
    naming = named(named_kernel(name).taps)
    match = found(naming, SAME.get(name, name))
    assert abs(match.gain) == pytest.approx(match.gain if match.gain > 0 else 1)
    assert match.statistic < 1
    assert not naming.note


def rebuilt(match: Match, own: np.ndarray) -> np.ndarray:
    down, across = {"none": (1, 1), "both": (-1, -1), "vertical": (-1, 1), "horizontal": (1, -1)}[match.flip]
    return match.gain * rotated(own[::down, ::across], match.rotation)


@pytest.mark.parametrize("name", fixed_kernels())
@pytest.mark.parametrize("gain", [1 / 16, 3.0, 0.2713])
def test_fixed_kernels_are_found_up_to_gain_in_a_larger_window(name: str, gain: float) -> None:
    window = gain * in_window(named_kernel(name).taps, 11)
    first = named(window).names[0]
    dialect = re.match(r"[a-z]+/[-a-z0-9]+(:[a-z0-9]+=[.0-9]+(,[a-z0-9]+=[.0-9]+)*)?", first.text)
    own = "box:3" if first.name == "box" else dialect[0] if dialect else first.name
    rebuilt_taps = in_window(rebuilt(first, named_kernel(own).taps), 11)
    # A kernel that is even on one side, as Roberts', may lie half a pixel off.
    assert any(
        np.allclose(np.roll(rebuilt_taps, step, (0, 1)), window, rtol=0, atol=1e-6 * gain)
        for step in ((0, 0), (0, -1), (-1, 0), (0, 1), (1, 0))
    )
    assert first.offset.startswith("centred")


@pytest.mark.parametrize("name", ["sobel", "emboss", "kirsch", "compass", "roberts", "farid", "d2l"])
@pytest.mark.parametrize("angle", [90, 180, 270])
def test_turned_kernels_keep_their_name(name: str, angle: int) -> None:
    taps = rotated(named_kernel(name).taps, angle)
    match = found(named(taps), name)
    np.testing.assert_allclose(rebuilt(match, named_kernel(name).taps), taps, atol=1e-12)


@pytest.mark.parametrize("angle", [45, 135, 225, 315])
def test_the_ring_of_a_compass_kernel_turns_by_45_degrees(angle: int) -> None:
    match = found(named(named_kernel(f"kirsch:angle={angle}").taps / 15), "kirsch")
    assert (match.rotation, match.flip) == (angle, "none")
    assert match.text == f"Kirsch / 15, turned by {angle} degrees, centred"


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ((1, 1), "Emboss, correlated, centred"),
        ((-1, -1), "Emboss, convolved, centred"),
        ((-1, 1), "Emboss, flipped top to bottom, centred"),
    ],
)
def test_flips_are_told_apart(step: tuple[int, int], words: str) -> None:
    assert named(named_kernel("emboss").taps[:: step[0], :: step[1]]).names[0].text == words


@pytest.mark.parametrize(
    ("taps", "text"),
    [
        (named_kernel("sobel").taps / 4, "Sobel / 4, correlated, centred"),
        (-named_kernel("sobel").taps / 8, "Sobel / 8, convolved, centred"),
        (named_kernel("skimage/sobel-h").taps, "Sobel / 4, turned by 90 degrees, centred"),
        (named_kernel("laplacian8").taps, "Laplacian (8 neighbours), centred"),
        (named_kernel("gaussian:1.203,9").taps, "Gaussian, sigma = 1.203, truncated to 9x9, sum 1"),
        (0.5 * named_kernel("gaussian:1.5,13").taps, "Gaussian, sigma = 1.5, truncated to 13x13, sum 0.5"),
        (named_kernel("box:4x4").taps, "Box 4x4, sum 1, centred, half a pixel down and right"),
        (named_kernel("disk:3.3").taps, "Disk (out of focus), radius 3.3, sum 1"),
        (named_kernel("motion:9,30").taps, "Motion blur, length 9, angle 30 degrees, sum 1"),
        (named_kernel("unsharp:2,1.5,13").taps, "Unsharp mask, amount 1.5, sigma = 2, truncated to 13x13, sum 1"),
        (named_kernel("pillow/box-blur:1.7").taps, "Box with fractional edges, height 4.4, width 4.4, sum 1"),
        (named_kernel("tent:7x5").taps, "Tent 7x5, sum 1, centred"),
        (named_kernel("diagonal:9").taps, "Diagonal motion blur, 9 pixels, sum 1, centred"),
        (
            named_kernel("diagonal:9").taps[:, ::-1],
            "Diagonal motion blur, 9 pixels, sum 1, mirrored, centred",
        ),
        (named_kernel("log:1.4,11").taps, "Laplacian of a Gaussian, sigma = 1.4, truncated to 11x11"),
        (segment(7.3, 55.0), "Motion blur (a line of no width), length 7.3, angle 55 degrees, sum 1"),
        (
            half_gaussian(2.0, 180.0, 13),
            "One-sided motion blur (half a Gaussian), sigma = 2, taps towards 180 degrees, sum 1, "
            "one-sided to the left",
        ),
    ],
)
def test_the_line_that_people_read(taps: np.ndarray, text: str) -> None:
    assert named(taps).names[0].text == text


def test_the_plain_name_comes_first_and_its_synonyms_follow() -> None:
    assert names(named(named_kernel("skimage/sobel-v").taps)) == ["sobel", "skimage/sobel-v"]
    assert names(named(named_kernel("pillow/find-edges").taps))[0] == "outline"
    assert {"pillow/find-edges", "pillow/contour"} <= set(names(named(named_kernel("pillow/contour").taps)))
    three = names(named(named_kernel("binomial:3").taps))
    assert three[:2] == ["binomial", "opencv/gaussian"]
    assert "gaussian" in three
    assert names(named(named_kernel("motion:9").taps)) == ["box", "motion"]


def test_many_names_are_counted() -> None:
    naming = named(named_kernel("binomial:3").taps)
    assert naming.text.startswith("Binomial 3x3, sum 1, centred; also opencv/gaussian:ksize=3")
    assert naming.text.endswith(f"; {len(naming.names)} names fit in all")


@settings(max_examples=30)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(-5, 5), st.integers(-5, 5))
def test_boxes_of_every_size_wherever_they_lie(rows: int, columns: int, down: int, right: int) -> None:
    naming = named(np.full((rows, columns), 1 / (rows * columns)), (down, right))
    first = naming.names[0]
    if rows * columns == 1:
        assert first.name == ("identity" if (down, right) == (0, 0) else "shift")
    else:
        assert values(first) == {"rows": rows, "columns": columns}


@settings(max_examples=30)
@given(st.integers(-6, 6), st.integers(-6, 6))
def test_one_tap_is_a_shift_against_its_offset(down: int, right: int) -> None:
    match = named([[1.0]], (-down, -right)).names[0]
    if (down, right) == (0, 0):
        assert match.name == "identity"
    else:
        assert match.name == "shift"
        assert values(match) == {"dy": down, "dx": right}
        assert match.text.startswith(f"shift by ({down}, {right})")


def test_a_shift_in_a_window_of_zeros() -> None:
    window = np.zeros((9, 9))
    window[2, 4] = 1.0
    assert named(window).names[0].text == "shift by (2, 0): down by 2"


@pytest.mark.parametrize("offset", [(-1, -1), (0, 0), (-2, -2), (-5, 3)])
def test_the_offset_of_a_named_kernel_is_that_of_its_own_window(offset: tuple[int, int]) -> None:
    # Zeros around it do not count, nor do those of its own that a recovery would trim.
    emboss = named_kernel("pillow/emboss").taps
    assert found(named(emboss[1:, :2], (0, -1)), "pillow/emboss").offset == "centred"
    words = {(-1, -1): "centred", (0, 0): "one-sided downwards and to the right"}
    words |= {(-2, -2): "one-sided upwards and to the left", (-5, 3): "shifted down by 4 and left by 4"}
    assert named(named_kernel("sobel").taps, offset).names[0].offset == words[offset]


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("gaussian:0.8,7", {"sigma": 0.8}),
        ("gaussian:2.34,8x8", {"sigma": 2.34}),
        ("gaussian:1.7,1x11", {"sigma": 1.7}),
        ("disk:0.9", {"radius": 0.9}),
        ("disk:7.25", {"radius": 7.25}),
        ("motion:15,72.5", {"length": 15, "angle": 72.5}),
        ("motion:20,45", {"length": 20, "angle": 45}),
        ("motion:6.5,135", {"length": 6.5, "angle": 135}),
        ("unsharp:0.8,3,9", {"sigma": 0.8, "amount": 3}),
        ("log:2,15", {"sigma": 2}),
        ("dog:1,2,13", {"sigma1": 1, "sigma2": 2}),
        ("gabor:8,30,3,0.7,60,25", {"wavelength": 8, "angle": 30, "sigma": 3, "aspect": 0.7, "phase": 60}),
        ("pillow/gaussian-blur:1.3", {"radius": 1.3}),
        ("imagemagick/blur:4,1.2", {"sigma": 1.2}),
        ("imagemagick/comet:9,2,90", {"sigma": 2, "angle": 90, "count": 9}),
        ("imagemagick/log:4,1.1", {"sigma": 1.1}),
        ("pillow/unsharp-mask:3,50", {"radius": 3, "percent": 50}),
        ("tent:9", {"rows": 9, "columns": 9}),
        ("diagonal:15", {"length": 15}),
        ("matlab/laplacian:0.35", {"alpha": 0.35}),
        ("matlab/unsharp:0.35", {"alpha": 0.35}),
        ("octave/log:9,1.1", {"sigma": 1.1}),
        ("opencv/sobel:7,2,1", {"ksize": 7, "dx": 2, "dy": 1}),
        ("opencv/gaussian:7", {"ksize": 7}),
        ("kornia/laplacian:5", {"size": 5}),
        ("imagemagick/ring:2,4", {"radius1": 2, "radius2": 4}),
    ],
)
def test_parameters_are_found(text: str, parameters: dict[str, float]) -> None:
    kernel = named_kernel(text)
    first = named(kernel.taps).names[0]
    assert first.name == (kernel.name or "").partition(":")[0]
    assert first.gain == pytest.approx(1, abs=1e-5)
    assert values(first) == pytest.approx(parameters, abs=1e-4)


@pytest.mark.parametrize("degrees", [0, 25, 118])
def test_tilted_moved_and_sloping_gaussians(degrees: int) -> None:
    down, right = np.mgrid[-7:8, -7:8].astype(float)
    angle = np.radians(degrees)
    along, aside = right * np.cos(angle) - down * np.sin(angle), right * np.sin(angle) + down * np.cos(angle)
    tilted = named(np.exp(-(along**2) / 12.5 - aside**2 / 2.88)).names[0]
    if degrees:
        assert values(tilted) == pytest.approx({"sigma along": 2.5, "sigma aside": 1.2, "angle": degrees}, abs=1e-4)
    else:
        assert values(tilted) == pytest.approx({"sigma down": 1.2, "sigma across": 2.5}, abs=1e-4)
    slope = named(along * np.exp(-(down**2 + right**2) / 4.5)).names[0]
    assert slope.name == "gaussian-slope"
    assert values(slope) == pytest.approx({"sigma": 1.5, "angle": degrees}, abs=1e-4)
    moved = named(np.exp(-((down + 0.2) ** 2 + (right - 0.3) ** 2) / 4.5)).names[0]
    assert values(moved) == pytest.approx({"sigma": 1.5, "down": -0.2, "right": 0.3}, abs=1e-4)


def test_parts_of_a_pixel() -> None:
    shift = named([[0.14, 0.06], [0.56, 0.24]]).names[0]  # looks 0.8 down and 0.3 to the right
    assert (shift.name, values(shift)) == ("shift", pytest.approx({"dy": -0.8, "dx": -0.3}, abs=1e-5))
    half = named(np.array([[0.375, 0.375], [0.125, 0.125]])).names[0]  # of two different sizes only
    assert (half.name, values(half)) == ("shift", pytest.approx({"dy": -0.25, "dx": -0.5}, abs=1e-5))
    box = named(np.array([[0.5, 1, 1, 1, 0.25]]) / 3.75).names[0]
    assert box.name == "box"
    assert (values(box)["width"], values(box)["right"]) == pytest.approx((3.75, -0.125), abs=1e-5)


@pytest.mark.parametrize(("side", "sigma", "amount"), [(13, 2.0, 0.5), (7, 1.2, 3.0), (19, 3.3, 0.7)])
def test_unsharp_masks_of_opencvs_gaussian(side: int, sigma: float, amount: float) -> None:
    """The taps are those of OpenCV itself: what it makes of one bright pixel, in 256ths squared."""
    row = np.array([cv2.GaussianBlur(np.eye(1, side, k, dtype=np.uint8) * 255, (side, 1), sigma)[0, side // 2]
                    for k in range(side)])  # fmt: skip
    row = np.rint(row * (256 / 255.0))
    taps = -amount * np.outer(row, row) / row.sum() ** 2
    taps[side // 2, side // 2] += 1 + amount
    first = named(taps).names[0]
    assert first.name == "opencv/unsharp"
    assert values(first) == pytest.approx({"amount": amount, "ksize": side, "sigma": sigma}, rel=0.02)
    assert values(first)["amount"] == pytest.approx(amount, abs=1e-6)


def test_unsharp_masks_of_imagemagicks_gaussian() -> None:
    row = binned_bell(9, 1.2)
    taps = -1.5 * np.outer(row, row)
    taps[4, 4] += 2.5
    first = named(taps).names[0]
    assert (first.name, values(first)) == (
        "imagemagick/unsharp",
        pytest.approx({"amount": 1.5, "sigma": 1.2}, abs=1e-4),
    )


def test_rounded_coefficients_are_said_to_be_so() -> None:
    gaussian = named_kernel("gaussian:1.2,9").taps
    for rounded, note in (
        (gaussian.astype(np.float32), ""),
        (np.round(gaussian, 5), "to 1e-4 of the largest tap"),
        (np.round(gaussian, 4), "to rounding of its taps to 1/10000"),
        (np.rint(4096 * gaussian) / 4096, "to rounding of its taps to 1/4096"),
    ):
        naming = named(rounded)
        assert names(naming)[0] == "gaussian"
        assert naming.note == note
        assert note in naming.text
    sobel = named_kernel("sobel").taps.copy()
    sobel[0, 0] = -1.0001  # a deviation of 5e-5 of the largest
    assert named(sobel).note == "to 1e-4 of the largest tap"


@pytest.mark.parametrize("share", [4e-4, 1e-3, 1e-2, 0.1])
@pytest.mark.parametrize("name", ["sobel", "laplacian8", "box:5", "gaussian:1.2,9", "motion:9,30", "disk:3.3"])
def test_near_misses_are_refused(name: str, share: float) -> None:
    taps = named_kernel(name).taps.copy()
    taps.flat[taps.size // 3] += share * np.abs(taps).max()
    naming = named(taps)
    assert not naming.names
    assert naming.text == f"no known name: {naming.properties.text}"


@pytest.mark.parametrize("side", [2, 3, 5, 8])
def test_random_kernels_have_no_name(side: int, rng: np.random.Generator) -> None:
    for taps in (rng.standard_normal((side, side)), rng.random((side, side)), rng.integers(-9, 9, (side, side))):
        assert not named(taps).names


def test_a_row_of_three_is_no_gaussian_unless_it_sums_to_one() -> None:
    assert "gaussian" not in names(named([[1.0, 4.0, 1.0]]))
    assert "gaussian" in names(named([[0.2, 0.6, 0.2]]))


def test_zeros_have_no_name() -> None:
    naming = named(np.zeros((3, 4)))
    assert naming.text == "no known name: no tap stands out from its error bar"


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(KernelError, match=r"got shapes \(3, 3\) and \(3, 3\)"):
        name_kernel(np.eye(3), np.eye(3), (-1, -1))
    with pytest.raises(KernelError, match="got nan"):
        name_kernel(np.array([[np.nan]]), np.zeros((1, 1)), (0, 0))


@pytest.mark.parametrize(
    "taps", [named_kernel("sobel").taps / 8, -named_kernel("scharr").taps.T, 3 * named_kernel("laplacian").taps]
)
def test_programs_own_kernels_are_named_only_where_they_fit_as_they_are(taps: np.ndarray) -> None:
    """Beside a plain name, a program's kernel with another gain, flip or turn says nothing new."""
    names = name_kernel(taps, np.zeros((9, 9)), (-1, -1)).names
    assert any("/" not in match.name for match in names)
    for match in names:
        if "/" in match.name or match.name.startswith("frei-chen"):
            assert (match.gain, match.flip, match.rotation) == (pytest.approx(1.0), "none", 0)


def test_large_kernels_of_a_size_are_tried_up_to_it() -> None:
    """OpenCV's go to 31; where no tap is seen, those up to 15 are tried."""
    for text in ("opencv/sobel:ksize=21,dx=1,dy=0", "opencv/laplacian:ksize=19"):
        kernel = named_kernel(text)
        names = name_kernel(
            kernel.taps, np.zeros((kernel.taps.size,) * 2), tuple(-(n // 2) for n in kernel.shape)
        ).names
        assert text.partition(":")[0] in {match.name for match in names}


@pytest.mark.parametrize(("height", "width"), [(2.6, 1.4), (1.3, 3.5)])
def test_boxes_narrower_than_two_pixels_keep_their_widths(height: float, width: float) -> None:
    taps = box_between(height, width)
    (found,) = (match for match in named(taps).names if match.name == "box")
    told = {parameter.name: parameter.value for parameter in found.parameters}
    assert (told["height"], told["width"]) == pytest.approx((height, width), abs=1e-3)


@pytest.mark.parametrize("gain", [0.37, 2.0])
def test_eight_bit_gaussians_are_known_whatever_their_gain(gain: float) -> None:
    taps = gain * fixed_point(7, 1.2)
    (match,) = (match for match in named(taps).names if "8-bit" in match.text)
    assert match.gain == pytest.approx(gain)
    assert abs(match.parameters[0].value - 1.2) <= match.parameters[0].error


def test_of_many_roundings_of_one_bell_the_likeliest_is_named() -> None:
    taps = fixed_point(7, 1.2) + np.random.default_rng(2).normal(scale=1e-3, size=(7, 7))
    names = [
        match.name for match in name_kernel(taps, 1e-6 * np.eye(49), (-3, -3)).names if "sigma between" in match.text
    ]
    assert names
    assert len(names) == len(set(names))


def test_rounding_to_a_step_has_the_error_of_a_uniform_deviate() -> None:
    taps = np.rint(1000 * named_kernel("gaussian:1.3,9").taps) / 1000
    assert _floors(taps)[-1][0] == pytest.approx(scipy.stats.uniform(scale=1 / 1000).std())


def test_small_whole_numbers_are_not_taken_for_rounded_ones() -> None:
    """A binomial whose middle is 3 for 4 is another kernel, though a rounding to whole numbers might explain it."""
    naming = named(np.array([[1.0, 2, 1], [2, 3, 2], [1, 2, 1]]))
    assert "binomial" not in {match.name for match in naming.names}
    assert not naming.note


@pytest.mark.parametrize("box", [(3.75, 2.5, 0.25, -0.125), (2.2, 3.4, -0.3, 0.2)])
def test_boxes_beside_the_pixel_grid(box: tuple[float, float, float, float]) -> None:
    (found,) = (match for match in named(box_between(*box)).names if match.name == "box")
    told = {parameter.name: parameter.value for parameter in found.parameters}
    assert tuple(told[name] for name in ("height", "width", "down", "right")) == pytest.approx(box, abs=1e-3)
