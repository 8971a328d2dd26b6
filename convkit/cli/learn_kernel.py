"""``convkit learn-kernel``: find the kernel between an image and what a filter made of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convkit.cli import options
from convkit.errors import SettingsError
from convkit.text import whole

if TYPE_CHECKING:
    from convkit.experiment import Experiment, Recovery


@options.experiment_options
def learn_kernel(
    *,
    config: Annotated[
        str | None, typer.Option("--config", metavar="F", help="An experiment in TOML; options typed here beat it.")
    ] = None,
    save: Annotated[
        str | None,
        typer.Option("--save", metavar="F", help="Write the record (.json) or the kernel (.npy, .csv, .txt)."),
    ] = None,
    jobs: options.JobsOfSum = None,
    cluster: options.ClusterOfSum = None,
    plot: options.Plot = None,
    animate: options.Animate = None,
    report: options.Report = None,
    watch: options.Watch = False,
    full: options.Full = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    given: dict[str, Any],
) -> None:
    """Find the kernel that turns an image into a target.

    Without --target, the target is made from --kernel, which is then found again.

    The lesson: convkit learn-kernel --kernel 1,-1 --steps 40 --lr 0.01
    """
    from convkit.experiment import Experiment
    from convkit.experiment.config import Config, read_config
    from convkit.experiment.learn import run
    from convkit.report.messages import printable, say
    from convkit.report.outputs import check_animation, check_distinct, check_page, check_plot, write_output
    from convkit.report.progress import learning_progress

    file = read_config(config) if config is not None else Config()
    if file.vary:
        raise SettingsError(
            expected="one experiment",
            got=f"{config}, which varies {', '.join(file.vary)}",
            hint=f"convkit compare {config}",
        )
    settings = options.merged(given, file.settings)
    experiment = Experiment(**settings)
    if experiment.tolerance is not None and experiment.expect is None:
        raise SettingsError(
            expected="--expect beside --tolerance", got="--tolerance alone", hint="--expect 1,-1 --tolerance 1e-3"
        )
    inputs = options.files_named(settings, config)
    if save is not None:
        _check_save(save, inputs)
    check_plot(plot, inputs)
    check_animation(animate, inputs)
    check_page(report, inputs)
    for option, asked in (("--animate", animate is not None), ("--watch", watch)):
        if asked:
            _check_descends(experiment, option)
    check_distinct({"--save": save, "--plot": plot, "--animate": animate, "--report": report})
    keep_steps = animate is not None or report is not None
    how = {"jobs": None if jobs is None else whole("--jobs", jobs, 1), "cluster": cluster, "keep_steps": keep_steps}
    with learning_progress(experiment.steps, quiet=quiet or as_json, watched=watch) as (on_step, on_progress):
        found = run(experiment, watch=on_step, announce=None if quiet else say, on_progress=on_progress, **how)
    if save is not None:
        _save(found, save)
    if as_json:
        print(found.to_json())
    elif not quiet:
        from convkit.report.recovery import show_recovery

        show_recovery(found, full=full)
        if save is not None:
            say(f"wrote {printable(save)}")
    if plot is not None:
        from convkit.report.figures import encoded, recovery_figure

        write_output(plot, encoded(recovery_figure(found), plot), quiet=quiet or as_json)
    if animate is not None:
        from convkit.report.animation import animated

        write_output(animate, animated(found, animate), quiet=quiet or as_json)
    if report is not None:
        from convkit.report.page import recovery_page

        page = recovery_page(found, command=options.command_typed())
        write_output(report, page.encode(), quiet=quiet or as_json)
    raise typer.Exit(0 if found.answer_is_yes else 1)


def _check_descends(experiment: "Experiment", option: str) -> None:
    """Refuse to show the steps of what takes none."""
    from convkit.recovery import Solver

    if experiment.settled().chosen_solver is Solver.EXACT:
        raise SettingsError(
            expected=f"a descent for {option}", got="the solver exact, which takes no steps", hint="--solver gd"
        )


def _check_save(path: str, inputs: list[str]) -> None:
    """Refuse a file that cannot be written before the run, rather than after it."""
    from convkit.report.outputs import check_output

    check_output("--save", path, _SAVED, inputs)


_SAVED = (".json", ".npy", ".csv", ".txt")


def _save(found: "Recovery", path: str) -> None:
    from convkit.errors import OutputError
    from convkit.kernel import Kernel

    if Path(path).suffix.lower() == ".json":
        found.save(path)
    elif found.kernel is None:
        raise OutputError(
            expected="one kernel to save",
            got="a different one for each output phase" if found.resizer else "a different one for each channel",
            hint="--save found.json" if found.resizer else "--save found.json, or --gray r, g or b for a channel alone",
        )
    else:
        Kernel.of(found.kernel.learned).save(path)
