"""What a program does where its window hangs over the edge, told from those pixels alone."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.apply import strided
from convkit.convolution.backends import choose_backend
from convkit.recovery.proof.outputs import Outputs
from convkit.recovery.proof.program import DOUBLE, Arithmetic, Passes, Program, Rounding, Sums
from convkit.recovery.proof.replay import Replay
from convkit.recovery.proof.snapping import Snapped
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.tiles import Tile, tiles

Places = NDArray[np.intp]
Array = NDArray[np.float64]

# The rim is explained when its residual is at most so much that of the interior.
_AS_WELL = 1.5
# A rule is clearly better when its squared residuals are smaller by so many variances: a likelihood ratio of e¹⁵.
_CLEARLY = 30.0
_SIDE = 512
# Renormalised, a window must hold so much of the taps' sum.
_LEAST_SHARE = 0.05


class BorderRule(StrEnum):
    """How a window that hangs over the edge is filled, or what is done instead.

    The first five are paddings of `convkit.convolution`; they come in the order in which a rule is preferred to
    another that reads the same pixels.
    """

    REPLICATE = "replicate"
    SYMMETRIC = "symmetric"
    REFLECT = "reflect"
    ZERO = "zero"
    CIRCULAR = "circular"
    RENORMALISED = "renormalised"
    COPIED = "copied"


PADDINGS = (
    BorderRule.REPLICATE,
    BorderRule.SYMMETRIC,
    BorderRule.REFLECT,
    BorderRule.ZERO,
    BorderRule.CIRCULAR,
)


@dataclass(frozen=True)
class Candidate:
    """A rule, and how well it explains the rim.

    Attributes
    ----------
    rule : BorderRule
    same : tuple of BorderRule
        Rules that read the same pixels with a kernel of this size.
    count, reproduced : int
        Pixels of the rim, and those that come out as they were stored.
    rms : float
        Of the residual in levels, over the pixels that are not stored as a rail; NaN without such.
    squares : float
        Sum of the squared residuals of all, responses clipped to the rails, in levels².
    """

    rule: BorderRule
    same: tuple[BorderRule, ...]
    count: int
    reproduced: int
    rms: float
    squares: float


@dataclass(frozen=True)
class Border:
    """The rule that the rim shows.

    Attributes
    ----------
    rule : BorderRule or None
        None when no rule explains the rim, or more than one does.
    candidates : tuple of Candidate
        The best first.
    told : str
    """

    rule: BorderRule | None
    candidates: tuple[Candidate, ...]
    told: str


def find_border(
    scene: Registered,
    program: Program,
    offset: tuple[int, int],
    recording: Recording,
    interior: Replay,
    *,
    image_level: float | None = None,
) -> Border:
    """Tell the border rule from the outputs whose window hangs over the image's edge.

    A rule explains them when it reproduces every one, or when their residual is at most 1.5 times that of the
    interior. It is chosen when no other does; or when it leaves at least 30 residual variances less than any other,
    or reproduces all where the interior is exact and the next does not. Otherwise the rules cannot be told apart,
    and none is chosen. Rules that read the very same pixels (replicate and symmetric when windows reach one pixel
    over the edge) are one, under the first name.

    Parameters
    ----------
    scene : Registered
        Its target reaches to the edge, or has no rim.
    program : Program
        As it runs inside.
    offset : (int, int)
    recording : Recording
    interior : Replay
        Of the same program.
    image_level : float, optional
        The image's step; the target's if not given.

    Notes
    -----
    ``renormalised`` divides by the share of the taps that lies inside: with ``S`` the sum over the pixels inside,
    ``y = S·Σk / Σ_inside k + b`` (GraphicsMagick's blur). ``copied`` leaves the image's own pixel (Pillow).

    Examples
    --------
    >>> from convkit import convolve
    >>> from convkit.recovery.problem import Parameters
    >>> from convkit.recovery.proof.replay import replay
    >>> picture = np.random.default_rng(0).random((8, 9))
    >>> scene = Registered(picture, convolve(picture, "box:3", padding="reflect"))
    >>> program = Program(Parameters(np.full((3, 3), 1 / 9)), Rounding.NONE)
    >>> interior = replay(scene, program, (-1, -1), Recording())
    >>> find_border(scene, program, (-1, -1), Recording(), interior).told
    'reflect reproduces 30 of 30 rim pixels'
    """
    rim = _Rim(scene, program, offset, recording, image_level)
    if not rim.parts:
        return Border(None, (), "no output's window hangs over the edge")
    judged = [found for rules in rim.rules() if (found := rim.judge(rules)) is not None]
    candidates = tuple(
        sorted(judged, key=lambda found: (interior.exact and found.reproduced < found.count, found.squares))
    )
    if not candidates[0].count:
        return Border(None, (), "every output whose window hangs over the edge is masked")
    return choose_rule(candidates, interior)


class _Rim:
    """The outputs whose window hangs over the edge, under one rule after the other."""

    def __init__(
        self,
        scene: Registered,
        program: Program,
        offset: tuple[int, int],
        recording: Recording,
        image_level: float | None,
    ) -> None:
        self.scene, self.program, self.offset = scene, program, offset
        self.recording, self.image_level = recording, image_level
        self.size = (program.taps.shape[0], program.taps.shape[1])
        (height, width), (rows, columns) = scene.target.shape, scene.interior(self.size, offset)
        if rows.start == rows.stop or columns.start == columns.stop:
            bands = [Tile(0, height, 0, width)]
        else:
            bands = [
                Tile(0, rows.start, 0, width),
                Tile(rows.stop, height, 0, width),
                Tile(rows.start, rows.stop, 0, columns.start),
                Tile(rows.start, rows.stop, columns.stop, width),
            ]
        self.parts = [
            Tile(band.top + part.top, band.top + part.bottom, band.left + part.left, band.left + part.right)
            for band in bands
            for part in tiles((band.bottom - band.top, band.right - band.left), _SIDE, _SIDE)
        ]

    def rules(self) -> list[list[BorderRule]]:
        """Return the rules, those together that read the same pixels."""
        alike: dict[bytes, list[BorderRule]] = {}
        for rule in PADDINGS:
            rows, columns = self.places(rule, *_support(self.program.taps, self.offset))
            alike.setdefault(rows.tobytes() + b"," + columns.tobytes(), []).append(rule)
        return [*alike.values(), [BorderRule.RENORMALISED], [BorderRule.COPIED]]

    def judge(self, rules: list[BorderRule]) -> Candidate | None:
        """Return how well a rule explains the rim; None when it cannot be applied."""
        rule, program = rules[0], self.program
        if rule is BorderRule.COPIED:
            rounding = Rounding.NONE if self.recording.level is None else Rounding.ROUND
            program = Program(Snapped(np.ones((1, 1), np.int64), 1), rounding)
            tally = self.outputs(BorderRule.ZERO, (1, 1), (0, 0)).tally(self.arithmetic(program), self.parts)
        elif rule is BorderRule.RENORMALISED:
            program = replace(program, passes=Passes.ONE)
            arithmetic, outputs = self.arithmetic(program), self.outputs(BorderRule.ZERO, self.size, self.offset)
            shares = {part: self.share(part, arithmetic.weights, outputs) for part in self.parts}
            if min(float(share.min()) for share in shares.values()) < _LEAST_SHARE:
                return None

            def renormalised(part: Tile, sums: Sums) -> Sums:
                share = shares[part]
                values = (sums.values - arithmetic.constant) / share + arithmetic.constant
                largest, least = float(np.abs(values).max()), float(share.min())
                return Sums(values, (sums.slack + DOUBLE * largest) / least, sums.near / least)

            tally = outputs.tally(arithmetic, self.parts, renormalised)
        else:
            tally = self.outputs(rule, self.size, self.offset).tally(self.arithmetic(program), self.parts)
        found = Replay.of(tally, program.rounding)
        return Candidate(rule, tuple(rules[1:]), found.count, found.reproduced, found.rms, tally.squares)

    def arithmetic(self, program: Program) -> Arithmetic:
        return Arithmetic(program, self.recording, self.image_level, self.scene.stride)

    def outputs(self, rule: BorderRule, size: tuple[int, int], offset: tuple[int, int]) -> Outputs:
        """Return all outputs, with windows filled by a rule."""
        return Outputs.of_all(self.scene, size, *self.places(rule, size, offset))

    def places(self, rule: BorderRule, size: tuple[int, int], offset: tuple[int, int]) -> tuple[Places, Places]:
        """Return which image row and column lies at each place of the windows; -1 for zero."""
        stride = self.scene.stride
        rows, columns = (
            filled(rule, np.arange(start, start + stride * (outputs - 1) + taps), length)
            for start, outputs, taps, length in zip(
                offset, self.scene.target.shape, size, self.scene.image.shape, strict=True
            )
        )
        return rows, columns

    def share(self, part: Tile, weights: Array, outputs: Outputs) -> Array:
        """Return which share of the taps' sum lies inside the image."""
        inside = replace(outputs.image, pixels=np.broadcast_to(1.0, self.scene.image.shape), coverage=None)
        pixels = replace(outputs, image=inside).read(part).pixels
        total = float(weights.sum())
        if abs(total) <= _LEAST_SHARE * float(np.abs(weights).sum()):
            return np.zeros((1, 1))
        shape = part.bottom - part.top, part.right - part.left
        share: Array = strided(pixels, weights, self.scene.stride, choose_backend(shape, weights).load())
        return share / total


def filled(rule: BorderRule, places: Places, length: int) -> Places:
    """Return the pixel of an axis that a rule puts at each place, -1 for zero.

    Examples
    --------
    >>> filled(BorderRule.REFLECT, np.arange(-2, 4), 3).tolist()
    [2, 1, 0, 1, 2, 1]
    """
    if rule is BorderRule.REPLICATE:
        return np.clip(places, 0, length - 1)
    if rule is BorderRule.CIRCULAR:
        return places % length
    if rule is BorderRule.SYMMETRIC:
        around = places % (2 * length)
        return np.minimum(around, 2 * length - 1 - around)
    if rule is BorderRule.REFLECT:
        period = max(2 * length - 2, 1)
        around = places % period
        return np.minimum(around, period - around) if length > 1 else around
    return np.where((places >= 0) & (places < length), places, -1)


def _support(taps: Array, offset: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return size and offset without the outer rows and columns of zeros, which read nothing beyond the edge."""
    rows, columns = (np.flatnonzero(taps.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return (1, 1), offset
    size = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
    return size, (offset[0] + int(rows[0]), offset[1] + int(columns[0]))


def choose_rule(candidates: tuple[Candidate, ...], interior: Replay) -> Border:
    """Choose the rule that explains the rim as well as the interior is explained, and clearly better than any other."""
    best, *others = candidates
    floor = 0.0 if math.isnan(interior.rms) else _AS_WELL * interior.rms
    explaining = [found for found in candidates if found.reproduced == found.count or found.rms <= floor]
    counts = f"{best.reproduced} of {best.count} rim pixels"
    against = f"residual {best.rms:.3g} levels, {interior.rms:.3g} inside"
    if best not in explaining:
        return Border(
            None, candidates, f"no rule explains the rim: {best.rule}, the best, reproduces {counts}, {against}"
        )
    variance = 1 / 12 if math.isnan(interior.rms) else interior.rms**2

    def rivals(other: Candidate) -> bool:
        refuted = interior.exact and best.reproduced == best.count and other.reproduced < other.count
        return not refuted and other.squares - best.squares <= _CLEARLY * variance

    equals = [other.rule for other in others if other in explaining and rivals(other)]
    if equals:
        names = " or ".join((best.rule, *equals))
        return Border(None, candidates, f"cannot be told apart: {names}, {counts}")
    told = f"{best.rule} reproduces {counts}"
    if best.reproduced < best.count:
        told += f", {against}"
    if best.same:
        told += f"; with this kernel the same as {' and '.join(best.same)}"
    return Border(best.rule, candidates, told)
