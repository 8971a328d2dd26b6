"""What `convkit convolve` says."""

import sys
from typing import Any

from convkit.report.numbers import compact, matrix_lines


def show_convolution(report: dict[str, Any]) -> None:
    """Print a small result's numbers on stdout, and how it came about on stderr."""
    if report["output"] is None:
        print("\n".join(matrix_lines(report["values"])))
    convention = report["convention"]
    height, width = report["shape"]
    stride = f", stride {convention['stride']}" if convention["stride"] != 1 else ""
    say(f"{convention['operation']}, {convention['padding']}{stride}, backend {report['backend']}")
    line = f"{height}x{width}, {compact(report['minimum'], 4)} to {compact(report['maximum'], 4)}, map {report['map']}"
    say(f"{line}, {report['clipped']} clipped" if report["map"] != "none" else line)
    if report["output"] not in (None, "-"):
        say(f"wrote {printable(report['output'])}")


def say(line: str) -> None:
    """Print talk, which is not data, on stderr."""
    print(line, file=sys.stderr)


def printable(path: str) -> str:
    """Write a file name so that it cannot break a line or a terminal."""
    return path if path.isprintable() else repr(path)
