"""What `convkit learn-kernel` shows: the loss falling, learned beside true, and where that leaves us."""

import numpy as np
from rich.console import Group
from rich.table import Table

from convkit.experiment import Recovery
from convkit.report.heat import heat_cells
from convkit.report.numbers import compact
from convkit.report.table import add_row, new_table, show, stdout_console

# Up to this many taps on a side, every tap has its row.
_EVERY_TAP = 7
_MOST_ERRORS = 10


def show_recovery(found: Recovery, *, full: bool = False) -> None:
    """Print a recovery on stdout."""
    show("\n".join(_opening(found)))
    show(_loss_table(found))
    learned = found.kernel.learned
    if full or max(learned.shape) <= _EVERY_TAP:
        show(_tap_table(found, [tuple(at) for at in np.argwhere(np.ones_like(learned))]))
    else:
        _show_large(found)
    show("\n".join(_closing(found)))


def _opening(found: Recovery) -> list[str]:
    settings, convention = found.experiment, found.convention
    height, width = found.kernel.learned.shape
    asked = f"a {height}x{width} kernel{' and a bias' if found.bias.learned is not None else ''}"
    source = f"target {settings['target']}" if settings["target"] is not None else f"true kernel {settings['kernel']}"
    stride = f", stride {convention.stride}" if convention.stride != 1 else ""
    padding = convention.padding or "border unknown, interior only"
    rate = found.learning_rate
    lines = [
        f"image {settings['image']}, {source}: find {asked}",
        f"{convention.operation}, {padding}{stride}, first tap at {convention.offset} from the output pixel",
    ]
    if rate is not None:
        limit = f", stable below {compact(rate.stable_below, 5)}" if rate.stable_below is not None else ""
        lines.append(f"{found.solver} through {found.backend}, learning rate {compact(rate.used, 5)}{limit}")
    return [*lines, ""]


def _loss_table(found: Recovery) -> Table:
    table = new_table("step", "loss")
    every = int(found.experiment["log_every"])
    for index, entry in enumerate(found.losses):
        if entry.step % every == 0 or index == len(found.losses) - 1:
            add_row(table, str(entry.step), compact(entry.loss))
    return table


def _tap_table(found: Recovery, positions: list[tuple[int, ...]]) -> Table:
    """One row a tap, and the bias last."""
    kernel, bias = found.kernel, found.bias
    true = kernel.true if kernel.true is not None and kernel.true.shape == kernel.learned.shape else None
    errors_known = bool(np.isfinite(kernel.standard_error).any())
    table = new_table(
        "tap",
        "learned",
        *(["true", "error"] if true is not None else []),
        *(["± std. error"] if errors_known else []),
        left=1,
    )
    for row, column in positions:
        learned = float(kernel.learned[row, column])
        cells = [f"({row},{column})", compact(learned)]
        if true is not None:
            cells += [compact(float(true[row, column])), _signed(learned - float(true[row, column]))]
        if errors_known:
            error = float(kernel.standard_error[row, column])
            cells.append(compact(error, 2) if np.isfinite(error) else "—")
        add_row(table, *cells)
    if bias.learned is not None:
        cells = ["bias", compact(bias.learned)]
        if true is not None and bias.true is not None:
            cells += [compact(bias.true), _signed(bias.learned - bias.true)]
        elif true is not None:
            cells += ["—", "—"]
        if errors_known:
            cells.append(compact(bias.standard_error, 2))
        add_row(table, *cells)
    return table


def _show_large(found: Recovery) -> None:
    """Show a large kernel as heat cells where there is colour, and its most telling taps in numbers."""
    learned, true = found.kernel.learned, found.kernel.true
    console = stdout_console()
    if console.is_terminal and console.color_system is not None:
        console.print(Group(f"learned, {learned.shape[0]}x{learned.shape[1]}", heat_cells(learned, console.width)))
        if true is not None:
            console.print(Group("true", heat_cells(true, console.width)))
    compared = true is not None and true.shape == learned.shape
    measure = np.abs(learned - true) if compared and true is not None else np.abs(learned)
    order = np.argsort(measure, axis=None, kind="stable")[::-1][:_MOST_ERRORS]
    what = "largest errors" if compared else "largest taps"
    show(f"the {len(order)} {what} of {learned.size} taps (--full shows all)")
    show(_tap_table(found, [tuple(int(i) for i in np.unravel_index(at, learned.shape)) for at in order]))


def _closing(found: Recovery) -> list[str]:
    lines = [f"{found.status} after {found.steps} steps, loss {compact(found.final_loss)}"]
    if found.kernel.max_abs_error is not None:
        lines[0] += f", largest tap error {compact(found.kernel.max_abs_error, 3)}"
    limit = found.learning_rate.stable_below if found.learning_rate is not None else None
    if found.status == "diverged" and limit is not None:
        lines.append(f"the loss blew up: the learning rate must stay below {compact(limit, 5)}; try --lr auto")
    if found.expectation is not None:
        expected = found.expectation
        verdict = "as expected" if expected.met else "NOT as expected"
        lines.append(
            f"{verdict}: largest difference {compact(expected.max_abs_difference, 3)}, "
            f"tolerance {compact(expected.tolerance, 3)}"
        )
    return lines


def _signed(value: float) -> str:
    return f"{value:+.3g}" if value else "0"
