"""Run every command that README.md shows, and check what it shows against what comes; `--write` puts it right.

A block that begins with ```console holds commands after `$ ` and their output (stdout and stderr as a terminal
would mix them). In a block marked ```console approximate, which shows timings or a long walk through an ill-conditioned
problem, numbers are not compared.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(r"```console( approximate)?\n(.*?)```", re.DOTALL)
NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?x?")
# Six digits are shown; the last ones may differ between processors.
RELATIVE, ABSOLUTE = 1e-3, 1e-6


def run(command: str, folder: Path) -> str:
    """Return what a command prints in a folder that holds the repository's pictures and configurations."""
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(  # noqa: S602 - the README's own commands, pipes and all
        command, shell=True, cwd=folder, env={"PATH": path, "HOME": str(folder)}, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines()) + "\n" if done.stdout else ""


def rendered(block: str, folder: Path) -> str:
    """Return a block with its commands run anew."""
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    return "\n".join(f"{command}\n{run(command[2:], folder)}" for command in commands).rstrip("\n") + "\n"


def same(shown: str, real: str, *, numbers: bool) -> bool:
    """Whether two outputs tell the same: word for word, and numbers closely."""
    if NUMBER.sub("0", shown).split() != NUMBER.sub("0", real).split():
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(real), strict=True)
    return not numbers or all(close(float(a.rstrip("x")), float(b.rstrip("x"))) for a, b in pairs)


def close(a: float, b: float) -> bool:
    """Whether two numbers agree as far as the README promises."""
    return abs(a - b) <= max(ABSOLUTE, RELATIVE * max(abs(a), abs(b)))


def main() -> int:
    """Check the README, or write it anew; return the exit code."""
    text = README.read_text(encoding="utf-8")
    stale: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for shared in ("pictures", "configs"):
            (folder / shared).symlink_to(ROOT / shared)

        def renew(found: re.Match[str]) -> str:
            mark, block = found[1] or "", found[2]
            real = rendered(block, folder)
            if same(block, real, numbers=not mark):
                return found[0]
            stale.append(f"--- README.md shows\n{block}\n--- what comes\n{real}")
            return f"```console{mark}\n{real}```"

        renewed = BLOCK.sub(renew, text)
    if "--write" in sys.argv:
        README.write_text(renewed, encoding="utf-8")
        return 0
    print("\n".join(stale) or f"README.md: {len(BLOCK.findall(text))} blocks show what comes")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
