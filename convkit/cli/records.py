"""What commands without a model of their own print as JSON; the published schemas are made of these.

`learn-kernel` and `compare` print models (`Recovery`, `Comparison`). `convolve` and `kernels` start without pydantic,
so theirs are told here, and a test holds what is printed to them.
"""

from typing import Literal

from typing_extensions import TypedDict  # pydantic asks for it, not for that of `typing`, before Python 3.12


class ConventionRecord(TypedDict):
    """Where the kernel lies; ``offset`` is the place of its first tap relative to the output pixel."""

    operation: Literal["cross-correlation", "convolution"]
    padding: Literal["valid", "zero", "replicate", "reflect", "symmetric", "circular", "full"]
    stride: int
    offset: tuple[int, int]


class ConvolutionRecord(TypedDict):
    """One filtered image; ``minimum`` and ``maximum`` are of the response as mapped, before it was clipped.

    ``values`` holds the numbers when there are at most 400, ``output`` the file when one was written.
    """

    schema: Literal["convkit.convolution/1"]
    output: str | None
    shape: tuple[int, int]
    minimum: float
    maximum: float
    clipped: int
    map: Literal["clip", "abs", "offset", "rescale", "none"]
    values: list[list[float]] | None
    backend: Literal["naive", "shift", "matmul", "separable", "fft", "conv2d", "embedding_bag"]
    seconds: float
    convention: ConventionRecord


class NamedConvolutionRecord(ConvolutionRecord):
    """One of many filtered images, with the name under which it was given."""

    image: str


class FailedImage(TypedDict):
    """An image that could not be filtered, and the three beats of its error."""

    image: str
    expected: str
    got: str
    hint: str


class ConvolutionsRecord(TypedDict):
    """Many filtered images, in the order given, and those that failed."""

    schema: Literal["convkit.convolutions/1"]
    images: list[NamedConvolutionRecord]
    failed: list[FailedImage]


class KernelRecord(TypedDict):
    """A kernel as correlation taps, rows from the top; ``bias`` is added to every output."""

    schema: Literal["convkit.kernel/1"]
    name: str | None
    taps: list[list[float]]
    bias: float
    sum: float
    rank: int
    separable: bool


class EntryRecord(TypedDict):
    """A kernel of the library with its default parameters."""

    name: str
    signature: str
    shape: tuple[int, int]
    sum: float
    description: str
    aliases: list[str]


class KernelsRecord(TypedDict):
    """The library, by group."""

    schema: Literal["convkit.kernels/1"]
    groups: dict[str, list[EntryRecord]]


class PlanRecord(TypedDict):
    """What `compare --dry-run` would do: the runs of the grid, and the settings of those that come next."""

    schema: Literal["convkit.plan/1"]
    runs: int
    done: int
    failed: int
    left: int
    next: list[dict[str, object]]
