"""Ask a program: show it pictures, understand its answers like any pair's, and test what no pair can."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convkit.experiment.identify import Identity, Understood
from convkit.experiment.inputs import Inputs
from convkit.experiment.light import Light, in_its_light
from convkit.experiment.pose import Posed, pose
from convkit.experiment.resizing import Resized, understand_resizer
from convkit.experiment.settings import Experiment, Transfer
from convkit.image import Image
from convkit.probe.ask import Program, opened
from convkit.probe.contrast import check_same_size, find_contrast, recording_of
from convkit.probe.mixing import Mixing, find_mixing
from convkit.probe.noise import repeatability
from convkit.probe.picture import Contrast
from convkit.probe.shift import SHIFT, shifted_difference, tile_difference
from convkit.probe.superposition import Tolerance, superposition
from convkit.recovery.proof.border import Border, find_border
from convkit.recovery.proof.replay import replay
from convkit.recovery.registered import Registered
from convkit.recovery.verdict import Evidence, Verdict
from convkit.text import shown

# Sides that are no multiples of the blocks that programs work in.
_SHAPE = (149, 163)
# Of a resizer, sides that most ratios divide.
_SHAPE_RESIZED = (240, 300)
_LARGEST = 1200
# Pictures are enlarged until there are so many outputs for each tap.
_OUTPUTS_A_TAP = 20
_MOST_PICTURES = 64
# Outputs inside a picture that is mostly rim, a side.
_SMALL_RIM = 24
# An answer is black and white when all but this share lie on a rail, at any contrast.
_BLACK_AND_WHITE = 0.999

Shape = tuple[int, int]
Understand = Callable[[Posed], Understood]


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
    precision: float | None
    precision_told: str | None
    folder: str | None
    resized: Resized | None = None

    def judged(self, verdict: str | None, reason: str | None) -> tuple[str | None, str | None]:
        """Return the verdict on the answers, or what the failing test makes of it."""
        failed = {test.name: test for test in self.tests if not test.passed}
        for name, told in (("black and white", "not linear"), ("superposition", "not linear")):
            if name in failed:
                return Verdict.NOT_LINEAR.value, f"{told}: {failed[name].told}"
        for name in ("tiles", "shift"):
            if name in failed:
                return Verdict.NOT_LINEAR.value, f"not shift-invariant: {failed[name].told}"
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
        return _Session(experiment, program, understand).probed()


class _Session:
    """One program, asked one question after the other."""

    def __init__(self, experiment: Experiment, program: Program, understand: Understand) -> None:
        self.experiment, self.program, self.understand = experiment, program, understand
        # The stream of the images: a probe is one.
        self.rng = np.random.default_rng(np.random.SeedSequence(experiment.seed).spawn(3)[0])

    def probed(self) -> Probed:
        program = self.program
        if self.experiment.stride == "auto":
            return self._resized()
        self._check_size()
        self.contrast, saturated = find_contrast(program, self.rng)
        asked = [self._ask(_SHAPE)]
        found, light = self._understood(asked)
        blank = saturated >= _BLACK_AND_WHITE
        while not blank and (larger := _larger(found, asked[0][0].shape)) is not None:
            asked = [self._ask(larger)]
            found, light = self._understood(asked)
        found, light, told = self._precise(asked, found, light)
        image, answer = asked[0]
        repeated, noise = repeatability(answer, program.ask(np.asarray(image.values, dtype=np.float64))[1])
        linear_light = light is not None and light.used is Transfer.LINEAR
        tests = [repeated, *self._tests(found, image, answer, Tolerance(noise, program.lossy, linear_light))]
        if blank and answer.values.min() < answer.values.max():
            words = "every output is black or white, however low the contrast"
            tests.append(Evidence("black and white", saturated, _BLACK_AND_WHITE, saturated, 0.0, False, words))
        return Probed(
            found,
            light,
            self.contrast,
            image.shape,
            pictures=len(asked),
            noise=noise / (answer.level or 1.0),
            tests=tuple(tests),
            border=self._border(found),
            mixing=self._mixing(found),
            precision=_largest_error(found),
            precision_told=told,
            runs=program.runs,
            folder=str(program.folder) if program.keep else None,
        )

    def _resized(self) -> Probed:
        """Ask a program that may change the size, and understand every output phase."""
        program = self.program
        self.contrast, _ = find_contrast(program, self.rng)

        def asked(shape: Shape) -> tuple[Image, Image, Resized]:
            image, answer = program.ask(self.contrast.draw(shape, self.rng, program.steps))
            inputs = Inputs((image,), (answer,), (None,), lossy=program.lossy)
            return image, answer, understand_resizer(self.experiment, inputs, self.understand)

        image, answer, resized = asked(_SHAPE_RESIZED)
        found = resized.phases[0][1]
        few = found.answer.problem.count < _OUTPUTS_A_TAP * found.answer.problem.unknowns
        if few or (found.posed.support is not None and not found.posed.support.settled):
            image, answer, resized = asked((2 * _SHAPE_RESIZED[0], 2 * _SHAPE_RESIZED[1]))
            found = resized.phases[0][1]
        repeated, noise = repeatability(answer, program.ask(np.asarray(image.values, dtype=np.float64))[1])
        added = superposition(
            program.ask, image.shape, self.contrast, self.rng, program.steps, Tolerance(noise, program.lossy)
        )
        return Probed(
            found,
            None,
            self.contrast,
            image.shape,
            pictures=1,
            noise=noise / (answer.level or 1.0),
            tests=(repeated,) if added is None else (repeated, added),
            border=None,
            mixing=None,
            precision=_largest_error(found),
            precision_told=None,
            runs=program.runs,
            folder=str(program.folder) if program.keep else None,
            resized=resized,
        )

    def _check_size(self) -> None:
        image, answer = self.program.ask(Contrast(0.5, 0.25).draw(_SHAPE, self.rng, self.program.steps))
        check_same_size(image, answer, _named(self.experiment))

    def _ask(self, shape: Shape) -> tuple[Image, Image]:
        image, answer = self.program.ask(self.contrast.draw(shape, self.rng, self.program.steps))
        check_same_size(image, answer, _named(self.experiment))
        return image, answer

    def _understood(self, asked: list[tuple[Image, Image]]) -> tuple[Understood, Light | None]:
        images, answers = zip(*asked, strict=True)
        inputs = Inputs(images, answers, (None,) * len(asked), lossy=self.program.lossy)
        return in_its_light(self.understand(pose(self.experiment, inputs)), self.understand)

    def _precise(
        self, asked: list[tuple[Image, Image]], found: Understood, light: Light | None
    ) -> tuple[Understood, Light | None, str | None]:
        """Ask for more pictures until every standard error is below the precision, or there are enough."""
        wanted = self.experiment.precision
        if wanted is None:
            return found, light, None
        while (error := _largest_error(found)) is not None and error > wanted and len(asked) < _MOST_PICTURES:
            needed = math.ceil(1.1 * len(asked) * (error / wanted) ** 2)
            count = min(max(needed, len(asked) + 1), _MOST_PICTURES)
            shape = asked[0][0].shape
            asked += [self._ask(shape) for _ in range(count - len(asked))]
            found, light = self._understood(asked)
        pictures = f"{len(asked)} picture{'s' if len(asked) > 1 else ''}"
        if error is None:
            return found, light, f"cannot be met: the data leave taps open, after {pictures}"
        if error > wanted:
            return found, light, f"cannot be met: {pictures} leave standard errors up to {error:.2g}, not {wanted:g}"
        return found, light, f"met with {pictures}: standard errors up to {error:.2g}"

    def _tests(self, found: Understood, image: Image, answer: Image, tolerance: Tolerance) -> list[Evidence]:
        program, posed = self.program, found.posed
        pairs = found.answer.problem.pairs
        rolled = np.roll(np.asarray(image.values, dtype=np.float64), SHIFT, axis=(0, 1))
        reach = max(max(-offset, offset + taps, 1) for offset, taps in zip(posed.offset, _size(found), strict=True))
        made = (
            superposition(program.ask, image.shape, self.contrast, self.rng, program.steps, tolerance),
            tile_difference(pairs, _size(found), posed.recording.level, lossy=program.lossy),
            shifted_difference(answer, program.ask(rolled)[1], reach, tolerance),
        )
        return [test for test in made if test is not None]

    def _border(self, found: Understood) -> Border | None:
        """Tell the border rule from a picture that is mostly rim."""
        identity = _of_linear(found)
        if identity is None or found.posed.inputs.linear or found.posed.padding is not None:
            return None
        program, kernel = identity.rounding.program, identity.rounding.program.taps
        size = kernel.shape[0], kernel.shape[1]
        # A window that is wider than the kernel found is the program's, and centred.
        place = found.posed.offset if size == _size(found) else (-(size[0] // 2), -(size[1] // 2))
        image, answer = self._ask((size[0] + _SMALL_RIM, size[1] + _SMALL_RIM + 1))
        scene, recording = Registered(image.values, answer.values), recording_of(answer)
        interior = replay(scene, program, place, recording, image_level=image.level)
        return find_border(scene, program, place, recording, interior, image_level=image.level)

    def _mixing(self, found: Understood) -> Mixing | None:
        identity = _of_linear(found)
        if identity is None or not self.program.colour or found.posed.inputs.linear:
            return None
        picture = self.contrast.draw((*_SHAPE, 3), self.rng, self.program.steps)
        before, after = self.program.planes(picture)
        if len(before) != 3 or len(after) not in (1, 3) or after[0].shape != before[0].shape:
            return None
        taps: NDArray[np.float64] = np.asarray(identity.point.taps, dtype=np.float64)
        return find_mixing(before, after, taps, found.posed.offset) if taps.any() else None


def _of_linear(found: Understood) -> Identity | None:
    """Return what is known of a program that has one kernel."""
    identity = found.identity
    hopeless = (Verdict.NOT_LINEAR, Verdict.NOT_IDENTIFIABLE)
    return None if identity is None or identity.judgement.verdict in hopeless else identity


def _size(found: Understood) -> Shape:
    return found.answer.problem.size


def _larger(found: Understood, shape: Shape) -> Shape | None:
    """Return the shape of larger pictures when the kernel's size asks for them."""
    support = found.posed.support
    growing = support is not None and not support.settled
    few = found.answer.problem.count < _OUTPUTS_A_TAP * found.answer.problem.unknowns
    if not (growing or few) or 2 * max(shape) > _LARGEST:
        return None
    return 2 * shape[0] + 1, 2 * shape[1] + 1


def _largest_error(found: Understood) -> float | None:
    """Return the largest standard error of a tap; 0 of a proven kernel, None when some are left open."""
    if found.identity is not None and found.identity.proven:
        return 0.0
    if not found.answer.optimum.spectrum.identifiable:
        return None
    taps = _size(found)[0] * _size(found)[1]
    variances = np.diag(found.answer.covariance(found.posed.recording.level))[:taps]
    return float(np.sqrt(variances.max()))


def _named(experiment: Experiment) -> str:
    program = experiment.program
    return "the function" if callable(program) else shown(program)
