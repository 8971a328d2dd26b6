"""TIFF: whatever tifffile can write, read back exactly; by Pillow where possible."""

import io
import logging
import struct
import sys

import numpy as np
import PIL.Image
import pytest
import tifffile

from convkit.errors import ImageError, MissingExtraError
from convkit.image import load_image, read_image, read_large

PLAIN = ["uint8", "uint16", "float32"]  # what needs no tifffile to read, in gray
BEYOND = ["int8", "int16", "uint32", "int32", "float16", "float64"]


def _samples(dtype, shape):
    dtype = np.dtype(dtype)
    rng = np.random.default_rng(11)
    if dtype.kind == "f":
        return rng.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def _white(dtype):
    return 1 if np.dtype(dtype).kind == "f" else int(np.iinfo(dtype).max)


@pytest.fixture
def without_tifffile(monkeypatch):
    monkeypatch.setitem(sys.modules, "tifffile", None)


@pytest.mark.parametrize("dtype", PLAIN + BEYOND)
@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, {"tile": (16, 16)}, {"bigtiff": True}])
def test_gray_of_every_type_is_exact(dtype, options, tmp_path):
    stored = _samples(dtype, (37, 22))
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="minisblack", **options)
    image = read_image(tmp_path / "a.tif")
    assert np.array_equal(image.values, stored.astype(np.float64) / _white(dtype))
    floating = stored.dtype.kind == "f"
    assert image.values.dtype == (np.float32 if dtype in ("float16", "float32") else np.float64)
    assert image.level == (None if floating else 1 / max(_white(dtype), 255))
    assert image.bits == (None if floating else 8 if stored.itemsize == 1 else 16)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colour_of_every_type_is_exact(dtype, planar, compression, tmp_path):
    stored = _samples(dtype, (21, 34, 3))
    written = stored if planar == "contig" else np.moveaxis(stored, -1, 0)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, written, photometric="rgb", planarconfig=planar, compression=compression)
    for channel, name in enumerate("rgb"):
        assert np.array_equal(load_image(path, gray=name), stored[..., channel].astype(np.float64) / _white(dtype))


@pytest.mark.parametrize("dtype", PLAIN)
@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_gray_needs_no_tifffile(dtype, compression, tmp_path, without_tifffile):
    stored = _samples(dtype, (21, 34))
    PIL.Image.fromarray(stored).save(tmp_path / "a.tif", compression=compression)
    assert np.array_equal(load_image(tmp_path / "a.tif"), stored.astype(np.float64) / _white(dtype))


@pytest.mark.parametrize("dtype", BEYOND)
def test_without_tifffile_the_extra_is_named(dtype, tmp_path, without_tifffile):
    path = tmp_path / "a.tif"
    path.write_bytes(
        _tiff(_samples(dtype, (2, 2)), {258: np.dtype(dtype).itemsize * 8, 339: "ui_f".index(dtype[0]) + 1})
    )
    with pytest.raises(MissingExtraError, match=r"a\.tif'.*pip install 'convkit\[science\]'"):
        load_image(path)


def _tiff(stored, tags):
    """A little-endian TIFF of one strip, by hand."""
    height, width = stored.shape[:2]
    data = stored.tobytes()
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: len(data)} | tags
    directory = struct.pack("<H", len(tags))
    for tag, value in sorted(tags.items()):
        directory += struct.pack("<HHII", tag, 4, 1, value)
    return struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + directory + struct.pack("<I", 0)


def test_12_bit_gray_is_divided_by_4095(save):
    path = save("a.tif", _tiff(np.array([[0xAB, 0xCF, 0xFF]], np.uint8), {256: 2, 258: 12}))
    image = read_image(path)
    assert np.array_equal(image.values * 4095, [[0xABC, 0xFFF]])
    assert (image.level, image.bits) == (1 / 4095, 16)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
def test_zero_may_be_white(dtype, tmp_path):
    stored = _samples(dtype, (5, 6))
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="miniswhite")
    white = _white(dtype)
    assert np.array_equal(load_image(tmp_path / "a.tif"), (white - stored.astype(np.int64)) / white)


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_zero_as_white_means_nothing_for_signed_samples(dtype, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", _samples(dtype, (5, 6)), photometric="miniswhite")
    with pytest.raises(ImageError, match=f"{dtype} samples of which zero is white"):
        load_image(tmp_path / "a.tif")


def test_bilevel(tmp_path):
    stored = np.random.default_rng(0).random((5, 9)) > 0.5
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="minisblack")
    assert np.array_equal(load_image(tmp_path / "a.tif"), stored)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha"])
def test_alpha(dtype, channels, alpha, tmp_path):
    white = _white(dtype)
    rng = np.random.default_rng(2)
    opacity = rng.random((6, 5, 1))
    colour = np.repeat(rng.random((6, 5, 1)), channels - 1, axis=2)
    stored = np.concatenate([colour * (opacity if alpha == "assocalpha" else 1), opacity], axis=2) * white
    stored = stored.round().astype(dtype) if white > 1 else stored.astype(dtype)
    photometric = "rgb" if channels == 4 else "minisblack"
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stored, photometric=photometric, planarconfig="contig", extrasamples=[alpha])
    with pytest.raises(ImageError, match="30 transparent pixels"):
        load_image(path)
    value, opacity = stored[..., 0] / white, stored[..., -1] / white
    expected = (value if alpha == "assocalpha" else value * opacity) + 0.25 * (1 - opacity)
    tolerance = 1e-7 if dtype == "float32" else 1e-15  # of what is computed in float64
    assert np.abs(load_image(path, background="0.25") - expected).max() <= tolerance


def test_opaque_premultiplied_colour_needs_no_tifffile(tmp_path, monkeypatch):
    stored = _samples("uint8", (6, 5, 4))
    stored[..., 3] = 255
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=["assocalpha"])
    monkeypatch.setitem(sys.modules, "tifffile", None)
    assert np.array_equal(load_image(tmp_path / "a.tif", gray="b") * 255, stored[..., 2])


@pytest.mark.parametrize("dtype", ["uint16", "float64"])
def test_orientation_of_what_pillow_cannot_read(dtype, tmp_path):
    stored = _samples(dtype, (3, 4, 3))
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    assert np.array_equal(load_image(tmp_path / "a.tif", gray="r") * _white(dtype), np.rot90(stored[..., 0], -1))


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_several_pages_are_refused(dtype, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", _samples(dtype, (3, 4, 5)), photometric="minisblack")
    with pytest.raises(ImageError, match=r"a\.tif' with 3 pages"):
        load_image(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("dtype", "channels", "options", "said"),
    [
        ("uint8", 4, {"photometric": "separated"}, "CMYK colours"),
        ("uint16", 4, {"photometric": "separated"}, "CMYK colours"),
        ("float32", 4, {"photometric": "separated"}, "4 channels of SEPARATED"),
        ("uint8", 2, {"photometric": "minisblack", "planarconfig": "contig"}, "unknown meaning"),
        ("uint16", 5, {"photometric": "rgb", "planarconfig": "contig"}, "unknown meaning"),
        ("complex64", 1, {"photometric": "minisblack"}, "samples of type complex64"),
        ("uint64", 1, {"photometric": "minisblack"}, "samples of type uint64"),
    ],
)
def test_other_contents_are_refused(dtype, channels, options, said, tmp_path):
    stored = np.ones((4, 5, channels) if channels > 1 else (4, 5), dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored, **options)
    with pytest.raises(ImageError, match=said):
        load_image(tmp_path / "a.tif")


def test_damage_is_told_by_the_error_alone(save, tmp_path, capfd, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", _samples("float64", (30, 30)))
    data = (tmp_path / "a.tif").read_bytes()
    damaged = [data[:cut] for cut in (8, 12, 60, 200, len(data) - 1)]
    damaged.append(_tiff(np.zeros((2, 2), np.uint8), {277: 2048}))  # more channels than Pillow takes
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as in a program that sets up no logging
    for contents in damaged:
        with pytest.raises(ImageError, match=r"b\.tif'"):
            load_image(save("b.tif", contents))
    assert capfd.readouterr().err == ""


def test_tiff_from_standard_input(monkeypatch):
    buffer = io.BytesIO()
    stored = _samples("uint16", (5, 4, 3))
    tifffile.imwrite(buffer, stored, photometric="rgb")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(buffer.getvalue())))
    assert np.array_equal(load_image("-", gray="g") * 65535, stored[..., 1])


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("by_rows", [False, True])
def test_strips_that_are_not_there_are_not_black(dtype, by_rows, tmp_path):
    """Of twenty rows in strips of three, one strip is named: decoders would leave seventeen rows black."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, _samples(dtype, (20, 24)), photometric="minisblack")
    with tifffile.TiffFile(path, mode="r+") as pages:
        pages.pages.first.tags["RowsPerStrip"].overwrite(3)
    with pytest.raises(ImageError, match="pixels missing"):
        (read_large(path, 1) or read_image(path)) if by_rows else read_image(path)
