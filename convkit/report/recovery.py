"""What `convkit learn-kernel` shows: the loss falling, learned beside true, and where that leaves us."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from convkit.experiment import Recovery
from convkit.experiment.record import BiasBlock, KernelBlock, LearningRateBlock, LossAtStep
from convkit.report.certainty import error_bar, tells_every_tap
from convkit.report.identity import identity_lines, window_table
from convkit.report.kernel_cells import kernel_cells
from convkit.report.messages import printable
from convkit.report.numbers import compact, spread
from convkit.report.probe import probe_lines, resizer_lines
from convkit.report.sparkline import curve_lines
from convkit.report.table import add_row, has_colour, has_true_colour, new_table, show, stdout_console
from convkit.report.thumbnails import thumbnails

# Up to this many taps on a side, every tap has its row.
_EVERY_TAP = 7
_MOST_ERRORS = 10
# Where taps are shown as cells, up to this many have a row as well.
_FEW = 9
# A terminal shows so many rows of the loss at most.
_MOST_LOSSES = 24
# Characters for pictures side by side, within a terminal of 80.
_LINE = 76


def show_recovery(found: Recovery, *, full: bool = False) -> None:
    """Print a recovery on stdout; colour pictures whose channels differ, channel by channel."""
    show("\n".join([*_opening(found), ""]))
    console = stdout_console()
    if has_true_colour(console) and found.workings is not None:
        console.print(thumbnails(found.workings, console.width))
        if (
            found.support is None and found.learning_rate is None
        ):  # else a table follows, which begins with a blank line
            console.print()
    if found.support is not None and found.kernel is not None:
        show(window_table(found.support))
    if found.learning_rate is not None:
        show(_loss_table(found, brief=console.is_terminal))
        if console.is_terminal:
            show("\n".join([*curve_lines(found, console.width), ""]))
    if found.kernel is not None:
        _show_kernel(found.kernel, found.bias, found, full=full)
    elif not found.channels_share:
        for channel in found.channels:
            lines = identity_lines(channel.kernel, channel.fit, channel.border, found.convention.offset)
            show("\n".join([channel.name.upper(), *lines, ""]))
            _show_kernel(channel.kernel, channel.bias, found, full=full)
    show("\n".join(closing_lines(found)))


def _show_kernel(kernel: KernelBlock, bias: BiasBlock, found: Recovery, *, full: bool) -> None:
    """Show every tap of a small kernel, and the most telling ones of a large one."""
    every = tells_every_tap(found)
    console = stdout_console()
    cells = has_colour(console)
    if cells:
        console.print(kernel_cells(kernel, console.width, every=every))
    if cells and not full and kernel.learned.size > _FEW and max(kernel.learned.shape) <= _EVERY_TAP:
        if bias.learned is not None:
            show(f"\nbias {compact(bias.learned)}, standard error {compact(bias.standard_error, 2)}\n")
    elif full or max(kernel.learned.shape) <= _EVERY_TAP:
        show(_tap_table(kernel, bias, [tuple(at) for at in np.argwhere(np.ones_like(kernel.learned))], every=every))
    else:
        _show_large(kernel, bias, every=every)


def subject_line(found: Recovery) -> str:
    """Return what was looked for, and in what."""
    settings = found.experiment
    height, width = settings["size"]
    asked = f"a {height}x{width} kernel{' and a bias' if found.bias.learned is not None else ''}"
    if found.resizer is not None and found.kernel is None:
        asked = "what resizes it, a kernel for each output phase"
    named = {key: _named(settings[key]) for key in ("image", "target", "kernel")}
    source = f"target {named['target']}" if settings["target"] is not None else f"true kernel {named['kernel']}"
    subject = f"image {named['image']}, {source}"
    if settings["pairs"]:
        subject = f"pairs of {_named(settings['pairs'])}"
    if found.probe is not None:
        subject = f"program {printable(found.probe.program)}"
    return f"{subject}: find {asked}"


def _opening(found: Recovery) -> list[str]:
    convention, kernel = found.convention, found.kernel
    stride = f", stride {convention.stride}" if convention.stride != 1 else ""
    padding = convention.padding or "border unknown, interior only"
    lines = [
        subject_line(found),
        f"{convention.operation}, {padding}{stride}, first tap at {convention.offset} from the output pixel",
    ]
    if found.resizer is not None and kernel is None:
        lines = lines[:1]  # each phase has its own place
    told = found.identifiability
    if not told.identifiable:
        lines += [
            f"NOT IDENTIFIABLE, rank {told.rank} of {told.parameters}: "
            "zero loss does not mean that the kernel was found.",
            *(f"  {sentence}" for sentence in told.determined),
            *_null_lines(told.null_directions),
        ]
    rate = found.learning_rate
    if rate is not None:
        limit = f", stable below {compact(rate.stable_below)}" if rate.stable_below is not None else ""
        best = f", best after many steps {compact(rate.best)}" if limit else ""
        lines.append(f"{found.solver} on {found.backend}")
        lines.append(f"learning rate {compact(rate.used)}{limit}{best}")
    else:
        lines.append("exact: the normal equations, solved and refined")
    if found.channels:
        kernels = "kernel" if found.resizer is None or kernel is not None else "kernel a phase"
        shared = f"share one {kernels}" if found.channels_share else "went through DIFFERENT kernels, shown one by one"
        lines.append(f"colour pictures: the channels {', '.join(one.name for one in found.channels)} {shared}")
    if kernel is not None or found.resizer is not None:
        lines += identity_lines(
            kernel,
            found.fit,
            found.border,
            convention.offset,
            support=found.support,
            transfer=found.transfer,
        )
    if found.resizer is not None:
        lines += resizer_lines(found.resizer, found.phases)
    if found.probe is not None:
        lines += ["", *probe_lines(found.probe)]
    return lines


def _named(value: Any) -> str:
    """Name an input, or several of them."""
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        more = f" and {len(value) - 2} more" if len(value) > 3 else ""
        return ", ".join(printable(one) for one in (value[:2] if more else value)) + more
    return printable(value)


def _null_lines(directions: list[NDArray[Any]]) -> list[str]:
    """Picture the kernels that the data cannot see, side by side while they fit."""
    if not directions:
        return []
    cells = [[[f"{value:.3g}" for value in row] for row in direction] for direction in directions]
    wide = max(len(cell) for direction in cells for row in direction for cell in row)
    pictures = [["[" + " ".join(cell.rjust(wide) for cell in row) + "]" for row in direction] for direction in cells]
    shown = max(1, min(len(pictures), _LINE // (len(pictures[0][0]) + 3)))
    some = f" (of {len(pictures)} such)" if shown < len(pictures) else ""
    lines = ["   ".join(picture[row] for picture in pictures[:shown]) for row in range(len(pictures[0]))]
    return [f"  adding any of these to the kernel changes no output{some}:", *(f"    {line}" for line in lines)]


def logged_losses(found: Recovery) -> list[LossAtStep]:
    """Return the losses that are told: those of every ``log_every``-th step, and the last."""
    every, last = int(found.experiment["log_every"]), len(found.losses) - 1
    return [entry for index, entry in enumerate(found.losses) if entry.step % every == 0 or index == last]


def _loss_table(found: Recovery, *, brief: bool) -> Table:
    foretold = found.losses[0].predicted is not None
    table = new_table("step", "loss", *(["predicted"] if foretold else []))
    rows = logged_losses(found)
    for entry in spread(rows, _MOST_LOSSES) if brief else rows:
        add_row(table, str(entry.step), compact(entry.loss), *([compact(entry.predicted)] if foretold else []))
    return table


def _tap_table(kernel: KernelBlock, bias: BiasBlock, positions: list[tuple[int, ...]], *, every: bool) -> Table:
    """One row a tap, and the bias last; — where the data leave a value open, unless every one is asked for."""
    true = kernel.comparable_true
    largest = float(np.abs(kernel.learned).max())
    integer = kernel.integer
    over = [f"over {integer.divisor}"] if integer is not None and integer.divisor > 1 else []
    headers = ["tap", "learned", *(["true", "error"] if true is not None else []), "std. error", *over]
    table = new_table(*headers, left=1)
    for row, column in positions:
        standard_error = float(kernel.standard_error[row, column])
        known = np.isfinite(standard_error) or every
        learned = float(kernel.learned[row, column])
        cells = [f"({row},{column})", compact(learned) if known else "—"]
        if true is not None:
            expected = float(true[row, column])
            cells += [compact(expected), _signed(learned - expected) if known else "—"]
        whole = [str(integer.numerators[row][column])] if over and integer is not None else []
        add_row(table, *cells, error_bar(standard_error, largest), *whole)
    if bias.learned is not None:
        known = bias.standard_error is not None and np.isfinite(bias.standard_error)
        cells = ["bias", compact(bias.learned) if known or every else "—"]
        if true is not None:
            cells += [compact(bias.true), _signed(bias.learned - (bias.true or 0.0)) if known or every else "—"]
        error = error_bar(bias.standard_error if bias.standard_error is not None else np.nan, largest)
        add_row(table, *cells, error, *([""] if over else []))
    return table


def _show_large(kernel: KernelBlock, bias: BiasBlock, *, every: bool) -> None:
    """Show a large kernel's most telling taps in numbers."""
    learned, true = kernel.learned, kernel.comparable_true
    measure = np.abs(learned if true is None else learned - true)
    order = np.argsort(measure, axis=None, kind="stable")[::-1][:_MOST_ERRORS]
    what = "largest taps" if true is None else "largest errors"
    show(f"the {len(order)} {what} of {learned.size} taps (--full shows all)")
    positions = [tuple(int(i) for i in np.unravel_index(at, learned.shape)) for at in order]
    show(_tap_table(kernel, bias, positions, every=every))


def closing_lines(found: Recovery) -> list[str]:
    """Return how a run ended and what remains to be said of it, a sentence a line."""
    foretold = found.learning_rate.predicted_arrival if found.learning_rate is not None else None
    arrival = f" ({compact(foretold)} foretold)" if foretold is not None and np.isfinite(foretold) else ""
    lines = [f"{found.status} after {found.steps} steps{arrival}, loss {compact(found.final_loss)}"]
    if found.solver == "exact":
        lines = [f"the least-squares answer, loss {compact(found.final_loss)}"]
        if found.ridge is not None:
            price = f"ridge {compact(found.ridge.strength)} ({found.ridge.chosen_by})"
            freedom = f"{compact(found.ridge.freedom, 4)} effective unknowns"
            lines = [f"{price}, {freedom}, loss {compact(found.final_loss)}"]
        if found.constraint is not None:
            held = f"held to {', '.join(found.constraint.held)}: {found.constraint.freedom} free numbers"
            lines = [
                f"{held}, loss {compact(found.final_loss)}, {compact(found.constraint.added_loss, 3)} more than without"
            ]
    if found.robust is not None:
        lines[0] += f", Huber's knee {compact(found.robust.knee, 3)}: {found.robust.outliers} outliers beyond"
    if found.kernel is not None and found.kernel.max_abs_error is not None:
        lines[0] += f", largest tap error {compact(found.kernel.max_abs_error, 3)}"
    told, exact, rate = found.identifiability, found.exact, found.learning_rate
    if rate is not None and found.status != "diverged" and exact.distance is not None:
        in_errors = exact.distance_in_standard_errors
        bars = f", {compact(in_errors, 3)} standard errors" if in_errors is not None and in_errors < 1e6 else ""
        lines.append(f"exact answer: loss {compact(exact.loss)}; descent is {compact(exact.distance, 3)} from it{bars}")
    condition = f", condition number {compact(told.condition_number, 4)}" if told.condition_number else ""
    lines.append(f"rank {told.rank} of {told.parameters}{condition}")
    if rate is not None and rate.stable_below is not None:
        lines.append(_foretold_steps(rate))
    limit = found.learning_rate.stable_below if found.learning_rate is not None else None
    if found.status == "diverged" and limit is not None:
        lines.append(f"the loss blew up: the learning rate must stay below {compact(limit)}; try --lr auto")
    if found.expectation is not None:
        expected = found.expectation
        verdict = "as expected" if expected.met else "NOT as expected"
        lines.append(
            f"{verdict}: largest difference {compact(expected.max_abs_difference, 3)}, "
            f"tolerance {compact(expected.tolerance, 3)}"
        )
    return lines


def _foretold_steps(rate: LearningRateBlock) -> str:
    ways = (
        (rate.predicted_steps, "at this rate"),
        (rate.predicted_steps_at_best, "at the best"),
        (rate.predicted_steps_with_momentum, "with the best momentum"),
    )
    told = [f"{compact(np.ceil(steps))} {way}" for steps, way in ways if steps is not None and np.isfinite(steps)]
    return f"steps until the slowest error is down 10⁶-fold: {', '.join(told)}"


def _signed(value: float) -> str:
    return f"{value:+.3g}" if value else "0"
