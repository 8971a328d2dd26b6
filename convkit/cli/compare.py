"""``convkit compare``: runs side by side."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from convkit.cli import options
from convkit.engine.environment import THREADS, Environment
from convkit.errors import SettingsError
from convkit.text import whole

if TYPE_CHECKING:
    from convkit.experiment import Comparison, Experiment
    from convkit.experiment.vary import Vary


@options.experiment_options
def compare(
    source: Annotated[
        str | None,
        typer.Argument(metavar="[CONFIG]", help="An experiment in TOML to run, or saved runs (.jsonl) to read."),
    ] = None,
    *,
    vary: options.Vary = None,
    save: options.Save = None,
    fresh: options.Fresh = False,
    retry_failed: options.RetryFailed = False,
    fail_fast: options.FailFast = False,
    dry_run: options.DryRun = False,
    jobs: options.Jobs = None,
    cluster: options.Cluster = None,
    group: options.Group = None,
    stat: options.Stat = None,
    sort: options.Sort = None,
    only_changed: options.OnlyChanged = False,
    export: options.Export = None,
    plot: options.Plot = None,
    report: options.Report = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    given: dict[str, Any],
) -> None:
    """Run an experiment for every combination of --vary, side by side.

    Without --vary: the lesson with each backend. --tolerance bounds the largest
    difference between backends (exit 1 beyond it). The same command with --save
    goes on where an earlier one ended.

    Example: convkit compare --vary 'noise=0 0.01 0.1' --vary 'seed=0:10'
    """
    Environment(THREADS)  # before NumPy is loaded: a run has the same bits here and in a worker, one core each
    from convkit.image import check_writable
    from convkit.report.comparison import order_runs, show_comparison
    from convkit.report.comparison_csv import export_csv
    from convkit.report.messages import printable, say
    from convkit.report.outputs import check_distinct, check_page, check_plot, write_output

    if stat is not None and group is None:
        raise SettingsError(expected="--group for --stat to tell of", got="--stat alone", hint="--group noise")
    if export is not None:
        check_writable(export, inputs=[text for text in (source, save) if text is not None])
    inputs = options.files_named(given, source, save)
    check_plot(plot, inputs)
    check_page(report, inputs)
    check_distinct({"--save": save, "--export": export, "--plot": plot, "--report": report})
    tolerance = None
    if source is not None and source.endswith(".jsonl"):
        from convkit.experiment.comparison import read_runs

        if vary or given or save or dry_run or jobs or cluster:
            raise SettingsError(
                expected="saved runs to read, or an experiment to run",
                got="a .jsonl file and options of a run",
                hint="convkit compare runs.jsonl",
            )
        result = read_runs(source, announce=None if quiet else say)
    else:
        base, varied = _experiment(source, vary or [], given)
        if dry_run:
            _show_plan(base, varied, save if not fresh else None, retry_failed=retry_failed, as_json=as_json)
            unwritten = [printable(path) for path in (export, plot, report) if path is not None]
            if unwritten and not quiet:
                say(f"a dry run writes nothing: not {' nor '.join(unwritten)}")
            raise typer.Exit
        where = {"jobs": None if jobs is None else whole("--jobs", jobs, 1), "cluster": cluster}
        how = {"save": save, "fresh": fresh, "retry_failed": retry_failed, "fail_fast": fail_fast}
        result, tolerance = _run(base, varied, {**where, **how}, quiet=quiet, bar=not as_json), base.tolerance
    if group is not None:
        keys = [key.strip().replace("-", "_") for key in group.split(",") if key.strip()]
        result = result.grouped(keys, stat or "median")
    result = order_runs(result, sort)
    if export is not None:
        export_csv(export, result)
    if as_json:
        print(result.to_json())
    elif not quiet:
        show_comparison(result, tolerance, only_changed=only_changed)
    if plot is not None:
        from convkit.report.figures import comparison_figure, encoded

        write_output(plot, encoded(comparison_figure(result, captioned=True), plot), quiet=quiet or as_json)
    if report is not None:
        from convkit.report.page import comparison_page

        page = comparison_page(result, command=options.command_typed(), tolerance=tolerance)
        write_output(report, page.encode(), quiet=quiet or as_json)
    agreed = tolerance is None or result.largest_difference is None or result.largest_difference <= tolerance
    raise typer.Exit(0 if agreed and result.worked else 1)


def _experiment(source: str | None, vary: list[str], given: dict[str, Any]) -> tuple["Experiment", "Vary"]:
    """Put together what is run, and what is varied."""
    from convkit.experiment import Experiment
    from convkit.experiment.comparison import backends_vary
    from convkit.experiment.config import Config, read_config
    from convkit.experiment.vary import parse_vary

    config = read_config(source) if source is not None else Config()
    base = Experiment(**options.merged(given, config.settings))
    varied = config.vary | parse_vary(vary)
    if base.tolerance is not None and base.expect is None and not backends_vary(varied):
        raise SettingsError(
            expected="--tolerance on something: several backends, or an expected kernel",
            got="neither",
            hint="--vary 'backend=naive conv2d', or --expect K",
        )
    return base, varied


def _run(base: "Experiment", varied: "Vary", how: dict[str, Any], *, quiet: bool, bar: bool) -> "Comparison":
    from convkit.experiment import compare as run_grid
    from convkit.report.messages import say
    from convkit.report.progress import run_progress

    with run_progress(quiet=quiet or not bar) as progress:
        return run_grid(base, vary=varied, on_progress=progress, announce=None if quiet else say, **how)


def _show_plan(base: "Experiment", varied: "Vary", save: str | None, *, retry_failed: bool, as_json: bool) -> None:
    import json

    from convkit.experiment.run_grid import plan
    from convkit.report.plan import plan_record, show_plan

    planned = plan(base, vary=varied, save=save, retry_failed=retry_failed)
    if as_json:
        print(json.dumps(plan_record(planned)))
    else:
        show_plan(planned)
