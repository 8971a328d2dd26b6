"""Where bytes come from: regular files and standard input, with errors that say what to do."""

import errno
import os
import stat
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from convkit.errors import ConvkitError, ImageError
from convkit.text import closest, shown

_NAME_LIMIT = 300  # characters of a path in a message: enough for its end, the telling part, to be seen
_FOLDER_LIMIT = 1000  # names to look through for one that was meant


def named(path: str | os.PathLike[str]) -> str:
    r"""Quote a path for a message.

    Examples
    --------
    >>> named("line\nbreak.png")
    "'line\\nbreak.png'"
    """
    return shown(path, _NAME_LIMIT)


def beside(file: Path, name: str) -> str:
    """Return the path of a name that a file holds: the file's neighbour of that name, or else the name as it is.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "a.png").touch()
    >>> beside(folder / "list.csv", "a.png") == str(folder / "a.png"), beside(folder / "list.csv", "b.png")
    (True, 'b.png')
    """
    if "\0" in name:  # where some versions of `normpath` end the path
        return name
    candidate = os.path.normpath(file.parent / name)
    return candidate if is_file(candidate) else name


def is_file(text: str | os.PathLike[str]) -> bool:
    """Whether there is a regular file of that name, whatever the text; `Path.is_file` fails where it is too long.

    Examples
    --------
    >>> is_file("9" * 1000)
    False
    """
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def open_file(path: Path, *, names: Collection[str] = ()) -> BinaryIO:
    """Open a regular file for reading.

    Parameters
    ----------
    path : Path
        Anything else at this place (a folder, a pipe, a device) is refused before it is touched: opening a
        pipe waits for a writer, and a device need not end.
    names : collection of str
        What the user may have meant instead, besides a file of the same folder, when there is none.

    Raises
    ------
    ImageError
        When it cannot be opened, or is empty.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _no_file(path, status.st_mode)
        if not status.st_size:
            raise ImageError(expected="an image", got=f"{named(path)}, an empty file", hint="making it anew")
        return path.open("rb")
    except FileNotFoundError as error:
        near = closest(path.name, [*names, *_neighbours(path)])
        if near and near not in names:
            near = str(path.with_name(near))
        raise ImageError(
            expected="an image file, a pattern, or rows of numbers such as '2,1,0; 9,5,4'",
            got=f"{named(path)}, which does not exist",
            hint=named(near) if near else f"one of {', '.join(names)}" if names else "another path",
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL, or a character that no file name can hold
        raise unreadable(named(path), error) from error


def open_regular(path: str | os.PathLike[str], most: int) -> BinaryIO:
    """Open a regular file of at most so many bytes: a pipe would wait for a writer, and a device need not end.

    Raises
    ------
    OSError
        When it is none, or larger, or cannot be opened.
    ValueError
        When no file can have that name.

    Examples
    --------
    >>> open_regular(getfixture("tmp_path"), 10)
    Traceback (most recent call last):
        ...
    OSError: [Errno 22] no regular file
    """
    status = Path(path).stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "no regular file")
    if status.st_size > most:
        raise OSError(errno.EFBIG, f"more than {most:,} bytes")
    return Path(path).open("rb")


@contextmanager
def decoding(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into one of our errors; on a damaged file that is more than can be listed.

    Examples
    --------
    >>> with decoding("x.png"):
    ...     _ = {}["length"]
    Traceback (most recent call last):
        ...
    convkit.errors.ImageError: expected a whole picture that can be decoded; got x.png ("'length'"); \
try saving it anew, as PNG or uncompressed TIFF
    """
    try:
        yield
    except ConvkitError:
        raise
    except Exception as error:
        raise ImageError(
            expected="a whole picture that can be decoded",
            got=f"{name} ({shown(error, 100)})",
            hint="saving it anew, as PNG or uncompressed TIFF",
        ) from error


def unreadable(name: str, error: Exception) -> ImageError:
    """Say that the system would not let a file be read."""
    reason = error.strerror if isinstance(error, OSError) else None
    return ImageError(
        expected="a file that can be read",
        got=f"{name} ({reason or 'not a file name'})",
        hint="checking its name, its permissions and the disk",
    )


def open_stdin() -> BinaryIO:
    """Return the bytes that come in on standard input.

    Raises
    ------
    ImageError
        When there is no standard input.
    """
    stream: BinaryIO | None = getattr(sys.stdin, "buffer", None)  # a notebook's has none
    if stream is None or stream.closed:
        raise ImageError(expected="an image on standard input", got="none that is open", hint="a file instead of '-'")
    return stream


def _no_file(path: Path, mode: int) -> ImageError:
    if stat.S_ISDIR(mode):
        return ImageError(expected="an image file", got=f"{named(path)}, a folder", hint="a file inside it")
    return ImageError(
        expected="a regular file",
        got=f"{named(path)}, a pipe, socket or device",
        hint="'-', with the data on standard input",
    )


def _neighbours(path: Path) -> list[str]:
    try:
        with os.scandir(path.parent) as entries:
            return [entry.name for entry in islice(entries, _FOLDER_LIMIT)]
    except OSError:
        return []
