"""One image of `convkit convolve`: read, filtered, fitted to its file and written."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convkit.cli.job import Job, convention_record
from convkit.errors import SettingsError
from convkit.text import choice, parse_call, whole

if TYPE_CHECKING:
    from convkit.convolution.filtering import Response
    from convkit.image import Image

# Results of at most this many numbers are shown as numbers.
_SMALL = 400


def filter_one(image: str, output: str | None, job: Job, inputs: list[Path]) -> dict[str, Any]:
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
        check_apart(output, job.plot)
    report = _write(response, output, picture, job)
    report |= {"backend": str(response.backend), "seconds": time.perf_counter() - began}
    if job.plot is not None:
        from convkit.report.figures import convolution_figure, encoded
        from convkit.report.outputs import write_output

        figure = convolution_figure(picture.values, job.kernels, response.values)
        write_output(job.plot, encoded(figure, job.plot), quiet=job.quiet)
    return report | {"convention": convention_record(job.convention, response.offset)}


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


def check_apart(output: str | None, plot: str | None) -> None:
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
    from convkit.report.outputs import put

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
        put(str(output), encode_samples(picked.samples, suffix, compression=job.compression))
        told = {"minimum": picked.minimum, "maximum": picked.maximum, "clipped": picked.clipped}
        values = fit(response.values, mapping, bits).values if small else None
    else:
        fitted = fit(response.values, mapping, bits)
        if suffix is not None:
            put(str(output), encode(fitted.values, suffix))
        told = {"minimum": fitted.minimum, "maximum": fitted.maximum, "clipped": fitted.clipped}
        values = fitted.values
    return report | told | {"map": str(mapping), "values": values.tolist() if values is not None and small else None}
