"""The file types in which a probe goes to a program and its answer comes back."""

from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convkit.errors import ConvkitError, ProgramError
from convkit.image import Image, encode, read_channels
from convkit.text import shown

_MAGICS = {
    "PNG": (b"\x89PNG",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "PGM or PPM": (b"P2", b"P3", b"P5", b"P6"),
    "JPEG": (b"\xff\xd8\xff",),
}


class ProbeFormat(StrEnum):
    """A file type for probes.

    Examples
    --------
    >>> ProbeFormat.PNG16.suffix, ProbeFormat.PNG16.steps, ProbeFormat.TIF.steps
    ('.png', 65535, None)
    """

    PNG = "png"
    PNG16 = "png16"
    TIF = "tif"
    PGM = "pgm"
    JPG = "jpg"

    @property
    def suffix(self) -> str:
        """What its files are called."""
        return ".png" if self is ProbeFormat.PNG16 else f".{self}"

    @property
    def steps(self) -> int | None:
        """How many steps lie between black and white; None in floating point."""
        return {ProbeFormat.PNG16: 65535, ProbeFormat.TIF: None}.get(self, 255)

    @property
    def colour(self) -> bool:
        """Whether a probe in colour can be written."""
        return self is ProbeFormat.PNG

    @property
    def kind(self) -> str:
        """The kind of file, in words."""
        return {".png": "PNG", ".tif": "TIFF", ".pgm": "PGM or PPM", ".jpg": "JPEG"}[self.suffix]

    def write(self, path: Path, values: NDArray[np.float64]) -> None:
        """Write a picture in [0, 1], ``(H, W)`` or, where `colour` says so, ``(H, W, 3)``."""
        if values.ndim == 3:
            import PIL.Image

            PIL.Image.fromarray(np.rint(values * 255.0).astype(np.uint8)).save(path)
            return
        path.write_bytes(encode(values, self.suffix, bits=16 if self is ProbeFormat.PNG16 else 8))

    def read(self, path: Path, max_pixels: int) -> tuple[Image, ...]:
        """Read a program's output: one plane, or three of a coloured one.

        Raises
        ------
        ProgramError
            When there is none, it is of another type, or it is damaged.
        """
        if not path.is_file():
            others = sorted(one.name for one in path.parent.iterdir() if one.name.startswith("output"))
            raise ProgramError(
                expected=f"a {self.kind} file from the program, at {{output}}",
                got=f"nothing there, but {', '.join(map(shown, others[:3]))}" if others else "nothing there",
                hint="a command that writes the file {output}",
            )
        with path.open("rb") as file:
            head = file.read(8)
        if not head.startswith(_MAGICS[self.kind]):
            kind = next((kind for kind, magics in _MAGICS.items() if head.startswith(magics)), None)
            raise ProgramError(
                expected=f"a {self.kind} file from the program, at {{output}}",
                got="an empty file" if not head else f"a {kind} file" if kind else "something that is no picture",
                hint="the program's option for the type of its output, or another --probe-format",
            )
        try:
            channels = read_channels(path, max_pixels=max_pixels)
        except ConvkitError as error:
            raise ProgramError(
                expected=f"a whole {self.kind} file from the program",
                got=f"one that is damaged, cut short or not understood ({error.got})",
                hint="the command by hand on a small picture",
            ) from error
        assert channels is not None  # it begins as a picture does
        return channels.images
