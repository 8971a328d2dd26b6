"""The commands and their options, as the code declares them: what reference pages and manual page are made of."""

from dataclasses import dataclass

import typer.main

from convkit.cli.main import application
from convkit.cli.options import ENVIRONMENT, EXPERIMENT

EXIT_CODES = (
    ("0", "done; an unfinished descent is an answer too"),
    (
        "1",
        "the answer is no: --expect or --tolerance missed, a descent diverged, a run of a grid failed, "
        "one of many pictures could not be read, a cluster went away",
    ),
    ("2", "a mistake in usage, configuration or input; nothing was written"),
    ("70", "a bug in convkit"),
    ("130", "interrupted"),
)
VARIABLES = (
    *((name, f"what --{key} is where the option is not typed") for key, name in ENVIRONMENT.items()),
    ("CONVKIT_TRACEBACK", "set: show the traceback of a bug"),
    ("OMP_NUM_THREADS", "how many cores are used (default: all)"),
    ("NO_COLOR", "set: no colours in the terminal"),
)


@dataclass(frozen=True)
class Option:
    """An option or an argument: how it is typed, what it tells, and its key in a configuration file, if it has one."""

    names: str
    metavar: str
    told: str
    argument: bool
    required: bool
    repeated: bool
    key: str | None


@dataclass(frozen=True)
class Command:
    """A command: its name, usage, paragraphs of help, and options in the order of `--help`."""

    name: str
    usage: str
    paragraphs: tuple[str, ...]
    options: tuple[Option, ...]

    @property
    def summary(self) -> str:
        return self.paragraphs[0]


def commands() -> list[Command]:
    """Read every command from the program itself."""
    group = typer.main.get_command(application())
    return [_command(name, one, group) for name, one in group.commands.items()]


def general() -> tuple[Option, ...]:
    """Read the options of the program as a whole."""
    group = typer.main.get_command(application())
    return tuple(_option(one, "") for one in group.params if not one.hidden)


def _command(name, command, group) -> Command:
    program = group.make_context("convkit", [], resilient_parsing=True)
    context = command.make_context(name, [], parent=program, resilient_parsing=True)
    paragraphs = tuple(" ".join(one.split()) for one in command.help.split("\n\n"))
    parameters = [one for one in command.get_params(context) if not getattr(one, "hidden", False)]
    options = tuple(_option(one, name) for one in parameters)
    usage = " ".join(command.collect_usage_pieces(context)).replace("{", "").replace("}", "")
    return Command(name, usage, paragraphs, options)


def _option(parameter, command: str) -> Option:
    argument = parameter.param_type_name == "argument"
    flag = getattr(parameter, "is_flag", False)
    names = ", ".join(sorted(parameter.opts, key=len))
    if parameter.secondary_opts:
        names += " / " + ", ".join(parameter.secondary_opts)
    takes = (parameter.metavar or "") if not flag else ""
    key = parameter.name if command in ("learn-kernel", "compare") and parameter.name in EXPERIMENT else None
    if argument:
        names, takes = takes, ""
    repeated = parameter.nargs == -1 if argument else parameter.multiple
    return Option(names, takes, parameter.help or "", argument, parameter.required, repeated, key)
