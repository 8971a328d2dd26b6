"""Kernels, rounding, borders and verdicts of real programs that are asked directly."""

import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.ndimage

from convkit import Recovery, compare, learn_kernel

FILTERS = Path(__file__).with_name("programs") / "filters.py"


def python(name: str) -> str:
    return f"{sys.executable} {FILTERS} '{name}' {{input}} {{output}}"


def needs(*programs: str) -> pytest.MarkDecorator:
    lacking = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(lacking), reason=f"not installed: {', '.join(lacking)}")


def test_of(found: Recovery, name: str):
    assert found.probe is not None
    return next(test for test in found.probe.tests if test.name == name)


test_of.__test__ = False


@needs("gm")
def test_graphicsmagicks_blur_is_its_own_gaussian_and_renormalises() -> None:
    found = learn_kernel(program="gm convert {input} -blur 0x1.2 {output}")
    assert found.fit.verdict == "linear"
    assert "sigma = 1.2" in found.kernel.name or "sigma = 1.19" in found.kernel.name
    # Three samples a pixel: 0.3241 in the middle of a row, where the sampled Gaussian has 0.3325 (measured at 16 bit).
    assert found.kernel.learned.sum(axis=0).max() == pytest.approx(0.3241, abs=5e-4)
    assert found.border.rule == "renormalised"
    assert found.probe.border.rule == "renormalised"


@needs("gm")
def test_a_one_sided_motion_blur() -> None:
    found = learn_kernel(program="gm convert {input} -motion-blur 0x2+0 {output}", probe_format="png16")
    assert found.fit.verdict == "exact"
    assert found.convention.offset[1] in (0, -found.kernel.learned.shape[1] + 1)
    assert found.kernel.learned.sum() == pytest.approx(1.0, abs=1e-3)
    assert found.border.rule == "replicate"


@needs("gm", "convert")
def test_sharpening_and_unsharp_masks_of_both_magicks() -> None:
    for program in ("gm convert {input} -sharpen 0x1 {output}", "convert {input} -sharpen 0x1 {output}"):
        sharpened = learn_kernel(program=program)
        assert sharpened.fit.verdict == "linear"
        assert sharpened.kernel.name.startswith("Unsharp mask")
        error = np.sqrt(np.square(sharpened.kernel.standard_error).sum())
        assert sharpened.kernel.learned.sum() == pytest.approx(1.0, abs=6 * error)
        assert sharpened.probe.border.rule == "replicate"
    magicks = ("gm convert", "convert")
    masks = [learn_kernel(program=f"{magick} {{input}} -unsharp 0x1+1+0 {{output}}") for magick in magicks]
    for mask in masks:
        assert mask.fit.verdict == "linear"
        assert mask.kernel.name.startswith("ImageMagick's unsharp mask (three samples a pixel), amount 1.00")
    # GraphicsMagick's inherits the renormalising blur; the picture that it is taken from is not renormalised.
    assert [mask.probe.border.rule for mask in masks] == ["renormalised", "replicate"]


@needs("gm")
def test_an_unsharp_mask_is_guarded_in_a_script(convkit) -> None:
    arguments = ("learn-kernel", "--program", "gm convert {input} -gaussian 0x1 {output}", "--quiet", "--expect")
    assert convkit(*arguments, "gaussian:sigma=1,size=7").returncode == 0
    assert convkit(*arguments, "gaussian:sigma=1.2,size=7", "--tolerance", "1e-3").returncode == 1
    assert convkit(*arguments, "gaussian:sigma=1.2,size=7", "--tolerance", "0.1").returncode == 0


def test_pillows_filters_of_several_passes() -> None:
    sharpened = learn_kernel(program=python("sharpen"))
    assert (sharpened.fit.verdict, sharpened.kernel.name) == ("exact", "pillow/sharpen, centred")
    assert sharpened.probe.border.rule == "copied"
    blurred = learn_kernel(program=python("gaussian"))
    assert blurred.fit.verdict == "linear"
    assert blurred.kernel.name.startswith("Pillow's Gaussian (three boxes), radius 1.2")
    # Passes of three taps that repeat the edge mirror the picture about it.
    assert blurred.probe.border.rule == "symmetric"
    masked = learn_kernel(program=python("unsharp"))
    assert masked.fit.verdict == "linear"
    assert masked.kernel.name.startswith("Pillow's unsharp mask (three boxes), radius 2.0")
    assert masked.border.rule == masked.probe.border.rule == "replicate-each-pass"
    # 1.5 times what a Gaussian of radius 2 takes off: the picture itself has 2.5, less 1.5 times the blur's centre.
    # What is put on it is cut to a whole number towards zero: a quarter of a level off 32, 0.8 %, on average.
    assert masked.kernel.learned.sum() == pytest.approx(1.0, abs=0.01)
    centre = tuple(-offset for offset in masked.convention.offset)
    assert masked.kernel.learned[centre] == pytest.approx(2.5 - 1.5 * 0.0417, abs=0.01)


def test_a_threshold_is_found_in_pictures_of_little_contrast() -> None:
    found = learn_kernel(program=python("unsharp with a threshold"))
    assert test_of(found, "superposition").passed
    assert not test_of(found, "small differences").passed
    assert found.fit.verdict == "not-linear"
    assert found.fit.reason.startswith("not linear: a picture of little contrast is not filtered likewise")


def test_a_filter_that_adapts_is_found_in_even_patches() -> None:
    """It keeps edges, where windows vary by more than most: in probes and in their sums, none do."""

    def adaptive(picture: np.ndarray) -> np.ndarray:
        mean = scipy.ndimage.uniform_filter(picture, 5)
        variance = scipy.ndimage.uniform_filter(picture**2, 5) - mean**2
        return np.where(variance > 1.5 * variance.mean(), picture, mean)

    found = learn_kernel(program=adaptive)
    assert [test.name for test in found.probe.tests if not test.passed] == ["patches"]
    assert found.fit.verdict == "not-linear"
    assert found.fit.reason.startswith("not linear: a picture of even patches is not filtered likewise")


def test_pillows_emboss_copies_a_rim_in_every_picture() -> None:
    """Its two taps lie in a window of nine; the rim that it copies is no answer of theirs."""
    found = learn_kernel(program=python("emboss"))
    assert found.fit.verdict == "exact"
    assert test_of(found, "patches").passed
    assert found.probe.border.rule == "copied"


@pytest.mark.slow
def test_a_torch_script_is_a_program() -> None:
    pytest.importorskip("torch")
    found = learn_kernel(program=python("torch"))
    assert found.fit.verdict == "exact"
    assert np.allclose(found.kernel.learned, np.outer([1, 2, 1], [1, 2, 1]) / 16, atol=1e-12)
    assert found.probe.border.rule == "zero"


@needs("convert")
def test_imagemagicks_emboss_equalises_afterwards() -> None:
    found = learn_kernel(program="convert {input} -emboss 1 {output}")
    assert found.fit.verdict == "not-linear"
    assert "equal sums" in found.fit.reason


@needs("convert")
def test_imagemagicks_gaussian() -> None:
    found = learn_kernel(program="convert {input} -gaussian-blur 0x1 {output}", expect="gaussian:sigma=1,size=7")
    assert found.expectation.met
    assert found.border.rule == "replicate"


@needs("vips")
def test_vips_blur_at_sixteen_bits() -> None:
    found = learn_kernel(program="vips gaussblur {input} {output} 0.6", probe_format="png16")
    # A column, then a row of the integers 1 4 1.
    assert np.abs(found.kernel.learned - np.outer([1, 4, 1], [1, 4, 1]) / 36).max() < 1e-4
    assert found.border.rule == "replicate"


@pytest.mark.parametrize(
    ("name", "taps", "border"),
    [
        ("box", np.full((3, 3), 1 / 9), "replicate"),
        ("sobel", np.outer([1, 2, 1], [-1, 0, 1]), "reflect"),
        ("laplace", np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]), "circular"),
        ("emboss", np.array([[0, 1], [-1, 0]]), "copied"),
    ],
)
def test_filters_of_pillow_and_scipy_are_proven(name: str, taps: np.ndarray, border: str) -> None:
    found = learn_kernel(program=python(name))
    assert found.fit.verdict == "exact"
    assert np.allclose(found.kernel.learned, taps, atol=1e-12)
    assert found.border.rule == border
    assert found.probe.border.rule == border
    assert all(test.passed for test in found.probe.tests)


@pytest.mark.parametrize("name", ["median", "threshold", "equalise"])
def test_what_is_not_linear_is_said_not_to_be(name: str) -> None:
    found = learn_kernel(program=python(name))
    assert found.fit.verdict == "not-linear"
    assert found.fit.reason.startswith("not linear: ")


@pytest.mark.parametrize("name", ["vignette", "varying"])
def test_what_is_not_shift_invariant_is_said_not_to_be(name: str) -> None:
    found = learn_kernel(program=python(name))
    assert found.fit.verdict == "not-linear"
    assert found.fit.reason.startswith("not shift-invariant: taps differ between tiles by ")
    assert test_of(found, "superposition").passed
    assert not test_of(found, "tiles").passed


def test_noise_is_found_and_measured() -> None:
    found = learn_kernel(program=python("noise"))
    assert found.fit.verdict == "noisy"
    assert found.fit.reason.startswith("not repeatable: ")
    # Drawn with σ = 4, rounded: √(16 + 1/12); 24 000 outputs twice tell it to 0.5 %.
    assert found.probe.noise == pytest.approx(np.sqrt(16 + 1 / 12), rel=0.03)


def test_a_program_that_makes_gray_of_colour_is_said_to() -> None:
    found = learn_kernel(program=python("gray"))
    assert found.probe.mixing_told.startswith("colour becomes gray: 0.")
    # Eight colours are rounded to levels, each by half a level of some 230 at most.
    assert np.allclose(found.probe.mixing, [[0.299, 0.587, 0.114]], atol=0.5 / 200)


def test_precision_is_met_or_said_not_to_be() -> None:
    def blur(picture: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(picture, (5, 5), 0.9)

    met = learn_kernel(program=blur, probe_format="png", precision=2e-5, size=5)
    assert met.probe.precision <= 2e-5
    assert met.probe.precision_told.startswith("met with ")
    generator = np.random.default_rng(0)

    def noisy(picture: np.ndarray) -> np.ndarray:
        return scipy.ndimage.uniform_filter(picture, 3) + generator.normal(0.0, 0.3, picture.shape)

    missed = learn_kernel(program=noisy, precision=1e-6, size=3)
    assert missed.probe.pictures == 64
    assert missed.probe.precision_told.startswith("cannot be met: 64 pictures leave standard errors up to")


@pytest.mark.parametrize(("mode", "border"), [("nearest", "replicate"), ("mirror", "reflect"), ("wrap", "circular")])
def test_a_python_function_is_a_program(mode: str, border: str) -> None:
    taps = np.arange(1.0, 16.0).reshape(3, 5) / 120.0
    found = learn_kernel(program=lambda picture: scipy.ndimage.correlate(picture, taps, mode=mode))
    assert np.allclose(found.kernel.learned, taps, atol=1e-10)
    assert found.border.rule == border
    assert found.experiment["program"].endswith("<lambda>")


def test_a_function_that_fails_is_said_to() -> None:
    with pytest.raises(Exception, match="ZeroDivisionError: 'division by zero'"):
        learn_kernel(program=lambda picture: picture * (1 / 0))


def test_seeds_fix_the_probe() -> None:
    asked: list[np.ndarray] = []

    def remember(picture: np.ndarray) -> np.ndarray:
        asked.append(picture)
        return picture

    for seed in (1, 1, 2):
        learn_kernel(program=remember, seed=seed)
    first, again, other = (asked[k : k + len(asked) // 3] for k in range(0, len(asked), len(asked) // 3))
    assert all(np.array_equal(one, same) for one, same in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_a_program_of_gray_pictures_only_may_fail_on_colour() -> None:
    found = learn_kernel(program=python("gray only"))
    assert (found.fit.verdict, found.channels) == ("exact", [])


def test_programs_side_by_side() -> None:
    result = compare(vary={"program": [python("box"), python("median")]}, tolerance=None)
    box, median = result.runs
    assert (box.verdict, box.name, box.border) == ("exact", "Box 3x3, sum 1, centred", "replicate")
    assert median.verdict == "not-linear"


def test_programs_side_by_side_with_what_is_expected(convkit) -> None:
    both = " ".join(f'"{sys.executable} {FILTERS} {name} {{input}} {{output}}"' for name in ("box", "emboss"))
    programs = f"program={both}"
    done = convkit("compare", "--vary", programs, "--expect", "box:3")
    assert done.returncode == 1
    rows = [line for line in done.stdout.splitlines() if "filters.py" in line]
    assert ["yes" in rows[0].split(), "NO" in rows[1].split()] == [True, True]
    assert all(word in rows[0] for word in ("exact", "Box 3x3", "round", "replicate"))


def test_the_command_line_says_yes_or_no(convkit) -> None:
    arguments = ("learn-kernel", "--program", python("box"), "--tolerance", "1e-3")
    yes = convkit(*arguments, "--expect", "box:3")
    assert yes.returncode == 0
    assert "each channel stays by itself" in yes.stdout
    assert convkit(*arguments, "--expect", "gaussian:sigma=1,size=3", "-q").returncode == 1
