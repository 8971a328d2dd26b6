"""The options, each declared once; commands that run experiments share them."""

import functools
import inspect
import os
import shlex
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from convkit.errors import SettingsError
from convkit.text import shown

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors and asked-for data.")]
Full = Annotated[bool, typer.Option("--full", help="Show every tap of a large kernel.")]


def _text(option: str, metavar: str, told: str, *aliases: str) -> Any:
    return Annotated[str | None, typer.Option(option, *aliases, metavar=metavar, help=told, show_default=False)]


def _texts(option: str, metavar: str, told: str) -> Any:
    return Annotated[list[str] | None, typer.Option(option, metavar=metavar, help=told, show_default=False)]


def _flag(option: str, told: str) -> Any:
    return Annotated[bool | None, typer.Option(option, help=told, show_default=False)]


KERNEL_HELP = "Kernel text: taps such as 1,-1 or '0,1;2,3', a name (see convkit kernels), or a file."

# Shared with convolve, which declares its options one by one.
Padding = Annotated[
    str | None,
    typer.Option(
        "--padding", metavar="P", help="valid (default), zero, replicate, reflect, symmetric, circular, full."
    ),
]
Stride = Annotated[str | None, typer.Option("--stride", metavar="S", help="Keep every S-th output (default 1).")]
Flip = Annotated[
    bool | None, typer.Option("--flip", help="Turn the kernel by 180 degrees: true convolution.", show_default=False)
]
Gray = Annotated[
    str | None, typer.Option("--gray", metavar="MODE", help="Colour to gray: bt601 (default), bt709, mean, r, g or b.")
]
Background = Annotated[
    str | None, typer.Option("--background", metavar="B", help="Behind transparent pixels: white, black or 0..1.")
]
MaxPixels = Annotated[
    str | None, typer.Option("--max-pixels", metavar="N", help="Refuse larger images (default 500 million).")
]
Seed = Annotated[
    str | None, typer.Option("--seed", metavar="N", help="Seed of all that is random (default 0, or CONVKIT_SEED).")
]
Device = Annotated[str | None, typer.Option("--device", metavar="D", help="cpu (default) or cuda (or CONVKIT_DEVICE).")]

# Grids: what is varied, where runs are kept, where they run, and how they are shown.
Vary = Annotated[
    list[str] | None,
    typer.Option("--vary", metavar="'KEY=V V'", help="Values of a setting, e.g. 'noise=0 0.1' or 'seed=0:10'."),
]
Save = _text("--save", "F", "Keep every run in this file, as JSON lines; those in it are not done again.")
Fresh = Annotated[bool, typer.Option("--fresh", help="Start the file of --save anew.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Do runs again that are in the file as failed.")]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first run that fails.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")]
Jobs = _text("--jobs", "N", "Run in N processes (default: in this one).")
Cluster = _text("--cluster", "ADDRESS", "Run on a Dask cluster: tcp://host:8786, or its scheduler file.")
JobsOfSum = _text("--jobs", "N", "Sum over several or large pairs in N processes; the same bits with any number.")
ClusterOfSum = _text("--cluster", "ADDRESS", "Sum on a Dask cluster: tcp://host:8786, or its scheduler file.")
Group = _text("--group", "K,K", "One row for the runs that share these settings, with spread and efficiency.")
Stat = _text("--stat", "S", "What a group's row tells: median (default), mean, min or max.")
Sort = _text("--sort", "KEY", "Order the rows by a varied key or a column.")
OnlyChanged = Annotated[bool, typer.Option("--only-changed", help="Show the columns whose values differ.")]
Export = _text("--export", "F.csv", "Write the rows to this file too, every number in full.")

Plot = _text("--plot", "F", "Draw figures into this file: .png, .svg or .pdf.")
Animate = _text("--animate", "F", "The descent as a moving picture: .gif, .png or .webp.")
Report = _text("--report", "F.html", "Tell all in one page of HTML, to be read offline.")
Watch = Annotated[bool, typer.Option("--watch", help="Show loss and kernel while the descent runs.")]

# One entry for every field of `convkit.experiment.Experiment`, in the order of the help; a test holds them together.
EXPERIMENT: dict[str, Any] = {
    "image": _texts("--image", "X", "A file, a pattern such as noise, or a matrix (default edges); may be repeated."),
    "kernel": _text("--kernel", "K", KERNEL_HELP + " The truth (default 1,-1).", "-k"),
    "target": _texts("--target", "Y", "What the filter made of each image (default: made from --kernel)."),
    "pairs": _text("--pairs", "F", "Many pairs: a CSV file of two columns, or a folder with before/ and after/."),
    "mask": _texts("--mask", "M", "Use the target's pixels where this image is not 0; once, or for every pair."),
    "program": _text("--program", "CMD", "Ask a program: 'CMD … {input} … {output} …', run on pictures made for it."),
    "program_timeout": _text("--program-timeout", "S", "Seconds the program may take each time (default 60)."),
    "probe_format": _text("--probe-format", "T", "Its files: png (default), png16, tif, pgm or jpg."),
    "precision": _text("--precision", "E", "Ask the program until every tap's standard error is below this."),
    "keep": _flag("--keep", "Keep the folder with the program's files."),
    "size": _text("--size", "N|HxW|auto", "Size of the kernel to find, or auto (default: --kernel's, else auto)."),
    "steps": _text("--steps", "N", "Steps of descent (default 40)."),
    "lr": _text("--lr", "R", "Learning rate, or auto (default): the best for the steps asked."),
    "solver": _text("--solver", "NAME", "gd, momentum, adam, lbfgs, or exact (default with --target)."),
    "backend": _text("--backend", "NAME", "auto (default), gram, conv2d or naive: what the gradient flows through."),
    "constraint": _texts(
        "--constraint",
        "C",
        "nonnegative, sum-one, zero-sum, symmetric or separable; repeat to combine; with --solver exact.",
    ),
    "ridge": _text("--ridge", "L", "Price on large taps, or auto (cross-validation); with --solver exact."),
    "tol": _text("--tol", "T", "Stop when every tap is this close to the exact answer."),
    "bias": _flag("--bias/--no-bias", "Learn a bias too (default), or not."),
    "noise": _text("--noise", "S", "Standard deviation of the noise on a made target (default 0)."),
    "padding": Padding,
    "stride": _text("--stride", "S|auto", "Keep every S-th output (default 1); auto finds what a resizer does."),
    "flip": Flip,
    "loss": _text("--loss", "NAME", "sum (default) or mean of squared residuals, or huber (robust)."),
    "dtype": _text("--dtype", "T", "float64 (default) or float32."),
    "background": Background,
    "transfer": _text("--transfer", "T", "Light the filter worked in: auto (default), srgb, linear, or none."),
    "channels": _flag("--channels/--no-channels", "Colour pictures channel by channel (default), or as gray."),
    "gray": Gray,
    "max_pixels": MaxPixels,
    "seed": Seed,
    "device": Device,
    "log_every": _text("--log-every", "N", "Show the loss every N steps (default 5)."),
    "expect": _text("--expect", "K", "Exit 1 unless the kernel found is this one."),
    "tolerance": _text("--tolerance", "T", "How far taps may differ before the answer is no."),
}

# Few: what belongs to a machine or a session rather than to an experiment.
ENVIRONMENT = {"seed": "CONVKIT_SEED", "device": "CONVKIT_DEVICE"}


def experiment_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every experiment option; its ``given`` gets those that were typed, by field name."""
    own = inspect.signature(command)
    parameters = [parameter for name, parameter in own.parameters.items() if name != "given"]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in EXPERIMENT.items()
    ]

    @functools.wraps(command)
    def with_options(**values: Any) -> None:
        given = {name: values.pop(name) for name in EXPERIMENT}
        command(**values, given=typed(given))

    positional = [p for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    keywords = [p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    signature = own.replace(parameters=[*positional, *shared, *keywords])
    with_options.__signature__ = signature  # type: ignore[attr-defined]
    with_options.__annotations__ = {name: p.annotation for name, p in signature.parameters.items()}
    return with_options


def typed(given: dict[str, Any]) -> dict[str, Any]:
    """Keep the options that were typed; a value that looks like an option is a forgotten value."""
    kept = {name: value for name, value in given.items() if value is not None and value != []}
    for name, value in kept.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and text.startswith("--"):
                option = "--" + name.replace("_", "-")
                raise SettingsError(
                    expected=f"a value after {option}", got=f"the option {shown(text)}", hint=f"{option} VALUE {text}"
                )
    # An option that may be repeated and was not is a plain value.
    return {n: value[0] if isinstance(value, list) and len(value) == 1 else value for n, value in kept.items()}


def files_named(settings: dict[str, Any], *others: str | None) -> list[str]:
    """Return every text among the settings, some of which name files that must not be overwritten."""
    values = [*settings.values(), *others]
    return [
        text for value in values for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)
    ]


def command_typed() -> str:
    """Return the command as it was typed, but for the quotes that a shell would ask for now."""
    return shlex.join(["convkit", *sys.argv[1:]])


def merged(given: dict[str, Any], file: dict[str, Any]) -> dict[str, Any]:
    """Merge what was set: flag beats environment beats file."""
    environment = {key: os.environ[name] for key, name in ENVIRONMENT.items() if os.environ.get(name)}
    return file | environment | given
