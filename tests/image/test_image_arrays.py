"""Arrays that NumPy saved."""

import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.lib import format as npy

from convkit.errors import ConvkitError, ImageError
from convkit.image import Kind, load_image, read_image


@pytest.fixture
def store(tmp_path):
    def write(array, name="a.npy"):
        np.save(tmp_path / name, array, allow_pickle=True)
        return tmp_path / name

    return write


INTEGERS = ["?", "i1", "u1", "<i2", ">u2", "i4", "u4", "i8", "u8"]
FLOATS = ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "g"]


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_real_arrays_of_every_type_are_taken_as_they_are(dtype, order, store):
    array = np.array([[0, 1, 2.5], [3, 100, 101]], order=order).astype(dtype)
    image = read_image(store(array))
    assert np.array_equal(image.values, array)
    assert image.values.dtype == (np.float32 if dtype[-2:] in ("f2", "f4") else np.float64)
    assert image.level == (1.0 if dtype in INTEGERS else None)
    assert (image.kind, image.stem, image.bits) == (Kind.MATRIX, "a", None)


@given(
    array=hnp.arrays(
        np.float64, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.floats(allow_nan=False, allow_infinity=False)
    )
)
@settings(deadline=None)
def test_floats_come_back_bit_by_bit(array):
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "a.npy", array)
        values = load_image(Path(folder) / "a.npy")
    assert values.tobytes() == array.tobytes()


def test_a_file_is_mapped_and_writing_to_the_array_leaves_it_alone(store):
    path = store(np.zeros((3, 4)))
    before = path.read_bytes()
    values = load_image(path)
    assert isinstance(values.base, np.memmap)
    values[:] = 1
    assert path.read_bytes() == before


def test_arrays_are_known_by_content_too(store):
    path = store(np.eye(2))
    path.rename(path.with_name("a.dat"))
    assert np.array_equal(load_image(path.with_name("a.dat")), np.eye(2))


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.ones((2, 2), complex), r"real numbers; got '.*a\.npy' of type 'complex128'"),
        (np.array([["a"]]), "of type '<U1'"),
        (np.array([[None]]), "of type 'object'"),
        (np.zeros((2, 2), "M8[s]"), "of type 'datetime64"),
        (np.zeros((2, 2), "f4,i4"), r"of type \"\[\('f0'"),
        (np.ones(5), r"of shape '\(5,\)'; try array\[None, :\]"),
        (np.float64(1), r"of shape '\(\)'"),
        (np.ones((2, 2, 3)), r"of shape '\(2, 2, 3\)'; try one plane of it"),
        (np.ones((0, 3)), "at least one pixel; got .* with 0 x 3"),
        (np.array([[1, 2], [np.nan, 0]]), r"got nan at \[1, 0\] of '.*a\.npy'"),
        (np.array([[1, np.inf]], np.float16), r"got inf at \[0, 1\]"),
    ],
)
def test_other_arrays_are_refused(array, said, store):
    with pytest.raises(ImageError, match=said):
        read_image(store(array))


class Trap:
    def __reduce__(self):
        return Path.touch, (Path("trap"),)


@pytest.mark.parametrize("name", ["a.npy", "a.png"])
def test_nothing_is_ever_unpickled(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Path(name).open("wb") as file:
        np.save(file, np.array([[Trap()]], dtype=object), allow_pickle=True)
    with pytest.raises(ImageError, match="of type 'object'"):
        read_image(name)
    Path("b.npy").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ImageError, match=r"a whole \.npy file; got 'b\.npy'"):
        read_image("b.npy")
    assert not Path("trap").exists()


def test_limit_is_held_against_the_header(tmp_path):
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        npy.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)})
    with pytest.raises(ImageError, match=r"at most 500,000,000 pixels; got '.*a\.npy' with 1000000 x 1000000"):
        read_image(path)


def test_version_2_headers_are_read_and_version_3_refused(tmp_path):
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        npy.write_array(file, np.eye(2), version=(2, 0))
    assert np.array_equal(load_image(path), np.eye(2))
    with path.open("wb") as file:
        npy.write_array(file, np.eye(2), version=(3, 0))
    with pytest.raises(ImageError, match=r"a whole \.npy file"):
        read_image(path)


@given(data=st.data())
@settings(deadline=None)
def test_damaged_files_raise_nothing_but_our_errors(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npy"
        np.save(path, np.arange(12.0).reshape(3, 4))
        damaged = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(0, 3))):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(damaged[: data.draw(st.integers(1, len(damaged)))])
        message, values = "a.npy", np.zeros((1, 1))
        try:
            values = load_image(path)
        except ConvkitError as error:
            message = error.got
    assert "a.npy" in message
    assert values.ndim == 2
    assert np.isfinite(values).all()
