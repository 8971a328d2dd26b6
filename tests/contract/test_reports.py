"""``--report``: one page of HTML beside whatever the command does."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

LESSON = ("learn-kernel", "--kernel", "1,-1", "--steps", "40", "--lr", "0.01")
SECONDS = re.compile(r'"seconds": [-+.e\d]+')


def _record(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="record">(.*?)</script>', page, re.S)[1])


def test_the_lesson_as_a_page(convkit, tmp_path: Path) -> None:
    done = convkit(*LESSON, "--json", "--report", "lesson.html")
    assert done.returncode == 0
    assert done.stderr == ""
    page = (tmp_path / "lesson.html").read_text(encoding="utf-8")
    assert _record(page) == json.loads(done.stdout)
    assert "convkit learn-kernel --kernel 1,-1 --steps 40 --lr 0.01 --json --report lesson.html" in page
    assert len(page.encode()) < 300_000
    assert {entry.name for entry in tmp_path.iterdir()} == {"lesson.html"}


def test_the_page_is_announced_beside_the_tables(convkit) -> None:
    plain, told = convkit(*LESSON), convkit(*LESSON, "--report", "lesson.html")
    assert told.stdout == plain.stdout
    assert told.stderr == "wrote lesson.html\n"


def test_same_seed_same_bytes_timings_aside(convkit, tmp_path: Path) -> None:
    pages = []
    for seed in ("7", "7", "8"):
        arguments = ("--image", "noise", "--noise", "0.1", "--seed", seed)
        assert convkit("learn-kernel", *arguments, "--report", "page.html").returncode == 0
        pages.append(SECONDS.sub("", (tmp_path / "page.html").read_text(encoding="utf-8")))
    assert pages[0] == pages[1]
    assert pages[0] != pages[2]


def test_a_comparison_made_and_read_again(convkit, tmp_path: Path) -> None:
    arguments = ("compare", "--vary", "noise=0 0.1", "--vary", "seed=0:2", "--save", "runs.jsonl")
    done = convkit(*arguments, "--json", "--report", "made.html")
    assert done.returncode == 0, done.stderr
    assert _record((tmp_path / "made.html").read_text()) == json.loads(done.stdout)
    again = convkit("compare", "runs.jsonl", "--group", "noise", "--json", "--report", "read.html")
    assert again.returncode == 0, again.stderr
    assert len(_record((tmp_path / "read.html").read_text())["groups"]) == 2


@pytest.mark.parametrize("command", [("learn-kernel",), ("compare", "--vary", "seed=0:2")])
@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("page.pdf", "expected --report to a file ending in .html, .htm"),
        ("nowhere/page.html", "expected a folder to write into"),
        ("folder.html", "expected a file to write"),
    ],
)
def test_a_page_that_cannot_be_is_refused_before_the_run(
    convkit, tmp_path: Path, command, path: str, told: str
) -> None:
    (tmp_path / "folder.html").mkdir()
    done = convkit(*command, "--report", path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert told in done.stderr
    assert path.split("/")[0] in done.stderr


def test_an_input_is_not_overwritten(convkit, tmp_path: Path) -> None:
    config = tmp_path / "lesson.html"
    config.write_text("lr = 0.01\n")
    done = convkit("learn-kernel", "--config", "lesson.html", "--report", "./lesson.html")
    assert done.returncode == 2
    assert config.read_text() == "lr = 0.01\n"
    twice = convkit("learn-kernel", "--save", "a.json", "--report", "a.json")
    assert twice.returncode == 2


def test_without_the_extra_its_name_is_told_before_the_run(tmp_path: Path) -> None:
    script = "import sys; sys.modules['jinja2'] = None; from convkit.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "learn-kernel", "--report", "page.html"],
        capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert "convkit[report]" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="limits are set by a POSIX shell")
def test_the_result_is_told_though_the_disk_fills_up(tmp_path: Path) -> None:
    line = f"ulimit -f 8; exec {sys.executable} -m convkit learn-kernel --json --report page.html"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)["schema"] == "convkit.recovery/1"
    assert "page.html" in done.stderr
    assert list(tmp_path.iterdir()) == []
