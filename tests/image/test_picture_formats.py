"""Pictures in other formats than PNG and TIFF."""

import io

import cv2
import numpy as np
import PIL.Image
import pytest

from convkit.errors import ImageError
from convkit.image import load_image, read_image


@pytest.fixture
def samples():
    return np.random.default_rng(3).integers(0, 256, (14, 9, 3), dtype=np.uint8)


def _encoded(samples, suffix, *options):
    flipped = samples[..., ::-1] if samples.ndim == 3 else samples
    done, data = cv2.imencode(suffix, np.ascontiguousarray(flipped), list(options))
    assert done
    return data.tobytes()


@pytest.mark.parametrize("suffix", [".bmp", ".ppm", ".webp"])
def test_lossless_colour_equals_what_opencv_wrote(suffix, samples, save):
    path = save(f"a{suffix}", _encoded(samples, suffix, cv2.IMWRITE_WEBP_QUALITY, 101))
    for channel, name in enumerate("rgb"):
        assert np.array_equal(load_image(path, gray=name) * 255, samples[..., channel])
    assert (read_image(path).bits, read_image(path).level) == (8, 1 / 255)


@pytest.mark.parametrize("suffix", [".bmp", ".pgm"])
def test_lossless_gray_equals_what_opencv_wrote(suffix, samples, save):
    path = save(f"a{suffix}", _encoded(samples[..., 0], suffix))
    assert np.array_equal(load_image(path) * 255, samples[..., 0])


def test_format_is_told_by_content_not_by_name(samples, save):
    path = save("a.jpg", _encoded(samples[..., 0], ".bmp"))
    assert np.array_equal(load_image(path) * 255, samples[..., 0])


def test_webp_with_transparency_needs_a_background(samples, tmp_path):
    path = tmp_path / "a.webp"
    alpha = np.full(samples.shape[:2], 255, np.uint8)
    alpha[0, 0] = 0
    PIL.Image.fromarray(np.dstack([samples, alpha])).save(path, lossless=True, exact=True)
    with pytest.raises(ImageError, match="1 transparent pixel"):
        load_image(path)
    assert load_image(path, background="white")[0, 0] == 1


def test_gray_jpeg_decodes_as_opencv_does(photo, tmp_path):
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), cv2.imread(str(photo("camera.png")), cv2.IMREAD_GRAYSCALE))
    oracle = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert np.abs(load_image(path) * 255 - oracle).max() <= 1  # decoders may round differently


@pytest.mark.parametrize("name", ["rocket.jpg", "retina.jpg"])
def test_colour_jpeg_decodes_as_opencv_does(name, photo):
    oracle = cv2.imread(str(photo(name)))[..., 1]
    assert np.abs(load_image(photo(name), gray="g") * 255 - oracle).max() <= 2


def test_cmyk_jpeg_is_refused(tmp_path):
    path = tmp_path / "a.jpg"
    PIL.Image.new("CMYK", (8, 8)).save(path)
    with pytest.raises(ImageError, match=r"'.*a\.jpg' with CMYK colours; try converting it to gray or sRGB"):
        load_image(path)


# The words of the EXIF standard: the visual side of the stored row 0, and of the stored column 0.
SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def _upright(stored, row_side, column_side):
    height, width = stored.shape
    across = row_side in ("left", "right")
    upright = np.empty((width, height) if across else (height, width))
    for i in range(height):
        for j in range(width):
            from_side = {row_side: i, column_side: j}
            y = from_side["top"] if "top" in from_side else len(upright) - 1 - from_side["bottom"]
            x = from_side["left"] if "left" in from_side else upright.shape[1] - 1 - from_side["right"]
            upright[y, x] = stored[i, j]
    return upright


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_orientation_is_applied(orientation, suffix, samples, tmp_path):
    path = tmp_path / f"a{suffix}"
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    PIL.Image.fromarray(samples[..., 0]).save(path, exif=exif, lossless=True)
    upright = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)  # applies the orientation of JPEG alone
    if suffix != ".jpg":
        upright = _upright(samples[..., 0], *SIDES[orientation])
    assert load_image(path).shape == upright.shape
    assert load_image(path).flags.c_contiguous
    assert np.abs(load_image(path) * 255 - upright).max() <= (1 if suffix == ".jpg" else 1e-12)


def test_damaged_orientation_is_ignored(tmp_path):
    path = tmp_path / "a.jpg"
    PIL.Image.new("L", (8, 4), 255).save(path, exif=b"Exif\0\0nonsense")
    assert np.array_equal(load_image(path), np.ones((4, 8)))


def test_photograph_with_a_second_picture_inside_gives_the_first(tmp_path):
    first, second = (PIL.Image.new("L", (8, 4), level) for level in (255, 0))
    path = tmp_path / "stereo.jpg"
    first.save(path, "MPO", save_all=True, append_images=[second])
    assert np.array_equal(load_image(path), np.ones((4, 8)))


def test_gif_of_one_frame(tmp_path):
    path = tmp_path / "a.gif"
    palette = PIL.Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putdata([0, 1])
    palette.save(path)
    assert np.array_equal(load_image(path, gray="b"), [[0, 1]])


@pytest.mark.parametrize(("name", "pages"), [("no_time_for_that_tiny.gif", 24), ("multipage.tif", 2)])
def test_animations_and_stacks_are_refused(name, pages, photo):
    with pytest.raises(ImageError, match=f"a single picture; got .*{name}' with {pages} pages"):
        load_image(photo(name))


class TestNetpbm:
    @pytest.mark.parametrize("white", [1, 15, 100, 255, 256, 1023, 4095, 65534, 65535])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_any_maximum_is_exact(self, white, channels, save):
        rng = np.random.default_rng(white)
        stored = rng.integers(0, white + 1, (4, 5) if channels == 1 else (4, 5, 3))
        raw = stored.astype(">u2" if white > 255 else "u1").tobytes()
        magics = ("P5", "P2") if channels == 1 else ("P6", "P3")
        head = f"5 # wide\n4\n#high\n{white}\n".encode()
        binary = save("a.pnm", magics[0].encode() + b"\n" + head + raw)
        plain = save("b.pnm", magics[1].encode() + b" " + head + " # x 7\n".join(map(str, stored.ravel())).encode())
        expected = (stored if channels == 1 else stored[..., 2]) / white
        assert np.array_equal(load_image(binary, gray="b"), expected)
        assert np.array_equal(load_image(plain, gray="b"), expected)
        image = read_image(binary)
        assert image.bits == (8 if white <= 255 else 16)
        assert image.level == 1 / max(white, 255)

    def test_16_bit_gray_equals_what_opencv_wrote(self, save):
        stored = np.random.default_rng(0).integers(0, 65536, (6, 7), dtype=np.uint16)
        assert np.array_equal(load_image(save("a.pgm", _encoded(stored, ".pgm"))) * 65535, stored)

    def test_bitmap_has_1_for_black(self, save):
        assert np.array_equal(load_image(save("a.pbm", b"P1 3 1\n1 0 1")), [[0, 1, 0]])
        assert np.array_equal(load_image(save("b.pbm", b"P4 3 1\n\xa0")), [[0, 1, 0]])

    def test_float_map_is_taken_as_it_is_bottom_row_first(self, save):
        values = np.array([[1.5, -2], [3, 4]], np.float32)
        image = read_image(save("a.pfm", b"Pf\n2 2\n-1.0\n" + values[::-1].astype("<f4").tobytes()))
        assert np.array_equal(image.values, values)
        assert (image.values.dtype, image.level, image.bits) == (np.float32, None, None)

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"P5 2 2 255\n\0\0\0", "3 of 4 samples"),
            (b"P5 2 2 65535\n\0\0\0", "1 of 4 samples"),
            (b"P2 2 1 9\n1", "1 of 2 samples"),
            (b"P2 2 1 9\n1 10", "beyond its maximum of 9"),
            (b"P2 2 1 9\n1 -1", "beyond its maximum of 9"),
            (b"P5 1 1 9\n\x0a", "beyond its maximum of 9"),
            (b"P5 1 1 70000\n\0", "maximum of 70000"),
            (b"P5 1 1 0\n\0", "maximum of 0"),
            (b"P5 0 1 255\n", "0"),
            (b"P5 1 x", "no width, height and maximum"),
            (b"P2 1 1 9\nseven", "seven"),
        ],
    )
    def test_damage_is_named(self, data, said, save):
        with pytest.raises(ImageError, match=said):
            load_image(save("a.pgm", data))

    def test_plain_text_has_a_limit(self, save, monkeypatch):
        monkeypatch.setattr("convkit.image.netpbm._PLAIN_LIMIT", 10)
        with pytest.raises(ImageError, match="at most 10 bytes of plain PGM"):
            load_image(save("a.pgm", b"P2 9 1 9\n" + b"1 " * 9))


def test_infinite_pixels_are_refused_where_they_are(tmp_path):
    values = np.zeros((3, 4), np.float32)
    for bad in (np.nan, np.inf, -np.inf):
        values[2, 1] = bad
        PIL.Image.fromarray(values).save(tmp_path / "a.tif")
        with pytest.raises(ImageError, match=rf"finite pixels; got {bad} at \[2, 1\] of '.*a\.tif'"):
            load_image(tmp_path / "a.tif")


def test_pictures_are_read_from_memory_too(samples, monkeypatch):
    data = _encoded(samples, ".png")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    image = read_image("-", gray="r")
    assert np.array_equal(image.values * 255, samples[..., 0])
    assert (image.stem, image.path) == ("stdin", None)
