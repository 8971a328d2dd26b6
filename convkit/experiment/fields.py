"""How the text of a setting becomes its value: one function a kind of setting, each saying what is allowed."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, PlainSerializer

from convkit.errors import SettingsError
from convkit.kernel import Kernel
from convkit.probe import parse_command
from convkit.recovery import Solver
from convkit.recovery.constraints import Constraint, check_constraints
from convkit.text import choice, number, shown, whole


def _refuse(expected: str, got: object, hint: str) -> SettingsError:
    return SettingsError(expected=expected, got=shown(got), hint=hint)


def _is_auto(value: object) -> bool:
    return isinstance(value, str) and value.strip().lower() == "auto"


def whole_number(option: str, minimum: int) -> BeforeValidator:
    """Read a whole number of at least so much."""
    return BeforeValidator(lambda value: whole(option, value, minimum))


def real_number(
    option: str, *, above: float | None = None, minimum: float | None = None, example: str
) -> BeforeValidator:
    """Read a finite number above, or of at least, so much."""
    bound = f" above {above:g}" if above is not None else f" of at least {minimum:g}"

    def parse(value: object) -> float:
        found = None if isinstance(value, bool) else number(str(value))
        if found is None or (above is not None and found <= above) or (minimum is not None and found < minimum):
            raise _refuse(f"{option} as a finite number{bound}", value, f"{option} {example}")
        return found

    return BeforeValidator(parse)


def read_rate(value: object) -> float | str:
    """Read a learning rate, or ``auto``."""
    if _is_auto(value):
        return "auto"
    found = number(str(value))
    if found is None or found <= 0:
        raise _refuse("--lr as a finite rate above 0, or auto", value, "--lr 0.01")
    return found


def read_stride(value: object) -> int | str:
    """Read a stride, or ``auto``."""
    if _is_auto(value):
        return "auto"
    return whole("--stride", value, 1)


def read_constraints(value: object) -> tuple[Constraint, ...]:
    """Read constraints that go together: one, several, or several separated by commas."""
    texts = value if isinstance(value, list | tuple) else [value]
    words = [word for text in texts for word in str(text).split(",")]
    held = dict.fromkeys(Constraint(choice("--constraint", word, Constraint)) for word in words)
    check_constraints(held)
    return tuple(held)


def read_ridge(value: object) -> float | str | None:
    """Read a price on large taps, or ``auto``."""
    if value is None or _is_auto(value):
        return None if value is None else "auto"
    found = number(str(value))
    if found is None or found < 0:
        raise _refuse("--ridge as a finite number of at least 0, or auto", value, "--ridge auto")
    return found


def read_solver(value: Any) -> Solver | None:
    """Read a solver's name."""
    return None if value is None else Solver.parse(value)


def read_text(value: object) -> str | None:
    """Take anything that can be written, such as a path, as text."""
    return None if value is None else str(value)


def read_size(value: object) -> tuple[int, int] | Literal["auto"] | None:
    """Read a size: ``3``, ``1x2``, a pair of numbers, or ``auto``."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        value = "x".join(str(part) for part in value)
    text = str(value).strip().lower()
    found = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?", text, re.ASCII)
    sides = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if text == "auto":
        return "auto"
    if min(sides) < 1:
        raise _refuse("--size auto, N or HxW with sides of at least 1", value, "--size 3 or --size 1x2")
    return sides


def flag(option: str) -> BeforeValidator:
    """Read yes or no, in the words that configuration files have for it."""

    def parse(value: object) -> bool:
        if isinstance(value, bool):
            return value
        text = str(value).strip().lower()
        if text not in ("true", "false", "yes", "no", "1", "0"):
            raise _refuse(f"{option} as true or false", value, f"{option} = true")
        return text in ("true", "yes", "1")

    return BeforeValidator(parse)


def read_program(value: object) -> object:
    """Read a command line of a program; a Python function is taken as it is."""
    if value is None or callable(value):
        return value
    return parse_command(str(value)).text


def one_of(option: str, choices: Iterable[str]) -> BeforeValidator:
    """Read one of a few words."""
    return BeforeValidator(lambda value: choice(option, value, choices))


def _described(value: object) -> object:
    """Say in JSON what an input was: its text, or what kind of array; of several, each."""
    if len(inputs := several(value)) > 1:
        return [_described(one) for one in inputs]
    if value is None or isinstance(value, str | list):
        return value
    if isinstance(value, Kernel):
        return value.name or value.taps.tolist()
    if isinstance(value, Path):
        return str(value)
    if callable(value):
        return getattr(value, "__qualname__", type(value).__qualname__)
    array = np.asarray(value)
    return array.tolist() if array.size <= 400 else f"array {array.shape[0]}x{array.shape[-1]} {array.dtype}"


def several(value: object) -> tuple[object, ...]:
    """Return the inputs of a setting that may hold one or, as a list of texts, paths or 2-D arrays, several.

    Examples
    --------
    >>> several("a.png"), several(["a.png", "b.png"]), several([[1, 2], [3, 4]])
    (('a.png',), ('a.png', 'b.png'), ([[1, 2], [3, 4]],))
    """
    if isinstance(value, list | tuple) and value and all(_is_whole(part) for part in value):
        return tuple(value)
    return (value,)


def _is_whole(part: object) -> bool:
    return isinstance(part, str | Path) or (isinstance(part, np.ndarray) and part.ndim == 2)


# A file, a pattern, kernel text, or in the library an array.
Input = Annotated[Any, PlainSerializer(_described, return_type=Any, when_used="always")]
