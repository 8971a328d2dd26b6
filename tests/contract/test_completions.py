"""Completion in the shells themselves: what a person gets who types a beginning and presses Tab."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(sys.executable).parent


def shell(program: str, script: str, home: Path) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"not installed: {program}")
    if not (FOLDER / "convkit").exists():
        pytest.skip("the command convkit is not installed beside this Python")
    environment = {"PATH": f"{FOLDER}:{os.environ['PATH']}", "HOME": str(home), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    # Typer asks which shell is its parent; told beforehand, it need not.
    environment["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = "1"
    quiet = {"bash": ["--noprofile", "--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[program]
    done = subprocess.run(
        [program, *quiet, "-c", script],
        env=environment,
        cwd=home,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_bash(tmp_path: Path) -> None:
    script = """
        source <(convkit --show-completion bash)
        complete -p convkit
        COMP_WORDS=(convkit learn-kernel --prog) COMP_CWORD=2 COMP_LINE="convkit learn-kernel --prog"
        complete=$(complete -p convkit | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        $complete convkit
        printf 'found %s\\n' "${COMPREPLY[@]}"
    """
    told = shell("bash", script, tmp_path).splitlines()
    assert [line for line in told if line.startswith("found ")] == ["found --program", "found --program-timeout"]


def test_zsh(tmp_path: Path) -> None:
    script = """
        autoload -U compinit; compinit -u -d "$HOME/dump"
        source <(convkit --show-completion zsh)
        print -r -- "registered ${_comps[convkit]}"
        _arguments() { print -r -- "arguments $*"; }
        _describe() { print -r -- "described $*"; }
        words=(convkit comp) CURRENT=2
        ${_comps[convkit]}
    """
    told = shell("zsh", script, tmp_path)
    assert "registered _convkit_completion" in told
    assert "compare" in told.split("registered")[1]


def test_fish(tmp_path: Path) -> None:
    script = """
        convkit --show-completion fish | source
        complete --do-complete 'convkit kern'
        complete --do-complete 'convkit convolve --comb'
    """
    told = shell("fish", script, tmp_path).splitlines()
    assert [line.split("\t")[0] for line in told] == ["kernels", "--combine"]
