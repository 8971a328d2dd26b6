"""Where a page goes: checked before the run, written in one step after it."""

import importlib.util
import os
from collections.abc import Iterable
from pathlib import Path

from convkit.errors import MissingExtraError, OutputError
from convkit.image import atomic_write, check_writable
from convkit.text import shown

_SUFFIXES = (".html", ".htm")
_NEEDED = ("jinja2", "matplotlib")


def check_page(path: str | os.PathLike[str], inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Refuse a page that could not be made or written, before the run rather than after it.

    Parameters
    ----------
    path : str or path-like
        Where the page is to go.
    inputs : iterable of str or path-like
        Files that must survive.

    Raises
    ------
    OutputError
        When it is no ``.html`` file, or cannot be written.
    MissingExtraError
        Without what pages are made with.

    Examples
    --------
    >>> check_page(getfixture("tmp_path") / "found.html")
    >>> check_page("found.pdf")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    convkit.errors.OutputError: expected --report to a file ending in .html or .htm; got 'found.pdf'; try ...
    """
    if Path(path).suffix.lower() not in _SUFFIXES:
        raise OutputError(
            expected=f"--report to a file ending in {' or '.join(_SUFFIXES)}",
            got=shown(str(path)),
            hint="--report found.html",
        )
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        raise MissingExtraError(
            expected="Jinja2 and Matplotlib for --report",
            got="an installation without them",
            hint="pip install 'convkit[report]', or leaving the option out",
        )
    check_writable(path, inputs=inputs)


def write_page(path: str | os.PathLike[str], page: str) -> None:
    """Write a page in one step.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    with atomic_write(path) as file:
        file.write(page.encode())
