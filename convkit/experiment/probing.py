"""Ask a program: show it pictures, understand its answers like any pair's, and test what no pair can."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.errors import ProgramError, ShapeError
from convkit.experiment.identify import Understand, Understood, rim_of
from convkit.experiment.inputs import Inputs
from convkit.experiment.light import Light, decoded, in_its_light
from convkit.experiment.pose import pose
from convkit.experiment.resizing import Resized, understand_resizer
from convkit.experiment.settings import Experiment, Transfer
from convkit.image import Image, image_stream
from convkit.probe.answer import check_same_size
from convkit.probe.ask import Program, opened
from convkit.probe.contrast import Contrast
from convkit.probe.exposure import find_contrast
from convkit.probe.mixing import Mixing, find_mixing
from convkit.probe.other_pictures import OTHERS, filtered_likewise
from convkit.probe.repeatability import repeatability
from convkit.probe.shift import SHIFT, shifted_difference, tile_difference
from convkit.probe.superposition import superposition
from convkit.probe.tolerance import Tolerance
from convkit.recovery.proof import Border
from convkit.recovery.registered import Registered
from convkit.recovery.verdict import Evidence, Verdict
from convkit.text import shown

# Sides that are no multiples of the blocks that programs work in.
_SHAPE = (149, 163)
# Of a resizer, sides that most ratios divide.
_SHAPE_RESIZED = (240, 480)
_LARGEST = 1200
# Of a resizer with many phases.
_LARGEST_RESIZED = 2400
# Pictures are enlarged until there are so many outputs for each tap.
_OUTPUTS_A_TAP = 20
_MOST_PICTURES = 64
# Outputs inside a picture that is mostly rim, a side.
_SMALL_RIM = 24
# An answer is black and white when all but this share lie on a rail, at any contrast.
_BLACK_AND_WHITE = 0.999

_WELL = (Verdict.EXACT, Verdict.LINEAR)
# Contrasts below this are low enough.
_LEAST_HALVED = 0.2

Shape = tuple[int, int]
Asked = list[tuple[Image, Image]]


@dataclass(frozen=True, eq=False)
class Probed:
    """What asking a program came to.

    Attributes
    ----------
    found : Understood
    light : Light or None
    contrast : Contrast
    shape : (int, int)
        Of the pictures that the kernel was found from.
    pictures, runs : int
        How many of those, and how often the program ran in all.
    noise : float
        Standard deviation of the noise in one answer, in levels where there are such.
    tests : tuple of Evidence
    border : Border or None
        Told from a picture that is mostly rim.
    mixing : Mixing or None
    channels : tuple of Understood
        Of a program that keeps channels apart: what it does to red, green and blue.
    precision : float or None
        The largest standard error of a tap.
    precision_told : str or None
        Whether the precision that was asked for is met.
    folder : str or None
        Where files were kept.
    resized : Resized or None
        Of a program that changes the size.
    """

    found: Understood
    light: Light | None
    contrast: Contrast
    shape: Shape
    pictures: int
    runs: int
    noise: float
    tests: tuple[Evidence, ...]
    border: Border | None
    mixing: Mixing | None
    channels: tuple[Understood, ...]
    precision: float | None
    precision_told: str | None
    folder: str | None
    resized: Resized | None = None

    def judged(self, verdict: str | None, reason: str | None) -> tuple[str | None, str | None]:
        """Return the verdict on the answers, or what the failing test makes of it."""
        failed = {test.name: test for test in self.tests if not test.passed}
        for name in ("black and white", "superposition"):
            if name in failed:
                return Verdict.NOT_LINEAR.value, f"not linear: {failed[name].told}"
        if "every phase" in failed and "repeatability" not in failed:
            told = "no kernel for each phase, down the rows and along them, explains the outputs"
            return Verdict.NOT_LINEAR.value, f"{told}: {failed['every phase'].told}"
        for name in ("tiles", "shift"):
            if name in failed:
                return Verdict.NOT_LINEAR.value, f"not shift-invariant: {failed[name].told}"
        for other in OTHERS:
            if other.test in failed and "repeatability" not in failed:
                return Verdict.NOT_LINEAR.value, f"not linear: {failed[other.test].told}"
        if "repeatability" in failed and verdict != Verdict.NOT_IDENTIFIABLE.value:
            verdict = verdict if verdict == Verdict.NOT_LINEAR.value else Verdict.NOISY.value
            return verdict, f"not repeatable: {failed['repeatability'].told}"
        return verdict, reason


def probe(experiment: Experiment, understand: Understand) -> Probed:
    """Ask the program of an experiment.

    Parameters
    ----------
    experiment : Experiment
        Settled, with a program.
    understand : function
        Finds the exact answer to a posed problem, and what it tells.

    Raises
    ------
    ConvkitError
        When the program cannot be run, or does not answer as a filter of pictures does.
    """
    with opened(
        experiment.program,
        form=experiment.probe_format,
        timeout=experiment.program_timeout,
        keep=experiment.keep,
        max_pixels=experiment.max_pixels,
    ) as program:
        session = _ResizerSession if experiment.stride == "auto" else Session
        return session(experiment, program, understand).probed()


class Session:
    """One program, asked one question after the other."""

    shape: Shape = _SHAPE
    found: Understood
    light: Light | None

    def __init__(self, experiment: Experiment, program: Program, understand: Understand) -> None:
        self.experiment, self.program, self.understand = experiment, program, understand
        self.rng = image_stream(experiment.seed)  # a probe is an image

    def probed(self) -> Probed:
        """Ask all that there is to ask."""
        program = self.program
        self.check()
        self.contrast, saturated = find_contrast(program, self.rng)
        blank = saturated >= _BLACK_AND_WHITE
        asked = self._large_enough(blank=blank)
        if not blank:
            asked = self._in_less_contrast(asked)
        asked, told = self._precise(asked)
        image, answer = asked[0]
        repeated, noise = repeatability(answer, program.ask(_values(image))[1])
        linear_light = self.light is not None and self.light.used is Transfer.LINEAR
        tests = [repeated, *self._tests(image, answer, Tolerance(noise, program.lossy, linear_light))]
        if blank and answer.values.min() < answer.values.max():
            words = "every output is black or white, however low the contrast"
            tests.append(Evidence("black and white", saturated, _BLACK_AND_WHITE, saturated, 0.0, False, words))
        mixing, channels = self._colour(image.shape)
        return Probed(
            self.found,
            self.light,
            self.contrast,
            image.shape,
            pictures=len(asked),
            noise=noise / (answer.level or 1.0),
            tests=tuple(tests),
            border=self.border(),
            mixing=mixing,
            channels=channels,
            precision=self.largest_error(),
            precision_told=told,
            runs=program.runs,
            folder=str(program.folder) if program.keep else None,
            resized=self.resized(),
        )

    def check(self) -> None:
        """Refuse a program that changes the size before anything is made of its answers."""
        image, answer = self.program.ask(Contrast(0.5, 0.25).draw(_SHAPE, self.rng, self.program.steps))
        check_same_size(image, answer, _named(self.experiment))

    def ask(self, shape: Shape) -> tuple[Image, Image]:
        """Ask for the answer to a probe."""
        image, answer = self.program.ask(self.contrast.draw(shape, self.rng, self.program.steps))
        check_same_size(image, answer, _named(self.experiment))
        return image, answer

    def understand_answers(self, asked: Asked) -> None:
        """Find the kernel behind some answers."""
        posed = pose(self.experiment, self._inputs(asked))
        self.found, self.light = in_its_light(self.understand(posed), self.understand)

    def resized(self) -> Resized | None:
        """Return what is known of a resizer."""
        return None

    def larger(self, shape: Shape) -> Shape | None:
        """Return the shape of larger pictures when the kernel's size asks for them."""
        support, problem = self.found.posed.support, self.found.answer.problem
        growing = support is not None and not support.settled
        few = problem.count < _OUTPUTS_A_TAP * problem.unknowns
        if not (growing or few) or 2 * max(shape) > _LARGEST:
            return None
        return 2 * shape[0] + 1, 2 * shape[1] + 1

    def verdict(self) -> Verdict | None:
        """Return the verdict on the answers."""
        return self.found.judgement.verdict if self.found.judgement is not None else None

    def largest_error(self) -> float | None:
        """Return the largest standard error of a tap; 0 of a proven kernel, None when some are left open."""
        return self.found.largest_error

    def shifts(self) -> tuple[Shape, Shape, Shape] | None:
        """Return by how much a probe and its answer are shifted together, and how far windows reach, in outputs."""
        places = zip(self.found.posed.offset, self.found.size, strict=True)
        reach = max(max(-offset, offset + taps, 1) for offset, taps in places)
        return SHIFT, SHIFT, (reach, reach)

    def border(self) -> Border | None:
        """Tell the border rule from a picture that is mostly rim."""
        found, identity = self.found, self.found.linear_filter
        if identity is None or found.posed.padding is not None:
            return None
        height, width = identity.rounding.program.taps.shape
        inputs = self._inputs([self.ask((height + _SMALL_RIM, width + _SMALL_RIM + 1))])
        inputs = decoded(inputs) if found.posed.inputs.linear else inputs
        assert inputs.targets is not None  # the answer
        return rim_of(found, Registered(inputs.images[0].values, inputs.targets[0].values))

    def _inputs(self, asked: Asked) -> Inputs:
        images, answers = zip(*asked, strict=True)
        return Inputs(images, answers, (None,) * len(asked), lossy=self.program.lossy)

    def _large_enough(self, *, blank: bool) -> Asked:
        """Ask, with larger pictures as long as the kernel's size asks for them."""
        shape: Shape | None = self.shape
        while shape is not None:
            asked = [self.ask(shape)]
            try:
                self.understand_answers(asked)
            except ShapeError:  # too few outputs of a phase
                if 2 * max(shape) > _LARGEST_RESIZED:
                    raise
                shape = 2 * shape[0], 2 * shape[1]
                continue
            shape = None if blank else self.larger(asked[0][0].shape)
        return asked

    def _in_less_contrast(self, asked: Asked) -> Asked:
        """Try half the contrast where a filter does not come out linear: a pass between may clip what its answers hold.

        What was found is kept unless it so comes out better.
        """
        before = dict(vars(self))
        if self.verdict() in _WELL or self.contrast.amplitude < _LEAST_HALVED:
            return asked
        self.contrast = Contrast(self.contrast.mean, self.contrast.amplitude / 2.0)
        other = self._large_enough(blank=False)
        if self.verdict() in _WELL:
            return other
        vars(self).update(before)
        return asked

    def _precise(self, asked: Asked) -> tuple[Asked, str | None]:
        """Ask for more pictures until every standard error is below the precision, or there are enough."""
        wanted = self.experiment.precision
        if wanted is None:
            return asked, None
        while (error := self.largest_error()) is not None and error > wanted and len(asked) < _MOST_PICTURES:
            needed = math.ceil(1.1 * len(asked) * (error / wanted) ** 2)
            count = min(max(needed, len(asked) + 1), _MOST_PICTURES)
            shape = asked[0][0].shape
            asked = [*asked, *(self.ask(shape) for _ in range(count - len(asked)))]
            self.understand_answers(asked)
        pictures = f"{len(asked)} picture{'s' if len(asked) > 1 else ''}"
        if error is None:
            return asked, f"cannot be met: the data leave taps open, after {pictures}"
        if error > wanted:
            return asked, f"cannot be met: {pictures} leave standard errors up to {error:.2g}, not {wanted:g}"
        return asked, f"met with {pictures}: standard errors up to {error:.2g}"

    def _tests(self, image: Image, answer: Image, tolerance: Tolerance) -> list[Evidence]:
        program = self.program
        made = [
            superposition(program.ask, image.shape, self.contrast, self.rng, program.steps, tolerance),
            self.tiles(),
            *self.others(tolerance),
        ]
        shifts = self.shifts()
        if shifts is not None:
            moved, by, reach = shifts
            rolled = np.roll(_values(image), moved, axis=(0, 1))
            made.append(shifted_difference(answer, program.ask(rolled)[1], by, reach, tolerance))
        return [test for test in made if test is not None]

    def tiles(self) -> Evidence | None:
        """Compare the kernels of parts of the pictures."""
        problem = self.found.answer.problem
        level = self.found.posed.recording.level
        return tile_difference(problem.pairs, problem.size, level, stride=problem.stride, lossy=self.program.lossy)

    def others(self, tolerance: Tolerance) -> list[Evidence | None]:
        """Ask for pictures of other kinds, where the kernel found should do as well."""
        identity, found = self.found.linear_filter, self.found
        if identity is None or found.posed.inputs.linear or self.program.lossy:
            return []
        made, taps = [], identity.rounding.program.taps
        for other in OTHERS:
            image, answer = self.program.ask(other.draw(self.contrast, _SHAPE, self.rng, self.program.steps))
            made.append(filtered_likewise(other, image, answer, taps, found.place, tolerance))
        return made

    def _asked_in_colour(self, shape: Shape) -> tuple[tuple[Image, ...], tuple[Image, ...]]:
        """Show the program a picture in colour; nothing where it takes gray ones only, and fails."""
        try:
            return self.program.planes(self.contrast.draw((*shape, 3), self.rng, self.program.steps))
        except ProgramError:
            return (), ()

    def _colour(self, shape: Shape) -> tuple[Mixing | None, tuple[Understood, ...]]:  # noqa: ARG002 - one size is enough
        """Show the program a picture in colour: what each channel takes from each, and the kernel of each."""
        found, identity = self.found, self.found.linear_filter
        if identity is None or not self.program.colour:
            return None, ()
        before, after = self._asked_in_colour(_SHAPE)
        if len(before) != 3 or len(after) not in (1, 3) or after[0].shape != before[0].shape:
            return None, ()
        inputs = Inputs(before, after, (None,) * len(before), colour=len(after) == 3, lossy=self.program.lossy)
        if found.posed.inputs.linear:
            inputs = decoded(inputs)
        taps: NDArray[np.float64] = np.asarray(identity.point.taps, dtype=np.float64)
        assert inputs.targets is not None
        mixing = find_mixing(inputs.images, inputs.targets, taps, found.posed.offset) if taps.any() else None
        if len(after) != 3 or (mixing is not None and mixing.mixes):
            return mixing, ()
        posed = pose(self.experiment, inputs)
        return mixing, tuple(self.understand(posed.only(channel)) for channel in range(3))


class _ResizerSession(Session):
    """A program that changes the size: every output phase is a filter of its own."""

    shape = _SHAPE_RESIZED
    _resized: Resized

    def check(self) -> None:
        """Take any size."""

    def ask(self, shape: Shape) -> tuple[Image, Image]:
        """Ask for the answer to a probe, of whatever size."""
        return self.program.ask(self.contrast.draw(shape, self.rng, self.program.steps))

    def understand_answers(self, asked: Asked) -> None:
        """Find the kernels of all phases; the first stands for them."""
        self._resized = understand_resizer(self.experiment, self._inputs(asked), self.understand)
        self.found, self.light = self._resized.first, self._resized.light

    def resized(self) -> Resized | None:
        """Return what is known of all phases."""
        return self._resized

    def larger(self, shape: Shape) -> Shape | None:
        """Keep to sides that most ratios divide; of many phases there are enough outputs already."""
        larger = super().larger(shape) if self._resized.separable is None else None
        return None if larger is None else (2 * shape[0], 2 * shape[1])

    def verdict(self) -> Verdict | None:
        """Return the verdict on all phases."""
        return self._resized.judgement.verdict

    def largest_error(self) -> float | None:
        """Return the largest standard error of any phase's taps."""
        return self._resized.largest_error

    def shifts(self) -> tuple[Shape, Shape, Shape] | None:
        """Shift by whole periods, after which phases are the same; None when pictures have too few of them."""
        moved, by, reaches = [], [], []
        for number, axis in enumerate((self._resized.rows, self._resized.columns)):
            periods = math.ceil(SHIFT[number] / axis.steps)
            moved.append(periods * axis.steps)
            by.append(periods * axis.phases)
            reaches.append(math.ceil((self._resized.reach[number] + axis.steps) / axis.scale) + 1)
            if by[-1] + 2 * reaches[-1] >= axis.outputs:
                return None
        return (moved[0], moved[1]), (by[0], by[1]), (reaches[0], reaches[1])

    def tiles(self) -> Evidence | None:
        """Compare the kernels of parts of the pictures; of many phases, there is one test on all outputs."""
        if self._resized.separable is not None:
            return self._resized.judgement.evidence[0]
        return super().tiles()

    def others(self, tolerance: Tolerance) -> list[Evidence | None]:  # noqa: ARG002 - as of any program
        """Leave that to superposition."""
        return []

    def border(self) -> Border | None:
        """Return the rule told from the rims of all phases."""
        return self._resized.border

    def _colour(self, shape: Shape) -> tuple[Mixing | None, tuple[Understood, ...]]:
        """Show the program a picture in colour: the kernel of each channel, in the first phase."""
        if self.found.linear_filter is None or not self.program.colour:
            return None, ()
        before, after = self._asked_in_colour(shape)
        if len(before) != 3 or len(after) != 3:
            return None, ()
        inputs = Inputs(before, after, (None,) * 3, colour=True, lossy=self.program.lossy)
        return None, understand_resizer(self.experiment, inputs, self.understand).channels


def _values(image: Image) -> NDArray[np.float64]:
    return np.asarray(image.values, dtype=np.float64)


def _named(experiment: Experiment) -> str:
    program = experiment.program
    return "the function" if callable(program) else shown(program)
