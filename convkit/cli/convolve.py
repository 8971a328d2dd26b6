"""``convkit convolve``: apply a kernel to an image."""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convkit.cli import options
from convkit.errors import SettingsError
from convkit.text import choice, whole

if TYPE_CHECKING:
    from convkit.convolution import Convention
    from convkit.convolution.filtering import Response
    from convkit.image import Image
    from convkit.image.mapping import Mapping

# Results of at most this many numbers are shown as numbers.
_SMALL = 400


def convolve(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A picture, a matrix, a pattern, or - for stdin.")],
    kernel: Annotated[
        list[str], typer.Option("--kernel", "-k", metavar="K", help=options.KERNEL_HELP, show_default=False)
    ],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="OUT", help="Where to write: .png .jpg .tif .npy .csv, or - (stdout)."),
    ] = None,
    padding: options.Padding = None,
    stride: options.Stride = None,
    flip: options.Flip = None,
    backend: Annotated[
        str | None, typer.Option("--backend", metavar="NAME", help="auto (default), naive, shift, conv2d or fft.")
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option("--map", metavar="M", help="Into [0, 1]: auto (default), clip, abs, offset, rescale or none."),
    ] = None,
    combine: Annotated[
        str | None, typer.Option("--combine", metavar="HOW", help="magnitude: of several --kernel, the length.")
    ] = None,
    gray: options.Gray = None,
    background: options.Background = None,
    dtype: Annotated[
        str | None, typer.Option("--dtype", metavar="T", help="float32 or float64 (default: the input's own).")
    ] = None,
    max_pixels: options.MaxPixels = None,
    seed: options.Seed = None,
    device: options.Device = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Apply a kernel to an image and write the picture.

    Small results are printed as numbers; without -o nothing is written for
    them. Large ones go to NAME.KERNEL.png in this directory.

    Example: convkit convolve photo.png --kernel sobel -o edges.png
    """
    began = time.perf_counter()
    if as_json and output == "-":
        raise SettingsError(expected="one thing on stdout", got="--json and -o -", hint="--json -o FILE, or -o - alone")
    given = {"image": image, "output": output, "padding": padding, "stride": stride, "backend": backend}
    given |= {"map": mapping, "combine": combine, "gray": gray, "background": background, "dtype": dtype}
    given |= {"max_pixels": max_pixels, "seed": seed, "device": device}
    settings = options.merged(options.typed(given), {})

    from convkit.convolution import Backend, Convention, Padding
    from convkit.convolution.backends import check_device
    from convkit.convolution.filtering import Combine, filter_picture
    from convkit.image.mapping import Mapping
    from convkit.kernel import parse_kernel

    kernels = [parse_kernel(text) for text in kernel]
    convention = Convention(
        Padding.parse(settings.get("padding", "valid")), whole("--stride", settings.get("stride", 1), 1), bool(flip)
    )
    asked = choice("--map", settings.get("map", "auto"), ["auto", *Mapping])
    picture = _read(settings)
    inputs = [Path(text) for text in (image, *kernel)]
    _check_output(output, inputs, asked)
    response = filter_picture(
        picture,
        kernels,
        convention,
        combine=Combine(choice("--combine", combine, Combine)) if combine is not None else None,
        backend=Backend.parse(settings.get("backend", "auto")),
        dtype=choice("--dtype", dtype, ("float32", "float64")) if dtype is not None else None,
        device=check_device(settings.get("device", "cpu")),
    )
    small = response.values.size <= _SMALL
    if output is None and not small:
        output = f"{picture.stem}.{'-'.join(one.stem for one in kernels)}.png"
        _check_output(output, inputs, asked)
    report = _write(response, output, picture, None if asked == "auto" else Mapping(asked))
    report |= {"backend": str(response.backend), "seconds": time.perf_counter() - began}
    report |= {"convention": _told(convention, response)}
    if as_json:
        print(json.dumps(report, allow_nan=False))
    else:
        from convkit.report.convolution import show_convolution

        show_convolution(report, quiet=quiet)


def _read(settings: dict[str, Any]) -> "Image":
    import numpy as np

    from convkit.image import Gray, read_image

    # The same stream as in an experiment, so that `noise` is one picture for one seed.
    seed = np.random.SeedSequence(whole("--seed", settings.get("seed", 0), 0)).spawn(3)[0]
    return read_image(
        settings["image"],
        gray=choice("--gray", settings.get("gray", "bt601"), Gray),
        background=settings.get("background"),
        max_pixels=whole("--max-pixels", settings.get("max_pixels", 500_000_000), 1),
        rng=np.random.default_rng(seed),
    )


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


def _write(response: "Response", output: str | None, picture: "Image", mapping: "Mapping | None") -> dict[str, Any]:
    """Fit the response to the file and write it; tell what was written."""
    from convkit.image import Kind, encode, output_suffix, save_image
    from convkit.image.mapping import Mapping, choose_mapping, fit

    suffix = None
    if output == "-":  # as it came in: numbers for a matrix, a picture for a picture
        suffix = ".csv" if picture.kind is Kind.MATRIX else ".png"
    elif output is not None:
        suffix = output_suffix(output)
    if mapping is None:
        mapping = choose_mapping(suffix, zero_sum=response.zero_sum) if suffix is not None else Mapping.NONE
    bits = 16 if picture.bits == 16 and suffix in (".png", ".pgm") else 8
    fitted = fit(response.values, mapping, bits)
    if output == "-":
        assert suffix is not None
        sys.stdout.buffer.write(encode(fitted.values, suffix, bits=bits))
        sys.stdout.buffer.flush()
    elif output is not None:
        save_image(output, fitted.values, bits=bits)
    return {
        "schema": "convkit.convolution/1",
        "output": output,
        "shape": list(response.values.shape),
        "minimum": fitted.minimum,
        "maximum": fitted.maximum,
        "clipped": fitted.clipped,
        "map": str(mapping),
        "values": fitted.values.tolist() if fitted.values.size <= _SMALL else None,
    }


def _told(convention: "Convention", response: "Response") -> dict[str, Any]:
    return {
        "operation": convention.operation,
        "padding": str(convention.padding),
        "stride": convention.stride,
        "offset": list(response.offset),
    }
