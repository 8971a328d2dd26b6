"""Kernels in files: each kind as its program writes it, and every fault a file can have."""

import json
import os
import pickle

import numpy as np
import pytest
from PIL import Image as PillowImage

from convkit.errors import KernelError
from convkit.kernel import parse_kernel


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write_file


@pytest.mark.parametrize(
    ("name", "content", "taps"),
    [
        ("k.csv", "0,1\n2,3\n", [[0, 1], [2, 3]]),
        ("k.CSV", "\ufeff# from a spreadsheet\r\n0,1\r\n2,3\r\n", [[0, 1], [2, 3]]),
        ("k.txt", "0 1\n2 3\n", [[0, 1], [2, 3]]),
        ("k.txt", "0,1;2,3", [[0, 1], [2, 3]]),
        ("k.txt", "(1,2;3,4)/4\n", [[0.25, 0.5], [0.75, 1]]),
        ("k.txt", "3x1:\n1, 2, 3\n", [[1, 2, 3]]),
        ("k.txt", "3 1 2 0\n1 2 3\n", [[0.5, 1, 1.5]]),  # a vips matrix: no row of taps has four of them
        ("k.txt", "2,1\n1,-1\n", [[2, 1], [1, -1]]),  # commas: no vips matrix
        ("k.mat", "2 1\n1 -1\n", [[1, -1]]),
        ("k.mat", "3 2 4\n1 2 3\n4 5 6\n", [[0.25, 0.5, 0.75], [1, 1.25, 1.5]]),
        ("k.json", "[[0, 1], [2, 3.5]]", [[0, 1], [2, 3.5]]),
        ("k.json", "[1, -1]", [[1, -1]]),
        ("k.json", "\ufeff[[1, -1]]", [[1, -1]]),
        ("k.json", '{"taps": [[1, -1]]}', [[1, -1]]),
    ],
)
def test_numbers_in_files(write, name, content, taps):
    assert parse_kernel(write(name, content)).taps.tolist() == np.array(taps, dtype=float).tolist()


@pytest.mark.parametrize("dtype", ["u1", "i8", "f2", "f4", "f8", ">f8", "?"])
def test_npy_of_any_real_type(tmp_path, dtype):
    np.save(tmp_path / "k.npy", np.array([[0, 1], [1, 0]], dtype=dtype))
    assert parse_kernel(str(tmp_path / "k.npy")).taps.tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_a_vips_offset_counts_in_levels_of_eight_bits(write):
    kernel = parse_kernel(write("emboss.mat", "3 1 2 128\n1 0 -1\n"))
    assert kernel.taps.tolist() == [[0.5, 0.0, -0.5]]
    assert kernel.bias == 128 / 255


def test_json_objects_carry_name_and_bias(write):
    kernel = parse_kernel(write("k.json", '{"taps": [[1, -1]], "name": "mine", "bias": 0.25}'))
    assert (kernel.name, kernel.bias) == ("mine", 0.25)


@pytest.mark.parametrize(("bias", "expected"), [(0.125, 0.125), (None, 0.0)])
def test_a_recovery_record_gives_what_was_learned(write, bias, expected):
    record = {
        "schema": "convkit.recovery/1",
        "kernel": {"learned": [[0.5, -0.5]], "true": [[1, -1]], "name": "d2l"},
        "bias": {"learned": bias, "true": None},
        "losses": [{"step": 1, "loss": 2.0}],
    }
    kernel = parse_kernel(write("run.json", json.dumps(record)))
    assert kernel.taps.tolist() == [[0.5, -0.5]]
    assert kernel.name is None
    assert kernel.bias == expected


def test_a_png_is_a_point_spread_function_of_sum_one(tmp_path):
    PillowImage.fromarray(np.array([[0, 0, 0], [10, 30, 0]], np.uint8)).save(tmp_path / "psf.png")
    kernel = parse_kernel(str(tmp_path / "psf.png"))
    np.testing.assert_allclose(kernel.taps, [[0, 0, 0], [0.25, 0.75, 0]], atol=1e-15)
    assert kernel.sum == 1.0


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("k.csv", "", r"k\.csv' \(empty\)"),
        ("k.csv", b"\xff\xfe\x00", r"bytes that are no text \(in '.*k\.csv'\)"),
        ("k.csv", "1,2\n3\n", "got 1 in row 2"),
        ("k.csv", "a,b\n1,2\n", "got 'a' in row 1, column 1"),
        ("k.csv", "0,5;0,25\n", "got a ';'"),
        ("k.csv", "# nothing\n", "got no numbers"),
        ("k.tif", "1,2", r"expected a kernel file .*got '.*k\.tif'"),
        ("k", "1,2", "expected a kernel file"),
        ("k.txt", "3 1 2\n1 2 3\n", "a row of taps or the size of a vips matrix"),
        ("k.mat", "hello\n1 2", "got 'hello'"),
        ("k.mat", "2 1 0\n1 2\n", "got '2 1 0'"),
        ("k.mat", "2 1 1 nan\n1 2\n", "got '2 1 1 nan'"),
        ("k.mat", "0 1\n", "got '0 1'"),
        ("k.mat", "3 2\n1 2 3\n", "expected 2 rows of 3 numbers, as the first line says; got 3 numbers"),
        ("k.mat", "2 1\n1 x\n", "got 'x'"),
        ("k.mat", "2 1 1e-300\n1e300 1\n", "got 'inf'"),
        ("k.mat", b"MATLAB 5.0 MAT-file\x00\xff", "bytes that are no text"),
        ("k.json", "{", "expected JSON"),
        ("k.json", "3", "got '3'"),
        ("k.json", "[[1, NaN]]", "NaN is no number"),
        ("k.json", "[[1, Infinity]]", "Infinity is no number"),
        ("k.json", "[[1e999]]", "got 'inf'"),
        ("k.json", "[[1" + "0" * 400 + "]]", "got '10000"),
        ("k.json", "[" * 100_000, "expected JSON"),
        ("k.json", "[[true]]", "got 'True'"),
        ("k.json", '[["1"]]', "got '1'"),
        ("k.json", "[[1, 2], [3]]", "inhomogeneous"),
        ("k.json", "[]", r"shape \(1, 0\)"),
        ("k.json", "{}", "expected taps in a list of rows; got 'None'"),
        ("k.json", '{"taps": 5}', "got '5'"),
        ("k.json", '{"taps": [[1]], "name": 5}', "name that is text; got '5'"),
        ("k.json", '{"taps": [[1]], "bias": [1]}', r"got '\[1\]'"),
        ("k.json", '{"taps": [[1]], "divisor": 2}', "got 'divisor'"),
        ("k.json", '{"tapps": [[1]]}', "got 'tapps'.*try 'taps'"),
        ("k.json", '{"schema": "convkit.recovery/1", "kernel": null}', "expected taps"),
        ("k.npy", "1,2", "expected an array of numbers saved with numpy.save"),
        ("k.npy", b"\x93NUMPY\x01\x00\x46\x00{", "expected an array of numbers"),
        ("k.npy", b"\x93NUMPY\x01\x00\xff\xff" + b"{" * 65_535, "expected an array of numbers"),
        ("k.png", "1,2", r"k\.png"),
    ],
)
def test_files_that_are_no_kernels_are_refused(write, name, content, told):
    with pytest.raises(KernelError, match=told):
        parse_kernel(write(name, content))


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.array([[None]], dtype=object), "expected an array of numbers"),
        (np.array([[1j]]), "complex128"),
        (np.zeros((0, 3)), r"shape \(0, 3\)"),
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (np.zeros((1, 5000)), r"shape \(1, 5000\)"),
        (np.array([[np.nan]]), "'nan'"),
    ],
)
def test_arrays_that_are_no_kernels_are_refused(tmp_path, array, told):
    np.save(tmp_path / "k.npy", array, allow_pickle=True)
    with pytest.raises(KernelError, match=told):
        parse_kernel(str(tmp_path / "k.npy"))


def test_an_npy_is_never_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    np.save(tmp_path / "array.npy", np.array([[Trap()]], dtype=object), allow_pickle=True)
    (tmp_path / "bare.npy").write_bytes(pickle.dumps(Trap()))
    for name in ("array.npy", "bare.npy"):
        with pytest.raises(KernelError, match="expected an array of numbers"):
            parse_kernel(str(tmp_path / name))
    assert not (tmp_path / "sprung").exists()


def test_a_cut_off_npy_and_an_archive_are_refused(tmp_path):
    np.save(tmp_path / "k.npy", np.ones((3, 3)))
    whole = (tmp_path / "k.npy").read_bytes()
    (tmp_path / "k.npy").write_bytes(whole[:-5])
    with pytest.raises(KernelError, match="expected an array of numbers"):
        parse_kernel(str(tmp_path / "k.npy"))
    with (tmp_path / "z.npy").open("wb") as file:
        np.savez(file, taps=np.ones((3, 3)))
    with pytest.raises(KernelError, match=r"an archive of arrays \(\.npz\)"):
        parse_kernel(str(tmp_path / "z.npy"))


def test_a_black_png_is_refused(tmp_path):
    PillowImage.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "psf.png")
    with pytest.raises(KernelError, match="got a black picture"):
        parse_kernel(str(tmp_path / "psf.png"))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("./sobl", r"a kernel file that exists; got '\./sobl'; try 'sobel'"),
        ("sobl.csv", r"exists; got '.*sobl\.csv'; try 'sobel'"),
        ("x\0.csv", "exists; got 'x"),
        ("x" * 5000 + ".csv", "exists; got 'xxx"),
    ],
)
def test_a_missing_file_is_named(name, told):
    with pytest.raises(KernelError, match=told):
        parse_kernel(name)


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path):
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(KernelError, match=r"\(a directory\)"):
        parse_kernel(str(tmp_path / "d.csv"))
    os.mkfifo(tmp_path / "pipe.csv")  # opening it would wait for a writer for ever
    with pytest.raises(KernelError, match=r"\(no regular file\)"):
        parse_kernel(str(tmp_path / "pipe.csv"))


def test_a_file_without_permission_is_refused(tmp_path, monkeypatch):
    def denied(self):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "k.csv").write_text("1,2")
    monkeypatch.setattr("pathlib.Path.read_bytes", denied)  # the tests may run as root, whom nothing is denied
    with pytest.raises(KernelError, match=r"k\.csv' \(Permission denied\)"):
        parse_kernel(str(tmp_path / "k.csv"))


def test_a_huge_file_is_refused_unread(tmp_path):
    with (tmp_path / "k.csv").open("wb") as file:
        file.truncate(2**29)
    with pytest.raises(KernelError, match=r"\(512 MiB\)"):
        parse_kernel(str(tmp_path / "k.csv"))
