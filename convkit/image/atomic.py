"""Files that are either wholly written or not touched at all."""

import contextlib
import functools
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from convkit.errors import OutputError
from convkit.image.files import named
from convkit.image.leftovers import claim, sweep

_PREFIX, _SUFFIX = ".convkit-", ".tmp"


def check_writable(path: str | os.PathLike[str], inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Refuse an output that could not, or must not, be written; meant to run before long work.

    Parameters
    ----------
    path : str or path-like
        Where the output is to go. An existing file there is fine.
    inputs : iterable of str or path-like
        Files that must survive. One that is the output is recognised under any of its names, symbolic and
        hard links included; texts that name no file are passed over.

    Raises
    ------
    OutputError
        On an input, a folder, a pipe or device, a write-protected file, a missing or write-protected folder.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> check_writable(folder / "a.png")
    >>> check_writable("no such folder/a.png")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    convkit.errors.OutputError: expected a folder to write into; got ..., which is none; try making it first
    """
    try:
        target = _resolved(path)
        status, folder = _status(target), _status(target.parent)
    except (OSError, ValueError) as error:
        raise _refused(path, error) from error
    if status is not None:
        _check_existing(path, target, status, inputs)
    if folder is None or not stat.S_ISDIR(folder.st_mode):
        raise OutputError(
            expected="a folder to write into",
            got=f"{named(target.parent)}, which is none",
            hint="making it first",
        )
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise OutputError(expected="a folder that you may write into", got=named(target.parent), hint="another folder")


def _check_existing(
    path: str | os.PathLike[str],
    target: Path,
    status: os.stat_result,
    inputs: Iterable[str | os.PathLike[str]],
) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise OutputError(expected="a file to write", got=f"{named(path)}, a folder", hint="a file inside it")
    if not stat.S_ISREG(status.st_mode):  # renaming onto a device would put a plain file in its place
        raise OutputError(
            expected="a regular file to write",
            got=f"{named(path)}, a pipe, socket or device",
            hint="'-' for standard output",
        )
    for source in inputs:
        with contextlib.suppress(OSError, ValueError):
            if os.path.samestat(status, Path(source).stat()):
                raise OutputError(
                    expected="an output that is not an input",
                    got=f"{named(path)} for both",
                    hint="another name",
                )
    if not os.access(target, os.W_OK):
        raise OutputError(
            expected="a file that may be replaced", got=f"{named(path)}, write-protected", hint="another name"
        )


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Write a file in one step: others see the old one or the new one, never a part.

    The bytes go to a hidden file in the same folder that is renamed at the end, or removed when anything goes
    wrong before it, an interruption included; what a process that was killed left in a folder is removed by the
    next one that writes there. Nobody else can read the file until it is whole. A new one gets the permissions
    that the umask leaves, a replaced one keeps its own; of a symbolic link it is the file at the end that is
    replaced.

    Parameters
    ----------
    path : str or path-like
        Where to write.

    Yields
    ------
    binary file

    Raises
    ------
    OutputError
        When the file cannot be written, for a reason that `check_writable` finds or one that shows later,
        such as a full disk: an `OSError` out of the block becomes one.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> with atomic_write(folder / "a.txt") as file:
    ...     _ = file.write(b"whole")
    >>> [entry.name for entry in folder.iterdir()]
    ['a.txt']
    """
    check_writable(path)
    target = _resolved(path)
    try:
        _sweep_once(str(target.parent))
        descriptor, temporary = _claimed(target)
        held = os.dup(descriptor)  # a file is whole only when it is closed, and must be held until it has its name
        try:
            # Not `os.fdopen`, whose file has a number for a name, which tifffile refuses.
            with open(temporary, "w+b", opener=lambda *_: descriptor) as file:
                # What the umask leaves of a new file, which can only be asked for by making one.
                mode = stat.S_IMODE((_status(target) or os.fstat(descriptor)).st_mode)
                os.fchmod(descriptor, 0o600)
                yield file
                os.fchmod(descriptor, mode)
            temporary.replace(target)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            os.close(held)
    except OSError as error:
        raise _refused(path, error) from error


def _claimed(target: Path) -> tuple[int, Path]:
    """Make a hidden file beside another one, and hold it against those who clear up."""
    while True:
        temporary = target.with_name(f"{_PREFIX}{os.urandom(8).hex()}{_SUFFIX}")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600 if _status(target) else 0o666)
        if claim(descriptor):
            return descriptor, temporary
        os.close(descriptor)


@functools.cache
def _sweep_once(folder: str) -> None:
    """Clear up after processes that were killed; once a folder, for there may be thousands of files to write."""
    sweep(folder, _PREFIX, _SUFFIX)


def _resolved(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.realpath(path))


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _refused(path: str | os.PathLike[str], error: Exception) -> OutputError:
    reason = error.strerror if isinstance(error, OSError) else None
    return OutputError(
        expected="a file that can be written",
        got=f"{named(path)} ({reason or 'not a file name'})",
        hint="another name or folder",
    )
