"""A seeded sample of hostile files and places through the real command: what the shell sees."""

import os
from pathlib import Path

import numpy as np
import pytest
from hostile import corpus
from hostile.test_files import PLACES

MANY = [*corpus.sound(), *corpus.refused(), *corpus.kernels(), *corpus.configurations()]
_RNG = np.random.default_rng(corpus.SEED)
CASES = [
    (*MANY[number], str(_RNG.choice(list(PLACES)))) for number in sorted(_RNG.choice(len(MANY), 40, replace=False))
]


def told(case: tuple[str, bytes, str], convkit, folder: Path) -> None:
    name, data, place = case
    (folder / "scene.png").write_bytes(corpus.whole("png"))
    (folder / name).write_bytes(data)
    before = set(folder.iterdir())
    done = convkit(*(word.format(name) if word == "{}" else word for word in PLACES[place]))
    assert done.returncode in (0, 1, 2), done
    assert "Traceback" not in done.stderr
    assert "bug in convkit" not in done.stderr
    if done.returncode == 2:
        # libtiff, inside Pillow, may have had its say before.
        lines = [line for line in done.stderr.splitlines() if line.startswith("convkit: ")]
        assert len(lines) == 1, done.stderr
        assert set(folder.iterdir()) == before


@pytest.mark.parametrize("case", CASES[:6], ids=lambda case: f"{case[0]} as {case[2]}")
def test_a_sample(case: tuple[str, bytes, str], convkit, tmp_path: Path) -> None:
    told(case, convkit, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[6:], ids=lambda case: f"{case[0]} as {case[2]}")
def test_a_larger_sample(case: tuple[str, bytes, str], convkit, tmp_path: Path) -> None:
    told(case, convkit, tmp_path)


@pytest.mark.parametrize("name", corpus.NAMES[:2] + corpus.NAMES[3:9])
def test_names_on_a_terminals_lines(name: bytes, convkit, tmp_path: Path) -> None:
    """Hostile names come out quoted, one message in three lines, and in the table of what was written."""
    path = os.fsdecode(name)
    (tmp_path / path).parent.mkdir(exist_ok=True, parents=True)
    (tmp_path / path).write_bytes(b"no picture")
    done = convkit("convolve", f"./{path}", "-k", "1")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 3, done.stderr
    (tmp_path / path).write_bytes(corpus.whole("png"))
    done = convkit("convolve", f"./{path}", "-k", "1", "-o", f"./out{path.replace('/', '_')}")
    assert done.returncode == 0, done.stderr
    for harmful in ("\x1b", "\x07", "\u202e"):
        assert harmful not in done.stdout + done.stderr
