"""Which templates fit the taps, up to gain, flip, turn and offset."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.naming.estimate import Estimate
from convkit.recovery.naming.gain import gain_oddity, simple_gain, sums_to, times
from convkit.recovery.naming.match import Match, Parameter
from convkit.recovery.naming.misfit import misfit
from convkit.recovery.naming.placing import Placed, place
from convkit.recovery.naming.template import Laid, Template
from convkit.recovery.naming.template_places import likely_places
from convkit.recovery.naming.words import offset_in_words

_EXACT = 1e-9


@dataclass(frozen=True, eq=False)
class TemplateMatch:
    """A match, and what sorting it among its equals needs.

    Attributes
    ----------
    match : Match
    chi2 : float
    template : Template
    literal : bool
        Whether the taps are the template's own: no gain, flip or turn.
    """

    match: Match
    chi2: float
    template: Template
    literal: bool


def match_templates(estimate: Estimate, templates: Iterable[Template]) -> list[TemplateMatch]:
    """Return the best way in which each template fits, for those that do."""
    best: dict[int, TemplateMatch] = {}
    places = likely_places(estimate, list(templates))
    if not places:
        return []
    laid_out = [place(laid.taps, estimate.shape, corner) for _, laid, corner in places]
    whitened = estimate.whiten(np.array([placed.block for placed in laid_out]))
    for at, placed, white in zip(places, laid_out, whitened, strict=True):
        found = _judged(estimate, *at, placed, white)
        key = id(at[0])
        if found and (key not in best or found.match.score < best[key].match.score):
            best[key] = found
    return list(best.values())


def _judged(
    estimate: Estimate,
    template: Template,
    laid: Laid,
    corner: tuple[int, int],
    placed: Placed,
    whitened: NDArray[np.float64],
) -> TemplateMatch | None:
    gain, error = estimate.gain(whitened)
    if gain == 0.0 or not estimate.hides(abs(gain) * placed.outside):
        return None
    judged = misfit(estimate, gain * placed.block, 1, gain * whitened)
    if not judged.fits:
        return None
    offset = tuple(first + at - cut for first, at, cut in zip(estimate.offset, corner, laid.cut, strict=True))
    words = offset_in_words(laid.size, (offset[0], offset[1]))
    usual = all(first == -((side - 1) // 2) for first, side in zip(offset, laid.size, strict=True))
    away = 0.0 if usual else 2.0 if words.startswith("centred") else 3.0
    simple = simple_gain(gain, error) or gain
    literal = simple == 1.0 and laid.orientation.flip == "none" and laid.orientation.rotation == 0
    name, text, parameters = _in_words(template, laid, (offset[0], offset[1]), words, gain, error)
    match = Match(
        name=name,
        text=text,
        parameters=parameters,
        gain=gain,
        gain_error=error,
        flip=laid.orientation.flip,
        rotation=laid.orientation.rotation,
        offset=words,
        statistic=judged.ratio,
        score=judged.chi2
        + template.oddity
        + laid.orientation.oddity
        + gain_oddity(gain, error, unit_sum=abs(template.taps.sum() - 1) < _EXACT)
        + away,
    )
    return TemplateMatch(match, judged.chi2, template, literal)


def _in_words(
    template: Template, laid: Laid, offset: tuple[int, int], words: str, gain: float, error: float
) -> tuple[str, str, tuple[Parameter, ...]]:
    """Name, text and parameters; the identity elsewhere than on the output pixel is a shift."""
    if template.name == "identity" and offset != (0, 0):
        down, right = -offset[0], -offset[1]
        moved = words.removeprefix("shifted ")
        text = f"shift by ({down}, {right}){times(gain, error)}: {moved}"
        return "shift", text, (Parameter("dy", down), Parameter("dx", right))
    if template.averages:
        parts = [template.title, sums_to(gain, error) if template.taps.size > 1 else ""]
        if template.taps.size == 1:
            parts[0] += times(gain, error)
    else:
        parts = [template.title + times(gain, error)]
    if template.half_turn_matters:
        parts.append(laid.orientation.words)
    elif laid.orientation.rotation:
        parts.append(f"turned by {laid.orientation.rotation} degrees")
    elif laid.orientation.flip != "none":
        parts.append("mirrored")
    return template.name, ", ".join(filter(None, [*parts, words])), template.parameters
