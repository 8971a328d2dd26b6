"""The record of a grid on disk: one run a line, appended as it ends, and never half a line."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self

from pydantic import ValidationError

from convkit.errors import OutputError, SettingsError
from convkit.experiment.keys import RUN_SCHEMA
from convkit.experiment.learn import Announce
from convkit.experiment.runs import SavedRun
from convkit.image import check_writable
from convkit.image.files import named, open_regular
from convkit.image.leftovers import hold
from convkit.text import shown

_KIND = "convkit.run/"
# A hundred thousand runs, which are read at once.
_MOST_BYTES = 1 << 30


def read_saved(path: str | Path, *, announce: Announce | None = None) -> dict[str, SavedRun]:
    """Read saved runs by key, of a finished grid or an unfinished one; a run that was done again counts once.

    A last line that was cut short, or is being written, is left out and announced.

    Raises
    ------
    SettingsError
        When the file cannot be read, or a line is not a run of this schema.
    """
    try:
        with open_regular(path, _MOST_BYTES) as file:
            data = file.read()
    except (OSError, ValueError) as error:
        raise SettingsError(
            expected="saved runs",
            got=f"{named(path)} ({getattr(error, 'strerror', None) or 'not a file name'})",
            hint="a file written by compare --save",
        ) from error
    whole, torn = _split(data, path)
    if torn and announce is not None:
        announce(f"the last line of {named(path)} is cut short, and left out")
    return _parsed(whole, path)


class RunsFile:
    """Saved runs, open for this command alone.

    Attributes
    ----------
    runs : dict of SavedRun
        What the file held, by key; the last of those that were done more than once.
    """

    def __init__(self, path: str | Path, file: IO[bytes], *, created: bool) -> None:
        self._path = path
        self._file = file
        self._created = created
        self._stale = False
        self.runs: dict[str, SavedRun] = {}

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        fresh: bool = False,
        announce: Announce | None = None,
    ) -> Self:
        """Lock a file of saved runs, new or old, and mend its last line.

        Parameters
        ----------
        path : str or Path
        fresh : bool
            Whether to start it anew; what it holds goes when the first run ends.
        announce : function, optional
            Called with a sentence when a line is mended.

        Raises
        ------
        OutputError
            When it cannot be written, or another command is writing it.
        SettingsError
            When it holds something else than runs of this schema; of ``fresh``, something else than runs.
        """
        check_writable(path)
        file, created = _locked(path)
        try:
            opened = cls(path, file, created=created)
            opened._read(fresh=fresh, announce=announce)
        except BaseException:
            file.close()
            raise
        return opened

    def _read(self, *, fresh: bool, announce: Announce | None) -> None:
        whole, torn = _split(self._file.read(), self._path)
        self._stale = fresh
        if fresh:
            return
        self.runs = _parsed(whole, self._path)
        if torn:
            with self._writing():
                self._file.truncate(len(whole))
            if announce is not None:
                announce(f"the last line of {named(self._path)} was cut short, and is taken away")

    def append(self, line: str) -> None:
        """Write a run and flush it, so that it is kept whatever happens next.

        Raises
        ------
        OutputError
            When it cannot be written; the file then ends with the run before.
        """
        with self._writing():
            if self._stale:
                self._file.truncate(0)
                self._stale = False
            end = self._file.seek(0, os.SEEK_END)
            data = line.encode()
            try:
                while data:  # the system may take less than a whole line, of a disk that fills up
                    data = data[self._file.write(data) :]
            except OSError:
                self._file.truncate(end)
                raise

    def close(self) -> None:
        """Unlock the file; one that was made for nothing is removed."""
        if self._created and not self._file.seek(0, os.SEEK_END):
            with contextlib.suppress(OSError):
                Path(self._path).unlink()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _unwritable(self._path, error) from error


def _locked(path: str | Path) -> tuple[IO[bytes], bool]:
    """Open a file for reading and appending, made if need be, that no other command holds."""
    while True:
        created = not Path(path).exists()
        try:
            file = Path(path).open("a+b", buffering=0)  # noqa: SIM115 - held open while the grid runs
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            hold(file.fileno())
            if os.path.samestat(os.fstat(file.fileno()), Path(path).stat()):
                file.seek(0)
                return file, created
        except BlockingIOError as error:
            file.close()
            raise OutputError(
                expected="a file that no other command is writing",
                got=f"{named(path)}, which another one has locked",
                hint="waiting until it ends, or another file",
            ) from error
        except FileNotFoundError:
            pass
        file.close()  # between opening and locking, its last user has removed it: once more


def _split(data: bytes, path: str | Path) -> tuple[bytes, bytes]:
    """Return the whole lines, and what follows them; refuse a file that was never one of runs."""
    end = data.rfind(b"\n") + 1
    first = data[: data.find(b"\n")] if end else data
    if data and not (_schema(first).startswith(_KIND) or (not end and first.startswith(b'{"'))):
        raise _no_run(1, first, path)
    return data[:end], data[end:]


def _parsed(data: bytes, path: str | Path) -> dict[str, SavedRun]:
    runs: dict[str, SavedRun] = {}
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            one = SavedRun.model_validate_json(line)
        except ValidationError as error:
            raise _no_run(number, line, path) from error
        runs[one.key] = one
    return runs


def _schema(line: bytes) -> str:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):  # nested as deep as no record is
        return ""
    return str(record.get("schema", "")) if isinstance(record, dict) else ""


def _no_run(number: int, line: bytes, path: str | Path) -> SettingsError:
    schema = _schema(line)
    other = schema.startswith(_KIND) and schema != RUN_SCHEMA
    return SettingsError(
        expected=f"a run of schema {RUN_SCHEMA} in every line",
        got=f"{f'one of schema {shown(schema)}' if other else 'something else'} in line {number} of {named(path)}",
        hint="--fresh, which starts the file anew" if other else "a file written by compare --save",
    )


def _unwritable(path: str | Path, error: OSError) -> OutputError:
    return OutputError(
        expected="a file that can be written",
        got=f"{named(path)} ({error.strerror or error})",
        hint="the same command once that is mended: runs that are saved are kept",
    )
