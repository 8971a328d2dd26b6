"""What a process that was killed leaves is cleared up; what somebody is at work on is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from convkit.image import atomic_write
from convkit.image.leftovers import claim, sweep

KILLED = """
import os, signal, sys
from convkit.image import atomic_write
with atomic_write(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_while_writing(path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_the_next_output_clears_up_after_one_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"old")
    killed_while_writing(tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_bytes() == b"old"
    assert len(names(tmp_path)) == 2
    with atomic_write(tmp_path / "b.txt") as file:
        file.write(b"new")
    assert names(tmp_path) == ["a.txt", "b.txt"]


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.txt") as file:
        file.write(b"whole")
        sweep(tmp_path, ".convkit-", ".tmp")
        assert len(names(tmp_path)) == 1
    assert (tmp_path / "a.txt").read_bytes() == b"whole"


def test_a_file_swept_before_it_was_claimed_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swept = []

    def late(descriptor: int) -> bool:
        if not swept:
            sweep(tmp_path, ".convkit-", ".tmp")  # as another process may, just then
            swept.append(1)
        return claim(descriptor)

    monkeypatch.setattr("convkit.image.atomic.claim", late)
    with atomic_write(tmp_path / "a.txt") as file:
        file.write(b"whole")
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"whole"


def test_only_files_and_folders_of_the_name_go(tmp_path: Path) -> None:
    for name in (".convkit-1.tmp", ".convkit-1.txt", "convkit-1.tmp", "photo.png"):
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / ".convkit-2.tmp")
    (tmp_path / ".convkit-3.tmp").symlink_to("photo.png")
    (tmp_path / ".convkit-4.tmp").mkdir()
    (tmp_path / ".convkit-4.tmp/inside").touch()
    sweep(tmp_path, ".convkit-", ".tmp")
    assert names(tmp_path) == [".convkit-1.txt", ".convkit-2.tmp", ".convkit-3.tmp", "convkit-1.tmp", "photo.png"]


def test_nobody_else_can_read_what_is_not_whole(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.txt"):
        assert next(tmp_path.iterdir()).stat().st_mode & 0o777 == 0o600
