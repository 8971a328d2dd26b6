"""Whatever the bytes, a picture is an image or one of our errors: no warning, no other exception."""

import io
import struct
import warnings
import zlib

import numpy as np
import PIL.Image
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convkit.errors import ConvkitError, ImageError
from convkit.image import load_image
from convkit.image.pictures import read_picture


def _files():
    rng, exif = np.random.default_rng(5), PIL.Image.Exif()
    exif[0x0112] = 1
    gray, colour = rng.integers(0, 256, (9, 7), np.uint8), rng.integers(0, 256, (9, 7, 4), np.uint8)
    pictures = {
        "L": PIL.Image.fromarray(gray),
        "I;16": PIL.Image.fromarray(gray.astype(np.uint16) * 257),
        "RGB": PIL.Image.fromarray(np.ascontiguousarray(colour[..., :3])),
        "RGBA": PIL.Image.fromarray(colour),
        "P": PIL.Image.fromarray(gray).convert("P"),
        "F": PIL.Image.fromarray(gray.astype(np.float32)),
    }
    kinds = {
        "PNG": "L I;16 RGB RGBA P",
        "JPEG": "L RGB",
        "TIFF": "L I;16 RGB RGBA P F",
        "BMP": "L RGB",
        "GIF": "P",
        "PPM": "L I;16 RGB F",
        "WEBP": "RGB RGBA",
    }
    for kind, modes in kinds.items():
        for mode in modes.split():
            file = io.BytesIO()
            pictures[mode].save(file, kind, exif=exif)
            yield f"{kind}-{mode}", file.getvalue()
    for dtype in ("float64", "uint16"):
        file = io.BytesIO()
        tifffile.imwrite(file, colour[..., :3].astype(dtype), photometric="rgb")
        yield f"TIFF-{dtype}", file.getvalue()


FILES = dict(_files())


def _read(data):
    return read_picture(io.BytesIO(data), "'fuzz'", max_pixels=1000)


@pytest.mark.parametrize("name", FILES)
def test_whole_files_are_read(name):
    assert _read(FILES[name]).samples.shape[:2] == (9, 7)


@pytest.mark.parametrize("name", FILES)
def test_half_a_file_is_refused(name):
    with pytest.raises(ImageError, match="'fuzz'"):
        _read(FILES[name][: len(FILES[name]) // 2])


@given(name=st.sampled_from(sorted(FILES)), data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_files_raise_nothing_but_our_errors(name, data):
    damaged = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(damaged), 200) - 1) | st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(damaged)) | st.just(len(damaged)))
    message = "'fuzz'"
    try:
        assert _read(bytes(damaged[:cut])).samples.size
    except ConvkitError as error:
        message = error.got
    assert "'fuzz'" in message


@given(head=st.sampled_from([data[:12] for data in FILES.values()]), rest=st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_rubbish_after_a_true_beginning(head, rest):
    with pytest.raises(ConvkitError, match="'fuzz'"):
        _read(head + rest)


@pytest.mark.parametrize(
    "data", [b"<svg/>", b"%PDF-1.4", b"PK\3\4", b"\0\0\0 ftypavif", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"P9 1 1"]
)
def test_other_files_are_refused_with_the_list_of_formats(data, save):
    with pytest.raises(ImageError, match=r"PNG, JPEG, .*\.npy.*; got '.*a\.png', which is none of these"):
        load_image(save("a.png", data))


@pytest.mark.parametrize("plugin", ["ICO", "TGA", "PCX", "DDS", "SGI", "ICNS"])
def test_formats_that_pillow_knows_beyond_the_list_are_refused(plugin, save):
    PIL.Image.init()
    file = io.BytesIO()
    PIL.Image.new("RGB", (32, 32)).save(file, plugin)
    with pytest.raises(ImageError, match="none of these"):
        load_image(save("a.png", file.getvalue()))


def _huge_headers(make_png):
    side = 20_000
    png = bytearray(make_png([[0]], 8, 0))
    png[16:24] = struct.pack(">II", side, side)
    png[29:33] = struct.pack(">I", zlib.crc32(bytes(png[12:29])))
    tags = {256: side, 257: side, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: side, 279: side * side}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return {
        "png": bytes(png),
        "pgm": b"P5 20000 20000 255\n",
        "bmp": b"BM" + struct.pack("<IHHI", 0, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, *[0] * 6),
        "tif": struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + directory + bytes(4),
        "gif": b"GIF89a"
        + struct.pack("<HHBBB", side, side, 0, 0, 0)
        + b",\0\0\0\0"
        + struct.pack("<HHB", side, side, 0)
        + b"\2",
    }


@pytest.mark.parametrize("suffix", ["png", "pgm", "bmp", "tif", "gif"])
def test_limit_is_held_against_the_header(suffix, make_png, save):
    path = save(f"a.{suffix}", _huge_headers(make_png)[suffix])
    with pytest.raises(ImageError, match=rf"at most 399,999,999 pixels; got '.*a\.{suffix}' with 20000 x 20000"):
        load_image(path, max_pixels=399_999_999)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".gif", ".webp", ".bmp"])
def test_limit_of_pillow_is_neither_used_nor_changed(suffix, tmp_path, monkeypatch):
    path = tmp_path / f"a{suffix}"
    PIL.Image.new("L", (30, 20), 255).save(path)
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 10)
    assert np.array_equal(load_image(path), np.ones((20, 30)))
    assert PIL.Image.MAX_IMAGE_PIXELS == 10
    with pytest.raises(ImageError, match="599 pixels"):
        load_image(path, max_pixels=599)
    assert PIL.Image.MAX_IMAGE_PIXELS == 10


def test_warnings_of_decoders_are_kept_to_ourselves_and_filters_left_alone(make_png, make_chunk, save):
    twice = 2 * make_chunk(b"acTL", struct.pack(">II", 1, 0))
    path = save("a.png", make_png([[255]], 8, 0, extra=twice))
    with pytest.warns(UserWarning, match="Invalid APNG"), PIL.Image.open(path):
        pass
    before = list(warnings.filters)
    assert load_image(path) == 1
    assert warnings.filters == before
