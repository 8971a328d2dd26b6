"""Build sdist and wheel, check them, and run the README's commands where the wheel is and no development tool."""

import json
import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
# What no linter of wheels can know that it must be there.
NEEDED = ("convkit/py.typed", "convkit/kernel/library.toml", "convkit/report/page/templates/base.html")
NOT_NEEDED = ("pytest", "hypothesis", "scipy", "matplotlib", "dask")

# Of the README, without its pictures: command, exit code, and words that must come.
COMMANDS: tuple[tuple[list[str], int, str], ...] = (
    (["--version"], 0, "convkit "),
    (["learn-kernel", "--kernel", "1,-1", "--steps", "40", "--lr", "0.01"], 0, "max-steps after 40 steps"),
    (["learn-kernel", "--kernel", "1,-1", "--lr", "0.02"], 1, "diverged after 19 steps"),
    (["learn-kernel", "--size", "3"], 0, "NOT IDENTIFIABLE, rank 4 of 10"),
    (["learn-kernel", "--solver", "lbfgs", "--expect", "1,-0.9", "--tolerance", "1e-3", "--quiet"], 1, ""),
    (["convolve", "2,1,0,2,3; 9,5,4,2,0; 2,3,4,5,6; 1,2,3,1,0; 0,4,4,2,8", "--kernel", "0,1;2,3"], 0, "34 22 16  7"),
    (["convolve", "noise:size=64", "--kernel", "identity", "-o", "before.png"], 0, "wrote"),
    (["convolve", "before.png", "--kernel", "pillow/smooth", "--padding", "edge", "-o", "after.png"], 0, "wrote"),
    (["learn-kernel", "--image", "before.png", "--target", "after.png"], 0, "1,1,1; 1,5,1; 1,1,1 / 13 (proven)"),
    (["compare"], 0, "largest tap difference between backends"),
    (["kernels", "sobel", "--to", "imagemagick"], 0, "3x3: -1,0,1 -2,0,2 -1,0,1"),
    (["kernels", "lapacian"], 2, "try 'laplacian'"),
    (["learn-kernel", "--plot", "a.png"], 2, "convkit[report]"),  # an extra that is not there is named
)


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command that must work."""
    done = subprocess.run([str(one) for one in arguments], text=True, check=False, **options)
    if done.returncode:
        sys.exit(f"failed: {' '.join(map(str, arguments))}\n{done.stdout or ''}{done.stderr or ''}")
    return done


def build() -> Path:
    """Build both into an empty dist/, check them, and return the wheel."""
    for old in DIST.glob("*"):
        old.unlink()
    run(sys.executable, "-m", "build", "--outdir", DIST, ROOT, capture_output=True)
    run(sys.executable, "-m", "twine", "check", "--strict", *DIST.iterdir())
    (wheel,) = DIST.glob("*.whl")
    run(Path(sys.executable).parent / "check-wheel-contents", "--toplevel", "convkit", wheel)
    names = set(zipfile.ZipFile(wheel).namelist())
    data = {str(path.relative_to(ROOT)) for path in (ROOT / "convkit").rglob("*") if _belongs(path)}
    if missing := sorted({*NEEDED, *data} - names):
        sys.exit(f"not in the wheel: {', '.join(missing)}")
    print(f"{wheel.name}: all {len(data)} files of convkit/ are there")
    return wheel


def _belongs(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def install(wheel: Path, folder: Path) -> Path:
    """Install a wheel into a new environment; return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "-c", ROOT / "constraints.txt", wheel, capture_output=True)  # fmt: skip
    listed = run(python, "-m", "pip", "list", "--format", "json", capture_output=True).stdout
    there = {one["name"].lower() for one in json.loads(listed)}
    if extra := sorted(there & set(NOT_NEEDED)):
        sys.exit(f"installed, and ought not to be: {', '.join(extra)}")
    return python


def try_commands(python: Path, folder: Path) -> None:
    """Run the README's commands in an empty folder, with nothing of this one in sight."""
    keep = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "CONVKIT"))}
    for arguments, code, told in COMMANDS:
        done = subprocess.run(
            [python.parent / "convkit", *arguments], cwd=folder, env=keep, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode != code or told not in done.stdout:
            wrong = f"exit code {done.returncode}, not {code}, or not {told!r}"
            sys.exit(f"convkit {' '.join(arguments)}: {wrong}:\n{done.stdout}")
    print(f"{len(COMMANDS)} commands work from an empty folder, without development tools")


def audit(python: Path) -> None:
    """Ask for known vulnerabilities, where the service that knows them can be reached."""
    tool = Path(sys.executable).parent / "pip-audit"
    if not tool.exists():
        print("not audited: pip-audit is not installed")
        return
    site = run(python, "-c", "import site; print(site.getsitepackages()[0])", capture_output=True).stdout.strip()
    command = [tool, "--path", site, "--progress-spinner", "off", "--timeout", "15", "--format", "json"]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = done.stderr.strip().splitlines()[-1][:120] if done.stderr.strip() else "it says nothing"
        print(f"not audited: the advisory service is not to be reached ({reason})")
        return
    known = [one for one in packages if "skip_reason" not in one]
    if not known:
        print(f"not audited: the advisory service that is reached knows none of {len(packages)} packages")
    elif faults := [f"{one['name']} {one['version']}: {fault['id']}" for one in known for fault in one["vulns"]]:
        sys.exit("known vulnerabilities:\n" + "\n".join(faults))
    else:
        print(f"{len(known)} of {len(packages)} packages audited, no known vulnerability")


def main() -> int:
    """Do it all."""
    wheel = build()
    with tempfile.TemporaryDirectory() as name:
        empty = Path(name) / "empty"
        empty.mkdir()
        python = install(wheel, Path(name) / "environment")
        try_commands(python, empty)
        audit(python)
    return 0


if __name__ == "__main__":
    sys.exit(main())
