"""A kernel that was found as heat cells: learned, true, and how many standard errors lie between."""

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from convkit.experiment.record import KernelBlock
from convkit.report.certainty import shown_errors
from convkit.report.heat import Matrix, cell_width, heat_cells, numbered_cells
from convkit.report.side_by_side import side_by_side


def kernel_cells(kernel: KernelBlock, width: int, *, every: bool = True) -> RenderableType:
    """Draw a kernel for a terminal with colour; the numbers are in the cells where they fit into its width.

    Parameters
    ----------
    kernel : KernelBlock
    width : int
        Of the terminal, in characters.
    every : bool
        Whether taps that the data leave open are shown all the same.
    """
    errors = shown_errors(kernel)
    open_ones = ~np.isfinite(errors) & (not every)
    learned = np.where(open_ones, np.nan, kernel.learned)
    true = kernel.comparable_true
    scale = float(np.abs(kernel.learned if true is None else np.concatenate([kernel.learned, true])).max()) or 1.0
    noisy = bool(np.nan_to_num(errors).any())
    pictures = [("learned", learned, scale)]
    if true is not None:
        pictures.append(("true", true, scale))
        if noisy:
            with np.errstate(divide="ignore", invalid="ignore"):
                pictures.append(("difference in standard errors", (learned - true) / errors, 3.0))
        else:
            pictures.append(("difference", learned - true, 0.0))
    elif noisy:
        pictures.append(("standard errors", errors, 0.0))
    drawn = [(title, _drawn(values, width, reach or None, title)) for title, values, reach in pictures]
    return side_by_side(drawn, width)


def _drawn(values: Matrix, width: int, scale: float | None, title: str) -> Text:
    few = values.shape[1] <= 3
    digits = (4 if few else 3) if title in ("learned", "true") else 2
    if cell_width(values, digits=digits) * values.shape[1] <= width:
        return numbered_cells(values, digits=digits, scale=scale)
    return heat_cells(values, width, scale=scale)
