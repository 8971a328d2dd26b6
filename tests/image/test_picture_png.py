"""PNG of every depth and colour type, against samples written by hand and against OpenCV."""

import struct

import cv2
import numpy as np
import pytest

from convkit.errors import ImageError
from convkit.image import Kind, load_image, read_image

GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("interlaced", [False, True])
def test_gray_of_every_depth_is_divided_by_its_maximum(depth, interlaced, make_png, save, rng):
    samples = rng.integers(0, 2**depth, (11, 13))
    image = read_image(save("a.png", make_png(samples, depth, GRAY, interlaced=interlaced)))
    assert image.values.dtype == np.float64
    assert np.array_equal(image.values, samples / (2**depth - 1))


@pytest.mark.parametrize(("depth", "bits"), [(1, 8), (2, 8), (4, 8), (8, 8), (16, 16)])
def test_depth_below_8_bits_counts_as_8(depth, bits, make_png, save):
    image = read_image(save("a.b.png", make_png([[0, 1]], depth, GRAY)))
    assert (image.bits, image.level) == (bits, 1 / (2**bits - 1))
    assert (image.kind, image.stem, image.shape) == (Kind.PICTURE, "a.b", (1, 2))
    assert image.path.name == "a.b.png"


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("colour", [RGB, RGB_ALPHA])
def test_colour_is_read_at_its_full_depth(depth, interlaced, colour, make_png, save, rng):
    white = 2**depth - 1
    samples = rng.integers(0, white + 1, (19, 10, 3 if colour == RGB else 4))
    samples[..., 3:] = white
    path = save("a.png", make_png(samples, depth, colour, interlaced=interlaced))
    oracle = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., 2::-1]
    assert np.array_equal(oracle, samples[..., :3])
    for channel, name in enumerate("rgb"):
        assert np.array_equal(load_image(path, gray=name) * white, oracle[..., channel])


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("interlaced", [False, True])
def test_gray_with_opaque_alpha_is_read_at_its_full_depth(depth, interlaced, make_png, save, rng):
    white = 2**depth - 1
    samples = rng.integers(0, white + 1, (9, 12, 2))
    samples[..., 1] = white
    path = save("a.png", make_png(samples, depth, GRAY_ALPHA, interlaced=interlaced))
    assert np.array_equal(load_image(path), samples[..., 0] / white)
    assert read_image(path).bits == depth


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("colour", [GRAY_ALPHA, RGB_ALPHA])
def test_transparency_is_blended_at_its_full_depth(depth, colour, make_png, save, rng):
    white = 2**depth - 1
    samples = rng.integers(0, white + 1, (5, 6, 2 if colour == GRAY_ALPHA else 4))
    path = save("a.png", make_png(samples, depth, colour))
    gray, alpha = samples[..., 0] / white, samples[..., -1] / white
    for text, behind in [("white", 1), ("black", 0), ("0.25", 0.25), ("1/3", 1 / 3)]:
        blended = gray * alpha + behind * (1 - alpha)
        assert np.allclose(load_image(path, gray="r", background=text), blended, rtol=0, atol=1e-15)


def test_transparency_without_background_is_refused_with_the_number_of_pixels(make_png, save):
    path = save("a.png", make_png([[[9, 255], [9, 254], [9, 0]]], 8, GRAY_ALPHA))
    with pytest.raises(ImageError, match=r"'.*a\.png' with 2 transparent pixels; try --background white"):
        load_image(path)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_gray_colour_key_is_transparent(depth, make_png, make_chunk, save):
    white = 2**depth - 1
    key = make_chunk(b"tRNS", struct.pack(">H", white - 1))
    opaque = save("opaque.png", make_png([[white, 0]] if depth > 1 else [[1, 1]], depth, GRAY, extra=key))
    assert load_image(opaque)[0, 0] == 1
    path = save("a.png", make_png([[white - 1, white]], depth, GRAY, extra=key))
    with pytest.raises(ImageError, match="with 1 transparent pixel;"):
        load_image(path)
    assert np.array_equal(load_image(path, background="0.5"), [[0.5, 1]])


def test_white_may_be_the_key_of_one_bit(make_png, make_chunk, save):
    key = make_chunk(b"tRNS", struct.pack(">H", 1))
    path = save("a.png", make_png([[0, 1]], 1, GRAY, extra=key))
    assert np.array_equal(load_image(path, background="0.25"), [[0, 0.25]])


@pytest.mark.parametrize("depth", [8, 16])
def test_rgb_colour_key_is_transparent_only_where_all_three_match(depth, make_png, make_chunk, save):
    white = 2**depth - 1
    key = make_chunk(b"tRNS", struct.pack(">HHH", white, 0, 1))
    path = save("a.png", make_png([[[white, 0, 1], [white, 0, 2]]], depth, RGB, extra=key))
    assert np.array_equal(load_image(path, gray="r", background="black"), [[0, 1]])


def test_16_bit_colour_key_is_compared_at_16_bits(make_png, make_chunk, save):
    key = make_chunk(b"tRNS", struct.pack(">HHH", 0x1234, 0, 0))
    path = save("a.png", make_png([[[0x1235, 0, 0]]], 16, RGB, extra=key))
    assert load_image(path, gray="r") == 0x1235 / 65535


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_palette_is_expanded(depth, make_png, make_chunk, save):
    colours = make_chunk(b"PLTE", bytes([10, 20, 30, 200, 100, 50]))
    path = save("a.png", make_png([[0, 1, 1]], depth, PALETTE, extra=colours))
    assert np.array_equal(load_image(path, gray="g") * 255, [[20, 100, 100]])
    assert read_image(path).bits == 8


@pytest.mark.parametrize("alphas", [bytes([255, 0]), bytes([255, 128])])
def test_palette_with_transparency(alphas, make_png, make_chunk, save):
    extra = make_chunk(b"PLTE", bytes([10, 20, 30, 200, 100, 50])) + make_chunk(b"tRNS", alphas)
    unused = save("unused.png", make_png([[0, 0]], 8, PALETTE, extra=extra))
    assert np.array_equal(load_image(unused, gray="r") * 255, [[10, 10]])
    path = save("a.png", make_png([[0, 1]], 8, PALETTE, extra=extra))
    with pytest.raises(ImageError, match="1 transparent pixel;"):
        load_image(path)
    alpha = alphas[1] / 255
    assert load_image(path, gray="b", background="white")[0, 1] == 50 / 255 * alpha + 1 - alpha


def test_header_must_come_first(make_png, make_chunk, save):
    data = make_png([[[1, 2, 3]]], 16, RGB)
    late = data[:8] + make_chunk(b"teXt", b"") + data[8:]
    with pytest.raises(ImageError, match="another chunk before its header"):
        load_image(save("a.png", late))


def test_animation_is_refused_with_its_number_of_pages(make_png, make_chunk, save):
    frame = struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 10, 0, 0)
    extra = make_chunk(b"acTL", struct.pack(">II", 2, 0)) + make_chunk(b"fcTL", frame)
    with pytest.raises(ImageError, match=r"a single picture; got '.*a\.png' with 2 pages"):
        load_image(save("a.png", make_png([[1]], 8, GRAY, extra=extra)))


@pytest.mark.parametrize("name", ["camera.png", "page.png", "coins.png", "horse.png"])
def test_gray_photographs_equal_opencv(name, photo):
    stored = cv2.imread(str(photo(name)), cv2.IMREAD_UNCHANGED)
    if stored.ndim == 2:
        assert np.array_equal(load_image(photo(name)) * 255, stored)
    else:
        assert np.array_equal(load_image(photo(name), gray="r", background="white") * 255, stored[..., 2])


@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png", "motorcycle_left.png"])
def test_colour_photographs_equal_an_exact_weighted_sum(name, photo):
    blue, green, red = np.moveaxis(cv2.imread(str(photo(name))).astype(np.int64), -1, 0)
    exact = (299 * red + 587 * green + 114 * blue) / 255_000
    assert np.array_equal(load_image(photo(name)), exact)
    assert np.abs(load_image(photo(name), gray="bt709") - exact).max() > 0.01
