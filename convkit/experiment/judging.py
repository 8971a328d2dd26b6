"""Whether given targets are those of a linear filter."""

from dataclasses import replace

import numpy as np

from convkit.experiment.answer import Answer
from convkit.experiment.pose import Posed
from convkit.experiment.trial import scenes_of
from convkit.recovery import Optimum, Problem
from convkit.recovery.verdict import Judgement, judge

# Sides of the smallest window that is judged.
_LEAST_WINDOW = 5


def judge_pair(posed: Posed, answer: Answer, *, reproduced: bool = False) -> Judgement:
    """Decide whether given targets are those of a linear filter, at the exact answer."""
    return judge(
        *_widened(posed, answer),
        posed.recording,
        reproduced=reproduced,
        noise_like="jpeg" if posed.inputs.lossy else None,
    )


def _widened(posed: Posed, answer: Answer) -> tuple[Problem, Optimum]:
    """Show the judge windows of at least 5x5: what a filter does that is not linear shows in a pixel's neighbourhood.

    The search for the size leaves out what no linear kernel has a use for: of the magnitude of a gradient, everything.
    """
    problem, optimum, (height, width) = answer.problem, answer.optimum, answer.problem.size
    wide_enough = min(height, width) >= _LEAST_WINDOW or not optimum.spectrum.identifiable
    thinned = len(problem.pairs) != len(posed.rims)
    if wide_enough or thinned or posed.support is None or posed.padding is not None or problem.stride != 1:
        return problem, optimum
    reach = _LEAST_WINDOW // 2
    starts = [min(o, -reach) for o in posed.offset]
    ends = [max(o + k, reach + 1) for o, k in zip(posed.offset, problem.size, strict=True)]
    size = ends[0] - starts[0], ends[1] - starts[1]
    pairs = []
    for scene, pair, rim in zip(scenes_of(posed), problem.pairs, posed.rims, strict=True):
        inner, outer = (
            scene.interior(problem.size, posed.offset, rim),
            scene.interior(size, (starts[0], starts[1]), rim),
        )
        part = tuple(slice(o.start - i.start, o.stop - i.start) for i, o in zip(inner, outer, strict=True))
        wide = scene.pair(size, (starts[0], starts[1]), rim)
        pairs.append(replace(wide, mask=None if pair.mask is None else pair.mask[part]))
    before = [o - s for o, s in zip(posed.offset, starts, strict=True)]
    taps = np.pad(
        optimum.point.taps,
        [(b, n - k - b) for b, n, k in zip(before, size, problem.size, strict=True)],
    )
    return replace(problem, pairs=tuple(pairs), size=size), replace(optimum, point=replace(optimum.point, taps=taps))
