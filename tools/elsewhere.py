"""Run the tests with the oldest dependencies (`oldest`), or with every Python from 3.11 on that is here (`pythons`)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
EXTRAS = "cluster,report,science,test"


def found(version: str) -> str | None:
    """Return a Python of that version which works; a version manager's stand-in need not."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [
        shutil.which(f"python{version}"),
        *map(str, sorted(kept.glob(f"{version}.*/bin/python"), reverse=True)),
    ]
    for one in filter(None, candidates):
        asked = [one, "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == version:
            return one
    return None


def tested(python: str, constraints: str, folder: Path, arguments: list[str]) -> int:
    """Make an environment, install convkit and what its tests need, and run them; return pytest's exit code."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    inside = folder / "bin" / "python"
    subprocess.run([inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                    "-c", ROOT / constraints, "-e", f"{ROOT}[{EXTRAS}]"], check=True)  # fmt: skip
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    chosen = arguments or ["-n", "2", "-m", "not slow"]
    return subprocess.run([inside, "-m", "pytest", "-q", *chosen], cwd=ROOT, env=environment, check=False).returncode


def main() -> int:
    """Return 0 when all tests pass in every environment that could be made."""
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "oldest":
        oldest = found(PYTHONS[0])
        if oldest is None:
            print(f"not tested: Python {PYTHONS[0]}, the oldest, is not here")
            return 0
        return tested(oldest, "constraints-oldest.txt", ROOT / ".venv-oldest", arguments)
    codes = []
    for version in PYTHONS:
        python = found(version)
        if python is None:
            print(f"not tested: Python {version} is not here")
        else:
            print(f"Python {version}: {python}", flush=True)
            codes.append(tested(python, "constraints.txt", ROOT / f".venv-{version}", arguments))
    return max(codes, default=0)


if __name__ == "__main__":
    sys.exit(main())
