"""Runs side by side: a grid over settings, and how far runs that should agree differ."""

import itertools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ConfigDict, Field, ValidationError

import convkit
from convkit.errors import ConvkitError, SettingsError
from convkit.experiment.learn import Announce, run
from convkit.experiment.record import Block, Number, Recovery, Taps
from convkit.experiment.settings import Experiment
from convkit.experiment.vary import Vary, product, read_vary
from convkit.recovery import LearningBackend
from convkit.text import shown


class Run(Block):
    """One run of a comparison: the settings that were varied, and what came of them."""

    settings: dict[str, Any]
    status: Literal["converged", "max-steps", "diverged", "failed"]
    error: str | None = None
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

    @classmethod
    def of(cls, varied: dict[str, Any], found: Recovery) -> "Run":
        """Keep of a recovery what a comparison shows."""
        kernel = found.kernel
        return cls(
            settings={key: found.experiment[key] for key in varied},
            status=found.status.value,
            final_loss=found.final_loss,
            max_abs_error=kernel.max_abs_error if kernel is not None else None,
            identifiable=found.identifiability.identifiable,
            rank=found.identifiability.rank,
            parameters=found.identifiability.parameters,
            condition_number=found.identifiability.condition_number,
            distance_in_standard_errors=found.exact.distance_in_standard_errors,
            meets_expectation=found.expectation.met if found.expectation is not None else None,
            steps=found.steps,
            seconds=found.seconds,
            kernel=kernel.learned if kernel is not None else None,
            standard_error=kernel.standard_error if kernel is not None else None,
            true=kernel.true if kernel is not None else None,
            bias=found.bias.learned,
            true_bias=found.bias.true,
            offset=found.convention.offset,
            name=kernel.name if kernel is not None else None,
            properties=kernel.properties if kernel is not None else None,
            verdict=found.fit.verdict,
            rounding=found.fit.rounding,
            border=_border(found),
        )


def _border(found: Recovery) -> str | None:
    """Return the border rule; `unknown` where there is a rim that none explains."""
    if found.border is None or not found.border.candidates:
        return None
    return found.border.rule or "unknown"


class Comparison(Block):
    """Runs side by side; field by field the JSON of ``convkit compare --json``."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, populate_by_name=True)

    schema_: Literal["convkit.comparison/1"] = Field(default="convkit.comparison/1", alias="schema")
    version: str = Field(default_factory=lambda: convkit.__version__)
    vary: dict[str, list[Any]]
    runs: list[Run]
    largest_difference: Number | None

    @property
    def worked(self) -> bool:
        """Whether every run ended well: none failed, diverged or missed what was expected."""
        return not any(run.status in ("failed", "diverged") or run.meets_expectation is False for run in self.runs)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON values."""
        return self.model_dump(mode="json", by_alias=True)

    def to_json(self) -> str:
        """Return the comparison as one line of strict JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)


class SavedRun(Run):
    """A line of a saved comparison: a run that stands for itself."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, populate_by_name=True)

    schema_: Literal["convkit.run/1"] = Field(default="convkit.run/1", alias="schema")
    version: str = Field(default_factory=lambda: convkit.__version__)
    experiment: dict[str, Any]


def compare(
    experiment: Experiment | None = None,
    *,
    vary: Vary | None = None,
    on_run: Callable[[Run, Experiment], None] | None = None,
    announce: Announce | None = None,
    **settings: Any,
) -> Comparison:
    """Run an experiment once for every combination of the values varied.

    Parameters
    ----------
    experiment : Experiment, optional
        The settings that all runs share; or give them by name.
    vary : dict of lists, optional
        Values by setting; without it, the learning backends.
    on_run : function, optional
        Called with each run as it ends.
    announce : function, optional
        Called with one sentence when there is something to say before a run.

    Returns
    -------
    Comparison

    Raises
    ------
    ConvkitError
        When a setting is out of range, or every run fails in the same way.

    Examples
    --------
    >>> result = compare(steps=5, lr=0.01)
    >>> [run.settings for run in result.runs], result.largest_difference < 1e-12
    ([{'backend': 'naive'}, {'backend': 'conv2d'}, {'backend': 'gram'}], True)
    """
    base = (experiment or Experiment()).replace(**settings)
    varied = read_vary(vary) if vary else {"backend": [str(backend) for backend in LearningBackend]}
    said: set[str] = set()

    def announce_once(sentence: str) -> None:
        if announce is not None and sentence not in said:
            said.add(sentence)
            announce(sentence)

    runs: list[Run] = []
    errors: list[ConvkitError] = []
    reported = 0
    for changes in product(varied, base):
        one, error = _run_once(base, changes, announce_once)
        runs.append(one)
        if error is not None:
            errors.append(error)
        # Until a run works, the fault may lie in what all of them share, which is one error and no comparison.
        if on_run is not None and len(errors) < len(runs):
            for done in runs[reported:]:
                on_run(done, base)
            reported = len(runs)
    if len(errors) == len(runs) and len({str(error) for error in errors}) == 1:
        raise errors[0]
    if on_run is not None:
        for done in runs[reported:]:
            on_run(done, base)
    return Comparison(vary=_values_by_key(runs), runs=runs, largest_difference=largest_difference(runs))


def _run_once(base: Experiment, changes: dict[str, Any], announce: Announce | None) -> tuple[Run, ConvkitError | None]:
    try:
        return Run.of(changes, run(base.replace(**changes), announce=announce)), None
    except ConvkitError as error:
        return Run(settings=dict(changes), status="failed", error=str(error)), error


def backends_vary(vary: Vary) -> bool:
    """Whether a grid holds runs that differ in nothing but the backend."""
    return not vary or len(vary.get("backend", [])) > 1


def largest_difference(runs: Iterable[Run]) -> float | None:
    """Largest difference of a tap between runs that differ in nothing but the backend; None without such runs."""
    twins: dict[str, list[Run]] = {}
    for one in runs:
        if "backend" in one.settings and one.kernel is not None and one.status != "diverged":
            others = {key: value for key, value in one.settings.items() if key != "backend"}
            twins.setdefault(json.dumps(others, sort_keys=True), []).append(one)
    differences = [
        float(np.abs(first.kernel - second.kernel).max())
        for group in twins.values()
        for first, second in itertools.combinations(group, 2)
        if first.kernel is not None and second.kernel is not None
        if first.settings["backend"] != second.settings["backend"]
    ]
    return max(differences, default=None)


def append_run(file: Any, one: Run, experiment: Experiment) -> None:
    """Write one run as a line of JSON and flush it, so that what is done is kept whatever happens next."""
    line = SavedRun(**dict(one), experiment=experiment.resolved() | one.settings)
    file.write(json.dumps(line.model_dump(mode="json", by_alias=True), allow_nan=False) + "\n")
    file.flush()


def read_runs(path: str | Path, *, announce: Announce | None = None) -> Comparison:
    """Read a comparison saved as JSON lines, finished or not; a last line cut short is left out and announced.

    Raises
    ------
    SettingsError
        When the file cannot be read or a line is not a run.
    """
    runs: list[Run] = []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SettingsError(
            expected="a saved comparison",
            got=f"{shown(path)} ({getattr(error, 'strerror', None) or 'not UTF-8'})",
            hint="a file written by compare --save",
        ) from error
    for index, line in enumerate(lines, start=1):
        try:
            runs.append(SavedRun.model_validate_json(line))
        except ValidationError as error:
            if index == len(lines) and index > 1:
                if announce is not None:
                    announce(f"the last line of {shown(path)} is cut short, and left out")
                break
            raise SettingsError(
                expected="one run of a comparison in every line",
                got=f"line {index} of {shown(path)}, which is none",
                hint="a file written by compare --save",
            ) from error
    if not runs:
        raise SettingsError(
            expected="a saved comparison", got=f"{shown(path)}, which is empty", hint="compare --save runs.jsonl"
        )
    return Comparison(vary=_values_by_key(runs), runs=runs, largest_difference=largest_difference(runs))


def _values_by_key(runs: Iterable[Run]) -> dict[str, list[Any]]:
    """Return each varied key with its distinct values, in order of appearance."""
    vary: dict[str, list[Any]] = {}
    for one in runs:
        for key, value in one.settings.items():
            if value not in vary.setdefault(key, []):
                vary[key].append(value)
    return vary
