"""``convkit convolve``: apply a kernel to an image, or to many."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convkit.cli import options
from convkit.errors import SettingsError
from convkit.text import choice, parse_call, whole

if TYPE_CHECKING:
    from convkit.convolution import Backend, Convention
    from convkit.convolution.filtering import Combine, Response
    from convkit.image import Image
    from convkit.kernel import Kernel

# Results of at most this many numbers are shown as numbers.
_SMALL = 400


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
        typer.Option("--backend", metavar="NAME", help="auto (default), naive, shift, matmul, separable, fft, conv2d."),
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
    job = _job(options.merged(options.typed(given), {}), kernel, flip=bool(flip), quiet=quiet or as_json, plot=plot)
    inputs = [Path(text) for text in (*images, *kernel)]
    if len(images) == 1 and not _is_folder(output):
        report = _filter(images[0], output, job, inputs)
        report["seconds"] = time.perf_counter() - began
        _tell(report, as_json=as_json, quiet=quiet)
        return
    from convkit.cli.many import filter_many, planned

    plan = planned(images, output, [one.stem for one in job.kernels])
    failures = filter_many(
        plan, lambda image, target: _filter(image, target, job, inputs), as_json=as_json, quiet=quiet
    )
    if failures:
        raise typer.Exit(1)


@dataclass(frozen=True)
class Job:
    """What to do to every image."""

    kernels: "list[Kernel]"
    convention: "Convention"
    combine: "Combine | None"
    backend: "Backend | None"
    mapping: str
    dtype: str | None
    device: str
    compression: int | None
    settings: dict[str, Any]
    quiet: bool
    plot: str | None = None

    def by_rows(self, output: str) -> bool:
        """Whether the result may be written as it comes, row by row."""
        exact = Path(output).suffix.lower() in (".npy", ".tif", ".tiff")
        return exact and self.mapping in ("auto", "none") and len(self.kernels) == 1 and self.plot is None


def _job(settings: dict[str, Any], kernels: list[str], *, flip: bool, quiet: bool, plot: str | None) -> Job:
    """Read the options that hold for every image."""
    from convkit.convolution import Backend, Convention, Padding
    from convkit.convolution.backends import check_device
    from convkit.convolution.filtering import Combine
    from convkit.image.mapping import Mapping
    from convkit.kernel import parse_kernel

    combine, dtype, level = settings.get("combine"), settings.get("dtype"), settings.get("compression")
    return Job(
        [parse_kernel(text) for text in kernels],
        Convention(
            Padding.parse(settings.get("padding", "valid")), whole("--stride", settings.get("stride", 1), 1), flip
        ),
        None if combine is None else Combine(choice("--combine", combine, Combine)),
        Backend.parse(settings.get("backend", "auto")),
        choice("--map", settings.get("map", "auto"), ["auto", *Mapping]),
        None if dtype is None else choice("--dtype", dtype, ("float32", "float64")),
        check_device(settings.get("device", "cpu")),
        None if level is None else int(choice("--compression", level, [str(each) for each in range(10)])),
        settings,
        quiet,
        plot,
    )


def _is_folder(output: str | None) -> bool:
    return output is not None and output != "-" and (output.endswith("/") or Path(output).is_dir())


def _filter(image: str, output: str | None, job: Job, inputs: list[Path]) -> dict[str, Any]:
    """Filter one image and write it; tell what came out."""
    from convkit.convolution.filtering import filter_picture

    began = time.perf_counter()
    _check_output(output, inputs, job.mapping)
    if output is not None and job.by_rows(output):
        from convkit.cli.rows import filter_large

        report = filter_large(image, output, job)
        if report is not None:
            return report | {"seconds": time.perf_counter() - began}
    picture = _read(image, output, job)
    response = filter_picture(
        picture,
        job.kernels,
        job.convention,
        combine=job.combine,
        backend=job.backend,
        dtype=job.dtype,
        device=job.device,
    )
    if output is None and response.values.size > _SMALL:
        output = f"{picture.stem}.{'-'.join(one.stem for one in job.kernels)}.png"
        _check_output(output, inputs, job.mapping)
        _check_apart(output, job.plot)
    report = _write(response, output, picture, job)
    report |= {"backend": str(response.backend), "seconds": time.perf_counter() - began}
    if job.plot is not None:
        from convkit.report.figures import convolution_figure, encoded
        from convkit.report.outputs import write_output

        figure = convolution_figure(picture.values, job.kernels, response.values)
        write_output(job.plot, encoded(figure, job.plot), quiet=job.quiet)
    return report | {"convention": told(job.convention, response.offset)}


def _read(image: str, output: str | None, job: Job) -> "Image":
    import numpy as np

    from convkit.image import MAX_PIXELS, PATTERNS, PICTURE_SUFFIXES, Gray, image_stream, output_suffix, read_image

    settings = job.settings
    # Half the memory for what ends as 8 or 16 bits; what keeps every digit starts from every digit.
    rounded = output in (None, "-") or output_suffix(str(output)) in PICTURE_SUFFIXES
    seed = whole("--seed", settings.get("seed", 0), 0)
    # `numpy.random` need not be loaded for a file.
    rng = image_stream(seed) if parse_call(image).name in PATTERNS else None
    return read_image(
        image,
        gray=choice("--gray", settings.get("gray", "bt601"), Gray),
        background=settings.get("background"),
        max_pixels=whole("--max-pixels", settings.get("max_pixels", MAX_PIXELS), 1),
        rng=rng,
        dtype=np.float32 if rounded and job.dtype != "float64" else np.float64,
    )


def _check_plot(plot: str | None, images: list[str], kernels: list[str], output: str | None) -> None:
    """Refuse a figure before the work, rather than after it."""
    if plot is None:
        return
    from convkit.report.outputs import check_plot

    if len(images) > 1 or _is_folder(output):
        raise SettingsError(expected="one image for --plot", got=f"{len(images)} images", hint="one after the other")
    check_plot(plot, [*images, *kernels])
    _check_apart(output, plot)


def _check_apart(output: str | None, plot: str | None) -> None:
    """Refuse one file for the result and for the figure."""
    if plot is not None:
        from convkit.report.outputs import check_distinct

        check_distinct({"--output": output, "--plot": plot})


def _check_output(output: str | None, inputs: list[Path], mapping: str) -> None:
    """Refuse an output before the work, rather than after it."""
    from convkit.image import EXACT_SUFFIXES, check_writable, output_suffix

    if output is None:
        return
    if output == "-":
        if sys.stdout.isatty():
            raise SettingsError(
                expected="a file or a pipe for the picture's bytes", got="a terminal", hint="-o result.png"
            )
        return
    suffix = output_suffix(output)
    if mapping == "none" and suffix not in EXACT_SUFFIXES:
        raise SettingsError(
            expected="a file of floats for --map none",
            got=f"{suffix}, which holds integers",
            hint="-o result.npy or -o result.tif, or another --map",
        )
    check_writable(output, inputs=inputs)


def _write(response: "Response", output: str | None, picture: "Image", job: Job) -> dict[str, Any]:
    """Fit the response to the file and write it; tell what was written."""
    from convkit.image import PICTURE_SUFFIXES, Kind, encode, encode_samples, output_suffix
    from convkit.image.mapping import Mapping, choose_mapping, fit, fit_picture

    suffix = None
    if output == "-":  # as it came in: numbers for a matrix, a picture for a picture
        suffix = ".csv" if picture.kind is Kind.MATRIX else ".png"
    elif output is not None:
        suffix = output_suffix(output)
    if job.mapping != "auto":
        mapping = Mapping(job.mapping)
    else:
        mapping = choose_mapping(suffix, zero_sum=response.zero_sum) if suffix is not None else Mapping.NONE
    bits = 16 if picture.bits == 16 and suffix in (".png", ".pgm") else 8
    small = response.values.size <= _SMALL
    report: dict[str, Any] = {"schema": "convkit.convolution/1", "output": output, "shape": list(response.values.shape)}
    if suffix in PICTURE_SUFFIXES:
        picked = fit_picture(response.values, mapping, bits)
        _put(output, encode_samples(picked.samples, suffix, compression=job.compression))
        told = {"minimum": picked.minimum, "maximum": picked.maximum, "clipped": picked.clipped}
        values = fit(response.values, mapping, bits).values if small else None
    else:
        fitted = fit(response.values, mapping, bits)
        if suffix is not None:
            _put(output, encode(fitted.values, suffix))
        told = {"minimum": fitted.minimum, "maximum": fitted.maximum, "clipped": fitted.clipped}
        values = fitted.values
    return report | told | {"map": str(mapping), "values": values.tolist() if values is not None and small else None}


def _put(output: str | None, data: bytes) -> None:
    from convkit.image import atomic_write

    if output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    elif output is not None:
        with atomic_write(output) as file:
            file.write(data)


def _tell(report: dict[str, Any], *, as_json: bool, quiet: bool) -> None:
    if as_json:
        print(json.dumps(report, allow_nan=False))
    else:
        from convkit.report.convolution import show_convolution

        show_convolution(report, quiet=quiet)


def told(convention: "Convention", offset: tuple[int, int]) -> dict[str, Any]:
    """Tell the convention in words that stay the same in every version."""
    return {
        "operation": convention.operation,
        "padding": str(convention.padding),
        "stride": convention.stride,
        "offset": list(offset),
    }
