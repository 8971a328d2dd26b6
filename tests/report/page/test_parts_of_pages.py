"""What pages are made of, without a browser."""

import base64
import io
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from convkit import Recovery, learn_kernel
from convkit.report.page import recovery_page
from convkit.report.page.chart import Axis
from convkit.report.page.heat import SHADES, heat_css, heat_picture, shade
from convkit.report.page.pictures import pictures
from convkit.report.page.steps import walk
from convkit.report.page.svg import plain
from convkit.report.page.taps import view
from convkit.report.verdict import verdict

IMAGE = np.random.default_rng(11).random((20, 20))
numbers = st.floats(-1e6, 1e6, allow_nan=False)


@given(numbers, numbers, st.floats(1e-3, 1e6))
def test_shades_rise_with_numbers_and_turn_with_their_sign(one: float, other: float, scale: float) -> None:
    low, high = sorted((one, other))
    assert -SHADES <= shade(low, scale) <= shade(high, scale) <= SHADES
    assert shade(-one, scale) == -shade(one, scale)


def test_every_shade_has_a_rule_whose_text_can_be_read() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = heat_css().split("@media screen and (prefers-color-scheme:dark)")
    names = {"z", *(f"{side}{level}" for side in "np" for level in range(1, SHADES + 1))}
    for scheme in (light, dark):
        rules = re.findall(r"\.(\w+)\{background:(#\w{6});color:(#\w{6})\}", scheme)
        assert {name for name, _, _ in rules} == names
        for _, back, front in rules:
            low, high = sorted((luminance(back), luminance(front)))
            assert (high + 0.05) / (low + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


@given(st.floats(1e-8, 1e8), st.floats(1.1, 1e12), st.booleans())
def test_axes_keep_order_and_label_round_numbers_inside(low: float, factor: float, logarithmic: bool) -> None:
    axis = Axis(low, low * factor, 10.0, 110.0, logarithmic=logarithmic)
    places = [axis.at(low * factor**share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (10.0, 110.0)
    assert len(axis.labels) <= 12
    assert all(10.0 <= place <= 110.0 for place, _ in axis.labels)


def test_axes_of_steps_have_no_half_steps() -> None:
    assert [text for _, text in Axis(1, 2, 0, 100, whole=True).labels] == ["1", "2"]


def _pixels(address: str) -> np.ndarray:
    head, _, body = address.partition(",")
    assert head == "data:image/png;base64"
    return np.array(Image.open(io.BytesIO(base64.b64decode(body))).convert("RGBA"), dtype=np.int64)


def test_large_kernels_are_pictures_of_a_pixel_a_tap() -> None:
    taps = np.zeros((63, 41))
    taps[5, 7], taps[60, 2] = 1.0, -1.0
    pixels = _pixels(heat_picture(taps, 1.0))
    assert pixels.shape[:2] == (63, 41)
    assert pixels[5, 7].tolist() == [217, 95, 2, 255]
    assert pixels[60, 2].tolist() == [33, 102, 172, 255]
    assert pixels[..., 3].sum() == 2 * 255
    assert view("", taps).rows == []


def test_pictures_lie_on_one_another() -> None:
    rng = np.random.default_rng(1)
    before = rng.random((40, 60))
    found = pictures(before, before[2:-2, 1:-1])
    first, second = _pixels(found.before.address), _pixels(found.after.address)
    assert first.shape == second.shape
    assert (second[2:-2, 1:-1, :3] == first[2:-2, 1:-1, :3]).all()
    assert (second[2:-2, 1:-1, 3] == 255).all()
    assert second[..., 3].sum() == 255 * 36 * 58
    assert found.coarse
    assert found.before.note == ""
    signed = pictures(before, before - 0.5).after.note
    assert signed == f"black is {before.min() - 0.5:.3g}, white {before.max() - 0.5:.3g}"


def test_large_pictures_are_averaged_and_say_so() -> None:
    before = np.random.default_rng(1).integers(0, 256, (1500, 900, 3)) / 255.0
    found = pictures(before, before)
    assert max(found.width, found.height) <= 512
    assert "mean of" in found.before.note
    assert len(found.before.address) + len(found.after.address) <= 1_400_000
    blocks = np.random.default_rng(2).random((300, 200)).round(1)
    tall = pictures(np.kron(blocks, np.ones((10, 7))), blocks).before
    assert tall.height == 3000
    first = _pixels(tall.address)[0, 0, 0]
    assert first == pytest.approx(255 * np.kron(blocks, np.ones((10, 7)))[:6, :6].mean(), abs=0.5)


def test_no_style_attribute_is_left() -> None:
    page = recovery_page(learn_kernel(image="noise", kernel="sobel", noise=0.1, size=5))
    assert not re.search(r"<[^>]* style=", page)
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert len(re.findall(r"<style>", page)) == 1
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert plain('<g style=""/>') == "<g/>"


def test_the_walk_is_the_descents(lesson: Recovery) -> None:
    steps = walk(lesson)
    assert steps is not None
    stops = json.loads(steps.json)
    assert len(stops) == 41
    assert [stop["told"] for stop in stops[:2]] == ["step 1 of 40", "step 2 of 40"]
    trajectory = lesson.trajectory
    assert trajectory is not None
    found = np.array([[float(text) for text in stop["taps"]] for stop in stops])
    np.testing.assert_allclose(found, trajectory.kernels.reshape(41, -1), rtol=5e-4)
    # The response of [a, b] at half a cycle a pixel is |a - b| along the rows, and |a + b| down the column everywhere.
    top = steps.response_y
    for stop, (a, b) in zip(stops, trajectory.kernels.reshape(41, 2), strict=True):
        along = [float(part) for part in stop["across"].rpartition("L")[2].split()]
        assert along == pytest.approx([steps.response_x.at(0.5), top.at(abs(a - b))], abs=0.1)
        down = {float(point.split()[1]) for point in stop["down"][1:].split("L")}
        assert down == {top.at(abs(a + b))}


def test_a_long_descent_of_a_large_kernel_stays_small(large: Recovery) -> None:
    steps = walk(large)
    assert steps is not None
    assert len(steps.stops) < 100
    assert "of 2000 steps" in steps.note
    assert "a pixel a tap" in steps.note
    page = recovery_page(large)
    assert "largest errors of 441 taps" in page
    assert len(page.encode()) < 1_000_000


def test_a_photograph_stays_below_two_megabytes(photo: Recovery) -> None:
    assert len(recovery_page(photo).encode()) < 2_000_000


def test_a_record_from_a_file_has_a_page(lesson: Recovery, tmp_path) -> None:
    (tmp_path / "lesson.json").write_text(lesson.to_json())
    page = recovery_page(Recovery.load(tmp_path / "lesson.json"))
    assert '<h1 id="verdict">recovered</h1>' in page
    assert 'id="walk"' not in page


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 1},
        {"lr": 1e300},
        {"lr": 1e-300},
        {"tol": 100.0},
        {"image": np.full((8, 8), 0.5)},
        {"kernel": "0,0", "size": (1, 2)},
        {"bias": False, "flip": True},
        {"size": 1},
        {"image": [IMAGE, 2.0 * IMAGE], "target": [IMAGE[1:, 1:], 2.0 * IMAGE[1:, 1:]], "size": 2},
        {"image": IMAGE, "target": np.square(IMAGE), "mask": (IMAGE > 0.3).astype(float), "size": 3},
        {"image": 1e-8 * IMAGE, "target": 1e-8 * IMAGE, "size": 3, "solver": "gd"},
        {"image": "noise", "noise": 0.1, "solver": "exact", "ridge": "auto"},
    ],
)
def test_odd_runs_have_pages_too(settings: dict) -> None:
    page = recovery_page(learn_kernel(keep_steps=True, **settings))
    assert page.rstrip().endswith("</html>")
    assert ">nan<" not in page
    assert "None" not in re.sub(r"<script.*?</script>", "", page, flags=re.S)


@pytest.mark.parametrize(
    ("settings", "word", "tone"),
    [
        ({"lr": 0.01}, "recovered", "good"),
        ({"size": 3}, "not identifiable", "caution"),
        ({"lr": 0.1}, "diverged", "bad"),
        ({"steps": 1, "lr": 1e-4}, "on the way", "caution"),
        ({"noise": 5.0, "solver": "exact", "image": "noise"}, "noisy", "caution"),
        ({"solver": "exact", "expect": "1,1"}, "not as expected", "bad"),
        ({"program": lambda picture: np.square(picture)}, "not linear", "bad"),
        ({"image": [[1.0, 2, 4], [3, 1, 7]], "target": [[-1.0, -2], [2, -6]], "size": (1, 2)}, "exact", "good"),
    ],
)
def test_verdicts_in_a_word(settings: dict, word: str, tone: str) -> None:
    found = verdict(learn_kernel(**settings))
    assert (found.word, found.tone) == (word, tone)
    assert found.sentence[0].isupper()
    assert found.sentence.endswith(".")
