"""PNGs that we write, read by OpenCV and Pillow."""

import zlib
from io import BytesIO

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convkit.image import png_write
from convkit.image.png_write import encode_png


def _decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("compression", [None, 0, 1, 6, 9])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@given(data=st.data())
def test_others_read_what_was_written(compression, dtype, data) -> None:
    shape = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)
    samples = data.draw(hnp.arrays(dtype, shape))
    np.testing.assert_array_equal(_decoded(encode_png(samples, compression)), samples)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", list(png_write._Filter))
def test_every_filter_over_several_strips(kind, dtype, monkeypatch, rng) -> None:
    monkeypatch.setattr(png_write, "_STRIP", 300)
    monkeypatch.setattr(png_write, "_choose", lambda *_: png_write._Method(kind, 6, zlib.Z_RLE))
    samples = rng.integers(0, np.iinfo(dtype).max, (50, 70), dtype)
    data = encode_png(samples)
    assert data.count(b"IDAT") > 10
    np.testing.assert_array_equal(_decoded(data), samples)
    with PIL.Image.open(BytesIO(data)) as picture:  # checks the checksums, which OpenCV passes over
        picture.load()
        np.testing.assert_array_equal(np.asarray(picture), samples)


def test_the_method_suits_the_picture(rng) -> None:
    photograph = (np.cumsum(rng.standard_normal((300, 300)), axis=1) * 4 + 128).clip(0, 255).astype(np.uint8)
    text = np.tile(rng.integers(0, 2, (4, 37), np.uint8) * 255, (80, 9))
    assert png_write._choose(photograph, None).strategy == zlib.Z_RLE
    assert png_write._choose(text, None).strategy == zlib.Z_DEFAULT_STRATEGY
    for picture in (photograph, text):
        file = BytesIO()
        PIL.Image.fromarray(picture).save(file, "PNG", compress_level=6)
        assert len(encode_png(picture)) <= 1.05 * len(file.getvalue())


def test_levels_trade_time_for_bytes(rng) -> None:
    picture = np.tile(rng.integers(0, 4, (20, 50), np.uint8) * 60, (12, 6))
    none, fast, small = (len(encode_png(picture, level)) for level in (0, 1, 9))
    assert none > picture.size > fast >= small
