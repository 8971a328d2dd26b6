"""One run of a grid: what is kept of it, in memory and as a line of JSON."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

import convkit
from convkit.experiment.record import Block, Number, Recovery, Taps


class Run(Block):
    """One run of a comparison: the settings that were varied, and what came of them.

    ``notes`` are sentences about the run, such as that its learning rate is beyond the limit.
    """

    settings: dict[str, Any]
    status: Literal["converged", "max-steps", "diverged", "failed"]
    error: str | None = None
    notes: list[str] = Field(default_factory=list)
    final_loss: Number | None = None
    max_abs_error: Number | None = None
    meets_expectation: bool | None = None
    identifiable: bool | None = None
    rank: int | None = None
    parameters: int | None = None
    condition_number: Number | None = None
    distance_in_standard_errors: Number | None = None
    steps: int | None = None
    seconds: float | None = None
    kernel: Taps | None = None
    standard_error: Taps | None = None
    true: Taps | None = None
    bias: Number | None = None
    true_bias: float | None = None
    offset: tuple[int, int] | None = None
    name: str | None = None
    properties: str | None = None
    verdict: str | None = None
    rounding: str | None = None
    border: str | None = None


class SavedRun(Run):
    """A run that stands for itself: with its key, and every setting that it had."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, populate_by_name=True)

    schema_: Literal["convkit.run/1"] = Field(default="convkit.run/1", alias="schema")
    version: str = Field(default_factory=lambda: convkit.__version__)
    key: str
    experiment: dict[str, Any]

    def to_line(self) -> str:
        """Return the run as one line of strict JSON; numbers come back from it bit by bit."""
        return self.model_dump_json(by_alias=True) + "\n"


def outcome_of(found: Recovery) -> dict[str, Any]:
    """Return what a comparison keeps of a recovery, as fields of a `Run`."""
    kernel = found.kernel  # None where colour channels differ
    return {
        "status": found.status.value,
        "final_loss": found.final_loss,
        "max_abs_error": None if kernel is None else kernel.max_abs_error,
        "identifiable": found.identifiability.identifiable,
        "rank": found.identifiability.rank,
        "parameters": found.identifiability.parameters,
        "condition_number": found.identifiability.condition_number,
        "distance_in_standard_errors": found.exact.distance_in_standard_errors,
        "meets_expectation": found.expectation.met if found.expectation is not None else None,
        "steps": found.steps,
        "seconds": found.seconds,
        "kernel": None if kernel is None else kernel.learned,
        "standard_error": None if kernel is None else kernel.standard_error,
        "true": None if kernel is None else kernel.true,
        "bias": found.bias.learned,
        "true_bias": found.bias.true,
        "offset": found.convention.offset,
        "name": None if kernel is None else kernel.name,
        "properties": None if kernel is None else kernel.properties,
        "verdict": found.fit.verdict,
        "rounding": found.fit.rounding,
        "border": _border(found),
    }


def _border(found: Recovery) -> str | None:
    """Return the border rule; `unknown` where there is a rim that none explains."""
    if found.border is None or not found.border.candidates:
        return None
    return found.border.rule or "unknown"
