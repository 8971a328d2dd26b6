"""What `convkit kernels` shows: the library by groups, or one kernel."""

from convkit.kernel import Entry, Kernel
from convkit.report.heat import cell_width, heat_cells, numbered_cells
from convkit.report.numbers import compact, matrix_lines
from convkit.report.table import add_row, has_colour, new_table, show, stdout_console

# Taps up to this many on a side are shown as numbers.
_EVERY_TAP = 15
_DIGITS = 6


def show_library(library: dict[str, list[Entry]]) -> None:
    """Print every kernel with its size, sum and purpose."""
    for group, entries in library.items():
        show(f"[{group}]")
        table = new_table("kernel", "size", "sum", "what it does", left=1)
        table.columns[3].justify = "left"
        for entry in entries:
            add_row(
                table,
                entry.signature,
                f"{entry.shape[0]}x{entry.shape[1]}",
                compact(round(entry.sum, 12), 4),
                entry.description,
            )
        show(table)


def show_kernel(kernel: Kernel, *, full: bool = False) -> None:
    """Print one kernel's taps, sum and rank."""
    height, width = kernel.shape
    console = stdout_console()
    show(f"{kernel.name or 'kernel'}, {height}x{width}, correlation")
    if has_colour(console) and max(kernel.shape) <= _EVERY_TAP and _fits(kernel, console.width):
        console.print(numbered_cells(kernel.taps, digits=_DIGITS))
    elif full or max(kernel.shape) <= _EVERY_TAP:
        show("\n".join(matrix_lines(kernel.taps)))
    elif has_colour(console):
        console.print(heat_cells(kernel.taps, console.width))
        show("(--full shows the numbers)")
    else:
        show(f"{kernel.taps.size} taps (--full shows them)")
    separable = "rank 1, separable" if kernel.rank == 1 else f"rank {kernel.rank}"
    bias = f", bias {compact(kernel.bias)}" if kernel.bias else ""
    show(f"sum {compact(kernel.sum)}, {separable}{bias}")


def _fits(kernel: Kernel, width: int) -> bool:
    return cell_width(kernel.taps, digits=_DIGITS) * kernel.shape[1] <= width
