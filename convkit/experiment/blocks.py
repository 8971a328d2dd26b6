"""The parts of a record, one function a part, from what was found."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.experiment.align import laid_together
from convkit.experiment.answer import Answer
from convkit.experiment.identify import Identity, Understood
from convkit.experiment.light import Light
from convkit.experiment.pose import Posed
from convkit.experiment.record import (
    BiasBlock,
    BorderBlock,
    CandidateBlock,
    ChannelBlock,
    ConstraintBlock,
    EvidenceBlock,
    ExactBlock,
    ExpectationBlock,
    FitBlock,
    IdentifiabilityBlock,
    IntegerBlock,
    KernelBlock,
    RidgeBlock,
    StageBlock,
    SupportBlock,
    TransferBlock,
)
from convkit.experiment.settings import Experiment
from convkit.kernel import Kernel
from convkit.recovery import Parameters
from convkit.recovery.constraints import Constrained
from convkit.recovery.null_directions import in_words, null_pictures, undetermined
from convkit.recovery.parameters import as_parameters, as_vector
from convkit.recovery.proof import Border
from convkit.recovery.ridge import Ridge
from convkit.recovery.support import Support
from convkit.recovery.verdict import Verdict

# What `--expect` allows when no tolerance is given.
_TOLERANCE = 1e-3
# Null directions are told of kernels of at most this many taps.
_FEW_TAPS = 49

# Where a kernel lies in a larger window: rows and columns before it.
Rule = Callable[[tuple[int, int], tuple[int, int]], tuple[int, int]]


def channel_block(name: str, one: Understood, rule: Rule) -> ChannelBlock:
    """Record what was found of one channel, or of one phase."""
    posed, answer, identity = one.posed, one.answer, one.identity
    level, flip = posed.recording.level, posed.experiment.flip
    assert identity is not None  # channels are of given pairs
    found, errors = exactly_found(answer, identity, level)
    found, errors = found.turned(flip=flip), errors.turned(flip=flip)
    return ChannelBlock(
        name=name,
        kernel=kernel_block(found.taps, posed.truth, errors.taps, rule, identity, flip=flip),
        bias=bias_block(posed, found, errors),
        fit=fit_block(one),
        border=border_block(identity.border),
    )


def kernel_block(
    learned: NDArray[Any],
    truth: Kernel | None,
    errors: NDArray[Any],
    rule: Rule,
    identity: Identity | None,
    *,
    flip: bool,
) -> KernelBlock:
    """Record taps beside the true ones, and what they are called."""
    true, error = None, None
    if truth is not None:
        shown, true = laid_together(learned, truth.taps, rule)
        error = float(np.abs(shown - true).max())
        # Told at the learned size when the truth fits into it, else as it is.
        true = true if true.shape == learned.shape else truth.taps
    block = KernelBlock(learned=learned, true=true, standard_error=errors, max_abs_error=error, name=None)
    if identity is None:
        return block
    names = [match.text for match in identity.naming.names]
    linear = identity.judgement.verdict is not Verdict.NOT_LINEAR
    snapped = identity.snapped
    integer = None
    if snapped is not None:
        numerators = snapped.numerators[::-1, ::-1] if flip else snapped.numerators
        integer = IntegerBlock(numerators=numerators.tolist(), divisor=snapped.divisor, proven=identity.proven)
    return block.model_copy(
        update={
            "name": names[0] if names else None,
            "names": names,
            "properties": identity.naming.properties.text,
            "integer": integer,
            "library": identity.library.kernel.name if identity.library is not None and identity.proven else None,
            "nearest": identity.nearest.text if identity.nearest is not None and linear else None,
        }
    )


def bias_block(posed: Posed, found: Parameters, errors: Parameters) -> BiasBlock:
    """Record the constant found, if one was sought."""
    sought = posed.experiment.bias
    return BiasBlock(
        learned=found.bias if sought else None,
        true=posed.truth.bias if posed.truth is not None else None,
        standard_error=errors.bias if sought else None,
    )


def identifiability_block(answer: Answer, *, flip: bool) -> IdentifiabilityBlock:
    """Record what the data determine."""
    problem, spectrum = answer.problem, answer.optimum.spectrum
    few = math.prod(problem.size) <= _FEW_TAPS
    return IdentifiabilityBlock(
        identifiable=spectrum.identifiable,
        rank=spectrum.rank,
        parameters=problem.unknowns,
        condition_number=spectrum.condition_number,
        tolerance=spectrum.tolerance,
        determined=in_words(spectrum, problem.size, bias=problem.bias),
        null_directions=[*null_pictures(spectrum, problem.size, flip=flip)] if few else [],
    )


def fit_block(understood: Understood) -> FitBlock:
    """Judge the data at the optimum, not how far a descent came."""
    posed, answer, identity = understood.posed, understood.answer, understood.identity
    optimum, recording, count = answer.optimum, posed.recording, answer.problem.count
    rms, level = math.sqrt(optimum.residual_squares / count), recording.level
    spread = optimum.spread
    fit = FitBlock(
        residual_rms=rms,
        rounding_rms=level / math.sqrt(12.0) if level is not None else None,
        residual_levels=rms / level if level is not None else None,
        r2=1.0 - optimum.residual_squares / spread if spread > 0 else None,
        saturated_fraction=answer.saturated.saturated_fraction if answer.saturated is not None else 0.0,
        verdict=None if optimum.spectrum.identifiable else "not-identifiable",
    )
    told = understood.judgement
    if told is None:
        return fit
    fit = fit.model_copy(
        update={
            "saturation": str(answer.saturated.method) if answer.saturated is not None else None,
            "verdict": str(told.verdict),
            "reason": told.reason,
            "evidence": [EvidenceBlock.taken_from(one) for one in told.evidence],
        }
    )
    if identity is None or posed.inputs.linear:  # in linear light nothing is reproduced to the last bit
        return fit
    return fit.model_copy(
        update={
            "rounding": str(identity.rounding.program.rounding),
            "pixels": identity.pixels,
            "reproduced": identity.reproduced,
            "ties": sum(one.ties for one in identity.replays),
        }
    )


def border_block(border: Border | None) -> BorderBlock | None:
    """Record a border rule."""
    if border is None:
        return None
    return BorderBlock(
        rule=str(border.rule) if border.rule is not None else None,
        told=border.told,
        candidates=[CandidateBlock.of(one) for one in border.candidates],
    )


def exact_block(answer: Answer, found: Parameters, level: float | None, *, flip: bool) -> ExactBlock:
    """Record the least-squares answer, and how far from it what was found is."""
    problem, optimum = answer.problem, answer.optimum
    gap = as_vector(found, bias=problem.bias) - as_vector(optimum.point, bias=problem.bias)
    known = ~undetermined(optimum.spectrum)
    errors = optimum.standard_errors(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        in_errors = np.abs(gap[known]) / errors[known]
    turned = optimum.point.turned(flip=flip)
    return ExactBlock(
        kernel=turned.taps,
        bias=turned.bias if problem.bias else None,
        loss=optimum.least * problem.loss_scale,
        distance=float(np.abs(gap[known]).max()) if known.any() else None,
        distance_in_standard_errors=float(in_errors.max()) if known.any() else None,
    )


def ridge_block(ridge: Ridge, experiment: Experiment) -> RidgeBlock:
    """Record the price on large taps."""
    return RidgeBlock(
        strength=ridge.strength,
        freedom=ridge.freedom,
        chosen_by="cross-validation" if experiment.ridge == "auto" else "given",
    )


def constraint_block(answer: Answer, experiment: Experiment) -> ConstraintBlock | None:
    """Record what the kernel was held to."""
    if not isinstance(answer.held, Constrained):
        return None
    return ConstraintBlock(
        held=[str(constraint) for constraint in experiment.constraint],
        freedom=answer.held.freedom,
        added_loss=(answer.held.residual_squares - answer.optimum.residual_squares) * answer.problem.loss_scale,
    )


def support_block(support: Support | None) -> SupportBlock | None:
    """Record how the size was found."""
    if support is None:
        return None
    return SupportBlock(
        size=support.size,
        offset=support.offset,
        tried=[StageBlock.taken_from(stage) for stage in (*support.criteria, support.kept)],
        rows_used=support.rows_used,
        outside=support.outside,
        outside_by_chance=support.outside_by_chance,
        settled=support.settled,
    )


def transfer_block(light: Light | None) -> TransferBlock | None:
    """Record the light the filter worked in."""
    if light is None:
        return None
    return TransferBlock(
        used=light.used, told=light.told, encoded_levels=light.encoded_levels, linear_levels=light.linear_levels
    )


def expectation(
    experiment: Experiment, learned: NDArray[Any], rule: Rule, *, identifiable: bool
) -> ExpectationBlock | None:
    """Compare taps with those expected."""
    if experiment.expect is None:
        return None
    expected = Kernel.of(experiment.expect)
    tolerance = _TOLERANCE if experiment.tolerance is None else experiment.tolerance
    first, second = laid_together(learned, expected.taps, rule)
    difference = float(np.abs(first - second).max())
    return ExpectationBlock(
        kernel=expected.taps,
        max_abs_difference=difference,
        tolerance=tolerance,
        # A kernel that another one fits as well has not been found.
        met=identifiable and difference <= tolerance,
    )


def exactly_found(answer: Answer, identity: Identity, level: float | None) -> tuple[Parameters, Parameters]:
    """Return the filter's own kernel as far as it is known; proven, it has no error."""
    if identity.proven:
        return identity.point, Parameters(np.zeros(answer.problem.size), 0.0)
    return identity.point, errors_of(answer, level)


def errors_of(answer: Answer, level: float | None) -> Parameters:
    """Return the standard errors of the exact answer, laid out as taps and bias."""
    return as_parameters(answer.standard_errors(level), answer.problem.size, bias=answer.problem.bias)
