"""The program: its commands, and how it ends."""

import gc
import importlib
import io
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from convkit import __version__
from convkit.cli.ending import Ending
from convkit.errors import ConvkitError

# Each is the function of its module's name, which is imported when it is needed.
_COMMANDS = ("convolve", "learn-kernel", "compare", "kernels")
_BUG = 70


def application(asked: str | None = None) -> typer.Typer:
    """Return the command line: with all commands, or only with the one asked for, which starts 15 ms earlier."""
    # No Rich in help and errors: plain text is never cut at 80 columns, and starts twice as fast.
    app = typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        name="convkit",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_convkit)
    for name in (asked,) if asked in _COMMANDS else _COMMANDS:
        function = name.replace("-", "_")
        app.command(name)(getattr(importlib.import_module(f"convkit.cli.{function}"), function))
    return app


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"convkit {__version__}")
        raise typer.Exit


def _convkit(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Kernel recovery: find the filter between two images, and apply kernels.

    The lesson: convkit learn-kernel --kernel 1,-1 --steps 40 --lr 0.01
    """


def main() -> NoReturn:
    """Run the command line and exit: 0 done, 1 the answer is no, 2 a mistake, 70 a bug, 130 interrupted, 143 ended."""
    _prepare_streams()
    ending = Ending()
    ending.prepare()
    try:
        _run(ending)
    finally:
        ending.over()
        # Python searches all that was imported for garbage once more before it ends, which takes a tenth of the time of
        # a small picture; what is frozen is left out.
        gc.freeze()
    sys.exit(0)


def _run(ending: Ending) -> None:
    """Run the command line, and exit unless all went well."""
    try:
        try:
            application(sys.argv[1] if len(sys.argv) > 1 else None)()
        except Exception:
            ending.leave_if_asked()
            raise
        finally:
            sys.stdout.flush()  # here, where a full disk can still be told from a bug
    except ConvkitError as error:
        _say_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except MemoryError:
        _say_error(ConvkitError(expected="enough memory", got="too little", hint="a smaller image or kernel"))
        sys.exit(2)
    except OSError as error:  # of stdout; files turn theirs into a ConvkitError
        reason = error.strerror or str(error)
        _say_error(ConvkitError(expected="an output that can be written", got=reason, hint="another place"))
        sys.exit(2)
    except Exception as error:
        if os.environ.get("CONVKIT_TRACEBACK"):
            raise
        summary = f"{type(error).__name__}: {error}".splitlines()[0]
        print(f"convkit: this is a bug in convkit, not your mistake: {summary}", file=sys.stderr)
        print(
            "         please report it with the output of the same command under CONVKIT_TRACEBACK=1", file=sys.stderr
        )
        sys.exit(_BUG)


def _prepare_streams() -> None:
    """Let no stream that is closed, ends early or knows only ASCII look like a bug."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `convkit kernels | head -1` ends as other programs do
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say_error(error: ConvkitError) -> None:
    print(f"convkit: expected {error.expected}", file=sys.stderr)
    print(f"         got {error.got}", file=sys.stderr)
    print(f"         try {error.hint}", file=sys.stderr)
