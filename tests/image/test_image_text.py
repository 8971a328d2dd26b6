"""Image text: which of file, pattern, matrix and standard input a text means."""

import io
import os
from pathlib import Path

import numpy as np
import pytest

from convkit.errors import ImageError, SettingsError
from convkit.image import Kind, load_image, read_image


@pytest.fixture
def feed(monkeypatch):
    """Put bytes on standard input."""
    return lambda data: monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2,1,0; 9,5,4", [[2, 1, 0], [9, 5, 4]]),
        ("5", [[5]]),
        ("-1.5e1", [[-15]]),
        ("1/9, 2", [[1 / 9, 2]]),
        ("1 2\n3 4", [[1, 2], [3, 4]]),
    ],
)
def test_numbers_are_a_matrix(text, expected):
    image = read_image(text)
    assert np.array_equal(image.values, expected)
    assert (image.kind, image.stem, image.bits, image.path) == (Kind.MATRIX, "matrix", None, None)


@pytest.mark.parametrize(("text", "level"), [("1,2", 1.0), ("1.0,-2e3", 1.0), ("1,2.5", None), ("1/2", None)])
def test_level_of_a_matrix_tells_integers(text, level):
    assert read_image(text).level == level


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2..3", r"'2\.\.3' in row 1"),
        ("1,2;3", "1 in row 2"),
        (",", "'' in row 1"),
        ("1,nan", "'nan' in row 1, column 2"),
    ],
)
def test_malformed_numbers_are_pointed_at(text, said):
    with pytest.raises(ImageError, match=said):
        read_image(text)


def test_pattern_wins_over_a_file_of_its_name(folder, save):
    save("noise", b"1,2")
    save("noise.csv", b"1,2")
    assert read_image("noise").kind is Kind.PATTERN
    assert read_image("noise").stem == "noise"
    assert read_image("noise:size=3").shape == (3, 3)
    assert read_image("noise.csv").kind is Kind.MATRIX
    for file in ("./noise", Path("noise"), f"{folder}/noise"):
        with pytest.raises(ImageError, match="noise', which is none of these"):
            read_image(file)


def test_dot_slash_makes_a_file_of_a_number(folder, save, make_png):
    save("5", make_png([[255]], 8, 0))
    assert read_image("./5").path == Path("5")
    assert read_image(Path("5")).kind is Kind.PICTURE
    assert read_image("5").kind is Kind.MATRIX


@pytest.mark.parametrize("suffix", [".csv", ".txt", ".CSV"])
def test_text_files_are_matrices(suffix, save):
    path = save(f"m{suffix}", b"\xef\xbb\xbf# a comment\r\n1, 2\r\n\r\n3,4\r\n")
    image = read_image(path)
    assert np.array_equal(image.values, [[1, 2], [3, 4]])
    assert (image.kind, image.stem, image.level, image.path) == (Kind.MATRIX, "m", 1.0, path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a,b\n1,2", r"a matrix in '.*m\.csv' of finite numbers; got 'a' in row 1, column 1"),
        (b"1,nan", "'nan' in row 1, column 2"),
        (b"1,2\n3", "1 in row 2"),
        (b"# none\n", r"m\.csv' with at least one number"),
        (b"\xff\xfe1\0,\x002\0", "the byte 0xff at offset 0"),
        (b"", "an empty file"),
    ],
)
def test_malformed_text_files(data, said, save):
    with pytest.raises(ImageError, match=said):
        read_image(save("m.csv", data))


def test_text_files_have_a_size_limit(save, feed, monkeypatch):
    monkeypatch.setattr("convkit.image.read.TEXT_LIMIT", 20)
    assert read_image(save("m.csv", b"1 " * 10)).shape == (1, 10)
    with pytest.raises(ImageError, match=r"at most 20 bytes; got more in '.*m\.csv'; try an \.npy file"):
        read_image(save("m.csv", b"1 " * 10 + b"1"))
    feed(b"1 " * 11)
    with pytest.raises(ImageError, match="at most 20 bytes; got more in standard input"):
        read_image("-")


class TestStandardInput:
    def test_rows_of_numbers(self, feed):
        feed(b" -1.5 2\n3 4")
        image = read_image("-")
        assert np.array_equal(image.values, [[-1.5, 2], [3, 4]])
        assert (image.kind, image.stem, image.level, image.path) == (Kind.MATRIX, "stdin", None, None)

    def test_npy(self, feed):
        file = io.BytesIO()
        np.save(file, np.arange(6, dtype=np.int16).reshape(2, 3))
        feed(file.getvalue())
        image = read_image("-")
        assert np.array_equal(image.values, [[0, 1, 2], [3, 4, 5]])
        assert (image.kind, image.level) == (Kind.MATRIX, 1.0)

    def test_png(self, feed, make_png):
        feed(make_png([[0, 255]], 8, 0))
        assert np.array_equal(load_image("-"), [[0, 1]])

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"", "got nothing"),
            (b"<html>", "begins with b'<html>'"),
            (b"1 x", "'x'"),
            (b"\x89PNG", "standard input, which"),
        ],
    )
    def test_anything_else(self, data, said, feed):
        feed(data)
        with pytest.raises(ImageError, match=said):
            read_image("-")

    def test_endless_rubbish_is_not_read_to_the_end(self, monkeypatch):
        with Path("/dev/zero").open("rb") as endless:
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(endless))
            with pytest.raises(ImageError, match=r"begins with b'\\x00"):
                read_image("-")

    @pytest.mark.parametrize("stream", [None, io.StringIO("1,2"), object()])
    def test_none(self, stream, monkeypatch):
        monkeypatch.setattr("sys.stdin", stream)
        with pytest.raises(ImageError, match="none that is open"):
            read_image("-")


class Broken(io.BytesIO):
    def read(self, *_):
        raise OSError(5, "Input/output error")


class TestFilesThatAreNot:
    @pytest.mark.parametrize("suffix", [".png", ".csv", ".npy"])
    def test_broken_disk(self, suffix, save, monkeypatch):
        path = save(f"a{suffix}", b"1")
        monkeypatch.setattr(Path, "open", lambda *_: Broken())
        with pytest.raises(ImageError, match=rf"a\{suffix}' \(Input/output error\)"):
            read_image(path)

    def test_broken_pipe(self, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(Broken()))
        with pytest.raises(ImageError, match=r"standard input \(Input/output error\)"):
            read_image("-")

    @pytest.mark.parametrize("text", ["", "  ", "\n"])
    def test_no_text(self, text):
        with pytest.raises(ImageError, match=r"a pattern; got '.*'; try edges, noise"):
            read_image(text)

    @pytest.mark.usefixtures("folder")
    def test_missing(self):
        with pytest.raises(ImageError, match=r"got 'qqq\.xyz', which does not exist; try one of edges, noise"):
            read_image("qqq.xyz")

    @pytest.mark.usefixtures("folder")
    def test_missing_but_near_a_pattern(self):
        with pytest.raises(ImageError, match=r"got 'chekerboard', which does not exist; try 'checkerboard'"):
            read_image("chekerboard")
        with pytest.raises(ImageError, match=r"got 'edge:size=4', which does not exist; try 'edges'"):
            read_image("edge:size=4")

    def test_missing_but_near_a_file_of_the_folder(self, save, tmp_path):
        save("camera.png", b"x")
        with pytest.raises(ImageError, match=rf"camra\.png', which does not exist; try '{tmp_path}/camera\.png'"):
            read_image(f"{tmp_path}/camra.png")

    @pytest.mark.usefixtures("folder")
    @pytest.mark.parametrize("text", ["no/such/folder.png", "a.png/b.png"])
    def test_folder_that_is_not_there(self, text, save):
        save("a.png", b"x")
        with pytest.raises(ImageError, match=f"'{text}'"):
            read_image(text)

    def test_folder(self, tmp_path):
        with pytest.raises(ImageError, match=f"'{tmp_path}', a folder; try a file inside it"):
            read_image(tmp_path)

    def test_empty(self, save):
        with pytest.raises(ImageError, match=r"a\.png', an empty file"):
            read_image(save("a.png", b""))

    def test_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(ImageError, match=r"pipe\.png', a pipe, socket or device; try '-'"):
            read_image(tmp_path / "pipe.png")

    def test_device(self):
        with pytest.raises(ImageError, match="'/dev/zero', a pipe, socket or device"):
            read_image("/dev/zero")

    def test_symbolic_links_in_a_circle(self, tmp_path):
        (tmp_path / "a.png").symlink_to(tmp_path / "b.png")
        (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
        with pytest.raises(ImageError, match=r"a\.png' \(Too many levels of symbolic links\)"):
            read_image(tmp_path / "a.png")

    def test_unreadable(self, save, monkeypatch):
        def denied(*_):
            raise PermissionError(13, "Permission denied")

        path = save("a.png", b"x")
        monkeypatch.setattr(Path, "open", denied)  # permissions do not bind the superuser, who may run this
        with pytest.raises(ImageError, match=r"a\.png' \(Permission denied\)"):
            read_image(path)

    @pytest.mark.parametrize(
        ("text", "said"), [("a\0b", r"x00b' \(not a file"), ("x" * 400, "File name too long"), ("\ud800", "not a file")]
    )
    def test_names_that_no_file_can_have(self, text, said):
        with pytest.raises(ImageError, match=said):
            read_image(text)

    @pytest.mark.parametrize("name", ["line\nbreak.png", "[bold]x[dim].png", b"\xff\xfe.png"])
    def test_odd_names_are_read_and_told_on_one_printable_line(self, name, tmp_path, make_png):
        path = tmp_path / os.fsdecode(name)
        path.write_bytes(make_png([[0]], 8, 0))
        assert read_image(path).shape == (1, 1)
        assert read_image(str(path)).stem == os.fsdecode(name).removesuffix(".png")
        path.write_bytes(b"no picture")
        with pytest.raises(ImageError, match="none of these") as caught:
            read_image(path)
        assert str(caught.value).isprintable()
        str(caught.value).encode()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"gray": "bt602"}, "got 'bt602'; try bt601"),
        ({"gray": "luma"}, "got 'luma'; try bt601"),
        ({"background": "withe"}, "got 'withe'; try white"),
        ({"background": "1.5"}, r"got '1\.5'"),
        ({"background": "nan"}, "got 'nan'"),
        ({"background": ""}, "got ''"),
    ],
)
def test_settings_are_checked_whatever_the_image(settings, said):
    with pytest.raises(SettingsError, match=said):
        read_image("edges", **settings)


@pytest.mark.parametrize("text", ["1,2,3", "edges:size=2", "noise:3"])
def test_limit_on_pixels_of_what_needs_no_file(text):
    assert read_image(text, max_pixels=9).values.size <= 9
    with pytest.raises(ImageError, match="at most 2 pixels"):
        read_image(text, max_pixels=2)


def test_limit_on_pixels_of_text_files(save):
    with pytest.raises(ImageError, match=r"at most 2 pixels; got a matrix in '.*m\.csv' with 1 x 3"):
        read_image(save("m.csv", b"1,2,3"), max_pixels=2)
