"""What a named resizer does where its windows hang over the edge."""

import math

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.proof.border import Border, choose_rule
from convkit.recovery.proof.border_rule import PADDINGS, BorderRule, filled
from convkit.recovery.proof.replay import Replay
from convkit.recovery.proof.rim import Candidate
from convkit.recovery.recording import Recording
from convkit.recovery.resizers.axis import Axis
from convkit.recovery.resizers.separable import Separable
from convkit.recovery.resizers.weights import Weights, matrix

Array = NDArray[np.float64]

_RULES = (*PADDINGS, BorderRule.RENORMALISED)


def find_edges(image: Array, target: Array, found: Separable, recording: Recording) -> Border | None:
    """Tell the border rule of a resizer from the outputs whose windows hang over the edge.

    Parameters
    ----------
    image, target : ndarray
    found : Separable
    recording : Recording
        Of the target.

    Returns
    -------
    Border or None
        None of a resizer without a name, whose taps at the edge are not known, or that does not reach over it.

    Examples
    --------
    >>> from convkit.recovery.resizers import find_separable
    >>> from convkit.recovery.resizers.candidates import candidates
    >>> image, axis = np.random.default_rng(0).random((120, 120)), Axis(120, 50)
    >>> weights = candidates(axis, axis)[3].weights(np.arange(50), axis)
    >>> taps = matrix(weights, 120)
    >>> taps /= taps.sum(axis=1, keepdims=True)
    >>> target = taps @ image @ taps.T
    >>> find_edges(image, target, find_separable([(image, target)], axis, axis, Recording()), Recording()).told
    'renormalised reproduces 168 of 168 rim pixels'
    """
    if found.named is None:
        return None
    unit = recording.level or max(math.sqrt(found.variance), 1e-9)
    judged: dict[bytes, Candidate] = {}
    for rule in _RULES:
        left = np.concatenate(
            [
                _left(image, target, found, rule, recording, turned=False).ravel(),
                _left(image.T, target.T, found, rule, recording, turned=True).ravel(),
            ]
        )
        if not left.size:
            return None
        levels = left / unit
        key = np.round(levels, 6).tobytes()
        if key in judged:
            first = judged[key]
            judged[key] = Candidate(
                first.rule, (*first.same, rule), first.count, first.reproduced, first.rms, first.squares
            )
            continue
        judged[key] = Candidate(
            rule,
            (),
            levels.size,
            int(np.count_nonzero(np.abs(levels) <= (0.5 if recording.level is not None else 10.0))),
            float(np.sqrt(np.square(levels).mean())),
            float(np.square(levels).sum()),
        )
    inside = math.sqrt(found.variance) / unit
    interior = Replay(found.count, 0, 0, None, 0, 0, 0.0, 0.0, max(inside, math.sqrt(1 / 6)))
    return choose_rule(tuple(sorted(judged.values(), key=lambda one: one.squares)), interior)


def _left(
    image: Array, target: Array, found: Separable, rule: BorderRule, recording: Recording, *, turned: bool
) -> Array:
    """Return what a rule leaves unexplained of the first and last output rows, away from the corners."""
    assert found.named is not None  # the caller sees to it
    side, other = (found.columns, found.rows) if turned else (found.rows, found.columns)
    weights = found.named.weights(np.arange(side.axis.outputs), side.axis)
    places = weights.first[:, None] + np.arange(weights.taps.shape[1])
    outside = ((places < 0) | (places >= side.axis.inputs)) & (weights.taps != 0.0)
    hanging = np.flatnonzero(outside.any(axis=1))
    taps = _extended(Weights(weights.taps[hanging], weights.first[hanging]), side.axis, rule)
    along = matrix(found.named.weights(other.outputs, other.axis), other.axis.inputs)
    fitted = np.clip(taps @ image @ along.T + found.bias, recording.lowest, recording.highest)
    left: Array = target[np.ix_(hanging, other.outputs)] - fitted
    return left


def _extended(weights: Weights, axis: Axis, rule: BorderRule) -> Array:
    """Return the taps as a matrix, with what lies beyond the edge put where a rule reads it."""
    found = np.zeros((len(weights.first), axis.inputs))
    places = weights.first[:, None] + np.arange(weights.taps.shape[1])
    if rule is BorderRule.RENORMALISED:
        found = matrix(weights, axis.inputs)
        found /= found.sum(axis=1, keepdims=True)
        return found
    read = filled(rule, places, axis.inputs)
    rows = np.broadcast_to(np.arange(len(read))[:, None], read.shape)
    np.add.at(found, (rows[read >= 0], read[read >= 0]), weights.taps[read >= 0])
    return found
