"""Pictures with titles, side by side while they fit into the terminal, else below each other."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_GAP = 3

Titled = tuple[str, Text]


def side_by_side(pictures: Sequence[Titled], width: int) -> RenderableType:
    """Lay pictures out in rows that fit.

    Examples
    --------
    >>> from rich.console import Console
    >>> pictures = side_by_side([("a", Text("1 2")), ("b", Text("3 4"))], 20)
    >>> Console(width=20).print(pictures)  # doctest: +NORMALIZE_WHITESPACE
    a     b
    1 2   3 4
    """
    rows: list[list[Titled]] = []
    left = 0
    for title, picture in pictures:
        wide = max(len(title), *(line.cell_len for line in picture.split("\n"))) + _GAP
        if not rows or wide - _GAP > left:
            rows.append([])
            left = width
        rows[-1].append((title, picture))
        left -= wide
    return Group(*(_row(row) for row in rows))


def _row(pictures: list[Titled]) -> Table:
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    for _ in pictures:
        grid.add_column(no_wrap=True)
    grid.add_row(*(Text(title) for title, _ in pictures))
    grid.add_row(*(picture for _, picture in pictures))
    return grid
