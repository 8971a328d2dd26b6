"""Somebody else's command line: parsed without a shell, run in a folder of its own, and ended with all it started."""

import os
import shlex
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from convkit.errors import ProgramError, SettingsError
from convkit.text import shown

_INPUT, _OUTPUT = "{input}", "{output}"
# Whatever a program starts inherits its environment, and is found by this even when it left the process group.
_MARK = "CONVKIT_PROBE"
# Helpers may take a moment to end after the program itself.
_GRACE_S = 1.0
_POLL_S = 0.02
_LAST_LINES = 4
_LINE = 160
_TAIL_BYTES = 8192


@dataclass(frozen=True)
class Command:
    """A program and its words, with the places of its input and output.

    Attributes
    ----------
    text : str
        As it was given.
    words : tuple of str
        With ``{input}`` and ``{output}`` still in them.
    """

    text: str
    words: tuple[str, ...]

    def at(self, before: Path, after: Path) -> list[str]:
        """Return the words for one pair of files.

        Examples
        --------
        >>> parse_command("env cp {input} {output}").at(Path("a.png"), Path("b.png"))[1:]
        ['cp', 'a.png', 'b.png']
        """
        return [word.replace(_INPUT, str(before)).replace(_OUTPUT, str(after)) for word in self.words]


def parse_command(text: str) -> Command:
    """Split a command as a shell would; no shell is ever run.

    Raises
    ------
    SettingsError
        When quotes are left open, or ``{input}`` or ``{output}`` does not appear.

    Examples
    --------
    >>> parse_command("gm convert {input} -blur 0x1.2 png:{output}").words[-1]
    'png:{output}'
    >>> parse_command("gm convert a.png b.png")
    Traceback (most recent call last):
        ...
    convkit.errors.SettingsError: expected a command with {input} and {output} in it; got 'gm convert a.png b.png', \
which lacks {input} and {output}; try 'gm convert {input} -blur 0x1.2 {output}'
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise SettingsError(
            expected="a command quoted as in a shell", got=f"{shown(text)} ({error})", hint="closing every quote"
        ) from error
    lacking = [place for place in (_INPUT, _OUTPUT) if not any(place in word for word in words)]
    if lacking:
        raise SettingsError(
            expected="a command with {input} and {output} in it",
            got=f"{shown(text)}, which lacks {' and '.join(lacking)}",
            hint="'gm convert {input} -blur 0x1.2 {output}'",
        )
    return Command(text, tuple(words))


def located(command: Command, folder: Path) -> Command:
    """Return a command that means the same in any folder: its program and the files it names as full paths.

    A word names a file when it holds a dot or a slash and there is such a file in the folder.

    Raises
    ------
    ProgramError
        When there is no such program.
    """
    first, *others = command.words
    program = shutil.which(first) if os.sep not in first else shutil.which(str(folder / first))
    if program is None:
        raise ProgramError(
            expected="a program that can be run",
            got=f"{shown(first)}, which is not found or may not be run",
            hint="its full path, or installing it",
        )

    def full(word: str) -> str:
        with suppress(OSError, ValueError):
            if ("." in word or os.sep in word) and (folder / word).is_file():
                return str((folder / word).absolute())
        return word

    return Command(command.text, (str(Path(program).absolute()), *map(full, others)))


def run_command(command: Command, before: Path, after: Path, timeout: float) -> None:
    """Run a command on one file, in that file's folder, and end whatever it leaves running.

    Its words on stderr and stdout go to ``stderr.txt`` and ``stdout.txt`` beside the files.

    Parameters
    ----------
    command : Command
        Located.
    before, after : Path
        What stands for ``{input}`` and ``{output}``.
    timeout : float
        Seconds.

    Raises
    ------
    ProgramError
        When it fails, takes too long, cannot be started or leaves processes behind.
    """
    folder = before.parent
    mark = uuid.uuid4().hex
    environment = os.environ | {_MARK: mark, "TMPDIR": str(folder)}
    with (folder / "stderr.txt").open("wb") as talk, (folder / "stdout.txt").open("wb") as data:
        try:
            process = subprocess.Popen(  # noqa: S603 - running the user's own command is what this is for
                command.at(before, after),
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=data,
                stderr=talk,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ProgramError(
                expected="a program that can be run",
                got=f"{shown(command.words[0])} ({reason})",
                hint="its full path, and a first line such as #!/usr/bin/env python3 in a script",
            ) from error
        with _ended(process, mark):
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired as error:
                raise ProgramError(
                    expected=f"an answer within {timeout:g} s",
                    got=f"none from {shown(command.text)}, which was stopped{_last_words(folder)}",
                    hint="--program-timeout with more seconds",
                ) from error
            running = _lingering(mark) if code == 0 else []
    if code != 0:
        raise ProgramError(
            expected="a program that ends well",
            got=f"{_ending(code)} from {shown(command.text)}{_last_words(folder)}",
            hint="the command by hand on a small picture",
        )
    if running:
        raise ProgramError(
            expected="a program that is done when it ends",
            got=f"{len(running)} {'process' if len(running) == 1 else 'processes'} still running after "
            f"{shown(command.text)}, which were stopped",
            hint="a command that waits for what it starts",
        )


@contextmanager
def _ended(process: "subprocess.Popen[bytes]", mark: str) -> Iterator[None]:
    """Kill a process, its group and all that carries its mark, however the block is left."""
    try:
        yield
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for _ in range(100):  # what is being killed may still be starting others
            marked = _marked(mark)
            if not marked:
                break
            for pid in marked:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_POLL_S)


def _lingering(mark: str) -> list[int]:
    """Return what still runs after a moment's grace."""
    deadline = time.monotonic() + _GRACE_S
    while marked := _marked(mark):
        if time.monotonic() > deadline:
            return marked
        time.sleep(_POLL_S)
    return []


def _marked(mark: str) -> list[int]:
    """Return the processes started under a mark; none where the system does not show environments."""
    entry = f"{_MARK}={mark}".encode()
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"an end by {signal.Signals(-code).name}"
    return f"an end by signal {-code}"


def _last_words(folder: Path) -> str:
    """Quote the last lines that a program wrote on stderr, or else on stdout."""
    for name in ("stderr", "stdout"):
        with (folder / f"{name}.txt").open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _TAIL_BYTES, 0))
            lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
        if lines:
            told = " | ".join(shown(line, _LINE) for line in lines[-_LAST_LINES:])
            return f"; {name} ends with {told}"
    return "; it said nothing"
