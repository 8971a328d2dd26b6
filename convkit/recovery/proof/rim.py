"""The outputs whose window hangs over the edge, held against one border rule after the other."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.apply import strided
from convkit.convolution.backends import choose_backend
from convkit.recovery.bounding_box import bounding_box
from convkit.recovery.proof.arithmetic import DOUBLE, Arithmetic, Sums
from convkit.recovery.proof.border_rule import PADDINGS, BorderRule, Places, filled
from convkit.recovery.proof.layers import Layers, blurred
from convkit.recovery.proof.outputs import Outputs
from convkit.recovery.proof.program import Passes, Program, Rounding
from convkit.recovery.proof.replay import Replay
from convkit.recovery.proof.snapped import Snapped
from convkit.recovery.proof.tally import Tally
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered
from convkit.recovery.tiles import Tile, tiles

Array = NDArray[np.float64]

_SIDE = 512
# Renormalised, a window must hold so much of the taps' sum.
_LEAST_SHARE = 0.05


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


class Rim:
    """The outputs whose window hangs over the edge, under one rule after the other."""

    def __init__(
        self,
        scene: Registered,
        program: Program,
        offset: tuple[int, int],
        recording: Recording,
        image_level: float | None,
        layers: Layers,
    ) -> None:
        self.scene, self.program, self.offset = scene, program, offset
        self.recording, self.image_level = recording, image_level
        self.size = (program.taps.shape[0], program.taps.shape[1])
        # What is put together around the output's own pixel; a kernel that is moved is of other layers.
        around = all(side == 1 - 2 * start for side, start in zip(self.size, offset, strict=True))
        self.layers = layers if scene.stride == 1 and around else Layers()
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
        rules = [*alike.values(), [BorderRule.RENORMALISED], [BorderRule.COPIED]]
        if self.layers.row is not None and len(self.layers.row) > 3:  # else the picture is mirrored, once for all
            rules.insert(1, [BorderRule.STAGED])
        return rules

    def judge(self, rules: list[BorderRule]) -> Candidate | None:
        """Return how well a rule explains the rim; None when it cannot be applied."""
        rule, program = rules[0], self.program
        if rule is BorderRule.COPIED:
            rounding = Rounding.NONE if self.recording.level is None else Rounding.ROUND
            program = Program(Snapped(np.ones((1, 1), np.int64), 1), rounding)
            tally = self.outputs(BorderRule.ZERO, (1, 1), (0, 0)).tally(self.arithmetic(program), self.parts)
        elif rule is BorderRule.RENORMALISED:
            renormalised = self.renormalised()
            if renormalised is None:
                return None
            tally = renormalised
        elif rule is BorderRule.STAGED:
            tally = self.each_pass()
        else:
            tally = self.outputs(rule, self.size, self.offset).tally(self.arithmetic(program), self.parts)
        found = Replay.of(tally, program.rounding)
        return Candidate(rule, tuple(rules[1:]), found.count, found.reproduced, found.rms, tally.squares)

    def renormalised(self) -> Tally | None:
        """Compare with a blur that is divided by the share of its taps inside; None where that is next to nothing."""
        arithmetic = self.arithmetic(replace(self.program, passes=Passes.ONE))
        outputs = self.outputs(BorderRule.ZERO, self.size, self.offset)
        blur, own = arithmetic.weights.copy(), self.layers.own * arithmetic.unit
        if own:
            blur[-self.offset[0], -self.offset[1]] -= own
        shares = {part: self.share(part, blur, outputs) for part in self.parts}
        if min(float(share.min()) for share in shares.values()) < _LEAST_SHARE:
            return None

        def change(part: Tile, sums: Sums) -> Sums:
            share, apart = shares[part], arithmetic.constant + (own * self.pixels(part) if own else 0.0)
            values = (sums.values - apart) / share + apart
            largest, least = float(np.abs(values).max()), float(share.min())
            return Sums(values, (sums.slack + DOUBLE * largest) / least, sums.near / least)

        return outputs.tally(arithmetic, self.parts, change)

    def each_pass(self) -> Tally:
        """Compare with passes that repeat the edge before each."""
        row, reach = self.layers.row, self.layers.reach
        assert row is not None  # else the rule is not tried
        arithmetic = self.arithmetic(replace(self.program, passes=Passes.ONE))
        own = self.layers.own * arithmetic.unit
        blur = float(arithmetic.weights.sum()) - own

        def change(part: Tile, sums: Sums) -> Sums:
            around = self.pixels(part, reach)
            above, left = min(part.top, reach), min(part.left, reach)
            middle = slice(above, above + part.bottom - part.top), slice(left, left + part.right - part.left)
            values = own * around[middle] + blur * blurred(around, row)[middle] + arithmetic.constant
            return Sums(values, sums.slack + DOUBLE * float(np.abs(values).max()), sums.near)

        outputs = self.outputs(BorderRule.REPLICATE, self.size, self.offset)
        return outputs.tally(arithmetic, self.parts, change)

    def pixels(self, part: Tile, reach: int = 0) -> Array:
        """Return the pixels of some outputs, and those around them that the image has, in levels of the image."""
        level = self.arithmetic(self.program).image_level
        rows, columns = (
            slice(max(0, start - reach), end + reach)
            for start, end in ((part.top, part.bottom), (part.left, part.right))
        )
        return np.asarray(self.scene.image[rows, columns], dtype=np.float64) / level

    def arithmetic(self, program: Program) -> Arithmetic:
        """Return how a program computes these outputs."""
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


def _support(taps: Array, offset: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return size and offset without the outer rows and columns of zeros, which read nothing beyond the edge."""
    box = bounding_box(taps != 0.0)
    if box is None:
        return (1, 1), offset
    rows, columns = box
    return (rows.stop - rows.start, columns.stop - columns.start), (offset[0] + rows.start, offset[1] + columns.start)
