"""Run every command that README.md and docs/ show, and check it against what comes; `--write` puts it right.

A block that begins with ```console holds commands after `$ ` and their output (stdout and stderr as a terminal
would mix them). In a block marked ```console approximate, which shows timings or a long walk through an ill-conditioned
problem, numbers are not compared. A block marked ```console needs=gm is left alone, and this is said, where there is no
program `gm`; marks may follow each other. The commands of a page share one folder.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```console((?: [a-z=-]+)*)\n(.*?)```", re.DOTALL)
NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?x?")
# Six digits are shown; the last ones may differ between processors.
RELATIVE, ABSOLUTE = 1e-3, 1e-6
PATH = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"


@dataclass
class Checked:
    """A page: its text with every command run anew, and what of it was stale or left out."""

    name: str
    text: str
    blocks: int = 0
    stale: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def run(command: str, folder: Path) -> str:
    """Return what a command prints in a folder that holds the repository's pictures and configurations."""
    done = subprocess.run(  # noqa: S602 - the pages' own commands, pipes and all
        command, shell=True, cwd=folder, env={"PATH": PATH, "HOME": str(folder)}, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines()) + "\n" if done.stdout else ""


def commands(block: str) -> Iterator[str]:
    """Yield the commands of a block; one may go on in lines after a backslash."""
    lines = iter(block.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command += "\n" + next(lines)
            yield command


def rendered(block: str, folder: Path) -> str:
    """Return a block with its commands run anew."""
    return "\n".join(f"$ {command}\n{run(command, folder)}" for command in commands(block)).rstrip("\n") + "\n"


def same(shown: str, real: str, *, numbers: bool) -> bool:
    """Whether two outputs tell the same: word for word, and numbers closely."""
    if NUMBER.sub("0", shown).split() != NUMBER.sub("0", real).split():
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(real), strict=True)
    return not numbers or all(close(float(a.rstrip("x")), float(b.rstrip("x"))) for a, b in pairs)


def close(a: float, b: float) -> bool:
    """Whether two numbers agree as far as the pages promise."""
    return abs(a - b) <= max(ABSOLUTE, RELATIVE * max(abs(a), abs(b)))


def missing(marks: list[str]) -> list[str]:
    """Return the programs that a block needs and that are not here."""
    needed = [mark.removeprefix("needs=") for mark in marks if mark.startswith("needs=")]
    return [program for program in needed if shutil.which(program, path=PATH) is None]


def checked(page: Path) -> Checked:
    """Run the commands of a page in a folder of its own."""
    found = Checked(str(page.relative_to(ROOT)), "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for shared in ("pictures", "configs"):
            (folder / shared).symlink_to(ROOT / shared)

        def renew(block: re.Match[str]) -> str:
            marks, text = block[1].split(), block[2]
            found.blocks += 1
            if absent := missing(marks):
                found.left_out.append(f"a block that needs {' and '.join(absent)}")
                return block[0]
            real = rendered(text, folder)
            if same(text, real, numbers="approximate" not in marks):
                return block[0]
            found.stale.append(f"--- {found.name} shows\n{text}\n--- what comes\n{real}")
            return f"```console{block[1]}\n{real}```"

        found.text = BLOCK.sub(renew, page.read_text(encoding="utf-8"))
    return found


def pages(asked: list[str]) -> list[Path]:
    """Return the pages asked for, or all that show commands."""
    paths = [Path(one).resolve() for one in asked] or [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path for path in paths if BLOCK.search(path.read_text(encoding="utf-8"))]


def main() -> int:
    """Check the pages, or write them anew; return the exit code."""
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(checked, pages([one for one in sys.argv[1:] if one != "--write"])))
    for one in results:
        for what in one.left_out:
            print(f"{one.name}: not run: {what}", file=sys.stderr)
    if "--write" in sys.argv:
        for one in results:
            if one.stale:
                (ROOT / one.name).write_text(one.text, encoding="utf-8")
                print(f"wrote {one.name}")
        return 0
    for one in results:
        print("\n".join(one.stale) or f"{one.name}: {one.blocks - len(one.left_out)} blocks show what comes")
    return 1 if any(one.stale for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
