"""The light in which a filter worked: on the encoded numbers of its pictures, or on what they stand for."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convkit.experiment.identify import Understand, Understood
from convkit.experiment.inputs import Inputs
from convkit.experiment.pose import pose
from convkit.experiment.settings import Transfer
from convkit.image import Image
from convkit.image.srgb import linear_slope, to_encoded, to_linear
from convkit.recovery import Parameters
from convkit.recovery.problem import Pair
from convkit.recovery.responses import predicted
from convkit.recovery.verdict import Verdict

# The other light is believed when it leaves less than this share of the residual.
_CLEARLY_LESS = 0.8


@dataclass(frozen=True)
class Light:
    """The light that was chosen, and the residuals in either, in levels of the encoded target.

    Attributes
    ----------
    used : Transfer
        ``srgb`` for the encoded numbers, ``linear`` for linear light, ``none`` for numbers that are no light.
    encoded_levels, linear_levels : float or None
        None where it was not tried.
    """

    used: Transfer
    encoded_levels: float | None = None
    linear_levels: float | None = None

    @property
    def told(self) -> str:
        """Say which it was and why."""
        name = {Transfer.SRGB: "the encoded numbers", Transfer.LINEAR: "linear light"}.get(self.used, "plain numbers")
        if self.encoded_levels is None or self.linear_levels is None:
            return f"in {name}"
        return (
            f"in {name}: it leaves {self.linear_levels:.3g} levels in linear light, "
            f"{self.encoded_levels:.3g} in the encoded numbers"
        )


def in_its_light(found: Understood, understand: Understand) -> tuple[Understood, Light | None]:
    """Understand a pair of pictures in the light in which the filter worked.

    Unless told, it is taken to have worked on the encoded numbers when these explain the target to the rounding.
    Otherwise the pair is understood in linear light as well, and the light that leaves clearly less is taken.

    Returns
    -------
    found : Understood
    light : Light or None
        None of numbers that are no pictures.
    """
    inputs, asked = found.posed.inputs, found.posed.experiment.transfer
    if inputs.targets is None or any(image.bits is None for image in (*inputs.images, *inputs.targets)):
        return found, None
    assert found.judgement is not None  # of given targets
    encoded = _residual_levels(found, inputs)
    if asked in (Transfer.NONE, Transfer.SRGB):
        return found, Light(asked, encoded)
    settled = found.judgement.verdict in (Verdict.EXACT, Verdict.LINEAR, Verdict.NOT_IDENTIFIABLE)
    if asked is Transfer.AUTO and settled:
        return found, Light(Transfer.SRGB, encoded)
    other = understand(pose(found.posed.experiment, decoded(inputs), found.posed.support))
    linear = _residual_levels(other, inputs)
    if asked is Transfer.LINEAR or lesser_light(linear, encoded):
        return other, Light(Transfer.LINEAR, encoded, linear)
    return found, Light(Transfer.SRGB, encoded, linear)


def lesser_light(linear: float, encoded: float) -> bool:
    """Whether linear light leaves so much less that it is believed."""
    return linear < _CLEARLY_LESS * encoded


def decoded(inputs: Inputs) -> Inputs:
    """Return the inputs in linear light, where they have no steps of one size: what rounding leaves is uneven."""

    def decoded(image: Image) -> Image:
        return replace(image, values=to_linear(image.values), level=None, bits=None)

    assert inputs.targets is not None  # pictures
    slopes = [np.square(linear_slope(target.values)).mean() for target in inputs.targets]
    return replace(
        inputs,
        images=tuple(map(decoded, inputs.images)),
        targets=tuple(map(decoded, inputs.targets)),
        linear=True,
        decoded_variance=inputs.recording.rounding_variance * float(np.mean(slopes)),
    )


def _residual_levels(found: Understood, encoded: Inputs) -> float:
    """Return the RMS of what stays unexplained of the encoded targets, saturated pixels left out, in levels."""
    level = encoded.recording.level
    assert level is not None  # pictures
    squares, count = 0.0, 0
    if not found.posed.inputs.linear:
        return math.sqrt(found.answer.optimum.residual_squares / found.answer.problem.count) / level
    for pair in found.answer.problem.pairs:
        residual = _encoded_residual(pair, found.answer.optimum.point, found, encoded)
        squares += float(np.square(residual).sum())
        count += residual.size
    return math.sqrt(squares / count) / level if count else math.nan


def _encoded_residual(pair: Pair, point: Parameters, found: Understood, encoded: Inputs) -> NDArray[np.float64]:
    fitted = to_encoded(np.clip(predicted(pair, point, stride=found.answer.problem.stride), 0.0, 1.0))
    target = to_encoded(pair.target)
    used = ~encoded.recording.saturated(target)
    if pair.mask is not None:
        used &= pair.mask
    residual: NDArray[np.float64] = (target - fitted)[used]
    return residual
