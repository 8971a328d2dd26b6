"""The filter behind given pictures, in a few lines: verdict, whole numbers, name, size, border and rounding."""

import math

from rich.table import Table

from convkit.experiment.record import BorderBlock, FitBlock, KernelBlock, SupportBlock, TransferBlock
from convkit.recovery.naming import offset_in_words
from convkit.report.numbers import compact
from convkit.report.table import add_row, new_table

# Whole numbers of a larger kernel are left to the table and the JSON.
_MOST_NUMERATORS = 49
_MOST_NAMES = 4
# The largest windows tell how the search ended.
_MOST_WINDOWS = 5
# From here on numbers are compared by their differences, and written in full.
_LONG = 1e5


def identity_lines(
    kernel: KernelBlock | None,
    fit: FitBlock,
    border: BorderBlock | None,
    offset: tuple[int, int],
    *,
    support: SupportBlock | None = None,
    transfer: TransferBlock | None = None,
) -> list[str]:
    """Return what is known of a given pair's filter, a subject a line; nothing of a target that convkit made."""
    return lined_up(identity_facts(kernel, fit, border, offset, support=support, transfer=transfer))


def identity_facts(
    kernel: KernelBlock | None,
    fit: FitBlock,
    border: BorderBlock | None,
    offset: tuple[int, int],
    *,
    support: SupportBlock | None = None,
    transfer: TransferBlock | None = None,
) -> dict[str, str]:
    """Return what is known of a given pair's filter by subject; nothing of a target that convkit made.

    A resizer of several kernels has none to tell of here.
    """
    if fit.reason is None:
        return {}
    told = {
        "verdict": f"{fit.verdict}: {fit.reason}",
        "replayed": _replayed(fit),
        "kernel": _proof(kernel) if kernel is not None else None,
        "name": _names(kernel) if kernel is not None else None,
        "size": _size(kernel, offset, support) if kernel is not None else None,
        "border": border.told if border is not None else None,
        "rounding": _rounding(fit),
        # Worth a line only where it was a question.
        "light": transfer.told if transfer is not None and transfer.linear_levels is not None else None,
    }
    return {subject: text for subject, text in told.items() if text}


def lined_up(facts: dict[str, str]) -> list[str]:
    """Write facts a line each, the texts below one another.

    Examples
    --------
    >>> lined_up({"name": "sobel", "rounding": "none needed"})
    ['name      sobel', 'rounding  none needed']
    """
    width = max(map(len, facts), default=0) + 2
    return [f"{subject:<{width}}{text}" for subject, text in facts.items()]


def _replayed(fit: FitBlock) -> str | None:
    if not fit.pixels or fit.reproduced is None:
        return None
    inside = f"{fit.reproduced} of {fit.pixels} pixels"
    ties = f", {fit.ties} of them exact halves or next to one" if fit.ties else ""
    return f"{'exact: ' if fit.reproduced == fit.pixels else ''}{inside}{ties}"


def _proof(kernel: KernelBlock) -> str | None:
    if kernel.library is not None:
        return f"{kernel.library} (proven)"
    integer = kernel.integer
    if integer is None or sum(map(len, integer.numerators)) > _MOST_NUMERATORS:
        return None
    rows = "; ".join(",".join(map(str, row)) for row in integer.numerators)
    over = f" / {integer.divisor}" if integer.divisor != 1 else ""
    return f"{rows}{over}{' (proven)' if integer.proven else ' (within the error bars)'}"


def _names(kernel: KernelBlock) -> str | None:
    if kernel.properties is None:  # nobody asked: of a descent
        return None
    if not kernel.names:
        nearly = f" fits; nearly {kernel.nearest} (within ten times the error bars)" if kernel.nearest else ""
        return f"no known name{nearly}: {kernel.properties}"
    more = f"; {len(kernel.names)} names fit in all" if len(kernel.names) > _MOST_NAMES else ""
    return "; or ".join(kernel.names[:_MOST_NAMES]) + more


def _size(kernel: KernelBlock, offset: tuple[int, int], support: SupportBlock | None) -> str:
    height, width = kernel.learned.shape
    place = f"{height}x{width}, {offset_in_words((height, width), offset)}"
    if support is None:
        return place
    kept = support.size
    found = "" if kept == (height, width) else f"the search kept {kept[0]}x{kept[1]} of "
    return f"{place}; {found}{_search(support)}"


def _search(support: SupportBlock) -> str:
    largest = max(support.tried, key=lambda stage: stage.size[0] * stage.size[1]).size
    used = "" if support.rows_used >= 1.0 else f", {support.rows_used:.0%} of the picture looked at"
    outside = f"{compact(100 * support.outside, 2)} % of the energy outside"
    chance = f" ({compact(100 * support.outside_by_chance, 2)} % by chance)"
    ended = "" if support.settled else "; STILL GROWING: the kernel may be larger"
    return f"windows up to {largest[0]}x{largest[1]} tried{used}, {outside}{chance}{ended}"


def window_table(support: SupportBlock) -> Table:
    """Set the windows side by side that decided the size, each against the next smaller; the one kept last."""
    table = new_table("window", "at", "residual", "F", "deviations", "AIC", "BIC", left=2)
    *tried, kept = support.tried
    stages = [*(stage for stage in tried if stage.size != kept.size or stage.offset != kept.offset), kept]
    for stage in stages[-_MOST_WINDOWS:]:
        add_row(
            table,
            f"{stage.size[0]}x{stage.size[1]}{', kept' if stage is kept else ''}",
            f"({stage.offset[0]}, {stage.offset[1]})",
            *(_short(value) for value in (stage.residual_squares, stage.f, stage.deviate, stage.aic, stage.bic)),
        )
    return table


def _short(value: float | None) -> str:
    return "—" if value is None or math.isnan(value) else compact(value, 4) if abs(value) < _LONG else f"{value:.0f}"


def _rounding(fit: FitBlock) -> str | None:
    if fit.residual_levels is None:
        return None
    words = {"round": "to the nearest", "truncate": "cut off (truncated)", "none": "none needed"}
    mode = words.get(fit.rounding or "", fit.rounding or "not told of a descent")
    clipped = f"; {fit.saturated_fraction:.1%} saturated ({fit.saturation})" if fit.saturated_fraction else ""
    return f"{mode}; residual {compact(fit.residual_levels, 3)} levels, rounding alone 0.289{clipped}"
