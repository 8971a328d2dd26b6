"""Images that go through by rows, beside the same images as a whole."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from convkit import ConvkitError, convolve, load_image
from convkit.convolution import Convention, Padding
from convkit.convolution import rows as by_rows
from convkit.image import atomic_write, open_large, write_rows
from convkit.kernel import Kernel


def _filtered(path: Path, kernel: np.ndarray, **options: object) -> tuple[by_rows.FilteredRows, np.ndarray]:
    opened = open_large(path, 0)
    assert opened is not None
    rows, file = opened
    with file:
        convention = Convention(
            Padding(options.pop("padding", "valid")), options.pop("stride", 1), options.pop("flip", False)
        )
        filtered = by_rows.FilteredRows(rows, Kernel.of(kernel), convention, **options)
        return filtered, np.vstack([strip.copy() for strip in filtered.strips()])


@pytest.fixture(autouse=True)
def small_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_rows, "_STRIP", 1)
    monkeypatch.setattr(by_rows, "_KERNELS", 2)


@pytest.mark.parametrize("padding", list(Padding))
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_an_array_by_rows_is_the_array_as_a_whole(padding, stride, tmp_path, rng) -> None:
    image = rng.random((47, 31))
    np.save(tmp_path / "x.npy", image)
    for size in [(3, 3), (4, 5), (1, 6), (7, 1)]:
        kernel = rng.standard_normal(size)
        options = {"padding": padding, "stride": stride, "flip": True}
        expected = convolve(image, kernel, **options)
        filtered, got = _filtered(tmp_path / "x.npy", kernel, **options)
        assert filtered.rows < filtered.shape[0]
        assert got.shape == filtered.shape
        # Sums of at most 20 products of order 1.
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-14)
        assert (filtered.minimum, filtered.maximum) == (got.min(), got.max())


@pytest.mark.parametrize("dtype", ["u1", "i2", "<f4", ">f4", ">u2", "f8", "i8"])
def test_every_type_of_array(dtype, tmp_path, rng) -> None:
    image = (rng.random((20, 9)) * 100).astype(dtype)
    np.save(tmp_path / "x.npy", image)
    _, got = _filtered(tmp_path / "x.npy", np.array([[1.0, -2.0]]))
    np.testing.assert_allclose(got, convolve(image.astype(np.float64), "1,-2"), rtol=0, atol=1e-5)
    assert got.dtype == (np.float64 if np.dtype(dtype).itemsize == 8 else np.float32)


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"tile": (16, 32)},
        {"tile": (16, 16), "compression": "zlib"},
        {"rowsperstrip": 5},
        {"rowsperstrip": 7, "compression": "zlib"},
        {"byteorder": ">"},
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_layout_of_tiff(layout, dtype, tmp_path, rng) -> None:
    image = (rng.random((53, 37)) * (1 if dtype is np.float32 else 250)).astype(dtype)
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, image, photometric="minisblack", **layout)
    kernel = rng.standard_normal((3, 4))
    _, got = _filtered(path, kernel, padding="reflect")
    np.testing.assert_allclose(got, convolve(load_image(path), kernel, padding="reflect"), rtol=0, atol=1e-5)


@pytest.mark.parametrize("suffix", [".npy", ".tif"])
def test_rows_are_written_as_one_file(suffix, tmp_path, rng, monkeypatch) -> None:
    monkeypatch.setattr("convkit.image.rows._TIFF_STRIP", 400)
    image = rng.random((41, 23)).astype(np.float32)
    path = tmp_path / f"y{suffix}"
    with atomic_write(path) as file:
        write_rows(file, suffix, image.shape, image.dtype, iter(np.array_split(image, [1, 14, 15, 30])))
    np.testing.assert_array_equal(load_image(path), image)
    if suffix == ".tif":
        np.testing.assert_array_equal(tifffile.imread(path), image)


def test_what_cannot_be_read_by_rows_is_left_to_the_ordinary_way(tmp_path) -> None:
    np.save(tmp_path / "f.npy", np.asfortranarray(np.ones((5, 4))))
    tifffile.imwrite(tmp_path / "rgb.tif", np.ones((5, 4, 3), np.uint8), photometric="rgb")
    tifffile.imwrite(tmp_path / "white.tif", np.ones((5, 4), np.uint8), photometric="miniswhite")
    (tmp_path / "text.csv").write_text("1,2\n3,4\n")
    for name in ("f.npy", "rgb.tif", "white.tif", "text.csv"):
        assert open_large(tmp_path / name, 0) is None, name


def test_damage_is_told_with_its_place(tmp_path) -> None:
    image = np.ones((40, 6))
    image[30, 2] = np.nan
    np.save(tmp_path / "nan.npy", image)
    with pytest.raises(ConvkitError, match="NaN or infinity near row"):
        _filtered(tmp_path / "nan.npy", np.ones((3, 3)))
    np.save(tmp_path / "cut.npy", np.ones((40, 6)))
    whole = (tmp_path / "cut.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[:-100])
    with pytest.raises(ConvkitError, match="cut short: its header promises 40 x 6 pixels"):
        _filtered(tmp_path / "cut.npy", np.ones((3, 3)))
