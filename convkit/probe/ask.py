"""Ask a program what it makes of a picture: a command through files, a Python function directly."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.errors import ConvkitError, ProgramError
from convkit.image import Image, Kind, image_from_array
from convkit.image.leftovers import claim, sweep
from convkit.probe.command import Command, located, parse_command, run_command
from convkit.probe.formats import ProbeFormat
from convkit.text import shown

_PREFIX = "convkit-probe-"

Function = Callable[[NDArray[Any]], Any]
Array = NDArray[np.float64]


@dataclass(eq=False)
class Program:
    """A program that can be asked; every question is counted.

    Attributes
    ----------
    command : Command or function
    form : ProbeFormat or None
        None for a function that is given float64 pictures and may return anything.
    timeout : float
        Seconds a command may take.
    folder : Path or None
        Where a command's files are kept or pass through.
    keep : bool
        Whether the files stay.
    """

    command: Command | Function
    form: ProbeFormat | None
    timeout: float
    max_pixels: int
    folder: Path
    keep: bool = False
    runs: int = field(default=0, init=False)

    @property
    def steps(self) -> int | None:
        """How many steps lie between black and white in a probe; None in floating point."""
        return self.form.steps if self.form is not None else None

    @property
    def colour(self) -> bool:
        """Whether it can be asked in colour."""
        return isinstance(self.command, Command) and self.form is not None and self.form.colour

    @property
    def lossy(self) -> bool:
        """Whether its file type changes pixels."""
        return self.form is ProbeFormat.JPG

    def ask(self, values: Array) -> tuple[Image, Image]:
        """Return a gray probe as the program sees it, and its answer; of an answer in colour, the green plane.

        Raises
        ------
        ProgramError
            When there is no whole answer.
        """
        before, planes = self.planes(values)
        return before[0], planes[len(planes) // 2]

    def planes(self, values: Array) -> tuple[tuple[Image, ...], tuple[Image, ...]]:
        """Return the planes of a probe, ``(H, W)`` or ``(H, W, 3)``, and those of the answer."""
        self.runs += 1
        if isinstance(self.command, Command):
            return self._by_files(values, self.command)
        return (self._before(values),), (self._by_call(values, self.command),)

    def _by_files(self, values: Array, command: Command) -> tuple[tuple[Image, ...], tuple[Image, ...]]:
        form = self.form or ProbeFormat.PNG
        folder = self.folder / f"run-{self.runs:03d}"
        folder.mkdir()
        before, after = folder / f"input{form.suffix}", folder / f"output{form.suffix}"
        try:
            form.write(before, values)
            seen = form.read(
                before, self.max_pixels
            )  # a program may change its input, and JPEG is not what was written
            run_command(command, before, after, self.timeout)
            return seen, form.read(after, self.max_pixels)
        except OSError as error:
            raise ProgramError(
                expected="room for the program's files",
                got=f"{error.strerror or error} in {self.folder.parent}",
                hint="TMPDIR=a folder with room",
            ) from error
        finally:
            if not self.keep:
                shutil.rmtree(folder, ignore_errors=True)

    def _before(self, values: Array) -> Image:
        if self.steps is None:
            return Image(values, Kind.MATRIX, "probe")
        return Image(values, Kind.PICTURE, "probe", 1 / self.steps, 8 if self.steps == 255 else 16)

    def _by_call(self, values: Array, function: Function) -> Image:
        given: NDArray[Any] = values.copy()
        if self.steps is not None:
            given = np.rint(values * self.steps).astype(np.uint8 if self.steps == 255 else np.uint16)
        elif self.form is ProbeFormat.TIF:
            given = values.astype(np.float32)
        try:
            answer = np.asarray(function(given))
        except ConvkitError:
            raise
        except Exception as error:
            raise ProgramError(
                expected="a function that returns a picture",
                got=f"{type(error).__name__}: {shown(error, 160)}",
                hint=f"it on numpy.zeros({values.shape}) by hand",
            ) from error
        if answer.dtype in (np.uint8, np.uint16) and answer.ndim == 2 and answer.size:
            white = int(np.iinfo(answer.dtype).max)
            return Image(answer / white, Kind.PICTURE, "answer", 1 / white, 8 if white == 255 else 16)
        try:
            return image_from_array(answer)
        except ConvkitError as error:
            raise ProgramError(
                expected=f"a picture from the program, shape {values.shape}", got=error.got, hint=error.hint
            ) from error


@contextmanager
def opened(
    program: str | Function,
    *,
    form: ProbeFormat | None = None,
    timeout: float = 60.0,
    keep: bool = False,
    max_pixels: int = 500_000_000,
) -> Iterator[Program]:
    """Make a program ready to be asked, in a private folder that is removed afterwards unless it is to be kept.

    Parameters
    ----------
    program : str or function
        A command with ``{input}`` and ``{output}``, or a function from ``(H, W)`` to ``(H, W)``.
    form : ProbeFormat, optional
        Default 8-bit PNG for a command; for a function float64 in [0, 1].

    Raises
    ------
    ConvkitError
        When the command cannot be parsed or found.

    Examples
    --------
    >>> with opened(lambda picture: 1 - picture) as inverting:
    ...     inverting.ask(np.full((2, 2), 0.25))[1].values
    array([[0.75, 0.75],
           [0.75, 0.75]])
    """
    command: Command | Function = program if callable(program) else located(parse_command(program), Path.cwd())
    form = form if callable(program) else form or ProbeFormat.PNG
    with _folder(keep=keep) as folder:
        yield Program(command, form, timeout, max_pixels, folder, keep)


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    """Make a private folder, which goes at the end, or with the next probe after a kill; unless it is to be kept."""
    if keep:
        yield Path(tempfile.mkdtemp(prefix="convkit-kept-"))
        return
    sweep(tempfile.gettempdir(), _PREFIX)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        claim(descriptor)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)
