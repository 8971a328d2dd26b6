"""Doors that must stay shut: no shell, no pickle, no files without end, no text without limit."""

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hostile import corpus
from hostile.running import run

from convkit import ConvkitError, NormalEquations
from convkit.experiment import Comparison, Recovery
from convkit.experiment.runs_file import read_saved


class Harmful:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("pwned"),)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scene.png").write_bytes(corpus.whole("png"))
    return tmp_path


def test_the_harm_is_real(folder: Path) -> None:
    pickle.loads(pickle.dumps(Harmful()))  # noqa: S301 - so that the tests below test something
    assert (folder / "pwned").exists()


def test_arrays_are_never_unpickled(folder: Path) -> None:
    objects = np.array([[Harmful(), 1]], dtype=object)
    np.save("objects.npy", objects, allow_pickle=True)
    np.savez("objects.npz", moments=objects, schema=objects)
    Path("plain.npy").write_bytes(pickle.dumps(Harmful()))
    NormalEquations.of(np.eye(9), np.eye(9)[:, 1:], (1, 2)).save("sums.npz")
    with zipfile.ZipFile("sums.npz", "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.write("objects.npy", "size.npy")
    for name in ("objects.npy", "plain.npy", "objects.npz", "sums.npz"):
        for arguments in (
            ("convolve", name, "-k", "1"), ("convolve", "scene.png", "-k", f"./{name}"), ("kernels", f"./{name}"),
            ("learn-kernel", "--target", name, "--image", "scene.png"), ("learn-kernel", "--mask", name),
        ):  # fmt: skip
            assert run(*arguments).code == 2, arguments
        with pytest.raises(ConvkitError):
            NormalEquations.load(name)
    assert not Path("pwned").exists()


@pytest.mark.parametrize(
    "command",
    [
        "cp {input} {output}; touch {folder}/pwned",
        "cp {input} {output} && touch {folder}/pwned",
        "cp {input} {output} | touch {folder}/pwned",
        "cp $(touch {folder}/pwned) {input} {output}",
        "cp `touch {folder}/pwned` {input} {output}",
        "cp {input} {output} > {folder}/pwned",
        "$SHELL -c true {input} {output}",
    ],
)
def test_a_program_never_meets_a_shell(command: str, folder: Path) -> None:
    text = command.replace("{folder}", str(folder))
    done = run("learn-kernel", "--program", text, "--size", "3", "-q")
    assert done.code == 2, done
    assert not (folder / "pwned").exists()


@pytest.mark.parametrize("suffix", [".toml", ".jsonl", ".json", ".mat", ".csv", ".txt", ".npy", ".npz"])
def test_a_pipe_and_an_endless_device_under_any_name(suffix: str, folder: Path) -> None:
    """Told as what they are: neither is waited for, nor read."""
    os.mkfifo(f"pipe{suffix}")
    Path(f"zeros{suffix}").symlink_to("/dev/zero")
    for name in (f"pipe{suffix}", f"zeros{suffix}"):
        for arguments in (
            ("compare", name), ("learn-kernel", "--config", name), ("kernels", f"./{name}"),
            ("convolve", name, "-k", "1"), ("convolve", "scene.png", "-k", f"./{name}"),
            ("learn-kernel", "--pairs", name, "--size", "3"), ("learn-kernel", "--save", name),
            ("compare", "--save", name, "--steps", "1"), ("learn-kernel", "--expect", f"./{name}"),
        ):  # fmt: skip
            assert run(*arguments, "-q").code == 2, arguments
        for load in (Recovery.load, Comparison.load, NormalEquations.load, read_saved):
            with pytest.raises(ConvkitError):
                load(name)


def sparse(name: str, size: int) -> str:
    """A file that claims a size and takes no room."""
    with Path(name).open("wb") as file:
        file.truncate(size)
    return name


def test_files_of_text_have_a_limit(folder: Path) -> None:
    for name, size, arguments in (
        ("a.toml", 1_000_001, ("learn-kernel", "--config", "a.toml")),
        ("b.toml", 1_000_001, ("compare", "b.toml")),
        ("a.jsonl", (1 << 30) + 1, ("compare", "a.jsonl")),
        ("a.json", (1 << 28) + 1, ("kernels", "a.json")),
        ("a.mat", (1 << 28) + 1, ("kernels", "a.mat")),
        ("k.csv", (1 << 28) + 1, ("kernels", "k.csv")),
        ("x.csv", 64_000_001, ("convolve", "x.csv", "-k", "1")),
        ("p.csv", 10_000_001, ("learn-kernel", "--pairs", "p.csv", "--size", "3")),
    ):
        sparse(name, size)
        assert run(*arguments, "-q").code == 2, name
    for load in (Recovery.load, Comparison.load):
        with pytest.raises(ConvkitError, match="more than"):
            load(sparse("r.json", (1 << 30) + 1))


@pytest.mark.parametrize("depth", [100, 900, 1100, 100_000])
def test_nesting_has_a_limit(depth: int, folder: Path) -> None:
    for name, text in {
        "a.toml": f"kernel = {'[' * depth}1{']' * depth}\n",
        "b.toml": f"kernel = {'{a = ' * depth}1{'}' * depth}\n",
        "a.json": "[" * depth + "1" + "]" * depth,
        "b.json": '{"taps": ' * depth + "1" + "}" * depth,
        "a.jsonl": '{"schema": ' * depth + '"convkit.run/1"' + "}" * depth + "\n",
    }.items():
        Path(name).write_text(text)
        command = ("kernels", name) if name.endswith(".json") else ("compare", name)
        assert run(*command, "-q").code == 2, name
    with pytest.raises(ConvkitError):
        Recovery.load("b.json")
