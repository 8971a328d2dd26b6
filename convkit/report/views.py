"""Results as a notebook shows them: HTML, text with colour, and figures; one function a kind of result."""

import html
import math
from functools import singledispatch
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.text import Text

from convkit.experiment import Comparison, Recovery
from convkit.kernel import Kernel
from convkit.report.certainty import shown_errors, tells_every_tap
from convkit.report.comparison import run_table
from convkit.report.heat import numbered_cells
from convkit.report.kernel_cells import kernel_cells
from convkit.report.numbers import compact
from convkit.report.outputs import need_matplotlib
from convkit.report.palette import colour_of, hexadecimal, ink_on, largest
from convkit.report.verdict import verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Larger kernels are shown as cells without numbers.
_MOST_NUMBERED = 15
# Runs of a comparison that a notebook shows.
_MOST_ROWS = 50
_WIDTH = 100


@singledispatch
def figure_of(result: object) -> "Figure":
    """Draw a result."""
    raise TypeError(f"no figure of {type(result).__name__}")


@figure_of.register(Recovery)
def _(result: Recovery) -> "Figure":
    need_matplotlib("plot")
    from convkit.report.figures import recovery_figure

    return recovery_figure(result)


@figure_of.register(Comparison)
def _(result: Comparison) -> "Figure":
    need_matplotlib("plot")
    from convkit.report.figures import comparison_figure

    return comparison_figure(result, captioned=True)


@figure_of.register(Kernel)
def _(result: Kernel) -> "Figure":
    need_matplotlib("plot")
    from convkit.report.figures import kernel_figure

    return kernel_figure(result)


@singledispatch
def text_of(result: object) -> RenderableType:
    """Return a result for `rich.print`."""
    raise TypeError(f"no text of {type(result).__name__}")


@text_of.register(Recovery)
def _(result: Recovery) -> RenderableType:
    parts: list[RenderableType] = [Text(verdict(result).line)]
    if result.kernel is not None:
        parts.append(kernel_cells(result.kernel, _WIDTH, every=tells_every_tap(result)))
    return Group(*parts)


@text_of.register(Comparison)
def _(result: Comparison) -> RenderableType:
    return run_table(result, only_changed=False)


@text_of.register(Kernel)
def _(result: Kernel) -> RenderableType:
    return Group(Text(_kernel_title(result)), numbered_cells(result.taps))


@singledispatch
def html_of(result: object) -> str:
    """Return a result as a piece of HTML that takes the page's own colours, light or dark."""
    raise TypeError(f"no HTML of {type(result).__name__}")


@html_of.register(Recovery)
def _(result: Recovery) -> str:
    parts = [f"<p><strong>{html.escape(verdict(result).line)}</strong></p>"]
    kernel = result.kernel
    if kernel is not None:
        every = tells_every_tap(result)
        learned = np.where(np.isfinite(kernel.standard_error) | every, kernel.learned, np.nan)
        tables = [_cells("learned", learned)]
        true = kernel.comparable_true
        if true is not None:
            tables += [_cells("true", true), _cells("learned − true", learned - true, digits=2)]
        tables.append(_cells("standard error", shown_errors(kernel), digits=2))
        parts.append(f'<div style="display:flex;flex-wrap:wrap;gap:1.5em">{"".join(tables)}</div>')
    if result.learning_rate is not None and find_spec("matplotlib") is not None:
        from convkit.report.figures import panels, to_svg

        for panel in panels(result):
            if panel.name == "loss":
                svg = to_svg(panel.figure(result), "convkit-loss", "The loss, step by step")
                parts.append(f'<div style="max-width:32em">{svg}</div>')
    return "".join(parts)


@html_of.register(Comparison)
def _(result: Comparison) -> str:
    keys = list(result.vary)
    heads = [*keys, "final loss", "max tap error", "from exact (se)", "status", "steps"]
    rows = [
        [*(one.settings.get(key) for key in keys), one.final_loss, one.max_abs_error, one.distance_in_standard_errors,
         one.status, one.steps]
        for one in result.runs[:_MOST_ROWS]
    ]  # fmt: skip
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(_told(cell))}</td>' for cell in row)}</tr>" for row in rows)
    head = "".join(f'<th scope="col">{html.escape(word.replace("_", " "))}</th>' for word in heads)
    left = len(result.runs) - _MOST_ROWS
    more = f"<p>and {left} more runs</p>" if left > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


@html_of.register(Kernel)
def _(result: Kernel) -> str:
    return _cells(_kernel_title(result), result.taps)


def _kernel_title(kernel: Kernel) -> str:
    bias = f", bias {compact(kernel.bias)}" if kernel.bias else ""
    return f"{kernel.name or 'kernel'}, {kernel.shape[0]}x{kernel.shape[1]}, sum {compact(kernel.sum)}{bias}"


def _cells(title: str, values: NDArray[np.floating[Any]], *, digits: int = 4) -> str:
    """Return a matrix as a table with heat colours, and its numbers where there are not too many."""
    scale = largest(values) or 1.0
    numbered = max(values.shape) <= _MOST_NUMBERED
    rows = []
    for row in values:
        cells = []
        for value in row:
            colour = colour_of(float(value) / scale)
            style = f"background:{hexadecimal(colour)};color:{hexadecimal(ink_on(colour))}"
            style += ";text-align:center;padding:0.2em 0.5em" if numbered else ";padding:0;width:6px;height:6px"
            written = (compact(float(value), digits) if math.isfinite(value) else "—") if numbered else ""
            cells.append(f'<td style="{style}">{written}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    caption = f'<caption style="caption-side:top;text-align:left;white-space:nowrap">{html.escape(title)}</caption>'
    return f'<table style="border-collapse:collapse;margin:0">{caption}<tbody>{"".join(rows)}</tbody></table>'


def _told(value: Any) -> str:
    if isinstance(value, float):
        return compact(value, 4)
    return "—" if value is None else "x".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
