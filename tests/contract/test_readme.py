"""What the README shows is what comes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def test_every_command_in_the_readme_prints_what_it_shows(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, root / "tools/readme.py", root / "README.md"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_check_can_fail() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
    try:
        from readme import same
    finally:
        sys.path.pop(0)
    assert same("loss 1.3742", "loss 1.3743", numbers=True)
    assert not same("loss 1.37", "loss 1.47", numbers=True)
    assert same("0.01 s 3x", "0.02 s 5x", numbers=False)
    assert not same("converged 3", "diverged 3", numbers=False)


def test_the_table_of_programs_shows_what_they_answer() -> None:
    root = Path(__file__).resolve().parents[2]
    lacking = [program for program in ("gm", "convert", "vips") if shutil.which(program) is None]
    if len(lacking) == 3:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    done = subprocess.run([sys.executable, root / "tools/programs.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
