"""Locks that go with their owner, and what they tell: which temporary files were left by processes that were killed."""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

with contextlib.suppress(ImportError):  # not a Unix: nothing can be told from locks, and nothing is swept
    import fcntl
_LOCKS = "fcntl" in globals()


def claim(descriptor: int) -> bool:
    """Lock an open temporary file or folder, as a sign that somebody is still at work on it.

    The lock is given back when the descriptor is closed, by whatever end the process comes to.

    Returns
    -------
    bool
        False when it was swept away between its making and this call, and must be made anew.
    """
    if not _LOCKS:
        return True
    with contextlib.suppress(OSError):  # a file system without locks is not swept either
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return os.fstat(descriptor).st_nlink > 0


def hold(descriptor: int) -> None:
    """Lock an open file or folder that nobody else may be at work on, until the descriptor is closed.

    Raises
    ------
    BlockingIOError
        When somebody is.
    """
    if _LOCKS:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def sweep(folder: str | os.PathLike[str], prefix: str, suffix: str = "") -> None:
    """Remove one's own files and folders of such names on which nobody is at work any more.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> (folder / ".left-1.tmp").touch()
    >>> sweep(folder, ".left-", ".tmp")
    >>> list(folder.iterdir())
    []
    """
    if not _LOCKS:
        return
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and entry.name.endswith(suffix):
                _remove_if_left(Path(entry.path))


def _remove_if_left(path: Path) -> None:
    with contextlib.suppress(OSError), _opened(path) as descriptor:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid():
            return
        hold(descriptor)  # an error when its owner lives
        if stat.S_ISREG(status.st_mode):
            path.unlink()
        elif stat.S_ISDIR(status.st_mode):
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    # A pipe of that name must not be waited for, nor a link followed.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
