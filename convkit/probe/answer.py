"""A program's answer: how it was stored, and whether it is one to the picture at all."""

from convkit.errors import ProgramError
from convkit.image import Image
from convkit.recovery.recording import Recording


def recording_of(answer: Image) -> Recording:
    """Return how an answer was stored."""
    return Recording(answer.level, 0.0, 1.0) if answer.bits is not None else Recording(answer.level)


def check_same_size(image: Image, answer: Image, program: str) -> None:
    """Refuse an answer of another size than the picture's.

    Raises
    ------
    ProgramError
    """
    if image.shape != answer.shape:
        (height, width), (rows, columns) = image.shape, answer.shape
        raise ProgramError(
            expected=f"an output of the input's size, {height}x{width}",
            got=f"{rows}x{columns} from {program}",
            hint="--stride auto for a program that resizes",
        )
