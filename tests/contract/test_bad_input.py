"""A mistake ends in one message in three beats, exit code 2, and nothing written."""

import os
from pathlib import Path

import numpy as np
import pytest

LEARN = ("learn-kernel", "--steps", "1")


def refused(done, folder: Path, before: set[str]) -> str:
    assert done.returncode == 2, (done.returncode, done.stderr, done.stdout)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert {entry.name for entry in folder.iterdir()} == before, "something was written"
    lines = done.stderr.splitlines()
    assert lines[0].startswith("convkit: expected "), done.stderr
    assert lines[1].strip().startswith("got "), done.stderr
    assert lines[2].strip().startswith("try "), done.stderr
    return done.stderr


@pytest.fixture
def folder(tmp_path: Path, root: Path) -> Path:
    """A folder of things that are no picture."""
    picture = (root / "pictures/scene.png").read_bytes()
    (tmp_path / "photo.png").write_bytes(picture)
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "cut.png").write_bytes(picture[: len(picture) // 2])
    (tmp_path / "words.png").write_text("this is no picture")
    (tmp_path / "nan.csv").write_text("1,nan\n2,3\n")
    (tmp_path / "ragged.csv").write_text("1,2\n3\n")
    (tmp_path / "bad.toml").write_text("kernel = [")
    (tmp_path / "unknown.toml").write_text('kernal = "1,-1"\n')
    (tmp_path / "wrong.toml").write_text("lr = -1\n")
    (tmp_path / "x.csv").write_text("1,2\n3,5\n")
    (tmp_path / "k.csv").write_text("1,-1\n")
    (tmp_path / "grid.toml").write_text("[vary]\nseed = [0, 1]\n")
    (tmp_path / "array.toml").write_text("image = [[1, 2], [3]]\n")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "infinite.npy", np.array([[1.0, np.inf]]))
    (tmp_path / "directory").mkdir()
    return tmp_path


_CASES = {
    "missing image": (("convolve", "nope.png", "-k", "sobel"), "nope.png"),
    "empty image": (("convolve", "empty.png", "-k", "sobel"), "empty.png"),
    "truncated image": (("convolve", "cut.png", "-k", "sobel"), "cut.png"),
    "no image": (("convolve", "words.png", "-k", "sobel"), "words.png"),
    "a directory": (("convolve", "directory", "-k", "sobel"), "director"),
    "NaN in a matrix": (("convolve", "nan.csv", "-k", "1"), "'nan' in row 1, column 2"),
    "ragged matrix": (("convolve", "ragged.csv", "-k", "1"), "1 in row 2"),
    "pickled array": (("convolve", "objects.npy", "-k", "1"), "objects.npy"),
    "infinite array": (("convolve", "infinite.npy", "-k", "1"), "inf"),
    "missing folder": (("convolve", "photo.png", "-k", "sobel", "-o", "no/such/out.png"), "no/such"),
    "output is the input": (("convolve", "photo.png", "-k", "sobel", "-o", "./photo.png"), "photo.png"),
    "output of unknown kind": (("convolve", "photo.png", "-k", "sobel", "-o", "out.xyz"), "out.xyz"),
    "floats into PNG": (("convolve", "photo.png", "-k", "sobel", "--map", "none", "-o", "o.png"), ".png"),
    "empty kernel": (("convolve", "edges", "-k", ""), "empty"),
    "ragged kernel": (("convolve", "edges", "-k", "1,2;3"), "row 2"),
    "kernel of words": (("convolve", "edges", "-k", "1,x"), "'x' in row 1, column 2"),
    "kernel of NaN": (("convolve", "edges", "-k", "1,nan"), "nan"),
    "infinite kernel": (("convolve", "edges", "-k", "1,1e999"), "1e999"),
    "swallowed flag": (("convolve", "edges", "-k", "--json"), "--json"),
    "swallowed flag of learn": ((*LEARN, "--kernel", "--json"), "--json"),
    "kernel larger than the image": (("convolve", "edges", "-k", "box:7"), "7x7"),
    "unknown kernel": (("convolve", "edges", "-k", "sobell"), "sobel"),
    "unknown padding": (("convolve", "edges", "-k", "1", "--padding", "miror"), "mirror"),
    "unknown backend": (("convolve", "edges", "-k", "1", "--backend", "ftt"), "fft"),
    "unknown map": (("convolve", "edges", "-k", "1", "--map", "clap"), "clip"),
    "zero stride": (("convolve", "edges", "-k", "1", "--stride", "0"), "'0'"),
    "too many pixels": (("convolve", "photo.png", "-k", "1", "--max-pixels", "100"), "100 pixels"),
    "two kernels": (("convolve", "photo.png", "-k", "sobel", "-k", "box"), "--combine"),
    "zero size": ((*LEARN, "--size", "0"), "'0'"),
    "negative size": ((*LEARN, "--size", "-3"), "'-3'"),
    "no steps": (("learn-kernel", "--steps", "0"), "'0'"),
    "negative rate": ((*LEARN, "--lr", "-0.1"), "'-0.1'"),
    "infinite rate": ((*LEARN, "--lr", "inf"), "'inf'"),
    "rate that is no number": ((*LEARN, "--lr", "fast"), "'fast'"),
    "unknown learning backend": ((*LEARN, "--backend", "conv3d"), "conv2d"),
    "unknown solver": ((*LEARN, "--solver", "sgd"), "gd"),
    "automatic size without a target": ((*LEARN, "--size", "auto"), "--target"),
    "more targets than images": (
        (*LEARN, "--image", "photo.png", "--target", "photo.png", "--target", "photo.png"), "1 images and 2 targets",
    ),
    "target of half the size": (
        (*LEARN, "--image", "noise:size=40", "--target", "noise:size=20"), "0.5 times the image's size",
    ),
    "pairs that are not there": ((*LEARN, "--pairs", "nope.csv", "--size", "3"), "nope.csv"),
    "pairs of one column": ((*LEARN, "--pairs", "ragged.csv", "--size", "3"), "line 2"),
    "a mask of another shape": ((*LEARN, "--image", "edges", "--mask", "noise"), "64x64"),
    "a mask that leaves nothing": (
        (*LEARN, "--image", "1,2,3", "--kernel", "1", "--mask", "0,0,0"), "leaves some output",
    ),
    "a negative ridge": ((*LEARN, "--solver", "exact", "--ridge", "-1"), "'-1'"),
    "a robust loss on the Gram matrix": ((*LEARN, "--loss", "huber", "--backend", "gram"), "gram"),
    "a light that is none": ((*LEARN, "--transfer", "gamma"), "gamma"),
    "target of a shape nothing explains": (
        (*LEARN, "--image", "photo.png", "--target", "noise:size=9", "--size", "3"), "9x9",
    ),
    "unknown config key": ((*LEARN, "--config", "unknown.toml"), "kernel"),
    "config out of range": ((*LEARN, "--config", "wrong.toml"), "wrong.toml"),
    "config that is no TOML": ((*LEARN, "--config", "bad.toml"), "bad.toml"),
    "missing config": ((*LEARN, "--config", "none.toml"), "none.toml"),
    "save into nowhere": ((*LEARN, "--save", "no/where.json"), "no"),
    "save as a picture": ((*LEARN, "--save", "kernel.gif"), "kernel.gif"),
    "vary nothing": (("compare", "--vary", "noise"), "noise"),
    "vary an unknown key": (("compare", "--vary", "nois=0 1"), "noise"),
    "vary out of range": (("compare", "--vary", "steps=0 1"), "'0'"),
    "compare without an image": (("compare", "--image", "nope.png", "--save", "runs.jsonl"), "nope.png"),
    "read what is no comparison": (("compare", "nan.jsonl"), "nan.jsonl"),
    "sort by nothing": (("compare", "--steps", "1", "--sort", "finalloss"), "final_loss"),
    "save over the image": ((*LEARN, "--image", "photo.png", "--save", "k.csv", "--kernel", "k.csv"), "k.csv"),
    "save runs over the image": (("compare", "--image", "x.csv", "--steps", "2", "--save", "x.csv"), "x.csv"),
    "append runs to something else": (("compare", "--steps", "2", "--save", "x.csv"), "x.csv"),
    "export over the input": (("kernels", "x.csv", "--to", "json", "-o", "x.csv"), "x.csv"),
    "a tolerance on nothing": ((*LEARN, "--tolerance", "1e-3"), "--expect"),
    "a grid for one run": ((*LEARN, "--config", "grid.toml"), "convkit compare grid.toml"),
    "numbers beyond the type": (("convolve", "1e308,1e308", "-k", "1,1"), "1e+308"),
    "an image that overflows": ((*LEARN, "--image", "1e160,2e160;1,2"), "2e+160"),
    "an image that underflows": ((*LEARN, "--image", "1e-163,2e-163;1e-163,0"), "2e-163"),
    "a ragged array in a config": ((*LEARN, "--config", "array.toml"), "rows of"),
    "numbers that are none": (("convolve", "1,nan", "-k", "1"), "'nan' in row 1, column 2"),
    "exact through a convolution": ((*LEARN, "--solver", "exact", "--backend", "conv2d"), "conv2d"),
    "gram in float32": ((*LEARN, "--dtype", "float32", "--backend", "gram"), "float32"),
    "a ridge on a descent": ((*LEARN, "--ridge", "auto"), "--solver gd"),
    "an unknown constraint": ((*LEARN, "--solver", "exact", "--constraint", "sum-1"), "sum-one"),
    "constraints that exclude": (
        (*LEARN, "--solver", "exact", "--constraint", "sum-one", "--constraint", "zero-sum"), "sum-one with zero-sum",
    ),
    "a constraint on a descent": ((*LEARN, "--constraint", "symmetric"), "--solver gd"),
    "a tolerance of zero": ((*LEARN, "--tol", "0"), "'0'"),
    "unknown kernel to show": (("kernels", "lapacian"), "laplacian"),
    "unknown export": (("kernels", "sobel", "--to", "cvs"), "csv"),
}  # fmt: skip


@pytest.mark.parametrize("case", _CASES)
def test_mistakes(convkit, folder: Path, case: str) -> None:
    arguments, named = _CASES[case]
    before = {entry.name for entry in folder.iterdir()}
    assert named in refused(convkit(*arguments), folder, before)


@pytest.mark.parametrize(
    "arguments",
    [
        ("convolve", "-k", "sobel", "-o", "a.npy"),
        (*LEARN, "--target", "photo.png", "--image"),
        ("compare", "--cluster"),
    ],
    ids=["convolve", "learn-kernel", "cluster"],
)
def test_text_that_is_too_long_for_a_name_is_an_input_that_is_none(convkit, folder: Path, arguments) -> None:
    said = refused(convkit(*arguments, "[[" + "9" * 300), folder, {entry.name for entry in folder.iterdir()})
    assert "output" not in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_one_may_not_write_into(convkit, folder: Path) -> None:
    (folder / "directory").chmod(0o500)
    before = {entry.name for entry in folder.iterdir()}
    refused(convkit("convolve", "photo.png", "-k", "sobel", "-o", "directory/o.png"), folder, before)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(("learn-kernel", "--stepz", "3"), "--steps"), (("convole", "x"), "convolve"), (("convolve",), "IMAGE")],
)
def test_usage_errors_exit_2_with_a_suggestion(convkit, arguments: tuple[str, ...], named: str) -> None:
    done = convkit(*arguments)
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_an_output_through_a_link_to_the_input_is_refused(convkit, folder: Path) -> None:
    (folder / "link.png").symlink_to("photo.png")
    before = {entry.name for entry in folder.iterdir()}
    refused(convkit("convolve", "photo.png", "-k", "sobel", "-o", "link.png"), folder, before)
