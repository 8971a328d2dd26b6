"""What `convkit compare` shows: one row a run, and kernels next to each other."""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.table import Table

from convkit.errors import SettingsError
from convkit.experiment import Comparison
from convkit.experiment.grouping import Group
from convkit.experiment.runs import Run
from convkit.report.columns import Column, expected_column, table_of, told
from convkit.report.groups import group_table
from convkit.report.numbers import compact
from convkit.report.programs import on_one_grid, program_columns, short_names
from convkit.report.table import add_row, new_table, show
from convkit.text import closest, shown

_COLUMNS = (
    "final_loss",
    "max_abs_error",
    "condition_number",
    "distance_in_standard_errors",
    "status",
    "steps",
    "seconds",
)
_GROUP_COLUMNS = tuple(name for name in Group.model_fields if name not in ("settings", "stat"))
# Kernels are set side by side while they, and the runs, are few.
_MOST_TAPS = 49
_MOST_KERNELS = 5


def order_runs(result: Comparison, key: str | None) -> Comparison:
    """Sort the groups, or where there are none the runs, by a setting or a column; those without a value come last.

    Raises
    ------
    SettingsError
        When there is no such key.
    """
    if key is None:
        return result
    rows: Sequence[Run | Group] = result.groups or result.runs
    name = key.replace("-", "_")
    settings = list(result.groups[0].settings) if result.groups else list(result.vary)
    keys = [*settings, *(_GROUP_COLUMNS if result.groups else _COLUMNS)]
    if name not in keys:
        raise SettingsError(
            expected="a varied key or a column to sort by",
            got=shown(key),
            hint=f"--sort {closest(name, keys) or keys[0]}",
        )

    def rank(one: Run | Group) -> tuple[bool, bool, Any]:
        value = one.settings.get(name) if name in settings else getattr(one, name)
        number = isinstance(value, int | float)
        return value is None, not number, value if number else json.dumps(value)

    return result.model_copy(update={"groups" if result.groups else "runs": sorted(rows, key=rank)})


def show_comparison(result: Comparison, tolerance: float | None, *, only_changed: bool = False) -> None:
    """Print a comparison on stdout: its groups, or where there are none its runs."""
    programs = "program" in result.vary and not result.groups
    if result.groups:
        show(group_table(result.groups, only_changed=only_changed))
    elif programs:
        show(run_table(result))
    elif result.runs:
        show(run_table(result, only_changed=only_changed))
    errors = dict.fromkeys(one.error for one in result.runs if one.error)
    if errors:
        show("\n".join(f"failed: {error}" for error in errors) + "\n")
    if programs:
        result = on_one_grid(result)
    shapes = {one.kernel.shape for one in result.runs if one.kernel is not None}
    runs = [one for one in result.runs if one.kernel is not None]
    if (
        not result.groups
        and len(shapes) == 1
        and len(runs) <= _MOST_KERNELS
        and math.prod(shape := shapes.pop()) <= _MOST_TAPS
    ):
        show(_kernel_table(result, runs, shape))
    if result.largest_difference is not None:
        line = f"largest tap difference between backends: {compact(result.largest_difference, 3)}"
        if tolerance is not None:
            line += f" ({'within' if result.largest_difference <= tolerance else 'BEYOND'} {compact(tolerance, 3)})"
        show(line)


def run_table(result: Comparison, *, only_changed: bool = False) -> Table:
    """One row a run."""
    return table_of(run_columns(result), only_changed=only_changed)


def run_columns(result: Comparison) -> list[Column]:
    """Return what there is to say of each run; speed is relative to the slowest."""
    if "program" in result.vary:
        return program_columns(result)
    runs = result.runs
    slowest = max((one.seconds for one in runs if one.seconds), default=None)
    columns = [Column(key, [told(one.settings.get(key)) for one in runs], words=True) for key in result.vary]
    columns += [
        Column("final loss", [compact(one.final_loss, 4) for one in runs]),
        Column("max tap error", [compact(one.max_abs_error, 3) for one in runs]),
        Column("condition", [_condition(one) for one in runs]),
        Column("from exact", [_in_errors(one.distance_in_standard_errors) for one in runs]),
        Column("status", [one.status for one in runs]),
        Column("steps", ["—" if one.steps is None else str(one.steps) for one in runs]),
        Column("seconds", [compact(one.seconds, 3) for one in runs]),
        Column("speed", [f"{slowest / one.seconds:.3g}x" if one.seconds and slowest else "—" for one in runs]),
    ]
    return columns + expected_column([one.meets_expectation for one in runs])


def _kernel_table(result: Comparison, runs: list[Run], shape: tuple[int, ...]) -> Table:
    """Taps down, runs across, the true kernel first when all runs share it."""
    varied = [key for key, values in result.vary.items() if len(values) > 1] or list(result.vary)
    names = [", ".join(told(one.settings.get(key)) for key in varied) for one in runs]
    if varied == ["program"]:
        names = short_names([str(one.settings["program"]) for one in runs])
    true = runs[0].true
    if (
        true is None
        or not all(one.true is not None and np.array_equal(one.true, true) for one in runs)
        or true.shape != shape
    ):
        true = None
    table = new_table("tap", *(["true"] if true is not None else []), *names, left=1)
    for row, column in np.ndindex(*shape):
        cells = [_tap(one, row, column) for one in runs]
        known = [compact(float(true[row, column]))] if true is not None else []
        add_row(table, f"({row},{column})", *known, *cells)
    add_row(
        table, "bias", *([compact(runs[0].true_bias)] if true is not None else []), *(compact(one.bias) for one in runs)
    )
    return table


def _condition(one: Run) -> str:
    """Write the condition number, or the rank where it is deficient."""
    if one.identifiable is False:
        return f"rank {one.rank} of {one.parameters}"
    return compact(one.condition_number, 3)


def _tap(one: Run, row: int, column: int) -> str:
    """Write a tap; — where the data leave it open."""
    assert one.kernel is not None
    error = one.standard_error[row, column] if one.standard_error is not None else 0.0
    return "—" if one.identifiable is False and np.isnan(error) else compact(float(one.kernel[row, column]))


def _in_errors(distance: float | None) -> str:
    """Write a distance in standard errors; without noise these are only rounding, and so is what they count."""
    return "—" if distance is None else f"{distance:.2g} se" if distance < 1e6 else "> 1e6 se"
