"""The page of a comparison: the runs in a table to sort, figures along what was varied, and every kernel."""

from dataclasses import dataclass

import numpy as np

from convkit.experiment import Comparison
from convkit.experiment.runs import Run, SavedRun
from convkit.report.columns import told
from convkit.report.comparison import run_columns
from convkit.report.groups import group_columns
from convkit.report.numbers import compact
from convkit.report.page.provenance import settings_table, versions
from convkit.report.page.svg import comparison_drawings
from convkit.report.page.taps import MOST_CELLS, View, view
from convkit.report.page.template import render
from convkit.report.palette import largest
from convkit.report.verdict import Verdict

# Rows and cells that a page can carry.
_MOST_ROWS = 2000
_MOST_TAPS = 6000
# Up to so many columns, three or two kernels fit side by side.
_NARROW, _WIDE = 3, 6
# What the picture of a large kernel costs, in cells.
_PICTURE = 100


@dataclass(frozen=True)
class Card:
    """The kernel of a run, or why there is none."""

    number: int
    title: str
    view: View | None
    told: list[str]


def comparison_page(result: Comparison, *, command: str | None = None, tolerance: float | None = None) -> str:
    """Return the page of a comparison.

    Parameters
    ----------
    result : Comparison
    command : str, optional
        What was typed.
    tolerance : float, optional
        What backends were allowed to differ by.

    Returns
    -------
    str
        HTML that needs no other file.
    """
    runs = result.runs[:_MOST_ROWS]
    cards = _cards(result, runs)
    changed, left = _settings(result)
    said = comparison_verdict(result, tolerance)
    return render(
        "comparison.html",
        result.to_json(),
        title=said.word,
        verdict=said,
        subject=f"varied: {', '.join(f'{key} ({len(values)})' for key, values in result.vary.items())}",
        key_numbers=_key_numbers(result),
        columns=run_columns(result.model_copy(update={"runs": runs})) if runs else [],
        groups=group_columns(result.groups) if result.groups else [],
        rows=len(runs),
        total=len(result.runs),
        drawings=comparison_drawings(result),
        true_view=_true(result),
        cards=cards,
        room=_room(cards),
        changed=changed,
        left=left,
        command=command,
        versions=versions(),
    )


def comparison_verdict(result: Comparison, tolerance: float | None) -> Verdict:
    """Say in a sentence what a comparison came to.

    Examples
    --------
    >>> from convkit import compare
    >>> comparison_verdict(compare(steps=5, lr=0.01), 1e-9).word
    'backends agree'
    """
    failed = {status: sum(one.status == status for one in result.runs) for status in ("failed", "diverged")}
    off = sum(one.meets_expectation is False for one in result.runs)
    wrong = [f"{count} {status}" for status, count in failed.items() if count]
    wrong += [f"{off} missed what was expected"] if off else []
    count = f"{len(result.runs)} runs"
    difference = result.largest_difference
    told_of = f" Backends differ by at most {compact(difference, 3)} in a tap." if difference is not None else ""
    if difference is not None and tolerance is not None and difference > tolerance:
        return Verdict("backends differ", f"{told_of.strip()} Allowed was {compact(tolerance, 3)}.", "bad")
    if wrong:
        return Verdict(f"{count}, not all well", f"Of {count}, {' and '.join(wrong)}.{told_of}", "bad")
    best = _best(result)
    found = ""
    if best is not None:
        found = f" The smallest tap error, {compact(best.max_abs_error, 3)}, is that of {_named(best, result)}."
    if difference is not None and tolerance is not None:
        within = f"All {count} ended well; backends differ by {compact(difference, 3)}, within {compact(tolerance, 3)}."
        return Verdict("backends agree", within, "good")
    return Verdict(count, f"All ended well.{found}{told_of}", "good")


def _best(result: Comparison) -> Run | None:
    known = [one for one in result.runs if one.max_abs_error is not None]
    if len({compact(one.max_abs_error, 3) for one in known}) < 2:
        return None
    return min(known, key=lambda one: one.max_abs_error or 0.0)


def _named(one: Run, result: Comparison) -> str:
    """Name a run by what tells it from the others."""
    keys = [key for key, values in result.vary.items() if len(values) > 1] or list(result.vary)
    return ", ".join(f"{key.replace('_', ' ')} {told(one.settings.get(key))}" for key in keys)


def _key_numbers(result: Comparison) -> list[tuple[str, str]]:
    numbers = [("runs", str(len(result.runs)))]
    errors = [one.max_abs_error for one in result.runs if one.max_abs_error is not None]
    if errors:
        ends = dict.fromkeys(compact(error, 3) for error in (min(errors), max(errors)))
        numbers.append(("largest tap error", " to ".join(ends)))
    if result.largest_difference is not None:
        numbers.append(("between backends", compact(result.largest_difference, 3)))
    return numbers


def _settings(result: Comparison) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the settings that all runs share, as far as the runs know them."""
    first = result.runs[0] if result.runs else None
    if not isinstance(first, SavedRun):
        return [], []
    return settings_table({key: value for key, value in first.experiment.items() if key not in result.vary})


def _true(result: Comparison) -> View | None:
    """Show the true kernel, if all runs share it."""
    first = next((one.true for one in result.runs if one.true is not None), None)
    if first is None or not all(one.true is not None and np.array_equal(one.true, first) for one in result.runs):
        return None
    return view("True kernel", first)


def _cards(result: Comparison, runs: list[Run]) -> list[Card]:
    """Show kernels while there is room for them, in the same colours if they should be the same."""
    shared = _true(result)
    scale = max((largest(one.true) for one in runs), default=0.0) if shared is not None else None
    cards: list[Card] = []
    room = _MOST_TAPS
    for number, one in enumerate(runs, start=1):
        room -= _cost(one)
        if room < 0:
            break
        shown = None
        if one.kernel is not None:
            hidden = np.zeros(one.kernel.shape, dtype=bool)
            if one.identifiable is False and one.standard_error is not None:
                hidden = ~np.isfinite(one.standard_error)
            shown = view(f"Run {number}", one.kernel, scale=scale, unknown=hidden, digits=3)
        cards.append(Card(number, _named(one, result), shown, _told(one)))
    return cards


def _room(cards: list[Card]) -> str:
    """Return the class for the width that the widest kernel needs."""
    columns = max((card.view.shape[1] for card in cards if card.view is not None and card.view.rows), default=1)
    return "narrow" if columns <= _NARROW else "wide" if columns <= _WIDE else "widest"


def _cost(one: Run) -> int:
    if one.kernel is None:
        return 1
    return one.kernel.size if max(one.kernel.shape) <= MOST_CELLS else _PICTURE


def _told(one: Run) -> list[str]:
    name = one.name if one.verdict != "not-linear" else "no linear filter"
    lines = [text for text in (name, one.error) if text]
    if one.bias is not None:
        lines.append(f"bias {compact(one.bias, 4)}")
    return [*lines, *one.notes]
