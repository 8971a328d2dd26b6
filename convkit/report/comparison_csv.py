"""A comparison as CSV, for other programs: every number in full."""

import csv
import io
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from convkit.experiment import Comparison
from convkit.experiment.grouping import Group
from convkit.experiment.runs import Run
from convkit.image.atomic import atomic_write
from convkit.kernel import Kernel
from convkit.report.columns import told


def export_csv(path: str | os.PathLike[str], result: Comparison) -> None:
    """Write the groups, or where there are none the runs, one a line; kernels as kernel text.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    rows = [_row(one, result.vary) for one in result.groups or result.runs]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    with atomic_write(path) as file:
        file.write(text.getvalue().encode())


def _row(one: Run | Group, keys: Iterable[str]) -> Mapping[str, str]:
    shown = one.settings if isinstance(one, Group) else {key: one.settings.get(key) for key in keys}
    fields = {_RENAMED.get(name, name): getattr(one, name) for name in type(one).model_fields if name in _SHOWN}
    return {key: told(value) for key, value in shown.items()} | {name: _cell(value) for name, value in fields.items()}


_SHOWN = (set(Run.model_fields) | set(Group.model_fields)) - {"settings", "notes", "standard_error", "true"}
# What was found has the name of a setting, which may be varied.
_RENAMED = {"kernel": "learned_kernel", "bias": "learned_bias", "steps": "steps_taken"}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, np.ndarray):
        return str(Kernel(value))
    return repr(value) if isinstance(value, float) else str(value)
