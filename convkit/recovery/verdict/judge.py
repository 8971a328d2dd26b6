"""The verdict on whether a target is one linear, shift-invariant filter of its image."""

import math

from convkit.recovery.null_directions import in_words
from convkit.recovery.optimum import Optimum
from convkit.recovery.problem import Problem
from convkit.recovery.recording import Recording
from convkit.recovery.verdict.floor import REACH, clipping_evidence, floor_evidence, reach_evidence
from convkit.recovery.verdict.judgement import Evidence, Judgement, Verdict
from convkit.recovery.verdict.noise import homogeneity, jpeg_blocks, whiteness
from convkit.recovery.verdict.sample import Sample
from convkit.recovery.verdict.structure import outside, structure_evidence

# Shares of the residual that must be explained for a filter to be called not linear, from the table that
# benchmarks/verdicts.py makes: of linear filters in white or signal-dependent noise at most 0.3 % is explained (2.2 %
# where Pillow's GaussianBlur rounds six times), of the weakest of those that are not linear 11.6 %. JPEG, which drops
# small differences, is not linear itself: up to 12 %.
LEAST_SHARE = 0.05
_LEAST_SHARE_IN_JPEG = 0.2
# Where more than half of the target is left, residuals that correlate by this much are no noise but the filter's own.
_ALIKE = 0.2
# Roundings between passes drop small differences too (up to 53 % of the residual with Pillow's GaussianBlur of radius
# 0.8), so within their floor it takes more than that.
_MOSTLY = 0.6
# Fewer outputs are not tested for structure.
_FEWEST = 1000


def judge(
    problem: Problem, optimum: Optimum, recording: Recording, *, reproduced: bool, noise_like: str | None = None
) -> Judgement:
    """Decide whether a target is one linear filter of its image, plus offset, rounding, clipping and noise.

    The tests look at up to 196,608 outputs in blocks of 64x64 spread evenly over the picture; the floor at all.
    An effect counts when it is both significant (once in a million by chance) and large (`LEAST_SHARE` of the
    residual's variance, and more than one rounding).

    Parameters
    ----------
    problem : Problem
        Its pairs' masks leave saturated outputs out.
    optimum : Optimum
        Its least-squares answer. Where noise meets clipping, the censored one (or that of outputs selected by
        prediction), with the squares of the outputs used: leaving out saturated outputs by value biases the answer,
        and the bias looks like a curve.
    recording : Recording
        The target's level and rails.
    reproduced : bool
        Whether replaying the answer gave every pixel of the target.
    noise_like : str, optional
        ``jpeg`` when the target is known to come from a JPEG file.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.random.default_rng(0).integers(0, 256, (64, 64)) / 255
    >>> target = np.rint(255 * (0.3 * image[:, 1:] + 0.5 * image[:, :-1])) / 255
    >>> from convkit.recovery import find_optimum
    >>> problem = Problem.of(image, target, (1, 2)); optimum = find_optimum(problem, problem.condensed())
    >>> judgement = judge(problem, optimum, Recording(1 / 255, 0, 1), reproduced=False)
    >>> judgement.verdict.value, judgement.reason
    ('linear', 'at the rounding floor: residual 0.291 levels, one rounding leaves 0.289')
    """
    if not optimum.spectrum.identifiable:
        return Judgement(
            Verdict.NOT_IDENTIFIABLE, "; ".join(in_words(optimum.spectrum, problem.size, bias=problem.bias))
        )
    if reproduced:
        told = "replaying the answer gives every pixel of the target"
        return Judgement(Verdict.EXACT, told, (Evidence("replay", 0.0, 0.0, 0.0, 0.0, passed=True, told=told),))
    sigma = math.sqrt(optimum.residual_squares / max(optimum.count, 1.0))
    sample = Sample.of(problem, optimum)
    slack = max(sigma, REACH * (recording.level or 0.0))
    extremes = sample.extremes(slack)
    floor = floor_evidence(optimum, recording, max(abs(extremes.lowest), abs(extremes.highest)))
    basic = (floor, reach_evidence(extremes, recording), clipping_evidence(extremes, recording, slack))
    at_floor = all(test.passed for test in basic)
    if at_floor and floor.effect <= floor.least_effect:
        return Judgement(Verdict.LINEAR, f"at the rounding floor: {floor.told}", basic)
    if sigma == 0.0 or extremes.count < _FEWEST:
        return _untested(basic, extremes.count)
    return _tested(sample, optimum, recording, basic, at_floor=at_floor, noise_like=noise_like)


def _untested(basic: tuple[Evidence, ...], count: int) -> Judgement:
    floor, _, clipping = basic
    if not clipping.passed:
        return Judgement(Verdict.NOT_LINEAR, clipping.told, basic)
    return Judgement(Verdict.NOISY, f"{floor.told}; {count} outputs are too few to look for structure", basic)


def _tested(
    sample: Sample,
    optimum: Optimum,
    recording: Recording,
    basic: tuple[Evidence, ...],
    *,
    at_floor: bool,
    noise_like: str | None,
) -> Judgement:
    floor, reach, clipping = basic
    tally = sample.tally(math.sqrt(optimum.residual_squares / optimum.count), recording)
    if tally.count < _FEWEST:
        return _untested(basic, tally.count)
    blocks, white, even = jpeg_blocks(tally), whiteness(tally), homogeneity(tally)
    jpeg = noise_like == "jpeg" or not blocks.passed
    least = _LEAST_SHARE_IN_JPEG if jpeg else LEAST_SHARE
    if at_floor:
        least = _MOSTLY
    elif recording.level is not None:
        least = max(least, 1.0 / floor.effect)  # one rounding may follow anything
    structure = structure_evidence(tally, min(least, 1.0))
    beyond = outside(tally, LEAST_SHARE)
    evidence = (*basic, *structure, beyond, blocks, white, even)
    failed = [test for test in structure if not test.passed]
    if failed:
        strongest = max(failed, key=lambda test: test.effect)
        return Judgement(Verdict.NOT_LINEAR, _sentence(strongest, clipping, beyond), evidence)
    if not clipping.passed:
        return Judgement(Verdict.NOT_LINEAR, clipping.told, evidence)
    if not jpeg and white.effect >= _ALIKE and 2.0 * optimum.residual_squares > optimum.spread:
        told = f"most of the target is not explained, and what is left is no noise: {white.told}"
        return Judgement(Verdict.NOT_LINEAR, told, evidence)
    if at_floor and not white.passed and not jpeg:
        return Judgement(Verdict.LINEAR, f"roundings between passes: {_sentence(floor, white)}", evidence)
    return Judgement(
        Verdict.NOISY, f"a linear filter and {_noise(floor, reach, white, even, beyond, jpeg=jpeg)}", evidence
    )


def _sentence(*tests: Evidence) -> str:
    """Say what the first test found, and the others if they failed."""
    return "; ".join([tests[0].told, *(test.told for test in tests[1:] if not test.passed)])


def _noise(floor: Evidence, reach: Evidence, white: Evidence, even: Evidence, beyond: Evidence, *, jpeg: bool) -> str:
    """Say what kind of noise was found."""
    if floor.effect <= floor.least_effect and not reach.passed and not jpeg:
        return f"a few outliers: {_sentence(floor, reach, beyond)}"
    unlike = [name for name, test in (("white", white), ("even", even)) if not test.passed]
    kind = (
        "the losses of JPEG" if jpeg else f"noise that is not {' and not '.join(unlike)}" if unlike else "white noise"
    )
    return f"{kind}: {_sentence(floor, white, even, beyond)}"
