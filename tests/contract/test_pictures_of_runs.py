"""--plot and --animate of the real command: what is written, and what is refused before the run."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FILTER = """
import sys
import numpy as np
from PIL import Image
values = np.asarray(Image.open(sys.argv[1]).convert("L"), float)
blurred = (values + np.roll(values, 1, axis=1)) / 2
Image.fromarray(np.floor(blurred + 0.5).astype(np.uint8)).save(sys.argv[2])
"""

MAGIC = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}

COMMANDS = {
    "learn-kernel": ("learn-kernel",),
    "convolve": ("convolve", "edges", "-k", "1,-1"),
    "compare": ("compare", "--vary", "noise=0.1 0.2", "--vary", "seed=0 1"),
}


@pytest.mark.parametrize("suffix", MAGIC)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_draws_into_every_kind_of_file(convkit, tmp_path: Path, command: str, suffix: str) -> None:
    plain = convkit(*COMMANDS[command])
    done = convkit(*COMMANDS[command], "--plot", f"out{suffix}")
    assert done.returncode == 0
    assert (tmp_path / f"out{suffix}").read_bytes().startswith(MAGIC[suffix])
    assert f"wrote out{suffix}" in done.stderr
    if command != "compare":  # which tells seconds
        assert done.stdout == plain.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_same_arguments_same_bytes(convkit, tmp_path: Path, command: str) -> None:
    for name in ("a.png", "b.png"):
        assert convkit(*COMMANDS[command], "--plot", name, "--quiet").stderr == ""
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_json_stays_one_line_beside_pictures(convkit, tmp_path: Path) -> None:
    done = convkit("learn-kernel", "--json", "--plot", "a.svg", "--animate", "a.gif")
    assert json.loads(done.stdout)["status"] == "max-steps"
    assert done.stderr == ""
    assert (tmp_path / "a.svg").is_file()
    with Image.open(tmp_path / "a.gif") as picture:
        assert picture.n_frames == 41


def test_a_program_is_drawn_too(convkit, tmp_path: Path) -> None:
    (tmp_path / "filter.py").write_text(FILTER)
    program = f"{sys.executable} filter.py {{input}} {{output}}"
    done = convkit("learn-kernel", "--program", program, "--plot", "out.svg")
    assert done.returncode == 0, done.stderr
    drawn = (tmp_path / "out.svg").read_text()
    for title in ("Before and after", "The kernel", "What is left", "Frequency response"):
        assert title in drawn


def test_plotting_a_large_image_does_not_change_what_is_written(convkit, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((70, 50)).astype(np.float32))
    assert convkit("convolve", "x.npy", "-k", "sobel", "-o", "a.npy", "-q").returncode == 0
    assert convkit("convolve", "x.npy", "-k", "sobel", "-o", "b.npy", "-q", "--plot", "b.png").returncode == 0
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"), rtol=1e-5, atol=1e-6)


REFUSED = {
    "another ending": (("learn-kernel", "--save", "k.json", "--plot", "a.jpg"), "'a.jpg'", "--plot a.png"),
    "no ending": (("compare", "--save", "r.jsonl", "--plot", "a"), "'a'", "--plot a.png"),
    "no folder": (("learn-kernel", "--save", "k.json", "--plot", "no/a.png"), "/no', which is none", "making it first"),
    "a folder": (
        ("convolve", "edges", "-k", "1,-1", "-o", "y.npy", "--plot", "folder.png"),
        "a folder",
        "a file inside",
    ),
    "an input": (("learn-kernel", "--image", "in.png", "--kernel", "1,-1", "--plot", "in.png"), "for both", "another"),
    "one for two": (("learn-kernel", "--plot", "a.png", "--animate", "./a.png"), "--plot and --animate", "two names"),
    "the output": (
        ("convolve", "in.png", "-k", "sobel", "-o", "y.png", "--plot", "y.png"),
        "--output and --plot",
        "two",
    ),
    "a film": (("learn-kernel", "--save", "k.json", "--animate", "a.mp4"), "'a.mp4'", "--animate a.gif"),
    "no steps": (("learn-kernel", "--solver", "exact", "--animate", "a.gif"), "takes no steps", "--solver gd"),
    "many images": (("convolve", "edges", "noise", "-k", "sobel", "-o", "out/", "--plot", "a.png"), "2 images", "one"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_written_is_refused_before_the_run(convkit, tmp_path: Path, case: str) -> None:
    Image.new("L", (20, 20)).save(tmp_path / "in.png")
    (tmp_path / "folder.png").mkdir()
    before = sorted(path.name for path in tmp_path.iterdir())
    arguments, got, hint = REFUSED[case]
    done = convkit(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert got in done.stderr
    assert hint in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_without_the_extra_it_is_named_before_the_run(convkit, tmp_path: Path, command: str) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "matplotlib.py").write_text("raise ImportError('not here')")
    done = convkit(*COMMANDS[command], "--plot", "a.png", env={"PYTHONPATH": str(hidden)})
    assert done.returncode == 2
    assert "expected matplotlib for --plot" in done.stderr
    assert "pip install 'convkit[report]'" in done.stderr
    assert done.stdout == ""
    # Everything else goes on without it, moving pictures too.
    rest = convkit("learn-kernel", "--animate", "a.gif", env={"PYTHONPATH": str(hidden)})
    assert rest.returncode == 0, rest.stderr


def test_a_picture_does_not_overwrite_the_result_that_names_itself(convkit, tmp_path: Path) -> None:
    Image.new("L", (40, 40)).save(tmp_path / "in.png")
    done = convkit("convolve", "in.png", "-k", "sobel", "--plot", "in.sobel.png")
    assert done.returncode == 2
    assert not (tmp_path / "in.sobel.png").exists()
    assert "two names" in done.stderr
