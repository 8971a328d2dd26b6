"""Tables: Rich's on a terminal, plain and as wide as they need to be elsewhere."""

import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text


def new_table(*headers: str, left: int = 0, title: str | None = None) -> Table:
    """Start a table; the first ``left`` columns hold words, the others numbers."""
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, title_style="bold")
    for index, header in enumerate(headers):
        # Folded when a terminal is too narrow: nothing is ever cut.
        table.add_column(Text(header), justify="left" if index < left else "right", overflow="fold")
    return table


def add_row(table: Table, *cells: str, style: str | None = None) -> None:
    """Add a row of plain text, in which brackets and colons mean nothing."""
    table.add_row(*(Text(cell) for cell in cells), style=style)


def stdout_console() -> Console:
    """Return a console for stdout; colour only on a terminal."""
    if sys.stdout.isatty():
        return Console(highlight=False, emoji=False)
    return Console(highlight=False, emoji=False, no_color=True, force_terminal=False, color_system=None, width=10_000)


def has_colour(console: Console) -> bool:
    """Whether coloured cells would be seen as such."""
    return console.is_terminal and console.color_system in ("256", "truecolor") and not console.no_color


def has_true_colour(console: Console) -> bool:
    """Whether pictures would be seen as such."""
    return has_colour(console) and console.color_system == "truecolor"


def show(renderable: RenderableType) -> None:
    """Print on stdout.

    A table that is wider than the terminal is printed plainly, and the terminal folds its lines: Rich would cut or
    fold the cells, and a folded 0.00787 reads as 0.0078.
    """
    console = stdout_console()
    if not isinstance(renderable, Table):
        console.print(renderable, markup=False)
        return
    wanted = Measurement.get(console, console.options.update(width=10_000), renderable).maximum
    if console.is_terminal and wanted <= console.width:
        console.print(renderable)
        return
    renderable.box = None
    renderable.padding = (0, 2, 0, 0)
    plain = Console(highlight=False, emoji=False, no_color=True, color_system=None, width=10_000)
    width = Measurement.get(plain, plain.options, renderable).maximum
    with plain.capture() as captured:
        plain.print(renderable, width=width)
    lines = [line.rstrip() for line in captured.get().rstrip("\n").split("\n")]
    print("\n".join(lines) + "\n")
