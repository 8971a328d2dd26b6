"""What an experiment begins with: images, targets and masks, read and checked."""

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.errors import ImageError
from convkit.experiment.fields import several
from convkit.experiment.pair_list import read_pairs
from convkit.experiment.settings import Experiment
from convkit.image import PATTERNS, Channels, Image, image_from_array, read_channels, read_image, read_large
from convkit.image.files import is_file
from convkit.image.image import Kind
from convkit.recovery.problem import Summing
from convkit.recovery.recording import Recording
from convkit.text import parse_call

Mask = NDArray[np.bool_] | None

CHANNEL_NAMES = ("red", "green", "blue")
# From so many pixels on, files stay on disk: as an array of float64 they would take half a gigabyte.
_LARGE = 1 << 26


@dataclass(frozen=True, eq=False)
class Inputs:
    """One entry a pair; of colour pictures, one a channel.

    Attributes
    ----------
    images : tuple of Image
    targets : tuple of Image, or None
        None when they are to be made.
    masks : tuple of (ndarray of bool, or None)
    colour : bool
        Whether the entries are red, green, blue, red, … of colour pictures.
    lossy : bool
        Whether a target comes from a format that changes pixels.
    linear : bool
        Whether the numbers were taken to linear light.
    decoded_variance : float
        What of the targets' rounding is left then: its mean variance.
    channel : int or None
        Which channel of colour pictures this is, if it is one.
    summing : Summing or None
        Where sums over these inputs are made; None for this process.
    """

    images: tuple[Image, ...]
    targets: tuple[Image, ...] | None
    masks: tuple[Mask, ...]
    colour: bool = False
    lossy: bool = False
    linear: bool = False
    decoded_variance: float = 0.0
    channel: int | None = None
    summing: Summing | None = None

    @property
    def coloured(self) -> bool:
        """Whether these are colour pictures, or one channel of some."""
        return self.colour or self.channel is not None

    def only(self, channel: int) -> "Inputs":
        """Return one channel of colour pictures."""
        assert self.targets is not None  # colour is of given pairs
        return replace(
            self,
            images=self.images[channel::3],
            targets=self.targets[channel::3],
            masks=self.masks[channel::3],
            colour=False,
            channel=channel,
        )

    @property
    def recording(self) -> Recording:
        """How the targets' numbers were stored; of several kinds, the coarsest steps and no rails."""
        if self.targets is None:
            return Recording()
        if self.linear:
            return Recording(decoded_variance=self.decoded_variance)
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
        pairs: list[tuple[object, object]] = [*read_pairs(experiment.pairs)]
    elif experiment.target is None:
        images = tuple(_read(source, experiment, rng) for source in several(experiment.image))
        return Inputs(images, None, _masks(experiment, len(images), rng))
    else:
        pairs = list(zip(several(experiment.image), several(experiment.target), strict=True))
    masks = _masks(experiment, len(pairs), rng)
    by_channel = _by_channel(pairs, masks, experiment)
    if by_channel is not None:
        return by_channel
    images = tuple(_read(before, experiment, rng) for before, _ in pairs)
    targets = tuple(_read(after, experiment, rng) for _, after in pairs)
    return Inputs(images, targets, masks, lossy=any(_is_jpeg(target) for target in targets))


def _by_channel(pairs: list[tuple[object, object]], masks: tuple[Mask, ...], experiment: Experiment) -> Inputs | None:
    """Read pairs of picture files as their channels; None where something else than pixels decides.

    Gray pictures that are stored as colour count as gray, whose numbers are then those of the file.
    """
    if experiment.channels is False or experiment.background is not None or "gray" in experiment.model_fields_set:
        return None
    images: list[Image] = []
    targets: list[Image] = []
    kept: list[Mask] = []
    counts: set[int] = set()
    lossy = False
    for (before, after), mask in zip(pairs, masks, strict=True):
        sides = [_channels_of(source, experiment) for source in (before, after)]
        image, target = sides
        if image is None or target is None or len(image.images) != len(target.images):
            return None
        opaque = _opaque(image, target, after)
        counts.add(len(image.images))
        images += image.images
        targets += target.images
        kept += [_both(mask, opaque)] * len(image.images)
        lossy = lossy or target.lossy
    if len(counts) > 1:
        return None
    for one in (*images, *targets):
        _check_energy(one, experiment)
    return Inputs(tuple(images), tuple(targets), tuple(kept), colour=counts == {3}, lossy=lossy)


def _channels_of(source: object, experiment: Experiment) -> Channels | None:
    if not isinstance(source, str | PathLike) or Path(source).suffix.lower() == ".npy":  # which has no channels
        return None
    large = _large(source, experiment)
    if large is not None:
        return Channels((large,)) if large.kind is Kind.PICTURE else None
    return read_channels(source, max_pixels=experiment.max_pixels)


def _large(source: str | PathLike[str], experiment: Experiment) -> Image | None:
    """Leave a large array or gray TIFF on disk; without --max-pixels whatever its size, for it takes no memory."""
    path = Path(source)
    if (isinstance(source, str) and parse_call(source).name in PATTERNS) or not is_file(path):
        return None
    limit = experiment.max_pixels if "max_pixels" in experiment.model_fields_set else None
    return read_large(path, _LARGE, limit)


def _opaque(image: Channels, target: Channels, name: object) -> Mask:
    """Return where two pictures are opaque, if they are alike in that; what lies under glass is not compared."""
    if image.opacity is None and target.opacity is None:
        return None
    if image.opacity is None or target.opacity is None or not np.array_equal(image.opacity, target.opacity):
        raise ImageError(
            expected="opaque pictures, or two with the same transparency",
            got=f"a pair whose transparency differs ({name})",
            hint="--background white, black or a gray from 0 to 1",
        )
    return np.asarray(target.opacity >= 1.0)


def _both(mask: Mask, opaque: Mask) -> Mask:
    if mask is None or opaque is None or mask.shape != opaque.shape:  # a mask of another shape is refused later
        return opaque if mask is None else mask
    return mask & opaque


def _is_jpeg(image: Image) -> bool:
    return image.path is not None and image.path.suffix.lower() in (".jpg", ".jpeg")


def _masks(experiment: Experiment, count: int, rng: np.random.Generator) -> tuple[Mask, ...]:
    if experiment.mask is None:
        return (None,) * count
    masks = [_read(source, experiment, rng).values != 0.0 for source in several(experiment.mask)]
    return tuple(masks * count if len(masks) == 1 else masks)


def _read(source: Any, experiment: Experiment, rng: np.random.Generator) -> Image:
    """Read image text, or take an array."""
    if isinstance(source, str | PathLike):
        image = _large(source, experiment) or read_image(
            source,
            gray=experiment.gray,
            background=experiment.background,
            max_pixels=experiment.max_pixels,
            rng=rng,
        )
    else:
        image = image_from_array(source)
    _check_energy(image, experiment)
    return image


def _check_energy(image: Image, experiment: Experiment) -> None:
    limits = np.finfo(experiment.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        energy = image.values.size * np.square(limits.dtype.type(image.largest))
    if not np.isfinite(energy) or (image.largest > 0.0 and energy < limits.tiny / limits.eps**2):
        raise ImageError(
            expected=f"an image whose sum of squares {experiment.dtype} can hold",
            got=f"numbers up to {image.largest:.3g}",
            hint="numbers nearer to 1, such as image / image.max()",
        )
