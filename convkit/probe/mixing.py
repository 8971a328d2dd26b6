"""What a colour program makes of each channel, and whether it mixes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convkit.convolution import Convention
from convkit.convolution.apply import correlate
from convkit.convolution.backends import choose_backend
from convkit.image import Image
from convkit.probe.answer import recording_of
from convkit.probe.contrast import Array
from convkit.recovery.registered import Registered

_NAMES = ("red", "green", "blue")
# Weights below this are no mixing, however significant.
_LEAST = 0.01
_DEVIATES = 6.0
# Outputs off the rails that a fit needs.
_FEWEST = 100


@dataclass(frozen=True, eq=False)
class Mixing:
    """What each channel of the answer takes from each channel of the picture.

    Attributes
    ----------
    weights : ndarray, shape (channels, 3)
        In units of the gray kernel; the identity when channels stay by themselves.
    errors : ndarray, shape (channels, 3)
    mixes : bool
    told : str
    """

    weights: Array
    errors: Array
    mixes: bool
    told: str


def find_mixing(before: Sequence[Image], after: Sequence[Image], taps: Array, offset: tuple[int, int]) -> Mixing | None:
    """Fit every channel of an answer by the three channels of the picture, each through the kernel found in gray.

    Returns
    -------
    Mixing or None
        None when too few outputs are off the rails.

    Examples
    --------
    >>> from convkit.image import image_from_array
    >>> rng = np.random.default_rng(0)
    >>> planes = [rng.random((20, 20)) for _ in range(3)]
    >>> gray = image_from_array(0.3 * planes[0] + 0.6 * planes[1] + 0.1 * planes[2])
    >>> find_mixing([image_from_array(plane) for plane in planes], [gray], np.ones((1, 1)), (0, 0)).told
    'colour becomes gray: 0.300 red + 0.600 green + 0.100 blue'
    """
    backend = choose_backend(before[0].shape, taps).load()
    size = taps.shape[0], taps.shape[1]
    scenes = [Registered(image.values, after[0].values) for image in before]
    seen = [
        correlate(np.asarray(scene.pair(size, offset).image, dtype=np.float64), taps, Convention(), backend)
        for scene in scenes
    ]
    weights, errors = np.zeros((len(after), 3)), np.zeros((len(after), 3))
    rows, columns = scenes[0].interior(size, offset)
    for number, answer in enumerate(after):
        target = np.asarray(answer.values, dtype=np.float64)[rows, columns]
        used = ~recording_of(answer).saturated(target)
        if int(np.count_nonzero(used)) < _FEWEST:
            return None
        design = np.stack([*(one[used] for one in seen), np.ones(int(np.count_nonzero(used)))], axis=1)
        point, *_ = np.linalg.lstsq(design, target[used], rcond=None)
        squares = float(np.square(target[used] - design @ point).mean())
        variance = max(squares, recording_of(answer).rounding_variance)
        weights[number] = point[:3]
        errors[number] = np.sqrt(variance * np.diag(np.linalg.pinv(design.T @ design))[:3])
    return _told(weights, errors)


def _told(weights: Array, errors: Array) -> Mixing:
    if len(weights) == 1:
        return Mixing(weights, errors, True, f"colour becomes gray: {_sum(weights[0])}")
    others = ~np.eye(3, dtype=bool)
    mixed = others & (np.abs(weights) > _LEAST) & (np.abs(weights) > _DEVIATES * errors)
    if not mixed.any():
        return Mixing(weights, errors, False, "each channel stays by itself")
    told = "; ".join(f"{name} = {_sum(row)}" for name, row in zip(_NAMES, weights, strict=True))
    return Mixing(weights, errors, True, f"channels mix: {told}")


def _sum(row: Array) -> str:
    terms = [(value, name) for value, name in zip(row, _NAMES, strict=True) if abs(value) > _LEAST / 2]
    text = " ".join(f"{'-' if value < 0 else '+'} {abs(value):.3f} {name}" for value, name in terms)
    return text.removeprefix("+ ") or "nothing"
