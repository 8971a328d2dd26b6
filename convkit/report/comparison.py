"""What `convkit compare` shows: one row a run, and kernels next to each other."""

import json
import math
from typing import Any

import numpy as np
from rich.table import Table

from convkit.errors import SettingsError
from convkit.experiment import Comparison
from convkit.experiment.comparison import Run
from convkit.report.messages import printable
from convkit.report.numbers import compact
from convkit.report.programs import on_one_grid, program_table, short_names
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
# Kernels are set side by side while they, and the runs, are few.
_MOST_TAPS = 49
_MOST_KERNELS = 5


def order_runs(result: Comparison, key: str | None) -> Comparison:
    """Sort the runs by a varied key or a column; runs without a value come last.

    Raises
    ------
    SettingsError
        When there is no such key.
    """
    if key is None:
        return result
    name = key.replace("-", "_")
    keys = [*result.vary, *_COLUMNS]
    if name not in keys:
        raise SettingsError(
            expected="a varied key or a column to sort by",
            got=shown(key),
            hint=f"--sort {closest(name, keys) or keys[0]}",
        )

    def rank(one: Run) -> tuple[bool, bool, Any]:
        value = one.settings.get(name) if name in result.vary else getattr(one, name)
        number = isinstance(value, int | float)
        return value is None, not number, value if number else json.dumps(value)

    return result.model_copy(update={"runs": sorted(result.runs, key=rank)})


def show_comparison(result: Comparison, tolerance: float | None) -> None:
    """Print a comparison on stdout."""
    programs = "program" in result.vary
    show(program_table(result) if programs else _run_table(result))
    errors = dict.fromkeys(one.error for one in result.runs if one.error)
    if errors:
        show("\n".join(f"failed: {error}" for error in errors) + "\n")
    if programs:
        result = on_one_grid(result)
    shapes = {one.kernel.shape for one in result.runs if one.kernel is not None}
    runs = [one for one in result.runs if one.kernel is not None]
    if len(shapes) == 1 and len(runs) <= _MOST_KERNELS and math.prod(shape := shapes.pop()) <= _MOST_TAPS:
        show(_kernel_table(result, runs, shape))
    if result.largest_difference is not None:
        line = f"largest tap difference between backends: {compact(result.largest_difference, 3)}"
        if tolerance is not None:
            line += f" ({'within' if result.largest_difference <= tolerance else 'BEYOND'} {compact(tolerance, 3)})"
        show(line)


def _run_table(result: Comparison) -> Table:
    """One row a run; speed is relative to the slowest."""
    keys = list(result.vary)
    expecting = any(one.meets_expectation is not None for one in result.runs)
    headers = ["final loss", "max tap error", "condition", "from exact", "status", "steps", "seconds", "speed"]
    table = new_table(*keys, *headers, *(["expected"] if expecting else []), left=len(keys))
    slowest = max((one.seconds for one in result.runs if one.seconds), default=None)
    for one in result.runs:
        speed = f"{slowest / one.seconds:.3g}x" if one.seconds and slowest else "—"
        add_row(
            table,
            *(told(one.settings.get(key)) for key in keys),
            compact(one.final_loss, 4),
            compact(one.max_abs_error, 3),
            _condition(one),
            _in_errors(one.distance_in_standard_errors),
            one.status,
            "—" if one.steps is None else str(one.steps),
            compact(one.seconds, 3),
            speed,
            *([{True: "yes", False: "NO", None: "—"}[one.meets_expectation]] if expecting else []),
        )
    return table


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


def told(value: Any) -> str:
    """Write a varied setting in a cell.

    Examples
    --------
    >>> told(0.1), told([3, 5]), told("naive")
    ('0.1', '3x5', 'naive')
    """
    if value is None:
        return "—"
    if isinstance(value, list) and all(isinstance(part, int) for part in value):
        return "x".join(map(str, value))
    return printable(value) if isinstance(value, str) else json.dumps(value)
