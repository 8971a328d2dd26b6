"""How much contrast a probe may have: as much as the program's answers can hold."""

import numpy as np

from convkit.probe.answer import recording_of
from convkit.probe.ask import Program
from convkit.probe.contrast import Array, Contrast

_SHAPE = (61, 67)
_FIRST = 0.25
_HIGHEST = 0.45
_LOWEST = 1 / 64
# Fewer saturated outputs than this share are no loss.
_FEW = 0.002
# Halving the contrast must leave less than this share of the saturated outputs to be worth its noise.
_HELPS = 0.85
# Where nearly every answer is saturated, brighter or darker pictures may help.
_MOST = 0.9
_MEANS = (0.25, 0.75, 0.08, 0.92)
_ROOM = 0.02
_CAUTION = 0.9


def find_contrast(program: Program, rng: np.random.Generator) -> tuple[Contrast, float]:
    """Lower the contrast while answers saturate, and raise it while there is room, against the rounding.

    Returns
    -------
    contrast : Contrast
    saturated : float
        Share of the outputs that lie on a rail all the same.

    Raises
    ------
    ProgramError
        When there is no answer.

    Examples
    --------
    >>> from convkit.probe.ask import opened
    >>> from convkit.probe.formats import ProbeFormat
    >>> def sharpen(x):
    ...     return np.clip(3.0 * x - 255.0, 0, 255).astype(np.uint8)
    >>> with opened(sharpen, form=ProbeFormat.PNG) as program:
    ...     find_contrast(program, np.random.default_rng(0))
    (Contrast(mean=0.5, amplitude=0.125), 0.0)
    """
    tried: list[tuple[float, Contrast]] = []
    contrast = Contrast(0.5, _FIRST)
    while contrast.amplitude >= _LOWEST:
        saturated, answer = _saturated(program, contrast, rng)
        tried.append((saturated, contrast))
        if saturated <= _FEW:
            return (_raised(answer, contrast) if len(tried) == 1 else contrast), saturated
        contrast = Contrast(0.5, contrast.amplitude / 2.0)
    least = min(saturated for saturated, _ in tried)
    if least > _MOST:
        for mean in _MEANS:
            contrast = Contrast(mean, 0.8 * min(mean, 1.0 - mean, _FIRST))
            tried.append((_saturated(program, contrast, rng)[0], contrast))
        least = min(saturated for saturated, _ in tried)
    saturated, contrast = next(one for one in tried if one[0] * _HELPS <= least)
    return contrast, saturated


def _saturated(program: Program, contrast: Contrast, rng: np.random.Generator) -> tuple[float, Array]:
    _, answer = program.ask(contrast.draw(_SHAPE, rng, program.steps))
    on_rail = recording_of(answer).saturated(answer.values)
    return float(on_rail.mean()), np.asarray(answer.values, dtype=np.float64)


def _raised(answer: Array, contrast: Contrast) -> Contrast:
    """Raise a contrast as far as the answers stay between the rails."""
    middle = float(np.median(answer))
    above, below = float(answer.max()) - middle, middle - float(answer.min())
    room = min((1.0 - _ROOM - middle) / max(above, 1e-9), (middle - _ROOM) / max(below, 1e-9))
    amplitude = min(contrast.amplitude * max(_CAUTION * room, 1.0), _HIGHEST)
    return Contrast(contrast.mean, amplitude)
