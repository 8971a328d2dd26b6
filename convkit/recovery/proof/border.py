"""What a program does where its window hangs over the edge, told from those pixels alone."""

import math
from dataclasses import dataclass

from convkit.recovery.proof.border_rule import BorderRule
from convkit.recovery.proof.layers import Layers
from convkit.recovery.proof.program import Program
from convkit.recovery.proof.replay import Replay
from convkit.recovery.proof.rim import Candidate, Rim
from convkit.recovery.recording import Recording
from convkit.recovery.registered import Registered

# The rim is explained when its residual is at most so much that of the interior.
_AS_WELL = 1.5
# A rule is clearly better when its squared residuals are smaller by so many variances: a likelihood ratio of e¹⁵.
_CLEARLY = 30.0


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
    layers: Layers | None = None,
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
    layers : Layers, optional
        What the kernel is put together from, where its name tells.

    Notes
    -----
    ``renormalised`` divides by the share of the taps that lies inside: with ``S`` the sum over the pixels inside,
    ``y = S·Σk / Σ_inside k + b`` (GraphicsMagick's blur; of an unsharp mask, the blur alone is divided).
    ``replicate-each-pass`` repeats the edge before each of several passes, of what the pass before left there (Pillow's
    Gaussian and unsharp mask). ``copied`` leaves the image's own pixel (Pillow's kernels).

    Examples
    --------
    >>> import numpy as np
    >>> from convkit import convolve
    >>> from convkit.recovery.parameters import Parameters
    >>> from convkit.recovery.proof.program import Rounding
    >>> from convkit.recovery.proof.replay import replay
    >>> picture = np.random.default_rng(0).random((8, 9))
    >>> scene = Registered(picture, convolve(picture, "box:3", padding="reflect"))
    >>> program = Program(Parameters(np.full((3, 3), 1 / 9)), Rounding.NONE)
    >>> interior = replay(scene, program, (-1, -1), Recording())
    >>> find_border(scene, program, (-1, -1), Recording(), interior).told
    'reflect reproduces 30 of 30 rim pixels'
    """
    rim = Rim(scene, program, offset, recording, image_level, layers or Layers())
    if not rim.parts:
        return Border(None, (), "no output's window hangs over the edge")
    judged = [found for rules in rim.rules() if (found := rim.judge(rules)) is not None]
    candidates = tuple(
        sorted(judged, key=lambda found: (interior.exact and found.reproduced < found.count, found.squares))
    )
    if not candidates[0].count:
        return Border(None, (), "every output whose window hangs over the edge is masked")
    return choose_rule(candidates, interior)


def choose_rule(candidates: tuple[Candidate, ...], interior: Replay) -> Border:
    """Choose the rule that explains the rim as well as the interior is explained, and clearly better than any other."""
    best, *others = candidates
    floor = 0.0 if math.isnan(interior.rms) else _AS_WELL * interior.rms
    explaining = [
        found
        for found in candidates
        # Pixels stored as a rail leave no residual where they should be there, and one that counts where not.
        if found.reproduced == found.count or max(found.rms, math.sqrt(found.squares / found.count)) <= floor
    ]
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
