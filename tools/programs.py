"""Print the README's table of programs side by side, over those that are installed."""

import shlex
import shutil
import subprocess
import sys

PROGRAMS = (
    "gm convert {input} -blur 0x1.2 {output}",
    "gm convert {input} -gaussian 0x1.2 {output}",
    "convert {input} -blur 0x1.2 {output}",
    "convert {input} -gaussian-blur 0x1.2 {output}",
    "vips gaussblur {input} {output} 1.2",
    "gm convert {input} -median 1 {output}",
    "convert {input} -emboss 1 {output}",
)


def main() -> int:
    """Compare what is there; say what is not."""
    there = [one for one in PROGRAMS if shutil.which(shlex.split(one)[0])]
    for one in PROGRAMS:
        if one not in there:
            print(f"not installed: {one}", file=sys.stderr)
    vary = "program=" + " ".join(f'"{one}"' for one in there)
    return subprocess.run([sys.executable, "-m", "convkit", "compare", "--vary", vary], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
