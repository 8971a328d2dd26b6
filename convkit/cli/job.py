"""What `convkit convolve` does to every image: its options, read."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convkit.text import choice, whole

if TYPE_CHECKING:
    from convkit.convolution import Backend, Convention
    from convkit.convolution.filtering import Combine
    from convkit.kernel import Kernel


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


def read_job(settings: dict[str, Any], kernels: list[str], *, flip: bool, quiet: bool, plot: str | None) -> Job:
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


def convention_record(convention: "Convention", offset: tuple[int, int]) -> dict[str, Any]:
    """Tell the convention in words that stay the same in every version."""
    return {
        "operation": convention.operation,
        "padding": str(convention.padding),
        "stride": convention.stride,
        "offset": list(offset),
    }
