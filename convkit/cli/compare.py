"""``convkit compare``: runs side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convkit.cli import options
from convkit.errors import SettingsError
from convkit.text import shown

if TYPE_CHECKING:
    from convkit.experiment import Comparison


@options.experiment_options
def compare(
    source: Annotated[
        str | None,
        typer.Argument(metavar="[CONFIG]", help="An experiment in TOML to run, or saved runs (.jsonl) to read."),
    ] = None,
    *,
    vary: Annotated[
        list[str] | None,
        typer.Option("--vary", metavar="'KEY=V V'", help="Values of a setting, e.g. 'noise=0 0.1' or 'seed=0:10'."),
    ] = None,
    save: Annotated[
        str | None, typer.Option("--save", metavar="F", help="Append every run to this file, as JSON lines.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option("--sort", metavar="KEY", help="Order the rows by a varied key or a column.")
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    given: dict[str, Any],
) -> None:
    """Run an experiment for every combination of --vary, side by side.

    Without --vary: the lesson with each backend. --tolerance bounds the largest
    difference between backends (exit 1 beyond it).

    Example: convkit compare --vary 'noise=0 0.01 0.1' --vary 'seed=0:10'
    """
    from convkit.report.comparison import order_runs, show_comparison
    from convkit.report.messages import say

    if source is not None and source.endswith(".jsonl"):
        from convkit.experiment.comparison import read_runs

        if vary or given or save:
            raise SettingsError(
                expected="saved runs to read, or an experiment to run",
                got="a .jsonl file and options of a run",
                hint="convkit compare runs.jsonl",
            )
        result, tolerance = read_runs(source, announce=None if quiet else say), None
    else:
        result, tolerance = _run(source, vary or [], save, given, quiet=quiet or as_json)
    result = order_runs(result, sort)
    if as_json:
        print(result.to_json())
    elif not quiet:
        show_comparison(result, tolerance)
    agreed = tolerance is None or result.largest_difference is None or result.largest_difference <= tolerance
    raise typer.Exit(0 if agreed and result.worked else 1)


def _check_save(path: str, inputs: list[str]) -> None:
    """Refuse to append to what is not saved runs, before the work."""
    from convkit.experiment.comparison import read_runs
    from convkit.image import check_writable

    check_writable(path, inputs=inputs)
    if Path(path).is_file() and Path(path).stat().st_size:
        read_runs(path)
        if not Path(path).read_bytes().endswith(b"\n"):  # what is appended would join the line that was cut short
            raise SettingsError(
                expected="saved runs whose last line is whole",
                got=f"{shown(path)}, whose last line is cut short",
                hint="deleting that line, or another file",
            )


def _texts(varied: dict[str, list[Any]]) -> list[str]:
    return [value for values in varied.values() for value in values if isinstance(value, str)]


def _run(
    source: str | None, vary: list[str], save: str | None, given: dict[str, Any], *, quiet: bool
) -> tuple["Comparison", float | None]:
    """Run the grid; return it with the tolerance that bounds differences between backends, if there is one."""
    from contextlib import ExitStack

    from convkit.experiment import Experiment
    from convkit.experiment import compare as run_grid
    from convkit.experiment.comparison import append_run, backends_vary
    from convkit.experiment.config import Config, read_config
    from convkit.experiment.vary import parse_vary
    from convkit.report.messages import say
    from convkit.report.progress import run_progress

    config = read_config(source) if source is not None else Config()
    base = Experiment(**options.merged(given, config.settings))
    varied = config.vary | parse_vary(vary)
    if base.tolerance is not None and base.expect is None and not backends_vary(varied):
        raise SettingsError(
            expected="--tolerance on something: several backends, or an expected kernel",
            got="neither",
            hint="--vary 'backend=naive conv2d', or --expect K",
        )
    if save is not None:
        _check_save(save, [*options.files_named(options.merged(given, config.settings), source), *_texts(varied)])
    with ExitStack() as stack:
        tick = stack.enter_context(run_progress(varied, quiet=quiet))
        # Opened at the first run that ends: a comparison that cannot run leaves no empty file.
        opened: list[Any] = []

        def on_run(one: Any, settings: Experiment) -> None:
            if save is not None:
                if not opened:
                    opened.append(stack.enter_context(Path(save).open("a", encoding="utf-8")))
                append_run(opened[0], one, settings)
            tick()

        result = run_grid(base, vary=varied, on_run=on_run, announce=None if quiet else say)
    return result, base.tolerance
