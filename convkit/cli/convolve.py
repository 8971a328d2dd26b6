"""``convkit convolve``: apply a kernel to an image, or to many."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from convkit.cli import options
from convkit.cli.job import read_job
from convkit.cli.one import check_apart, filter_one
from convkit.errors import SettingsError


def convolve(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Pictures, matrices or patterns, or - for stdin.")
    ],
    kernel: Annotated[
        list[str], typer.Option("--kernel", "-k", metavar="K", help=options.KERNEL_HELP, show_default=False)
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="OUT", help="Where to write: .png .jpg .tif .npy .csv, a folder, or - (stdout)."
        ),
    ] = None,
    padding: options.Padding = None,
    stride: options.Stride = None,
    flip: options.Flip = None,
    backend: Annotated[
        str | None,
        typer.Option(
            "--backend",
            metavar="NAME",
            help="auto (default), naive, shift, matmul, separable, fft, conv2d, embedding_bag.",
        ),
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option("--map", metavar="M", help="Into [0, 1]: auto (default), clip, abs, offset, rescale or none."),
    ] = None,
    combine: Annotated[
        str | None, typer.Option("--combine", metavar="HOW", help="magnitude: of several --kernel, the length.")
    ] = None,
    compression: Annotated[
        str | None, typer.Option("--compression", metavar="N", help="Of PNG: 0 (none) to 9; default: fast and small.")
    ] = None,
    gray: options.Gray = None,
    background: options.Background = None,
    dtype: Annotated[
        str | None, typer.Option("--dtype", metavar="T", help="float32 or float64 (default: the input's own).")
    ] = None,
    max_pixels: options.MaxPixels = None,
    seed: options.Seed = None,
    device: options.Device = None,
    plot: options.Plot = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Apply a kernel to an image and write the picture.

    Small results are printed as numbers; without -o nothing is written for
    them. Large ones go to NAME.KERNEL.png in this directory. Several images go
    to a folder under their own names; one that fails is told at the end.

    Example: convkit convolve photo.png --kernel sobel -o edges.png
    """
    began = time.perf_counter()
    if as_json and output == "-":
        raise SettingsError(expected="one thing on stdout", got="--json and -o -", hint="--json -o FILE, or -o - alone")
    given = {"images": " ".join(images), "output": output, "padding": padding, "stride": stride, "backend": backend}
    given |= {"map": mapping, "combine": combine, "gray": gray, "background": background, "dtype": dtype}
    given |= {"max_pixels": max_pixels, "seed": seed, "device": device, "compression": compression}
    _check_plot(plot, images, kernel, output)
    settings = options.merged(options.typed(given), {})
    job = read_job(settings, kernel, flip=bool(flip), quiet=quiet or as_json, plot=plot)
    inputs = [Path(text) for text in (*images, *kernel)]
    if len(images) == 1 and not _is_folder(output):
        report = filter_one(images[0], output, job, inputs)
        report["seconds"] = time.perf_counter() - began
        _tell(report, as_json=as_json, quiet=quiet)
        return
    from convkit.cli.many import filter_many, planned

    plan = planned(images, output, [one.stem for one in job.kernels])
    failures = filter_many(
        plan, lambda image, target: filter_one(image, target, job, inputs), as_json=as_json, quiet=quiet
    )
    if failures:
        raise typer.Exit(1)


def _is_folder(output: str | None) -> bool:
    return output is not None and output != "-" and (output.endswith("/") or Path(output).is_dir())


def _check_plot(plot: str | None, images: list[str], kernels: list[str], output: str | None) -> None:
    """Refuse a figure before the work, rather than after it."""
    if plot is None:
        return
    from convkit.report.outputs import check_plot

    if len(images) > 1 or _is_folder(output):
        raise SettingsError(expected="one image for --plot", got=f"{len(images)} images", hint="one after the other")
    check_plot(plot, [*images, *kernels])
    check_apart(output, plot)


def _tell(report: dict[str, Any], *, as_json: bool, quiet: bool) -> None:
    if as_json:
        print(json.dumps(report, allow_nan=False))
    else:
        from convkit.report.convolution import show_convolution

        show_convolution(report, quiet=quiet)
