"""Images written, and read back by others and by ourselves."""

import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convkit.errors import OutputError
from convkit.image import (
    EXACT_SUFFIXES,
    PICTURE_SUFFIXES,
    encode,
    load_image,
    output_suffix,
    read_image,
    save_image,
)
from convkit.image.quantise import quantise

LOSSLESS = [(".png", 8), (".png", 16), (".pgm", 8), (".pgm", 16), (".bmp", 8)]
IMAGES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)
FINITE = {"allow_nan": False, "allow_infinity": False}


@pytest.mark.parametrize(("suffix", "bits"), LOSSLESS)
@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_integer_pictures_survive_writing_and_reading(suffix, bits, data):
    white = 2**bits - 1
    stored = data.draw(hnp.arrays(np.int64, IMAGES, elements=st.integers(0, white)))
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        save_image(path, (stored / white).astype(dtype), bits=bits)
        image = read_image(path)
        oracle = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(image.values, stored / white)
    assert image.bits == bits
    assert np.array_equal(oracle, stored)


@pytest.mark.parametrize("suffix", [".npy", ".csv"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@given(data=st.data())
@settings(deadline=None, max_examples=50)
def test_floats_survive_npy_and_csv_bit_by_bit(suffix, dtype, data):
    width = np.dtype(dtype).itemsize * 8
    values = data.draw(hnp.arrays(dtype, IMAGES, elements=st.floats(width=width, **FINITE)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        save_image(path, values)
        back = load_image(path).astype(dtype)
    assert np.array_equal(np.signbit(back), np.signbit(values))
    assert np.array_equal(back, values)


@given(values=hnp.arrays(np.float32, IMAGES, elements=st.floats(width=32, **FINITE)))
@settings(deadline=None)
def test_float32_survives_tiff_bit_by_bit(values):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tif"
        save_image(path, values)
        back, oracle = load_image(path), tifffile.imread(path)
    assert back.dtype == oracle.dtype == np.float32
    assert back.tobytes() == oracle.reshape(values.shape).tobytes() == values.tobytes()


def test_npy_keeps_the_type(tmp_path):
    for dtype in (np.int16, np.bool_, ">f4", np.float64):
        save_image(tmp_path / "a.npy", np.eye(2, dtype=dtype))
        assert np.load(tmp_path / "a.npy").dtype == dtype


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([[1, -2], [3, 4]], "1,-2\n3,4\n"),
        ([[0.1, 1e-9, -0.0, 1e22]], "0.1,1e-09,-0,1e+22\n"),
        (np.float32([[0.1, 100]]), "0.1,100\n"),
        ([[True, False]], "1,0\n"),
        (np.uint8([[200]]), "200\n"),
    ],
)
def test_csv_is_short_and_plain(values, text):
    assert encode(values, ".csv").decode() == text


def test_values_between_steps_go_to_the_nearest_even_on_a_tie(tmp_path):
    save_image(tmp_path / "a.png", np.array([[0.5, 1.5, 2.5, 2.51, 2.49]]) / 255)
    assert cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED).tolist() == [[0, 2, 2, 3, 2]]


def test_values_are_scaled_in_float64(tmp_path):
    below_a_tie = np.arange(40_001.5, 40_100) - 1e-4  # which float32 cannot tell from the tie itself
    save_image(tmp_path / "a.png", below_a_tie[None] / 65535, bits=16)
    stored = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(stored[0], np.arange(40_001, 40_100))


@pytest.mark.parametrize("bits", [8, 16])
def test_values_outside_are_clipped_and_counted(bits, tmp_path):
    step = 1 / (2**bits - 1)
    values = np.array([[-9, -0.51 * step, -0.49 * step, 0, 1, 1 + 0.49 * step, 1 + 0.51 * step, 9]])
    save_image(tmp_path / "a.png", values, bits=bits)
    stored = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    assert stored.tolist() == [[0, 0, 0, 0] + [2**bits - 1] * 4]
    assert quantise(values, bits).clipped == 4


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".JPG"])
def test_jpeg_is_near(suffix, photo, tmp_path):
    values = load_image(photo("camera.png"))
    save_image(tmp_path / f"a{suffix}", values)
    assert np.sqrt(np.mean((load_image(tmp_path / f"a{suffix}") - values) ** 2)) < 2 / 255


def test_writing_leaves_the_values_alone():
    values = np.array([[0.3, 7.0]])
    for suffix in PICTURE_SUFFIXES + EXACT_SUFFIXES:
        encode(values, suffix)
    assert values.tolist() == [[0.3, 7.0]]


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES + EXACT_SUFFIXES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_suffix_takes_any_layout_in_memory(suffix, order, tmp_path):
    values = np.asarray(np.random.default_rng(0).random((5, 9)), order=order)[::-1, ::2]
    save_image(tmp_path / f"a{suffix}", values)
    assert np.abs(load_image(tmp_path / f"a{suffix}") - values).max() < (0.2 if "j" in suffix else 0.002)


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES + EXACT_SUFFIXES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_infinite_pixels_are_refused_and_nothing_is_written(suffix, bad, tmp_path):
    with pytest.raises(OutputError, match=rf"finite pixels; got {bad} at \[0, 1\]"):
        save_image(tmp_path / f"a{suffix}", [[0, bad]])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "values", "settings", "said"),
    [
        ("a.gif", [[0]], {}, r"ends in \.png, .*\.csv; got '.*a\.gif'; try 'a\.png'"),
        ("a.tifff", [[0]], {}, r"try 'a\.png'"),
        ("png", [[0]], {}, r"got '.*png'; try 'png\.png'"),
        ("a.jpg", [[0]], {"bits": 16}, r"8 bits for \.jpg; got 16; try \.png"),
        ("a.png", [[0]], {"bits": 12}, r"8 or 16 bits for \.png; got 12"),
        ("a.png", [0, 1], {}, r"two-dimensional .*; got shape \(2,\)"),
        ("a.npy", np.zeros((0, 3)), {}, r"got shape \(0, 3\)"),
        ("a.npy", [[1j]], {}, "of type complex128"),
        ("a.csv", [["x"]], {}, "of type <U1"),
        ("a.png", np.array([[0, 200]], np.uint8), {}, r"pixels in \[0, 1\]; got uint8 up to 200; try dividing by 255"),
        ("a.png", np.array([[2]], np.uint16), {}, "uint16 up to 2; try dividing by 65535"),
        ("a.tif", [[1e39]], {}, r"for float32; got 1e\+39; try \.npy"),
        ("a.jpg", np.zeros((1, 70_000)), {}, r"that JPEG can hold; got 1 x 70000"),
    ],
)
def test_mistakes_are_explained_and_nothing_is_written(name, values, settings, said, tmp_path):
    with pytest.raises(OutputError, match=said):
        save_image(tmp_path / name, values, **settings)
    assert list(tmp_path.iterdir()) == []


def test_unsigned_zeros_and_ones_are_a_mask(tmp_path):
    save_image(tmp_path / "a.png", np.eye(2, dtype=np.uint8))
    assert np.array_equal(load_image(tmp_path / "a.png"), np.eye(2))


@pytest.mark.parametrize("suffix", ["", "png", ".gif", ".PNG"])
def test_only_known_suffixes_are_encoded(suffix):
    with pytest.raises(OutputError, match=f"ends in .png, .*; got '{suffix}'; try '.png'"):
        encode([[0]], suffix)


def test_suffix_is_told_in_lower_case():
    assert output_suffix(Path("x/A.TIFF")) == ".tiff"
