"""What an experiment begins with: images, targets and masks, read and checked."""

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.errors import ImageError
from convkit.experiment.pair_list import read_pairs
from convkit.experiment.settings import Experiment, several
from convkit.image import Image, image_from_array, read_image
from convkit.recovery.recording import Recording


@dataclass(frozen=True, eq=False)
class Inputs:
    """One entry a pair.

    Attributes
    ----------
    images : tuple of Image
    targets : tuple of Image, or None
        None when they are to be made.
    masks : tuple of (ndarray of bool, or None)
    """

    images: tuple[Image, ...]
    targets: tuple[Image, ...] | None
    masks: tuple[NDArray[np.bool_] | None, ...]

    @property
    def recording(self) -> Recording:
        """How the targets' numbers were stored; of several kinds, the coarsest steps and no rails."""
        if self.targets is None:
            return Recording()
        levels = [target.level for target in self.targets]
        known = [level for level in levels if level is not None]
        level = max(known) if len(known) == len(levels) else None
        pictures = all(target.bits is not None for target in self.targets)
        return Recording(level, 0.0, 1.0) if pictures else Recording(level)


def read_inputs(experiment: Experiment, rng: np.random.Generator) -> Inputs:
    """Read all that an experiment names.

    Parameters
    ----------
    experiment : Experiment
        Settled.
    rng : numpy.random.Generator
        What random patterns draw from, in the order of the pairs.

    Raises
    ------
    ConvkitError
        When something cannot be read.
    """
    if experiment.pairs is not None:
        listed = read_pairs(experiment.pairs)
        sources: tuple[object, ...] = tuple(image for image, _ in listed)
        aims: tuple[object, ...] | None = tuple(target for _, target in listed)
    else:
        sources = several(experiment.image)
        aims = None if experiment.target is None else several(experiment.target)
    images = tuple(_read(source, experiment, rng) for source in sources)
    targets = None if aims is None else tuple(_read(aim, experiment, rng) for aim in aims)
    if experiment.mask is None:
        return Inputs(images, targets, (None,) * len(images))
    masks = [_read(source, experiment, rng).values != 0.0 for source in several(experiment.mask)]
    return Inputs(images, targets, tuple(masks * len(images) if len(masks) == 1 else masks))


def _read(source: Any, experiment: Experiment, rng: np.random.Generator) -> Image:
    """Read image text, or take an array."""
    if isinstance(source, str | PathLike):
        image = read_image(
            source,
            gray=experiment.gray,
            background=experiment.background,
            max_pixels=experiment.max_pixels,
            rng=rng,
        )
    else:
        image = image_from_array(source)
    limits = np.finfo(experiment.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        energy = image.values.size * np.square(limits.dtype.type(image.largest))
    if not np.isfinite(energy) or (image.largest > 0.0 and energy < limits.tiny / limits.eps**2):
        raise ImageError(
            expected=f"an image whose sum of squares {experiment.dtype} can hold",
            got=f"numbers up to {image.largest:.3g}",
            hint="numbers nearer to 1, such as image / image.max()",
        )
    return image
