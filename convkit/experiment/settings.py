"""What an experiment is made of: one model of every setting, checked before anything runs."""

import math
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, model_validator

from convkit.convolution import Padding
from convkit.errors import ConvkitError, SettingsError
from convkit.image import MAX_PIXELS, Gray
from convkit.kernel import Kernel
from convkit.probe import ProbeFormat, parse_command
from convkit.recovery import LearningBackend, Loss, Solver
from convkit.recovery.constraints import Constraint, check_constraints
from convkit.text import choice, closest, number, shown, whole


def _refuse(expected: str, got: object, hint: str) -> SettingsError:
    return SettingsError(expected=expected, got=shown(got), hint=hint)


def _whole(option: str, minimum: int) -> BeforeValidator:
    return BeforeValidator(lambda value: whole(option, value, minimum))


def _real(option: str, *, above: float | None = None, minimum: float | None = None, example: str) -> BeforeValidator:
    bound = f" above {above:g}" if above is not None else f" of at least {minimum:g}"

    def parse(value: object) -> float:
        found = None if isinstance(value, bool) else number(str(value))
        if found is None or (above is not None and found <= above) or (minimum is not None and found < minimum):
            raise _refuse(f"{option} as a finite number{bound}", value, f"{option} {example}")
        return found

    return BeforeValidator(parse)


def _rate(value: object) -> float | str:
    if isinstance(value, str) and value.strip().lower() == "auto":
        return "auto"
    found = number(str(value))
    if found is None or found <= 0:
        raise _refuse("--lr as a finite rate above 0, or auto", value, "--lr 0.01")
    return found


def _stride(value: object) -> int | str:
    if isinstance(value, str) and value.strip().lower() == "auto":
        return "auto"
    return whole("--stride", value, 1)


def _constraints(value: object) -> tuple[Constraint, ...]:
    texts = value if isinstance(value, list | tuple) else [value]
    words = [word for text in texts for word in str(text).split(",")]
    held = dict.fromkeys(Constraint(choice("--constraint", word, Constraint)) for word in words)
    check_constraints(held)
    return tuple(held)


def _ridge(value: object) -> float | str | None:
    if value is None or (isinstance(value, str) and value.strip().lower() == "auto"):
        return None if value is None else "auto"
    found = number(str(value))
    if found is None or found < 0:
        raise _refuse("--ridge as a finite number of at least 0, or auto", value, "--ridge auto")
    return found


def _solver(value: Any) -> Solver | None:
    return None if value is None else Solver.parse(value)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _size(value: object) -> tuple[int, int] | Literal["auto"] | None:
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


def _flag(option: str) -> BeforeValidator:
    def parse(value: object) -> bool:
        if isinstance(value, bool):
            return value
        text = str(value).strip().lower()
        if text not in ("true", "false", "yes", "no", "1", "0"):
            raise _refuse(f"{option} as true or false", value, f"{option} = true")
        return text in ("true", "yes", "1")

    return BeforeValidator(parse)


def _program(value: object) -> object:
    if value is None or callable(value):
        return value
    return parse_command(str(value)).text


def _choice(option: str, choices: Iterable[str]) -> BeforeValidator:
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


# Settings that only steps have a use for.
_OF_DESCENT = frozenset({"steps", "lr", "tol", "backend"})

_OF_PROGRAM = frozenset({"program_timeout", "probe_format", "precision", "keep"})
_NOT_OF_PROGRAM = ("image", "target", "pairs", "mask", "background")

# A file, a pattern, kernel text, or in the library an array.
Input = Annotated[Any, PlainSerializer(_described, return_type=Any, when_used="always")]


class Transfer(StrEnum):
    """The light in which a filter worked: on the numbers as encoded, or on what they stand for.

    ``none`` is for numbers that are no light at all: taken as they are, and not questioned.
    """

    AUTO = "auto"
    NONE = "none"
    SRGB = "srgb"
    LINEAR = "linear"


class Experiment(BaseModel):
    """Every setting of a recovery; the defaults are the lesson.

    Settings may be given as text, as a command line or a configuration file has them.

    Raises
    ------
    SettingsError
        For a setting out of its range or one that does not exist.

    Examples
    --------
    >>> Experiment(steps="40", lr="0.01").steps
    40
    >>> Experiment(stepps=3)
    Traceback (most recent call last):
        ...
    convkit.errors.SettingsError: expected a setting of learn-kernel; got 'stepps'; try steps
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    image: Input = "edges"
    kernel: Input = None
    target: Input = None
    pairs: Annotated[str | None, BeforeValidator(_text)] = None
    mask: Input = None
    program: Annotated[Input, BeforeValidator(_program)] = None
    program_timeout: Annotated[float, _real("--program-timeout", above=0.0, example="60")] = 60.0
    probe_format: Annotated[ProbeFormat | None, _choice("--probe-format", tuple(ProbeFormat))] = None
    precision: Annotated[float | None, _real("--precision", above=0.0, example="1e-4")] = None
    keep: Annotated[bool, _flag("--keep")] = False
    size: Annotated[tuple[int, int] | Literal["auto"] | None, BeforeValidator(_size)] = None
    steps: Annotated[int, _whole("--steps", 1)] = 40
    lr: Annotated[float | Literal["auto"], BeforeValidator(_rate)] = "auto"
    solver: Annotated[Solver | None, BeforeValidator(_solver)] = None
    backend: Annotated[LearningBackend | None, BeforeValidator(LearningBackend.parse)] = None
    constraint: Annotated[tuple[Constraint, ...], BeforeValidator(_constraints)] = ()
    ridge: Annotated[float | Literal["auto"] | None, BeforeValidator(_ridge)] = None
    tol: Annotated[float | None, _real("--tol", above=0.0, example="1e-6")] = None
    bias: Annotated[bool, _flag("--bias")] = True
    noise: Annotated[float, _real("--noise", minimum=0.0, example="0.01")] = 0.0
    padding: Annotated[Padding, BeforeValidator(Padding.parse)] = Padding.VALID
    stride: Annotated[int | Literal["auto"], BeforeValidator(_stride)] = 1
    flip: Annotated[bool, _flag("--flip")] = False
    loss: Annotated[Loss, _choice("--loss", tuple(Loss))] = Loss.SUM
    dtype: Annotated[str, _choice("--dtype", ("float64", "float32"))] = "float64"
    background: Annotated[str | None, BeforeValidator(_text)] = None
    transfer: Annotated[Transfer, _choice("--transfer", tuple(Transfer))] = Transfer.AUTO
    channels: Annotated[bool | None, _flag("--channels")] = None
    gray: Annotated[Gray, _choice("--gray", tuple(Gray))] = Gray.BT601
    max_pixels: Annotated[int, _whole("--max-pixels", 1)] = MAX_PIXELS
    seed: Annotated[int, _whole("--seed", 0)] = 0
    device: Annotated[str, _choice("--device", ("cpu", "cuda"))] = "cpu"
    log_every: Annotated[int, _whole("--log-every", 1)] = 5
    expect: Input = None
    tolerance: Annotated[float | None, _real("--tolerance", minimum=0.0, example="1e-3")] = None

    @model_validator(mode="before")
    @classmethod
    def _prepare(cls, given: Any) -> Any:
        for key in given:
            if key not in cls.model_fields:
                raise SettingsError(
                    expected="a setting of learn-kernel",
                    got=shown(key),
                    hint=closest(str(key), cls.model_fields) or f"one of {', '.join(cls.model_fields)}",
                )
        given = {key: value for key, value in given.items() if value is not None}
        if "target" in given and "image" not in given and "pairs" not in given:
            raise SettingsError(
                expected="the picture that was filtered, beside what came out",
                got="--target without --image",
                hint="--image before.png --target after.png",
            )
        return given

    @property
    def chosen_solver(self) -> Solver:
        """The solver asked for; else the exact answer to given targets, and descent on made ones, as in the lesson.

        Who asks for steps or a rate asks for descent.
        """
        if self.solver is not None:
            return self.solver
        return Solver.GD if not self.targeted or _OF_DESCENT & self.model_fields_set else Solver.EXACT

    @property
    def step(self) -> int:
        """The stride, of which nothing is known yet where it is to be found: 1."""
        return 1 if self.stride == "auto" else self.stride

    @property
    def targeted(self) -> bool:
        """Whether targets are given rather than made."""
        return self.target is not None or self.pairs is not None or self.program is not None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        self._check_inputs()
        if self.size == "auto" and not self.targeted:
            raise SettingsError(
                expected="--size auto with a target to find it from",
                got="--size auto without --target",
                hint="--size 3, or no --size: the kernel's own",
            )
        if self.stride == "auto" and not self.targeted:
            raise SettingsError(
                expected="--stride auto with a target or a program to find it from",
                got="--stride auto alone",
                hint="--stride 2",
            )
        if self.targeted and self.noise:
            raise SettingsError(
                expected="noise only on a target that convkit makes",
                got=f"--noise {self.noise:g} with {self._source}",
                hint="leaving out one of the two",
            )
        if self.chosen_solver is Solver.EXACT and self.backend not in (None, LearningBackend.GRAM):
            raise SettingsError(
                expected="backend gram for the solver exact, which takes no steps through an image",
                got=f"--backend {self.backend}",
                hint="--backend auto",
            )
        if self.constraint and (self.chosen_solver is not Solver.EXACT or self.ridge is not None):
            raise SettingsError(
                expected="--constraint with the solver exact, and without a ridge",
                got=f"--solver {self.chosen_solver}" if self.chosen_solver is not Solver.EXACT else "--ridge",
                hint=f"--solver exact --constraint {','.join(self.constraint)}",
            )
        if self.ridge is not None and self.chosen_solver is not Solver.EXACT:
            raise SettingsError(
                expected="--ridge with the solver exact",
                got=f"--solver {self.chosen_solver}",
                hint="--solver exact --ridge auto",
            )
        if self.loss is Loss.HUBER and (self.ridge is not None or self.constraint):
            raise SettingsError(
                expected="a robust loss, or a ridge or constraint",
                got=f"--loss huber with {'--ridge' if self.ridge is not None else '--constraint'}",
                hint="leaving out one of the two",
            )
        if self.loss is Loss.HUBER and self.chosen_solver is not Solver.EXACT and self.backend is LearningBackend.GRAM:
            raise SettingsError(
                expected="backend conv2d or naive for steps down a robust loss, which is no quadratic",
                got="--backend gram with --loss huber",
                hint="--backend auto, or --solver exact",
            )
        if self.dtype != "float64" and self.backend is LearningBackend.GRAM:
            raise SettingsError(
                expected="float64 for the backend gram", got=f"--dtype {self.dtype}", hint="--backend conv2d"
            )
        return self

    @property
    def _source(self) -> str:
        return "--program" if self.program is not None else "--pairs" if self.pairs is not None else "--target"

    def _check_inputs(self) -> None:
        self._check_program()
        if self.pairs is not None and (self.target is not None or "image" in self.model_fields_set):
            raise SettingsError(
                expected="pairs in a list, or pictures one by one",
                got=f"--pairs with {'--target' if self.target is not None else '--image'}",
                hint="leaving out one of the two",
            )
        images, targets, masks = (len(several(value)) for value in (self.image, self.target, self.mask))
        if self.target is not None and images != targets:
            raise SettingsError(
                expected="as many targets as images",
                got=f"{images} images and {targets} targets",
                hint="--image a.png --target b.png for every pair",
            )
        if self.mask is not None and self.pairs is None and masks not in (1, images):
            raise SettingsError(
                expected="one mask for all pairs, or one for each",
                got=f"{masks} masks for {images} images",
                hint="--mask m.png once",
            )

    def _check_program(self) -> None:
        if self.program is None:
            lone = sorted(_OF_PROGRAM & self.model_fields_set)
            if lone:
                raise SettingsError(
                    expected="--program beside what is said about it",
                    got=f"--{lone[0].replace('_', '-')} alone",
                    hint="--program 'gm convert {input} -blur 0x1.2 {output}'",
                )
            return
        given = next((name for name in _NOT_OF_PROGRAM if name in self.model_fields_set), None)
        if given is not None:
            raise SettingsError(
                expected="a program, which is shown pictures made for it, or pictures that are given",
                got=f"--program with --{given}",
                hint="leaving out one of the two",
            )

    def replace(self, **changes: Any) -> "Experiment":
        """Return a copy with some settings changed, checked like new ones.

        Examples
        --------
        >>> Experiment().replace(noise=0.1).noise
        0.1
        """
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return Experiment(**(given | changes))

    def settled(self) -> "Experiment":
        """Return a copy in which nothing is left to be chosen: the kernel that makes a target, solver and backend.

        Examples
        --------
        >>> Experiment().settled().kernel, Experiment().settled().backend.value
        ('1,-1', 'gram')
        """
        kernel = "1,-1" if self.kernel is None and not self.targeted else self.kernel
        solver = self.chosen_solver
        # The Gram matrix is that of squares, in float64; the others are what autograd is for.
        elsewhere = self.dtype != "float64" or self.loss is Loss.HUBER
        backend = LearningBackend.CONV2D if elsewhere and solver is not Solver.EXACT else LearningBackend.GRAM
        size = "auto" if self.size is None and kernel is None else self.size
        image = None if self.program is not None else self.image
        return self.model_copy(
            update={
                "image": image,
                "kernel": kernel,
                "solver": solver,
                "backend": self.backend or backend,
                "size": size,
            }
        )

    def resolved(self) -> dict[str, Any]:
        """Return every setting as plain JSON values."""
        return self.model_dump(mode="json")


def check_settings(given: Mapping[str, Any], source: str) -> None:
    """Check some settings on their own, and name their source when one is wrong.

    Raises
    ------
    SettingsError
        As `Experiment` does, with the source (a file) added.
    """
    try:
        # What a target needs beside it may come from another source: it is checked once all are merged.
        harmless: dict[str, Any] = {"image": "edges"} if "target" in given else {}
        Experiment(**(harmless | dict(given)))
    except ConvkitError as error:
        raise type(error)(expected=error.expected, got=f"{error.got} in {shown(source)}", hint=error.hint) from error


def finite_or_none(value: float) -> float | None:
    """JSON has no word for infinity or NaN."""
    return value if math.isfinite(value) else None
