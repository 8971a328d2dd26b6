"""``convkit convolve`` on an image larger than memory."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convkit.cli.job import Job

# From so many pixels on, an image goes through by rows; as a whole its response would take another 256 MB.
_LARGE = 1 << 26


def filter_large(image: str, output: str, job: "Job") -> dict[str, Any] | None:
    """Filter an array or a TIFF row by row into another; None when it is small, or cannot be read by rows.

    Unless --max-pixels is given, no limit on its pixels holds, for none on its memory is needed.
    """
    from convkit.image import PATTERNS
    from convkit.image.files import is_file, named
    from convkit.image.image import check_size
    from convkit.text import parse_call, whole

    path = Path(image)
    if parse_call(image).name in PATTERNS or not is_file(path):
        return None
    from convkit.image import atomic_write, open_large, output_suffix, write_rows

    opened = open_large(path, _LARGE)
    if opened is None:
        return None
    from convkit.cli.job import convention_record
    from convkit.convolution.rows import FilteredRows
    from convkit.report.progress import amount_progress

    rows, file = opened
    if "max_pixels" in job.settings:
        check_size(*rows.shape, named(path), whole("--max-pixels", job.settings["max_pixels"], 1))
    suffix = output_suffix(output)
    with file:
        filtered = FilteredRows(
            rows, job.kernels[0], job.convention, backend=job.backend, dtype=job.dtype, device=job.device
        )
        with (
            amount_progress("filtering rows", filtered.shape[0], quiet=job.quiet) as advance,
            atomic_write(output) as out,
        ):
            write_rows(out, suffix, filtered.shape, filtered.dtype, filtered.strips(advance))
    return {
        "schema": "convkit.convolution/1",
        "output": output,
        "shape": list(filtered.shape),
        "minimum": filtered.minimum,
        "maximum": filtered.maximum,
        "clipped": 0,
        "map": "none",
        "values": None,
        "backend": str(filtered.backend),
        "convention": convention_record(job.convention, job.convention.offset(job.kernels[0].shape)),
    }
