"""Where kernels are tried on the pairs as they were given: how responses were rounded, and what a replay reproduces."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from convkit.experiment.answer import Answer
from convkit.experiment.pose import Posed
from convkit.kernel import Kernel
from convkit.recovery import Parameters
from convkit.recovery.proof import (
    FoundRounding,
    Passes,
    Program,
    Replay,
    Rounding,
    Snapped,
    centred,
    find_rounding,
    guesses,
    proves,
    replay,
    replay_sample,
    snap,
)
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered

# Guesses at whole numbers that are replayed, smallest divisor first.
_MOST_GUESSES = 5
_OF_8_BITS = 1 / 255


@dataclass(frozen=True, eq=False)
class Told:
    """A kernel on trial: how its responses are rounded, and what replaying it reproduces."""

    snapped: Snapped | None
    rounding: FoundRounding
    offset: tuple[int, int]
    replays: tuple[Replay, ...]

    @property
    def reproduced(self) -> int:
        """How many pixels, over all pairs."""
        return sum(one.reproduced for one in self.replays)

    @property
    def proven(self) -> bool:
        """Whether whole numbers reproduce every pixel, and nothing was fitted to make them."""
        return all(proves(self.rounding.program, one) for one in self.replays)

    def parameters(self, level: float | None) -> Parameters:
        """Return taps and bias in image units."""
        kernel = self.rounding.program.kernel
        return kernel.parameters(level) if isinstance(kernel, Snapped) else kernel


@dataclass(frozen=True, eq=False)
class Trial:
    """Where kernels are tried: the pairs as they were given."""

    scenes: tuple[Registered, ...]
    offset: tuple[int, int]
    recording: Recording
    point: Parameters
    covariance: NDArray[np.float64]
    bias_error: float
    image_level: float | None
    rim: bool

    @classmethod
    def of(cls, posed: Posed, answer: Answer) -> "Trial":
        """Take the pairs of a problem, and how well its answer tells the bias."""
        # Of the exact answer, whatever price or constraints the one returned is held to.
        covariance = answer.optimum.noise_variance(posed.recording.level) * answer.optimum.unit_covariance
        levels = {image.level for image in posed.inputs.images}
        return cls(
            scenes_of(posed),
            posed.offset,
            posed.recording,
            answer.optimum.point,
            covariance,
            float(np.sqrt(max(covariance[-1, -1], 0.0))) if answer.problem.bias else 0.0,
            levels.pop() if len(levels) == 1 else None,
            posed.padding is None,
        )

    def best(self, *, identifiable: bool) -> Told:
        """Return the kernel of whole numbers that is proven; else the one that explains most."""
        point, covariance = self.point, self.covariance
        if not identifiable:
            return self.tried(point)
        snapped = snap(point, covariance, self.recording.level)
        tried = None if snapped is None else self.tried(snapped)
        if tried is not None and tried.proven:
            return tried
        if self.recording.level is not None:
            for guess in islice(guesses(point, covariance, self.recording.level), _MOST_GUESSES):
                found, offset = self.rounded(guess)
                if found.sample.exact and (told := self.replayed(guess, found, offset)).proven:
                    return told
        plain = self.tried(point)
        if tried is None or snapped is None or not snapped.telling or tried.reproduced < plain.reproduced:
            return plain
        return tried

    def tried(self, kernel: Parameters | Snapped) -> Told:
        """Replay a kernel."""
        return self.replayed(kernel, *self.rounded(kernel))

    def rounded(self, kernel: Parameters | Snapped) -> tuple[FoundRounding, tuple[int, int]]:
        """Find how a kernel's responses are rounded, and where the program's window begins."""
        program, offset = Program(kernel), self.offset
        if self.rim:  # a program's window is centred on its output, though the taps on one side be zero
            program, offset = centred(program, offset)
        found = find_rounding(
            self.scenes[0],
            program.kernel,
            offset,
            self.recording,
            bias_error=self.bias_error,
            image_level=self.image_level,
        )
        return found, offset

    def place(self, kernel: Kernel) -> tuple[int, int] | None:
        """Return where a kernel of the library begins: in the middle, or where targets are all that is valid."""
        (height, width), scene = kernel.shape, self.scenes[0]
        missing = tuple(before - after for before, after in zip(scene.image.shape, scene.target.shape, strict=True))
        if scene.stride != 1 or missing not in {(0, 0), (height - 1, width - 1)}:
            return None
        return (0, 0) if any(missing) else (-(height // 2), -(width // 2))

    def rounded_alike(self, kernel: Kernel, offset: tuple[int, int], as_of: FoundRounding) -> Iterator[FoundRounding]:
        """Round a known kernel's responses as another's, with a bias of whole levels, if that can be.

        What is cut off is also tried as what is left of 16 bits: a response is then rounded to 1/257 of a level first,
        so that what misses a level by half of that has it. GraphicsMagick and ImageMagick do so.
        """
        level, program = self.recording.level, as_of.program
        if level is None or (program.passes is not Passes.ONE and kernel.rank > 1):
            return
        bias = round(float(program.kernel.bias) / (1.0 if isinstance(program.kernel, Snapped) else level))
        cut = program.rounding is Rounding.TRUNCATE and program.passes is Passes.ONE and level == _OF_8_BITS
        for part in (0.0, 0.5 / 257) if cut else (0.0,):
            program = replace(program, kernel=Parameters(kernel.taps, (bias + part) * level))
            sample = replay_sample(self.scenes[0], program, offset, self.recording, image_level=self.image_level)
            yield FoundRounding(program, sample, "truncation of 16 bits to 8" if part else as_of.told)

    def rounded_anew(self, kernel: Kernel, offset: tuple[int, int]) -> Iterator[FoundRounding]:
        """Find how a known kernel's responses are rounded, if its bias and what rounding cuts off are half levels."""
        level = self.recording.level
        if level is not None:
            known = Parameters(kernel.taps, round(2.0 * self.point.bias / level) * level / 2.0)
            yield find_rounding(self.scenes[0], known, offset, self.recording, image_level=self.image_level)

    def reproducing(self, found: FoundRounding, offset: tuple[int, int]) -> Told | None:
        """Replay a program whose kernel is known; None if it misses a pixel."""
        if not found.sample.exact:
            return None
        told = self.replayed(found.program.kernel, found, offset)
        return told if all(one.exact for one in told.replays) else None

    def replayed(self, kernel: Parameters | Snapped, found: FoundRounding, offset: tuple[int, int]) -> Told:
        """Count what a program reproduces of every pair."""
        replays = tuple(
            replay(scene, found.program, offset, self.recording, image_level=self.image_level) for scene in self.scenes
        )
        return Told(kernel if isinstance(kernel, Snapped) else None, found, offset, replays)


def scenes_of(posed: Posed) -> tuple[Registered, ...]:
    """Return the pairs as they were given, before any window was cut."""
    assert posed.inputs.targets is not None  # what is made needs no proof
    return tuple(
        Registered(image.values, target.values, posed.experiment.step, mask, posed.inputs.summing)
        for image, target, mask in zip(posed.inputs.images, posed.inputs.targets, posed.inputs.masks, strict=True)
    )
