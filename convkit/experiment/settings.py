"""What an experiment is made of: one model of every setting, checked before anything runs."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from convkit.convolution import Padding
from convkit.errors import ConvkitError, SettingsError
from convkit.experiment.fields import (
    Input,
    flag,
    one_of,
    read_constraints,
    read_program,
    read_rate,
    read_ridge,
    read_size,
    read_solver,
    read_stride,
    read_text,
    real_number,
    several,
    whole_number,
)
from convkit.image import MAX_PIXELS, Gray
from convkit.probe import ProbeFormat
from convkit.recovery import LearningBackend, Loss, Solver
from convkit.recovery.constraints import Constraint
from convkit.text import closest, shown

# Settings that only steps have a use for.
_OF_DESCENT = frozenset({"steps", "lr", "tol", "backend"})

_OF_PROGRAM = frozenset({"program_timeout", "probe_format", "precision", "keep"})
_NOT_OF_PROGRAM = ("image", "target", "pairs", "mask", "background")


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
    pairs: Annotated[str | None, BeforeValidator(read_text)] = None
    mask: Input = None
    program: Annotated[Input, BeforeValidator(read_program)] = None
    program_timeout: Annotated[float, real_number("--program-timeout", above=0.0, example="60")] = 60.0
    probe_format: Annotated[ProbeFormat | None, one_of("--probe-format", tuple(ProbeFormat))] = None
    precision: Annotated[float | None, real_number("--precision", above=0.0, example="1e-4")] = None
    keep: Annotated[bool, flag("--keep")] = False
    size: Annotated[tuple[int, int] | Literal["auto"] | None, BeforeValidator(read_size)] = None
    steps: Annotated[int, whole_number("--steps", 1)] = 40
    lr: Annotated[float | Literal["auto"], BeforeValidator(read_rate)] = "auto"
    solver: Annotated[Solver | None, BeforeValidator(read_solver)] = None
    backend: Annotated[LearningBackend | None, BeforeValidator(LearningBackend.parse)] = None
    constraint: Annotated[tuple[Constraint, ...], BeforeValidator(read_constraints)] = ()
    ridge: Annotated[float | Literal["auto"] | None, BeforeValidator(read_ridge)] = None
    tol: Annotated[float | None, real_number("--tol", above=0.0, example="1e-6")] = None
    bias: Annotated[bool, flag("--bias")] = True
    noise: Annotated[float, real_number("--noise", minimum=0.0, example="0.01")] = 0.0
    padding: Annotated[Padding, BeforeValidator(Padding.parse)] = Padding.VALID
    stride: Annotated[int | Literal["auto"], BeforeValidator(read_stride)] = 1
    flip: Annotated[bool, flag("--flip")] = False
    loss: Annotated[Loss, one_of("--loss", tuple(Loss))] = Loss.SUM
    dtype: Annotated[str, one_of("--dtype", ("float64", "float32"))] = "float64"
    background: Annotated[str | None, BeforeValidator(read_text)] = None
    transfer: Annotated[Transfer, one_of("--transfer", tuple(Transfer))] = Transfer.AUTO
    channels: Annotated[bool | None, flag("--channels")] = None
    gray: Annotated[Gray, one_of("--gray", tuple(Gray))] = Gray.BT601
    max_pixels: Annotated[int, whole_number("--max-pixels", 1)] = MAX_PIXELS
    seed: Annotated[int, whole_number("--seed", 0)] = 0
    device: Annotated[str, one_of("--device", ("cpu", "cuda"))] = "cpu"
    log_every: Annotated[int, whole_number("--log-every", 1)] = 5
    expect: Input = None
    tolerance: Annotated[float | None, real_number("--tolerance", minimum=0.0, example="1e-3")] = None

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
        self._check_program()
        self._check_inputs()
        self._check_targeted()
        self._check_solver()
        self._check_loss()
        return self

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

    def _check_inputs(self) -> None:
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

    def _check_targeted(self) -> None:
        """Refuse what only given targets can tell, and what only made ones can have."""
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

    @property
    def _source(self) -> str:
        return "--program" if self.program is not None else "--pairs" if self.pairs is not None else "--target"

    def _check_solver(self) -> None:
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

    def _check_loss(self) -> None:
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
