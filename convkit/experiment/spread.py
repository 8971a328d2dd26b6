"""One problem, many machines: parts travel as places in files, and what they come to is summed on an engine."""

import functools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from convkit.engine import Engine, SerialEngine
from convkit.engine.protocol import Advance
from convkit.experiment.inputs import Inputs
from convkit.experiment.settings import Experiment
from convkit.image import Gray, Image, open_large, read_channels, read_image
from convkit.image.mapped import window_in
from convkit.recovery.problem import Pair, Problem

Sum = TypeVar("Sum")
Array = NDArray[Any]

# Pictures that a worker keeps for the next part: the image and the target of one pair.
_KEPT = 2
# From so many parts on, a user may want to know of other processes.
_MANY_PARTS = 16


@dataclass(frozen=True)
class Source:
    """An image file, and what its numbers depend on besides.

    Attributes
    ----------
    path : str
        Absolute: a worker may run in another folder.
    channel : int or None
        Which plane of the channels it is; None for the one gray plane.
    gray : Gray
    background : str or None
    max_pixels : int
    by_rows : bool
        Whether it was left on disk, and is read by rows, in the precision that goes with that.
    """

    path: str
    channel: int | None
    gray: Gray
    background: str | None
    max_pixels: int
    by_rows: bool

    @classmethod
    def of(cls, image: Image, experiment: Experiment) -> "Source":
        """Tell where an experiment's image comes from."""
        assert image.path is not None
        path = str(image.path.resolve())
        on_disk = not image.values.flags.writeable
        return cls(path, image.channel, experiment.gray, experiment.background, experiment.max_pixels, on_disk)

    def window(self, rows: slice, columns: slice) -> Array:
        """Read some rows and columns."""
        with ExitStack() as stack:
            opened = open_large(Path(self.path), 0) if self.by_rows else None
            if opened is not None:
                stack.enter_context(opened[1])
                return opened[0].read(rows.start, rows.stop)[:, columns]
        return _whole(self)[rows, columns]


@functools.lru_cache(_KEPT)
def _whole(source: Source) -> Array:
    path = Path(source.path)
    if source.channel is not None:
        found = read_channels(path, max_pixels=source.max_pixels)
        assert found is not None  # it was a picture when the problem was posed
        return found.images[source.channel].values
    image = read_image(path, gray=source.gray, background=source.background, max_pixels=source.max_pixels)
    return image.values


@dataclass(frozen=True)
class Place:
    """A window of an image file."""

    source: Source
    rows: slice
    columns: slice

    def read(self) -> Array:
        """Return its pixels."""
        return self.source.window(self.rows, self.columns)


@dataclass(frozen=True, eq=False)
class _Part:
    """A part of a problem on its way to a worker; arrays that lie in no file travel themselves."""

    problem: Problem
    image: Place | Array
    target: Place | Array
    mask: NDArray[np.bool_] | None

    def loaded(self) -> Problem:
        image, target = (one.read() if isinstance(one, Place) else one for one in (self.image, self.target))
        return replace(self.problem, pairs=(Pair(image, target, self.mask),))


class Spread:
    """Sums over the parts of a problem, made on an engine; see `Summing`.

    Parameters
    ----------
    engine : Engine
    images : sequence of Image
        What the problem's arrays may be windows of; those that were read from files are read again by the workers.
    experiment : Experiment
        How they were read.
    advance : function, optional
        Called with the number of parts done and their total, at first and as each ends.
    """

    def __init__(
        self,
        engine: Engine,
        images: Sequence[Image],
        experiment: Experiment,
        advance: Advance | None = None,
    ) -> None:
        self._engine = engine
        self._files = [(image.values, Source.of(image, experiment)) for image in images if image.path is not None]
        self._advance = advance

    def __call__(
        self, work: Callable[[Problem], Sum], parts: Sequence[Problem], combine: Callable[[Sum, Sum], Sum], /
    ) -> Sum:
        """Send the parts out and sum what comes back."""
        away = [self._packed(part) for part in parts]
        return self._engine.tree_reduce(functools.partial(_at_work, work), away, combine, self._advance)

    def _packed(self, part: Problem) -> _Part:
        (pair,) = part.pairs
        return _Part(replace(part, pairs=()), self._place(pair.image), self._place(pair.target), pair.mask)

    def _place(self, view: Array) -> Place | Array:
        for whole, source in self._files:
            window = window_in(view, whole)
            if window is not None:
                return Place(source, *window)
        return view


def spread(
    inputs: Inputs,
    experiment: Experiment,
    engine: Engine | None = None,
    advance: Advance | None = None,
    announce: Callable[[str], None] | None = None,
) -> Inputs:
    """Have the sums over some inputs made on an engine, or, without one, in this process under somebody's eyes."""
    if engine is not None:
        return replace(inputs, summing=Spread(engine, (*inputs.images, *(inputs.targets or ())), experiment, advance))

    def here(work: Callable[[Problem], Sum], parts: Sequence[Problem], combine: Callable[[Sum, Sum], Sum], /) -> Sum:
        nonlocal announce
        if announce is not None and len(parts) >= _MANY_PARTS:
            announce(
                f"{len(parts)} parts are summed one after the other, linear algebra on one thread (1.4 times the time "
                "for masked pictures, none for whole ones), so that --jobs N gives the same bits"
            )
            announce = None
        return SerialEngine().tree_reduce(work, parts, combine, advance)

    return replace(inputs, summing=here)


def _at_work(work: Callable[[Problem], Sum], part: _Part) -> Sum:
    return work(part.loaded())
