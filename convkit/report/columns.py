"""Tables by columns, of which those that tell nothing can be left out."""

import json
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from convkit.report.messages import printable
from convkit.report.table import add_row, new_table


@dataclass(frozen=True)
class Column:
    """A header and its cells; words stand to the left, numbers to the right."""

    header: str
    cells: list[str]
    words: bool = False


def table_of(columns: list[Column], *, only_changed: bool = False) -> Table:
    """Lay out columns; on request only those whose cells differ.

    Examples
    --------
    >>> columns = [Column("a", ["1", "1"]), Column("b", ["1", "2"])]
    >>> [column.header.plain for column in table_of(columns, only_changed=True).columns]
    ['b']
    """
    if only_changed and len(columns[0].cells) > 1:
        columns = [column for column in columns if len(set(column.cells)) > 1] or columns[:1]
    words = sum(column.words for column in columns)
    table = new_table(*(column.header for column in columns), left=words)
    for row in zip(*(column.cells for column in columns), strict=True):
        add_row(table, *row)
    return table


def expected_column(met: list[bool | None]) -> list[Column]:
    """Return the column that tells which runs found what was expected; none where nothing was.

    Examples
    --------
    >>> expected_column([True, False])[0].cells, expected_column([None])
    (['yes', 'NO'], [])
    """
    words = {True: "yes", False: "NO", None: "—"}
    return [Column("expected", [words[one] for one in met])] if any(one is not None for one in met) else []


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
