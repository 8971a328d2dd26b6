"""The page of one recovery: what it says, in the order in which it is read."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.experiment import Recovery
from convkit.experiment.record import BiasBlock, KernelBlock
from convkit.report.certainty import error_bar, shown_errors, tells_every_tap
from convkit.report.identity import identity_facts
from convkit.report.numbers import compact
from convkit.report.page.pictures import Pictures, pictures
from convkit.report.page.provenance import settings_table, versions
from convkit.report.page.steps import walk
from convkit.report.page.svg import recovery_drawings
from convkit.report.page.taps import View, view
from convkit.report.page.template import data, render
from convkit.report.palette import largest
from convkit.report.probe import probe_facts, resizer_lines
from convkit.report.recovery import closing_lines, subject_line
from convkit.report.verdict import verdict

# Of a large kernel, the taps that are told in numbers.
_MOST_TOLD = 10


@dataclass(frozen=True)
class KernelPart:
    """A kernel found, with all that stands beside it.

    Attributes
    ----------
    title : str
        Empty where there is only one.
    views : list of View
    bias : list of (str, str)
        Names and texts.
    taps : list of rows of str
        The most telling taps of a large kernel, under ``headers``.
    facts : dict
        What is known of the filter, by subject.
    """

    title: str
    views: list[View]
    bias: list[tuple[str, str]]
    headers: list[str]
    taps: list[list[str]]
    facts: dict[str, str]


def recovery_page(found: Recovery, *, command: str | None = None) -> str:
    """Return the page of a recovery.

    Parameters
    ----------
    found : Recovery
    command : str, optional
        What was typed, for those who want to do it again.

    Returns
    -------
    str
        HTML that needs no other file.
    """
    changed, left = settings_table(found.experiment)
    steps = walk(found)
    return render(
        "recovery.html",
        found.to_json(),
        title=verdict(found).word,
        verdict=verdict(found),
        subject=subject_line(found),
        key_numbers=_key_numbers(found),
        parts=_parts(found),
        walk=steps,
        walk_data=data(steps.json) if steps is not None else "",
        closing=closing_lines(found),
        told=found.identifiability,
        null_views=[view(f"Invisible kernel {i + 1}", one) for i, one in enumerate(_null_directions(found))],
        evidence=found.fit.evidence,
        probe=probe_facts(found.probe) if found.probe is not None else {},
        resizer=resizer_lines(found.resizer, [])[0].removeprefix("resizer").strip()
        if found.resizer is not None
        else "",
        pictures=_pictures(found),
        changed=changed,
        left=left,
        command=command,
        versions=versions(),
        drawings=recovery_drawings(found),
    )


def _pictures(found: Recovery) -> Pictures | None:
    workings = found.workings
    return None if workings is None else pictures(workings.before, workings.after)


def _null_directions(found: Recovery) -> list[NDArray[Any]]:
    return found.identifiability.null_directions


def _key_numbers(found: Recovery) -> list[tuple[str, str]]:
    """The few numbers that stand at the top."""
    told, rate = found.identifiability, found.learning_rate
    numbers = [("size", "x".join(map(str, found.experiment["size"])))]
    if found.kernel is not None and found.kernel.max_abs_error is not None:
        numbers.append(("largest tap error", compact(found.kernel.max_abs_error, 3)))
    if found.fit.residual_levels is not None:
        numbers.append(("residual", f"{compact(found.fit.residual_levels, 3)} levels"))
    numbers.append(("loss", compact(found.final_loss, 4)))
    numbers.append(("rank", f"{told.rank} of {told.parameters}"))
    if told.condition_number:
        numbers.append(("condition number", compact(told.condition_number, 4)))
    if rate is not None:
        numbers.append(("learning rate", compact(rate.used, 4)))
        if rate.stable_below is not None:
            numbers.append(("stable below", compact(rate.stable_below, 4)))
    return numbers


def _parts(found: Recovery) -> list[KernelPart]:
    every = tells_every_tap(found)
    offset = found.convention.offset
    if found.kernel is not None:
        facts = identity_facts(
            found.kernel, found.fit, found.border, offset, support=found.support, transfer=found.transfer
        )
        if found.channels:
            facts["channels"] = f"{', '.join(one.name for one in found.channels)}: they share this kernel"
        return [_part("", found.kernel, found.bias, facts, every=every)]
    parts = []
    for channel in found.channels:
        facts = identity_facts(channel.kernel, channel.fit, channel.border, offset)
        parts.append(_part(channel.name.capitalize(), channel.kernel, channel.bias, facts, every=every))
    for phase in found.phases:
        title = f"Output phase {phase.phase}, first tap at {phase.offset}"
        parts.append(_part(title, phase.kernel, phase.bias, {}, every=every))
    return parts


def _part(title: str, kernel: KernelBlock, bias: BiasBlock, facts: dict[str, str], *, every: bool) -> KernelPart:
    learned, errors = kernel.learned, shown_errors(kernel)
    unknown = np.zeros(learned.shape, dtype=bool) if every else ~np.isfinite(errors)
    true = kernel.comparable_true
    size = largest(np.where(unknown, 0.0, learned), true)
    views = [view("Learned", learned, scale=size, unknown=unknown)]
    if true is not None:
        views.append(view("True", true, scale=size))
        error = learned - true
        off = largest(np.where(unknown, 0.0, error))
        views.append(view("Error", error, unknown=unknown, note="learned minus true, in colours of its own", scale=off))
    if largest(errors):
        hidden = ~np.isfinite(errors)
        views.append(view("Standard error", errors, scale=size, unknown=hidden, digits=2))
    integer = kernel.integer
    if integer is not None and not views[0].picture:
        proof = "proven" if integer.proven else "within the error bars"
        over = f"Over {integer.divisor}" if integer.divisor != 1 else "In whole numbers"
        views.append(view(over, np.array(integer.numerators, dtype=np.float64), note=proof))
    headers, taps = _telling(learned, true, errors, unknown) if views[0].picture else ([], [])
    return KernelPart(title, views, _bias(bias, size), headers, taps, facts)


def _bias(bias: BiasBlock, size: float) -> list[tuple[str, str]]:
    if bias.learned is None:
        return []
    told = [("learned", compact(bias.learned, 4))]
    if bias.true is not None:
        told.append(("true", compact(bias.true, 4)))
    error = bias.standard_error
    return [*told, ("standard error", error_bar(np.nan if error is None else error, size))]


def _telling(
    learned: NDArray[Any], true: NDArray[Any] | None, errors: NDArray[Any], unknown: NDArray[Any]
) -> tuple[list[str], list[list[str]]]:
    """Of a large kernel: the taps with the largest errors or, where the truth is unknown, the largest taps."""
    measure = np.where(unknown, -1.0, np.abs(learned if true is None else learned - true))
    order = np.argsort(measure, axis=None, kind="stable")[::-1][:_MOST_TOLD]
    headers = ["Tap", "Learned", *(["True", "Error"] if true is not None else []), "Standard error"]
    rows = []
    for at in order:
        row, column = (int(i) for i in np.unravel_index(at, learned.shape))
        found = float(learned[row, column])
        beside = [compact(float(true[row, column])), f"{found - true[row, column]:+.3g}"] if true is not None else []
        bar = error_bar(float(errors[row, column]), largest(learned))
        rows.append([f"({row}, {column})", compact(found), *beside, bar])
    return headers, rows
