"""What a recovery went by, for those who want to look: computed when asked for, and no part of its JSON."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution import Convention, Padding
from convkit.convolution.apply import correlate
from convkit.convolution.backends import choose_backend
from convkit.experiment.identify import Understood
from convkit.recovery.null_directions import null_pictures
from convkit.recovery.problem import Pair
from convkit.recovery.spectrum import Spectrum

# Residuals are computed of at most so many outputs a side, from the middle of a picture.
MOST_OUTPUTS = 1024
# Directions of more unknowns take seconds to find.
_MANY_UNKNOWNS = 400

Pixels = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Workings:
    """Pictures, residuals and eigenvalues behind a `Recovery`.

    Of several pairs these are those of the largest, and of colour pictures those of its green channel.

    Attributes
    ----------
    understood : Understood
    """

    understood: Understood = field(repr=False)

    @cached_property
    def pair_number(self) -> int:
        """Which pair is shown, counted from 0; colour pictures count once a channel."""
        pairs = self.understood.answer.problem.pairs
        if self.understood.posed.inputs.colour:
            return 1 + 3 * int(np.argmax([pair.target.size for pair in pairs[1::3]]))
        return int(np.argmax([pair.target.size for pair in pairs]))

    @property
    def pair(self) -> Pair:
        """The windows that the kernel was found from, aligned with the target."""
        return self.understood.answer.problem.pairs[self.pair_number]

    @property
    def before(self) -> Pixels:
        """The image, shape (H, W); of colour pictures (H, W, 3)."""
        return self._picture([image.values for image in self.understood.posed.inputs.images])

    @property
    def after(self) -> Pixels:
        """The target, as it was given or made; shape (H, W) or (H, W, 3)."""
        targets = self.understood.posed.inputs.targets
        if targets is None:
            return self.pair.target
        return self._picture([target.values for target in targets])

    def _picture(self, planes: list[Pixels]) -> Pixels:
        if not self.understood.posed.inputs.colour:
            return planes[self.pair_number]
        first = self.pair_number - self.pair_number % 3
        return np.stack(planes[first : first + 3], axis=-1)

    @cached_property
    def residual(self) -> NDArray[np.float64]:
        """Target minus what the exact answer makes of the image, in image units; NaN at outputs that are not used.

        At most the middle 1024x1024 outputs.
        """
        problem, point = self.understood.answer.problem, self.understood.answer.optimum.point
        target, rows, columns = self.pair.target, *_middle(self.pair.target.shape)
        windows = tuple(
            slice(part.start * problem.stride, (part.stop - 1) * problem.stride + taps)
            for part, taps in zip((rows, columns), problem.size, strict=True)
        )
        image = np.asarray(self.pair.image[windows], np.float64)
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        taps = np.asarray(point.taps, np.float64)
        backend = choose_backend(shape, taps)
        fitted = correlate(image, taps, Convention(Padding.VALID, problem.stride), backend.load())
        residual: NDArray[np.float64] = np.asarray(target[rows, columns], np.float64) - fitted - point.bias
        if self.pair.mask is not None:
            residual[~self.pair.mask[rows, columns]] = np.nan
        return residual

    @property
    def partial(self) -> bool:
        """Whether the residual is that of a part of the outputs."""
        return self.residual.shape != self.pair.target.shape

    @property
    def level(self) -> float | None:
        """The step that targets were rounded to, in image units; None when they were not."""
        return self.understood.posed.recording.level

    @property
    def spectrum(self) -> Spectrum:
        """Of the Gram matrix ``XᵀX``, the bias last if there is one."""
        return self.understood.answer.optimum.spectrum

    @property
    def curvatures(self) -> NDArray[np.float64]:
        """Eigenvalues of the loss's Hessian, ascending; the first ``parameters - rank`` of them are those not seen."""
        return 2.0 * self.understood.answer.problem.loss_scale * self.spectrum.eigenvalues

    @cached_property
    def null_directions(self) -> list[NDArray[np.float64]]:
        """Kernels that may be added without any output changing, each scaled to a largest tap of 1.

        None of them where they would take minutes to find.
        """
        if len(self.spectrum.gram) > _MANY_UNKNOWNS:
            return []
        return null_pictures(self.spectrum, self._size, flip=self._flip)

    @cached_property
    def faintest_direction(self) -> NDArray[np.float64] | None:
        """The kernel of length 1 that changes the outputs least; None where it would take seconds to find."""
        if len(self.spectrum.gram) > _MANY_UNKNOWNS:
            return None
        height, width = self._size
        faintest = self.spectrum.vectors[: height * width, 0].reshape(height, width)
        return faintest[::-1, ::-1] if self._flip else faintest

    @property
    def _size(self) -> tuple[int, int]:
        return self.understood.answer.problem.size

    @property
    def _flip(self) -> bool:
        return self.understood.posed.experiment.flip


def _middle(shape: tuple[int, ...]) -> tuple[slice, slice]:
    starts = [max(0, (side - MOST_OUTPUTS) // 2) for side in shape]
    rows, columns = (slice(a, min(a + MOST_OUTPUTS, side)) for a, side in zip(starts, shape, strict=True))
    return rows, columns
