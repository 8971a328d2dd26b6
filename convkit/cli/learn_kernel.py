"""``convkit learn-kernel``: find the kernel between an image and what a filter made of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convkit.cli import options
from convkit.errors import SettingsError
from convkit.text import whole

if TYPE_CHECKING:
    from convkit.experiment import Recovery


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
    if save is not None:
        _check_save(save, options.files_named(settings, config))
    where = {"jobs": None if jobs is None else whole("--jobs", jobs, 1), "cluster": cluster}
    with learning_progress(experiment.steps, quiet=quiet or as_json) as (watch, on_progress):
        found = run(experiment, watch=watch, announce=None if quiet else say, on_progress=on_progress, **where)
    if save is not None:
        _save(found, save)
    if as_json:
        print(found.to_json())
    elif not quiet:
        from convkit.report.recovery import show_recovery

        show_recovery(found, full=full)
        if save is not None:
            say(f"wrote {printable(save)}")
    raise typer.Exit(0 if found.answer_is_yes else 1)


def _check_save(path: str, inputs: list[str]) -> None:
    """Refuse a file that cannot be written before the run, rather than after it."""
    from convkit.errors import OutputError
    from convkit.image import check_writable
    from convkit.text import shown

    if Path(path).suffix.lower() not in _SAVED:
        raise OutputError(
            expected=f"--save to a file ending in {', '.join(_SAVED)}", got=shown(path), hint="--save found.json"
        )
    check_writable(path, inputs=inputs)


_SAVED = (".json", ".npy", ".csv", ".txt")


def _save(found: "Recovery", path: str) -> None:
    from convkit.errors import OutputError
    from convkit.image import atomic_write
    from convkit.kernel import ExportFormat, Kernel, export_kernel

    suffix = Path(path).suffix.lower()
    if suffix == ".json":
        content = (found.to_json() + "\n").encode()
    else:
        form = ExportFormat.NPY if suffix == ".npy" else ExportFormat.CSV
        if found.kernel is None:
            raise OutputError(
                expected="one kernel to save",
                got="a different one for each channel",
                hint="--save found.json, or --gray r, g or b for a channel alone",
            )
        content = export_kernel(Kernel.of(found.kernel.learned), form)
    with atomic_write(path) as file:
        file.write(content)
