"""Files beside the result: whether they can be written is found out before the run, not after it."""

import importlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from convkit.errors import MissingExtraError, OutputError
from convkit.image import atomic_write, check_writable
from convkit.report.messages import printable, say
from convkit.text import shown

PLOT_SUFFIXES = (".png", ".svg", ".pdf")
ANIMATION_SUFFIXES = (".gif", ".png", ".webp")
PAGE_SUFFIXES = (".html", ".htm")


def check_output(option: str, path: str, suffixes: tuple[str, ...], inputs: Iterable[str | os.PathLike[str]]) -> None:
    """Refuse a file of a kind that an option does not write, or that cannot or must not be written.

    Raises
    ------
    OutputError

    Examples
    --------
    >>> check_output("--plot", "out.jpg", PLOT_SUFFIXES, [])
    Traceback (most recent call last):
        ...
    convkit.errors.OutputError: expected --plot to a file ending in .png, .svg, .pdf; got 'out.jpg'; try --plot out.png
    """
    if Path(path).suffix.lower() not in suffixes:
        raise OutputError(
            expected=f"{option} to a file ending in {', '.join(suffixes)}",
            got=shown(path),
            hint=f"{option} {Path(path).stem or 'out'}{suffixes[0]}",
        )
    check_writable(path, inputs=inputs)


def check_distinct(outputs: Mapping[str, str | None]) -> None:
    """Refuse one file for two options.

    Raises
    ------
    OutputError

    Examples
    --------
    >>> check_distinct({"--save": "a.json", "--plot": None})
    """
    taken: dict[str, str] = {}
    for option, path in outputs.items():
        if path is None or path == "-":
            continue
        whole = os.path.realpath(path)
        if whole in taken:
            raise OutputError(
                expected="a file for each output",
                got=f"{shown(path)} for {taken[whole]} and {option}",
                hint="two names",
            )
        taken[whole] = option


def check_plot(path: str | None, inputs: Iterable[str | os.PathLike[str]]) -> None:
    """Refuse figures that could not be drawn or written.

    Raises
    ------
    OutputError
        For another suffix, or a place that cannot be written to.
    MissingExtraError
        When matplotlib is not installed.
    """
    if path is not None:
        check_output("--plot", path, PLOT_SUFFIXES, inputs)
        need_matplotlib("--plot")


def check_animation(path: str | None, inputs: Iterable[str | os.PathLike[str]]) -> None:
    """Refuse an animation that could not be written.

    Raises
    ------
    OutputError
        For another suffix, one that this Pillow does not write, or a place that cannot be written to.
    """
    if path is None:
        return
    check_output("--animate", path, ANIMATION_SUFFIXES, inputs)
    if path.lower().endswith(".webp"):
        from PIL import features

        if not features.check("webp"):
            raise OutputError(expected="a Pillow with WebP", got="one without", hint="--animate out.gif")


def check_page(path: str | None, inputs: Iterable[str | os.PathLike[str]]) -> None:
    """Refuse a page that could not be made or written.

    Raises
    ------
    OutputError
        For another suffix, or a place that cannot be written to.
    MissingExtraError
        When matplotlib or Jinja2 is not installed.
    """
    if path is not None:
        check_output("--report", path, PAGE_SUFFIXES, inputs)
        need_matplotlib("--report")
        _need("jinja2", "Jinja2 for --report")


def need_matplotlib(what: str) -> None:
    """Say which extra is missing, if it is.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    _need("matplotlib", f"matplotlib for {what}")


def _need(module: str, told: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            expected=told,
            got="an installation without it",
            hint="pip install 'convkit[report]', or leaving it out",
        ) from error


def put(path: str, content: bytes) -> None:
    """Write a file in one step; for ``-``, to stdout."""
    if path == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with atomic_write(path) as file:
        file.write(content)


def write_output(path: str, content: bytes, *, quiet: bool) -> None:
    """Write a file in one step, and say so."""
    put(path, content)
    if not quiet:
        say(f"wrote {printable(path)}")
