"""Several pictures in one command."""

import json

import cv2
import numpy as np
import pytest


@pytest.fixture
def pictures(tmp_path, rng):
    for name in ("a", "b", "c"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), rng.integers(0, 256, (40, 50), np.uint8))
    return [f"{name}.png" for name in ("a", "b", "c")]


def test_names_are_kept_and_results_are_those_of_each_alone(convkit, tmp_path, pictures) -> None:
    done = convkit("convolve", *pictures, "-k", "box:3", "-o", "out/")
    assert done.returncode == 0, done.stderr
    assert "3 of 3 images" in done.stderr
    assert sorted(entry.name for entry in (tmp_path / "out").iterdir()) == pictures
    for name in pictures:
        assert convkit("convolve", name, "-k", "box:3", "-o", "alone.png", "-q").returncode == 0
        assert (tmp_path / "alone.png").read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_one_bad_file_is_told_at_the_end_and_the_others_are_written(convkit, tmp_path, pictures) -> None:
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:100])
    done = convkit("convolve", *pictures, "missing.png", "-k", "sobel", "-o", "out")
    assert done.returncode == 1
    assert {entry.name for entry in (tmp_path / "out").iterdir()} == {"a.png", "c.png"}
    told = done.stderr.splitlines()
    assert told[-2].startswith("convkit: b.png: expected a whole picture")
    assert told[-1].startswith("convkit: missing.png: expected an image file")
    assert "2 of 4 images" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_is_one_object(convkit, pictures) -> None:
    done = convkit("convolve", *pictures, "missing.png", "-k", "sobel", "-o", "out", "--json")
    record = json.loads(done.stdout)
    assert record["schema"] == "convkit.convolutions/1"
    assert [entry["image"] for entry in record["images"]] == pictures
    assert all(entry["schema"] == "convkit.convolution/1" for entry in record["images"])
    assert [entry["image"] for entry in record["failed"]] == ["missing.png"]
    assert done.returncode == 1


def test_without_a_folder_each_gets_the_kernels_name(convkit, tmp_path, pictures) -> None:
    assert convkit("convolve", *pictures, "-k", "sobel", "-q").returncode == 0
    assert all((tmp_path / f"{name}.sobel.png").exists() for name in "abc")


def test_a_single_picture_into_a_folder(convkit, tmp_path, pictures) -> None:
    (tmp_path / "out").mkdir()
    assert convkit("convolve", "a.png", "-k", "sobel", "-o", "out", "-q").returncode == 0
    assert (tmp_path / "out/a.png").exists()


def test_inputs_are_never_overwritten(convkit, tmp_path, pictures) -> None:
    before = [(tmp_path / name).read_bytes() for name in pictures]
    done = convkit("convolve", *pictures, "-k", "sobel", "-o", ".")
    assert done.returncode == 1
    assert done.stderr.count("an output that is not an input") == 3
    assert [(tmp_path / name).read_bytes() for name in pictures] == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.png", "b.png", "-o", "c.png"], "expected a folder for several images"),
        (["a.png", "b.png", "-o", "new.png"], "expected a folder for several images"),
        (["a.png", "b.png", "-o", "-"], "expected a folder for several images"),
        (["a.png", "./a.png", "-o", "out/"], "expected images of different names"),
        (["a.png", "-", "-o", "out/"], "expected files, where several images are given"),
        (["a.png", "b.png", "-o", "no/such/folder/"], "expected a folder to write into"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(convkit, pictures, arguments, message) -> None:
    done = convkit("convolve", *arguments, "-k", "sobel")
    assert done.returncode == 2
    assert message in done.stderr


def test_compression(convkit, tmp_path, root) -> None:
    sizes = {}
    for level in ("0", "9", None):
        options = [] if level is None else ["--compression", level]
        picture = root / "pictures/scene.png"
        assert convkit("convolve", picture, "-k", "box:3", "-o", "y.png", "-q", *options).returncode == 0
        sizes[level] = (tmp_path / "y.png").stat().st_size
    assert sizes["9"] < sizes["0"]
    assert sizes[None] < sizes["0"]
    refused = convkit("convolve", "edges", "-k", "1,-1", "-o", "y.png", "--compression", "10")
    assert refused.returncode == 2
    assert "--compression" in refused.stderr
