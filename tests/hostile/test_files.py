"""Every broken, odd or hostile file through every command: exit 2 or a right answer, and nothing else."""

import os
from pathlib import Path

import numpy as np
import pytest
from hostile import corpus
from hostile.running import Ending, names_in, run

import convkit

CONVOLVE = ("convolve", "{}", "-k", "2", "-o", "out.npy", "-q")
LEARN = ("learn-kernel", "--steps", "2", "-q")
#: Every place of a command that a file can stand in.
PLACES = {
    "image to filter": CONVOLVE,
    "image to filter into a picture": ("convolve", "{}", "-k", "2", "-o", "out.png", "-q"),
    "kernel to filter with": ("convolve", "scene.png", "-k", "{}", "-o", "out.npy", "-q"),
    "image to learn from": (*LEARN, "--image", "{}", "--kernel", "2"),
    "target": ("learn-kernel", "--image", "scene.png", "--target", "{}", "--size", "3", "-q"),
    "mask": (*LEARN, "--image", "scene.png", "--mask", "{}"),
    "true kernel": (*LEARN, "--image", "scene.png", "--kernel", "{}"),
    "expected kernel": (*LEARN, "--expect", "{}", "--tolerance", "1"),
    "pairs": ("learn-kernel", "--pairs", "{}", "--size", "3", "-q"),
    "configuration": ("learn-kernel", "--config", "{}", "-q"),
    "comparison": ("compare", "{}", "-q"),
    "kernel to show": ("kernels", "{}", "--json"),
}
MOST = ("image to filter", "kernel to filter with", "target")  # of the many files that differ in little


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "scene.png").write_bytes(corpus.whole("png"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def through(folder: Path, name: str, place: str) -> Ending:
    """Give a file to a command, and see that it leaves nothing half done."""
    before = names_in(folder)
    done = run(*(word.format(name) if word == "{}" else word for word in PLACES[place]))
    wrote = names_in(folder) - before
    assert done.code in (0, 1, 2), (name, place, done)
    assert wrote <= {b"out.npy", b"out.png"}, (name, place, "left something behind")
    if done.code == 2:
        assert not wrote, (name, place, "wrote an output")
        assert "expected" in done.told or done.told, (name, place)
    for one in wrote:
        (folder / os.fsdecode(one)).unlink()
    return done


def everywhere(folder: Path, name: str, data: bytes, places: tuple[str, ...] = tuple(PLACES)) -> dict[str, int]:
    (folder / name).write_bytes(data)
    codes = {place: through(folder, name, place).code for place in places}
    (folder / name).unlink()
    return codes


@pytest.mark.parametrize("kind", corpus.FORMATS)
def test_a_file_without_its_end_is_refused(kind: str, folder: Path) -> None:
    for name, data in corpus.cut(kind):
        codes = everywhere(folder, name, data, MOST)
        if kind != "csv":  # of text, fewer rows are an image too
            assert codes["image to filter"] == 2, name


@pytest.mark.parametrize("kind", corpus.FORMATS)
def test_bits_turned_over(kind: str, folder: Path) -> None:
    for name, data in corpus.flipped(kind, 24):
        everywhere(folder, name, data, MOST)


@pytest.mark.parametrize(("name", "data"), tuple(corpus.sound()))
def test_an_unusual_file_is_read(name: str, data: bytes, folder: Path) -> None:
    assert everywhere(folder, name, data)["image to filter"] == 0


@pytest.mark.parametrize(("name", "data"), tuple(corpus.refused()))
def test_a_file_without_a_right_answer_is_refused(name: str, data: bytes, folder: Path) -> None:
    codes = everywhere(folder, name, data)
    assert codes["image to filter"] == 2
    assert codes["image to filter into a picture"] == 2
    assert codes["image to learn from"] == 2
    assert codes["target"] == 2


@pytest.mark.parametrize(("name", "data"), tuple(corpus.kernels()))
def test_a_kernel_file_that_is_none(name: str, data: bytes, folder: Path) -> None:
    codes = everywhere(folder, name, data)
    for place in ("kernel to filter with", "true kernel", "expected kernel", "kernel to show"):
        assert codes[place] == 2, place


@pytest.mark.parametrize(("name", "data"), tuple(corpus.configurations()))
def test_a_configuration_that_is_none(name: str, data: bytes, folder: Path) -> None:
    codes = everywhere(folder, name, data)
    assert codes["configuration"] == 2
    assert codes["comparison"] == 2


def test_interlaced_and_byte_swapped_files_have_the_pixels_of_plain_ones(folder: Path) -> None:
    expected = corpus.scene() / 255
    for name, data in corpus.sound():
        (folder / name).write_bytes(data)
    for name in ("interlaced.png", "sixteen.png", "sixteen-big-endian.tif", "float-big-endian.tif"):
        np.testing.assert_allclose(convkit.load_image(name), expected, rtol=0, atol=1e-7, err_msg=name)
    for name in ("fortran.npy", "big-endian.npy"):
        np.testing.assert_array_equal(convkit.load_image(name), corpus.scene(), err_msg=name)


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_file_is_refused_at_once(place: str, folder: Path) -> None:
    for path in corpus.odd_places(folder):
        if place == "image to filter" and path.name == "folder.png":
            continue  # refused like the others, below
        assert through(folder, path.name if path.parent == folder else "file.png/inside", place).code == 2, path


@pytest.mark.parametrize("name", corpus.NAMES)
def test_a_name_that_means_something_else_elsewhere(name: bytes, folder: Path) -> None:
    path = os.fsdecode(name)
    (folder / path).parent.mkdir(exist_ok=True, parents=True)  # for "[/bold]", which the system takes for a folder
    (folder / path).write_bytes(corpus.whole("png"))
    for place in PLACES:
        done = through(folder, f"./{path}", place)
        for text in (done.stdout, done.told):
            for harmful in ("\x1b", "\x07", "\u202e", "\udcff"):
                assert harmful not in text, place
    assert through(folder, f"./{path}", "image to filter").code == 0
    assert not (folder / "pwned").exists()


def test_hostile_bytes_run_no_code(folder: Path) -> None:
    for name in ("code.npy", "objects.npy", "pickle.npy"):
        (folder / name).write_bytes(dict(corpus.refused())[name])
        for place in PLACES:
            assert through(folder, name, place).code == 2
    assert not (folder / "pwned").exists()


def test_the_corpus_is_the_same_every_time() -> None:
    for make in (corpus.sound, corpus.kernels, corpus.configurations):
        assert list(make()) == list(make())
    assert list(corpus.flipped("png", 5)) == list(corpus.flipped("png", 5))
