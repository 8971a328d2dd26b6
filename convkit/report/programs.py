"""Programs side by side: what each one's filter is, and their kernels laid on one pixel grid."""

import json
from typing import Any

import numpy as np
from rich.table import Table

from convkit.experiment import Comparison
from convkit.report.messages import printable
from convkit.report.numbers import compact
from convkit.report.table import add_row, new_table

# Kernels are drawn on a grid of this many taps at most.
_MOST = 49


def program_table(result: Comparison) -> Table:
    """One row a run: its verdict, kernel, rounding and border rule."""
    keys = list(result.vary)
    expecting = any(one.meets_expectation is not None for one in result.runs)
    headers = ["verdict", "kernel", "size", "rounding", "border", *(["expected"] if expecting else []), "seconds"]
    table = new_table(*keys, *headers, left=len(keys) + 5)
    for one in result.runs:
        linear = one.kernel is not None and one.verdict not in ("not-linear", "not-identifiable")
        size = "x".join(map(str, one.kernel.shape)) if one.kernel is not None and linear else "—"
        add_row(
            table,
            *(_setting(one.settings.get(key)) for key in keys),
            one.verdict or one.status,
            (one.name or one.properties or "—") if linear else "—",
            size,
            (one.rounding or "—") if linear else "—",
            (one.border or "—") if linear else "—",
            *([{True: "yes", False: "NO", None: "—"}[one.meets_expectation]] if expecting else []),
            compact(one.seconds, 3),
        )
    return table


def _setting(value: Any) -> str:
    return printable(value) if isinstance(value, str) else "—" if value is None else json.dumps(value)


def short_names(programs: list[str]) -> list[str]:
    """Name programs by what tells their commands apart.

    Examples
    --------
    >>> short_names(["gm convert {input} -blur 0x1 {output}", "gm convert {input} -gaussian 0x1 {output}"])
    ['gm -blur', 'gm -gaussian']
    """
    words = [program.split() for program in programs]
    common = set.intersection(*(set(line) for line in words)) if len(words) > 1 else set()
    return [
        " ".join([line[0], *(word for word in line[1:] if word not in common and word not in ("{input}", "{output}"))])
        for line in words
    ]


def on_one_grid(result: Comparison) -> Comparison:
    """Lay the kernels found by their offsets on one grid, with zeros around, when that is small."""
    runs = [
        one
        for one in result.runs
        if one.kernel is not None and one.offset is not None and one.verdict not in ("not-linear", "not-identifiable")
    ]
    if not runs:
        return result.model_copy(update={"runs": []})
    places = [(one.offset, one.kernel.shape) for one in runs if one.offset is not None and one.kernel is not None]
    first = [min(offset[axis] for offset, _ in places) for axis in (0, 1)]
    last = [max(offset[axis] + shape[axis] for offset, shape in places) for axis in (0, 1)]
    shape = last[0] - first[0], last[1] - first[1]
    if shape[0] * shape[1] > _MOST:
        return result.model_copy(update={"runs": []})
    laid = []
    for one in runs:
        assert one.kernel is not None  # chosen above
        assert one.offset is not None
        top, left = one.offset[0] - first[0], one.offset[1] - first[1]
        rows, columns = one.kernel.shape
        kernel = np.zeros(shape)
        kernel[top : top + rows, left : left + columns] = one.kernel
        laid.append(one.model_copy(update={"kernel": kernel, "standard_error": None}))
    return result.model_copy(update={"runs": laid})
