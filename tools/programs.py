"""The README's table of programs side by side: `--write` puts it right, else it is checked.

A program that is not installed keeps its row, and is named.
"""

import re
import shlex
import shutil
import sys
from pathlib import Path

from convkit import compare

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCK = re.compile(r"(<!-- programs -->\n)(.*?)(<!-- /programs -->)", re.DOTALL)
PROGRAMS = (
    "gm convert {input} -blur 0x1.2 {output}",
    "gm convert {input} -gaussian 0x1.2 {output}",
    "convert {input} -blur 0x1.2 {output}",
    "convert {input} -gaussian-blur 0x1.2 {output}",
    "vips gaussblur {input} {output} 1.2",
    "gm convert {input} -unsharp 0x1.2+1.5+0 {output}",
    "convert {input} -unsharp 0x1.2+1.5+0 {output}",
    "gm convert {input} -median 1 {output}",
    "convert {input} -emboss 1 {output}",
)
# Fitted numbers differ in their last digits between processors.
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")
HEAD = "| program | verdict | kernel | size | rounding | border |\n|---|---|---|---|---|---|\n"


def rows(programs: list[str]) -> dict[str, str]:
    """Return a row for each program, asked anew."""
    found = {}
    for program, one in zip(programs, compare(vary={"program": programs}).runs, strict=True):
        linear = one.kernel is not None and one.verdict not in ("not-linear", "not-identifiable")
        size = "x".join(map(str, one.kernel.shape)) if linear and one.kernel is not None else None
        cells = (one.name or one.properties, size, one.rounding, one.border) if linear else (None,) * 4
        found[program] = " | ".join([f"| `{program}`", str(one.verdict), *(cell or "—" for cell in cells)]) + " |"
    return found


def main() -> int:
    """Check the table, or write it anew; return the exit code."""
    text = README.read_text(encoding="utf-8")
    block = BLOCK.search(text)
    assert block is not None, "README.md lacks <!-- programs -->"
    shown = {line.split("`")[1]: line for line in block[2].splitlines() if line.startswith("| `")}
    there = [one for one in PROGRAMS if shutil.which(shlex.split(one)[0])]
    for one in PROGRAMS:
        if one not in there:
            print(f"not installed, its row is left alone: {one}", file=sys.stderr)
    real = rows(there) if there else {}
    if "--write" in sys.argv:
        table = "\n".join(real.get(one) or shown[one] for one in PROGRAMS if one in real or one in shown)
        README.write_text(BLOCK.sub(lambda found: f"{found[1]}{HEAD}{table}\n{found[3]}", text), encoding="utf-8")
        return 0
    stale = [one for one in there if NUMBER.sub("0", shown.get(one, "")) != NUMBER.sub("0", real[one])]
    for one in stale:
        print(f"README.md shows\n{shown.get(one)}\nbut what comes is\n{real[one]}")
    print(f"README.md: {len(there) - len(stale)} of {len(there)} programs are shown as they answer")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
