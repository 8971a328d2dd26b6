"""What a recovery found: the record whose fields mirror its JSON."""

import json
import math
import os
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, PlainSerializer, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

import convkit
from convkit.convolution import Padding
from convkit.errors import SettingsError
from convkit.experiment.workings import Workings
from convkit.image import atomic_write
from convkit.image.files import named, open_regular
from convkit.recovery import Solver, Status
from convkit.recovery.proof import Candidate
from convkit.recovery.trajectory import Trajectory
from convkit.views import Viewed


def _finite_or_none(value: float) -> float | None:
    """JSON has no word for infinity or NaN."""
    return value if math.isfinite(value) else None


def _rows(values: NDArray[np.float64]) -> list[list[float | None]]:
    return [[_finite_or_none(float(value)) for value in row] for row in values]


def _array(value: Any) -> NDArray[np.float64]:
    """Read rows of numbers; None stands for a value that is not determined."""
    try:
        rows = np.array(value, dtype=np.float64)
    except (TypeError, OverflowError) as error:  # which pydantic does not take for a mistake in what was read
        raise ValueError("rows of numbers are expected") from error
    if rows.ndim != 2:
        raise ValueError("rows of numbers are expected")
    return rows


Taps = Annotated[
    np.ndarray[Any, np.dtype[np.floating[Any]]],
    BeforeValidator(_array),
    PlainSerializer(_rows, return_type=list[list[float | None]]),
    WithJsonSchema({"type": "array", "items": {"type": "array", "items": {"type": ["number", "null"]}}}),
]
# Non-finite numbers become null in JSON, which has no other word for them.
Number = Annotated[float, PlainSerializer(_finite_or_none, return_type=float | None, when_used="json")]


class Block(BaseModel):
    """Part of a record."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    @classmethod
    def taken_from(cls, source: object) -> Self:
        """Take over what something has under the names of the block's fields."""
        return cls.model_validate(source, from_attributes=True)


class ConventionBlock(Block):
    """Where the kernel lies: see `convkit.convolution.Convention`; padding is None when unknown."""

    operation: str
    padding: Padding | None
    stride: int
    offset: tuple[int, int]


class IntegerBlock(Block):
    """The kernel as whole numbers over a divisor; proven when replaying it reproduces every pixel."""

    numerators: list[list[int]]
    divisor: int
    proven: bool


class KernelBlock(Block):
    """The taps found, in rows ``(kh, kw)``; the true ones when known; a standard error for each, 0 when proven.

    ``names`` are all that fit, the likeliest first; ``properties`` say in words what holds with or without a name.
    ``library`` is the kernel text of the library's own that is proven: replaying it reproduces every pixel.
    ``nearest`` is a name that nearly fits where none does: within ten times the standard errors.
    """

    learned: Taps
    true: Taps | None
    standard_error: Taps
    max_abs_error: Number | None
    name: str | None
    names: list[str] = Field(default_factory=list)
    properties: str | None = None
    integer: IntegerBlock | None = None
    library: str | None = None
    nearest: str | None = None

    @property
    def proven(self) -> bool:
        """Whether the taps are known without error."""
        return self.library is not None or (self.integer is not None and self.integer.proven)

    @property
    def comparable_true(self) -> NDArray[np.floating[Any]] | None:
        """The true taps, where they are known and of the learned size, so that each has its tap to compare with."""
        return self.true if self.true is not None and self.true.shape == self.learned.shape else None


class BiasBlock(Block):
    """The constant found; None when none was sought."""

    learned: Number | None
    true: float | None
    standard_error: Number | None


class LossAtStep(Block):
    """The loss before a step's update, and what the eigenvalues foretell of plain descent."""

    step: int
    loss: Number | None
    predicted: Number | None = None


class LearningRateBlock(Block):
    """The rate used, the rate from which descent diverges, and the best fixed one.

    ``best_momentum`` is Polyak's pair of rate and β; ``predicted_steps`` those until the slowest direction's error is
    a millionth of what it was, by plain descent with the rate used, ``predicted_steps_at_best`` with the best one,
    ``predicted_steps_with_momentum`` with the best momentum; ``predicted_arrival`` those until every unknown is within
    ``tol`` of the exact answer.
    """

    used: float
    stable_below: float | None
    best: float | None
    best_momentum: tuple[float, float] | None
    predicted_steps: Number | None
    predicted_steps_at_best: Number | None
    predicted_steps_with_momentum: Number | None
    predicted_arrival: Number | None


class IdentifiabilityBlock(Block):
    """What the data can determine: all unknowns or, in words, what is left of them.

    ``null_directions`` are kernels that may be added without any output changing (the bias making up for some), each
    scaled to a largest tap of 1; left out above 49 taps.
    """

    identifiable: bool
    rank: int
    parameters: int
    condition_number: Number | None
    tolerance: float
    determined: list[str]
    null_directions: list[Taps]


class EvidenceBlock(Block):
    """A test that the verdict rests on."""

    name: str
    passed: bool
    statistic: Number | None
    threshold: Number | None
    effect: Number | None
    told: str


class FitBlock(Block):
    """How well the kernel explains the target, in image units and in levels.

    Of given targets also how saturated outputs were dealt with, the rounding mode, how many pixels replaying the
    kernel reproduces (``ties`` of them where single precision may round either way), and what the verdict rests on.
    """

    residual_rms: Number | None
    rounding_rms: float | None
    residual_levels: Number | None = None
    r2: Number | None
    saturated_fraction: float
    saturation: str | None = None
    rounding: str | None = None
    pixels: int | None = None
    reproduced: int | None = None
    ties: int | None = None
    verdict: Literal["not-identifiable", "exact", "linear", "noisy", "not-linear"] | None
    reason: str | None = None
    evidence: list[EvidenceBlock] = Field(default_factory=list)


class StageBlock(Block):
    """A window tried on the way to the size, with the criteria of its choice."""

    size: tuple[int, int]
    offset: tuple[int, int]
    residual_squares: Number
    f: Number | None
    deviate: Number | None
    aic: Number | None
    bic: Number | None


class SupportBlock(Block):
    """How the size was found: the windows tried, the last of them the one kept, and what lies outside it.

    ``outside`` is the share of the kernel's energy beyond the size kept in the largest window tried, and
    ``outside_by_chance`` what noise alone would show there.
    """

    size: tuple[int, int]
    offset: tuple[int, int]
    tried: list[StageBlock]
    rows_used: float
    outside: Number
    outside_by_chance: Number
    settled: bool


class CandidateBlock(Block):
    """A border rule, and how well it explains the rim; ``same`` names rules that come to the same there."""

    rule: str
    same: list[str]
    pixels: int
    reproduced: int
    residual_levels: Number

    @classmethod
    def of(cls, candidate: Candidate) -> Self:
        """Take over a rule that was tried."""
        return cls(
            rule=str(candidate.rule),
            same=[str(rule) for rule in candidate.same],
            pixels=candidate.count,
            reproduced=candidate.reproduced,
            residual_levels=candidate.rms,
        )


class BorderBlock(Block):
    """How the filter continued the picture beyond its edge, told from the rim; None when no rule explains it."""

    rule: str | None
    told: str
    candidates: list[CandidateBlock]


class ChannelBlock(Block):
    """What was found of one channel of colour pictures."""

    name: str
    kernel: KernelBlock
    bias: BiasBlock
    fit: FitBlock
    border: BorderBlock | None


class PhaseBlock(Block):
    """The kernel of a resizer's outputs ``q·t + phase``, from ``offset`` on relative to the input pixel ``p·t``."""

    phase: tuple[int, int]
    offset: tuple[int, int]
    kernel: KernelBlock
    bias: BiasBlock
    fit: FitBlock


class AxisPhaseBlock(Block):
    """The taps of a resizer's outputs ``q·t + phase`` on one axis, from ``offset`` on relative to the pixel ``p·t``."""

    phase: int
    offset: int
    taps: list[Number]
    standard_error: list[Number]


class ResizerBlock(Block):
    """What a resizer does: ``steps`` input pixels to ``outputs`` outputs, down and along; names, the likeliest first.

    ``curve`` is the continuous kernel as the phases sample it, down the rows: distance from the output's centre in
    input pixels (pixels as areas: output ``i`` is centred on ``(i + ½)·p/q - ½``), and weight. ``difference`` is the
    largest between the taps found and those of the first name; ``nearest`` is there when no name fits. ``down`` and
    ``along`` hold the taps of every phase of a resizer that was taken apart into rows and columns, because its phases
    are many or differ between the axes.
    """

    steps: tuple[int, int]
    outputs: tuple[int, int]
    names: list[str]
    difference: Number | None
    nearest: str | None
    nearest_difference: Number | None
    curve: list[tuple[float, float]]
    down: list[AxisPhaseBlock] = Field(default_factory=list)
    along: list[AxisPhaseBlock] = Field(default_factory=list)


class TransferBlock(Block):
    """The light the filter worked in, ``srgb`` for encoded numbers, and the residual in either, in levels."""

    used: str
    told: str
    encoded_levels: Number | None
    linear_levels: Number | None


class ProbeBlock(Block):
    """How a program was asked, and what the tests made on it showed.

    ``contrast`` is the mean and the amplitude of the two-level pictures, in image units; ``noise`` the standard
    deviation in one answer, in levels where there are such; ``border`` is told from a picture that is mostly rim;
    ``mixing`` has a row for each channel of an answer to a coloured picture; ``folder`` is where files were kept.
    """

    program: str
    probe_format: str | None
    runs: int
    pictures: int
    shape: tuple[int, int]
    contrast: tuple[float, float]
    noise: Number
    tests: list[EvidenceBlock]
    border: BorderBlock | None
    mixing: Taps | None
    mixing_told: str | None
    precision: Number | None
    precision_told: str | None
    folder: str | None


class ExactBlock(Block):
    """The least-squares answer, which no descent can beat, and how far from it the kernel returned is."""

    kernel: Taps
    bias: Number | None
    loss: Number
    distance: Number | None
    distance_in_standard_errors: Number | None


class RidgeBlock(Block):
    """The price on large taps, ``λ·‖taps‖²``, and how many unknowns were effectively left."""

    strength: float
    freedom: float
    chosen_by: Literal["given", "cross-validation"]


class ConstraintBlock(Block):
    """What the kernel was held to, how many numbers that left free, and what it cost."""

    held: list[str]
    freedom: int
    added_loss: Number


class RobustBlock(Block):
    """Huber's loss: the residual from which it grows no faster, and how many residuals lie beyond."""

    knee: float
    outliers: int
    rounds: int


class ExpectationBlock(Block):
    """Whether the taps found lie within the tolerance of those expected."""

    kernel: Taps
    max_abs_difference: Number
    tolerance: float
    met: bool


# What is saved of one kernel is a thousandth of it; of a comparison, a few kilobytes a run.
_MOST_BYTES = 1 << 30


class Saved(Viewed, Block):
    """A result that is kept as JSON, field by field."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return self.model_dump(mode="json", by_alias=True)

    def to_json(self) -> str:
        """Return it as one line of strict JSON, which knows no NaN."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON, in one step.

        Raises
        ------
        OutputError
            When the file cannot be written.
        """
        with atomic_write(path) as file:
            file.write((self.to_json() + "\n").encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what was saved as JSON.

        Raises
        ------
        SettingsError
            When the file cannot be read, or holds something else.
        """
        try:
            with open_regular(path, _MOST_BYTES) as file:
                return cls.model_validate_json(file.read())
        except (OSError, ValueError) as error:  # pydantic's ValidationError is a ValueError
            fault = error.strerror if isinstance(error, OSError) else "which is none"
            raise SettingsError(
                expected=f"a saved {cls.__name__}", got=f"{named(path)} ({fault})", hint="what its save() has written"
            ) from error


class Recovery(Saved):
    """What `learn_kernel` found; field by field the JSON of ``convkit learn-kernel --json``."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, populate_by_name=True)

    schema_: Literal["convkit.recovery/1"] = Field(default="convkit.recovery/1", alias="schema")
    version: str = Field(default_factory=lambda: convkit.__version__)
    experiment: dict[str, Any]
    convention: ConventionBlock
    kernel: KernelBlock | None
    bias: BiasBlock
    losses: list[LossAtStep]
    losses_every: int
    final_loss: Number | None
    status: Status
    steps: int
    learning_rate: LearningRateBlock | None
    identifiability: IdentifiabilityBlock
    fit: FitBlock
    exact: ExactBlock
    ridge: RidgeBlock | None
    constraint: ConstraintBlock | None
    robust: RobustBlock | None
    channels: list[ChannelBlock] = Field(default_factory=list)
    # Of colour pictures: whether one kernel does for all channels.
    channels_share: bool | None = None
    phases: list[PhaseBlock] = Field(default_factory=list)
    resizer: ResizerBlock | None = None
    transfer: TransferBlock | None = None
    support: SupportBlock | None
    border: BorderBlock | None
    probe: ProbeBlock | None = None
    expectation: ExpectationBlock | None
    backend: str
    solver: Solver
    seconds: float
    # Of the unknowns, taps row by row and then the bias: as many numbers as taps squared, so not in the JSON.
    covariance: Taps | None = Field(default=None, exclude=True, repr=False)
    # What the run went by, and the states of its descent where they were to be kept; None in a record from a file.
    workings: SkipJsonSchema[InstanceOf[Workings] | None] = Field(default=None, exclude=True, repr=False)
    trajectory: SkipJsonSchema[InstanceOf[Trajectory] | None] = Field(default=None, exclude=True, repr=False)

    @property
    def answer_is_yes(self) -> bool:
        """Whether the descent held together and, if a kernel was expected, it is the one found."""
        return self.status is not Status.DIVERGED and (self.expectation is None or self.expectation.met)
