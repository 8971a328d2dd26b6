"""Commands run in this process, with a watch on time, memory and what they leave behind."""

import contextlib
import io
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import typer.main

from convkit.cli.main import application
from convkit.errors import ConvkitError

# Seconds on the processor, so that a busy machine is no hang; and on the clock, for what waits.
CPU_SECONDS, SECONDS = 5.0, 60.0
MOST_MEMORY = 1 << 30
_COMMAND = typer.main.get_command(application())


@dataclass(frozen=True)
class Ending:
    """How a command ended."""

    code: int
    stdout: str
    told: str


def run(*arguments: str) -> Ending:
    """Run a command as `convkit.cli.main.main` does; what would be a bug there is raised here.

    Raises
    ------
    AssertionError
        When it takes too long, or too much memory.
    """
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    told = ""
    with _watched(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = _COMMAND.main(list(arguments), prog_name="convkit", standalone_mode=False) or 0
        except ConvkitError as error:
            code, told = error.exit_code, str(error)
        except click.ClickException as error:
            code, told = error.exit_code, error.format_message()
        except typer.Exit as error:
            code = error.exit_code
    out.flush()
    return Ending(code, out.buffer.getvalue().decode(), told or err.getvalue())


@contextlib.contextmanager
def _watched() -> Iterator[None]:
    def too_long(*_: object) -> None:
        raise AssertionError("a hang")

    kept = {number: signal.signal(number, too_long) for number in (signal.SIGALRM, signal.SIGPROF)}
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    before = _memory(reset=True)
    try:
        yield
    finally:
        for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
            signal.setitimer(timer, 0)
        for number, handler in kept.items():
            signal.signal(number, handler)
    assert _memory() - before < MOST_MEMORY, "too much memory"


def _memory(*, reset: bool = False) -> int:
    """Return the most memory this process had since it was last reset, in bytes; 0 where the system does not say."""
    with contextlib.suppress(OSError):
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])
    return 0


def names_in(folder: Path) -> set[bytes]:
    """All that a folder holds, hidden files too."""
    with os.scandir(os.fsencode(folder)) as entries:
        return {entry.name for entry in entries}
