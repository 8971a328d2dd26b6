"""What `convkit convolve` says."""

from typing import Any

from convkit.errors import ConvkitError
from convkit.report.messages import printable, say
from convkit.report.numbers import compact, matrix_lines


def show_convolution(report: dict[str, Any], *, quiet: bool) -> None:
    """Print a small result's numbers on stdout and, unless quiet, how it came about on stderr."""
    if report["output"] is None:
        print("\n".join(matrix_lines(report["values"])))
    if quiet:
        return
    convention = report["convention"]
    height, width = report["shape"]
    stride = f", stride {convention['stride']}" if convention["stride"] != 1 else ""
    say(f"{convention['operation']}, {convention['padding']}{stride}, backend {report['backend']}")
    line = f"{height}x{width}, {compact(report['minimum'], 4)} to {compact(report['maximum'], 4)}, map {report['map']}"
    say(f"{line}, {report['clipped']} clipped" if report["map"] != "none" else line)
    if report["output"] not in (None, "-"):
        say(f"wrote {printable(report['output'])}")


def show_many(reports: list[dict[str, Any]], total: int, *, quiet: bool) -> None:
    """Say of several images what was written."""
    if quiet:
        return
    for report in reports:
        clipped = f", {report['clipped']} clipped" if report["map"] != "none" else ""
        say(f"wrote {printable(report['output'])}, map {report['map']}{clipped}")
    say(f"{len(reports)} of {total} images")


def show_failures(failures: list[tuple[str, ConvkitError]]) -> None:
    """Say of several images which were not filtered, and why."""
    for image, error in failures:
        say(f"convkit: {printable(image)}: {error}")
