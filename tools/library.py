"""The page of the kernel library, every kernel drawn: docs/reference/library.md."""

import html
from collections import defaultdict

import numpy as np

from convkit.kernel import Entry, Kernel, groups, parse_kernel
from convkit.report.page.heat import SHADES, shade
from convkit.report.palette import BLUE, ORANGE, hexadecimal

MADE = "<!-- Made by tools/generated.py from the code; `make generated` writes it anew. -->\n"
# The longer side of a drawing, in pixels of the screen; small kernels get smaller ones, so that taps look alike.
LARGEST, TAP = 112, 22


def pages() -> dict[str, str]:
    """Return the page by its path."""
    parts = [
        "# Kernel library", MADE,
        "All are stored as correlation kernels: row by row what lies over the picture. Blue is below zero, "
        "orange above; "
        "no colour is zero. The drawing, the size and the sum are those of the default parameters. What follows "
        "a name's "
        "colon are its parameters; a kernel that has `angle` may be turned. `convkit kernels NAME` prints the "
        "taps of one.",
    ]  # fmt: skip
    for group, entries in groups().items():
        parts += [f"## {group}", '<div class="kernels" markdown="0">', *map(_entry, entries), "</div>"]
    return {"docs/reference/library.md": "\n\n".join(parts) + "\n"}


def _entry(entry: Entry) -> str:
    kernel = parse_kernel(entry.name)
    size = f"{entry.shape[0]}×{entry.shape[1]}"
    aliases = f"<br>also {', '.join(f'<code>{one}</code>' for one in entry.aliases)}" if entry.aliases else ""
    return (
        f"<figure>{drawing(kernel)}<figcaption><code>{html.escape(entry.signature)}</code>"
        f"<br>{size}, sum {entry.sum:.4g}<br>{html.escape(entry.description)}{aliases}</figcaption></figure>"
    )


def drawing(kernel: Kernel) -> str:
    """Draw a kernel as SVG: one path for each shade, with a square for every tap."""
    rows, columns = kernel.shape
    unit = min(TAP, LARGEST / max(rows, columns))
    scale = float(np.abs(kernel.taps).max()) or 1.0
    squares: dict[int, list[str]] = defaultdict(list)
    for (row, column), tap in np.ndenumerate(kernel.taps):
        squares[shade(float(tap), scale)].append(f"M{column} {row}h1v1h-1z")
    squares.pop(0, None)
    paths = "".join(
        f'<path fill="{colour}" fill-opacity="{abs(level) / SHADES:g}" d="{"".join(places)}"/>'
        for level, places in sorted(squares.items())
        for colour in [hexadecimal(BLUE if level < 0 else ORANGE)]
    )
    frame = f'<path class="frame" d="M0 0h{columns}v{rows}h-{columns}z"/>'
    return (
        f'<svg viewBox="0 0 {columns} {rows}" width="{columns * unit:g}" height="{rows * unit:g}" role="img" '
        f'aria-label="taps of {html.escape(kernel.name or "")}">{paths}{frame}</svg>'
    )
