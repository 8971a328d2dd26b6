"""Runs side by side, and how far those that should agree differ."""

import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ConfigDict, Field

import convkit
from convkit.errors import SettingsError
from convkit.experiment.grouping import Group, group_runs
from convkit.experiment.learn import Announce
from convkit.experiment.record import Number, Saved
from convkit.experiment.runs import Run
from convkit.experiment.runs_file import read_saved
from convkit.experiment.vary import Vary
from convkit.image.files import named


class Comparison(Saved):
    """Runs side by side; field by field the JSON of ``convkit compare --json``."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, populate_by_name=True)

    schema_: Literal["convkit.comparison/1"] = Field(default="convkit.comparison/1", alias="schema")
    version: str = Field(default_factory=lambda: convkit.__version__)
    vary: dict[str, list[Any]]
    runs: list[Run]
    groups: list[Group] = Field(default_factory=list)
    largest_difference: Number | None

    @classmethod
    def of(cls, runs: Sequence[Run]) -> "Comparison":
        """Set runs side by side, in the order given."""
        return cls(vary=_values_by_key(runs), runs=list(runs), largest_difference=largest_difference(runs))

    @property
    def worked(self) -> bool:
        """Whether every run ended well: none failed, diverged or missed what was expected."""
        return not any(run.status in ("failed", "diverged") or run.meets_expectation is False for run in self.runs)

    def grouped(self, keys: Sequence[str], stat: str = "median") -> "Comparison":
        """Return the comparison with statistics of runs that share some settings; see `group_runs`.

        Raises
        ------
        SettingsError
            When a key is not varied, or there is no such statistic.
        """
        return self.model_copy(update={"groups": group_runs(self.runs, keys, stat)})


def read_runs(path: str | Path, *, announce: Announce | None = None) -> Comparison:
    """Read a comparison saved as JSON lines, finished or not; a last line cut short is left out and announced.

    Runs are told in the order of a grid whose numbers rise, whatever the order in which they ended.

    Raises
    ------
    SettingsError
        When the file cannot be read, a line is not a run, or there is none.
    """
    saved = list(read_saved(path, announce=announce).values())
    if not saved:
        raise SettingsError(
            expected="a saved comparison", got=f"{named(path)}, which is empty", hint="compare --save runs.jsonl"
        )
    # A grid may have grown by an axis: what was not varied at first had one value then.
    keys = dict.fromkeys(key for one in saved for key in one.settings)
    runs = [
        one.model_copy(update={"settings": {key: one.settings.get(key, one.experiment.get(key)) for key in keys}})
        for one in saved
    ]
    places = {
        key: {_hashable(value): place for place, value in enumerate(_ordered(values))}
        for key, values in _values_by_key(runs).items()
    }
    runs.sort(key=lambda one: [places[key][_hashable(value)] for key, value in one.settings.items()])
    return Comparison.of(runs)


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


def _ordered(values: list[Any]) -> list[Any]:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return sorted(values) if numbers else values


def _values_by_key(runs: Iterable[Run]) -> dict[str, list[Any]]:
    """Return each varied key with its distinct values, in order of appearance."""
    vary: dict[str, dict[Any, Any]] = {}
    for one in runs:
        for key, value in one.settings.items():
            vary.setdefault(key, {}).setdefault(_hashable(value), value)
    return {key: list(values.values()) for key, values in vary.items()}


def _hashable(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list) else value
