"""Put what was found into the record, field by field of its JSON."""

import itertools
import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution import Padding
from convkit.experiment.align import anchored, centred, laid_together
from convkit.experiment.answer import Answer
from convkit.experiment.identify import Identity, Understood
from convkit.experiment.inputs import CHANNEL_NAMES
from convkit.experiment.light import Light
from convkit.experiment.pose import Posed
from convkit.experiment.record import (
    BiasBlock,
    BorderBlock,
    CandidateBlock,
    ChannelBlock,
    ConstraintBlock,
    ConventionBlock,
    EvidenceBlock,
    ExactBlock,
    ExpectationBlock,
    FitBlock,
    IdentifiabilityBlock,
    IntegerBlock,
    KernelBlock,
    LearningRateBlock,
    LossAtStep,
    Recovery,
    RidgeBlock,
    RobustBlock,
    StageBlock,
    SupportBlock,
    TransferBlock,
)
from convkit.experiment.settings import Experiment
from convkit.experiment.workings import Workings
from convkit.kernel import Kernel
from convkit.recovery import Descent, Parameters, Solver, Spectrum
from convkit.recovery.constraints import Constrained
from convkit.recovery.null_directions import in_words, null_pictures, undetermined
from convkit.recovery.proof import Border
from convkit.recovery.quadratic import as_parameters, as_vector
from convkit.recovery.ridge import Ridge
from convkit.recovery.spectrum import predicted_losses
from convkit.recovery.support import Support

# Longer histories are thinned to about this many entries.
MOST_LOSSES = 10_000
# What `--expect` allows when no tolerance is given.
DEFAULT_TOLERANCE = 1e-3

# Null directions are told of kernels of at most this many taps.
_FEW_TAPS = 49

Rule = Callable[[tuple[int, int], tuple[int, int]], tuple[int, int]]
Predicted = Callable[[NDArray[Any]], NDArray[np.float64]]


def assemble(
    understood: Understood,
    channels: tuple[Understood, ...],
    light: Light | None,
    descent: Descent,
    learning_rate: LearningRateBlock | None,
    seconds: float,
) -> Recovery:
    """Record what a search found, beside the exact answer and what the data can tell."""
    posed, answer, identity = understood.posed, understood.answer, understood.identity
    experiment, problem, optimum = posed.experiment, answer.problem, answer.optimum
    flip, level = experiment.flip, posed.recording.level
    found, errors = _found(experiment, answer, identity, descent, level)
    # A given target of the image's own size ties every kernel to its output pixel; else kernels lie in the middle.
    tied = posed.inputs.targets is not None and posed.padding not in (Padding.VALID, Padding.FULL)
    rule = anchored if tied else centred
    losses = descent.losses or [descent.final_loss]
    every = math.ceil(len(losses) / MOST_LOSSES)
    spectrum = optimum.spectrum
    shared = channels_share(channels) if channels else None
    predicted = None
    if learning_rate is not None and experiment.chosen_solver is Solver.GD and problem.knee is None:
        predicted = _foretell(posed, answer, learning_rate.used)
    return Recovery(
        experiment=experiment.resolved(),
        convention=ConventionBlock(
            operation="convolution" if flip else "cross-correlation",
            padding=posed.padding,
            stride=experiment.step,
            offset=posed.offset,
        ),
        kernel=_kernel_block(found.taps, posed.truth, errors.taps, rule, identity, flip=flip)
        if shared is not False
        else None,
        bias=_bias_block(posed, found, errors),
        losses=_losses(losses, every, predicted),
        losses_every=every,
        final_loss=descent.final_loss,
        status=descent.status,
        steps=descent.steps,
        learning_rate=learning_rate,
        identifiability=IdentifiabilityBlock(
            identifiable=spectrum.identifiable,
            rank=spectrum.rank,
            parameters=problem.unknowns,
            condition_number=spectrum.condition_number,
            tolerance=spectrum.tolerance,
            determined=in_words(spectrum, problem.size, bias=problem.bias),
            null_directions=_null_directions(spectrum, problem.size, flip=flip),
        ),
        fit=_fit_block(understood),
        exact=_exact_block(answer, descent.found, level, flip=flip),
        ridge=_ridge_block(answer.held, experiment) if isinstance(answer.held, Ridge) else None,
        constraint=_constraint_block(answer, experiment),
        robust=RobustBlock.taken_from(answer.robust) if answer.robust is not None else None,
        expectation=expectation(experiment, found.taps, rule, identifiable=spectrum.identifiable),
        channels_share=shared,
        channels=[channel_block(name, one, rule) for name, one in zip(CHANNEL_NAMES, channels, strict=False)],
        transfer=_transfer_block(light),
        support=_support_block(posed.support),
        border=border_block(identity.border) if identity is not None else None,
        backend=str(experiment.backend),
        solver=experiment.chosen_solver,
        seconds=seconds,
        covariance=_covariance(answer, level, flip=flip),
        workings=Workings(understood),
        trajectory=descent.trajectory.turned(flip=flip) if descent.trajectory is not None else None,
    )


def _found(
    experiment: Experiment, answer: Answer, identity: Identity | None, descent: Descent, level: float | None
) -> tuple[Parameters, Parameters]:
    """Return what was found and its standard errors, under the record's convention."""
    if identity is not None and experiment.chosen_solver is Solver.EXACT and answer.held is None:
        found, errors = _exactly_found(answer, identity, level)
    else:
        found, errors = descent.found, _errors(answer, level)
    return found.turned(flip=experiment.flip), errors.turned(flip=experiment.flip)


def _exactly_found(answer: Answer, identity: Identity | None, level: float | None) -> tuple[Parameters, Parameters]:
    """Return the filter's own kernel as far as it is known; proven, it has no error."""
    assert identity is not None  # of given targets
    if identity.proven:
        return identity.point, Parameters(np.zeros(answer.problem.size), 0.0)
    return identity.point, _errors(answer, level)


def _errors(answer: Answer, level: float | None) -> Parameters:
    return as_parameters(answer.standard_errors(level), answer.problem.size, bias=answer.problem.bias)


def _covariance(answer: Answer, level: float | None, *, flip: bool) -> NDArray[np.float64]:
    """Covariance of the unknowns in the order of the record: taps row by row, then the bias."""
    covariance = answer.covariance(level)
    taps = math.prod(answer.problem.size)
    order = [*range(taps)[:: -1 if flip else 1], *range(taps, len(covariance))]
    turned: NDArray[np.float64] = covariance[np.ix_(order, order)]
    return turned


def _bias_block(posed: Posed, found: Parameters, errors: Parameters) -> BiasBlock:
    sought = posed.experiment.bias
    return BiasBlock(
        learned=found.bias if sought else None,
        true=posed.truth.bias if posed.truth is not None else None,
        standard_error=errors.bias if sought else None,
    )


def channels_share(channels: Sequence[Understood]) -> bool:
    """Tell whether the channels of colour pictures went through one kernel: no tap differs by more than chance.

    Proven kernels are compared as they are, others by the largest difference in standard errors, which may reach
    that of a probability of 1e-5 among all differences looked at.
    """
    for one, other in itertools.combinations(channels, 2):
        assert one.identity is not None  # channels are of given pairs
        assert other.identity is not None
        first, second = one.identity.point.taps, other.identity.point.taps
        if one.identity.proven and other.identity.proven:
            if not np.array_equal(first, second):
                return False
            continue
        level = one.posed.recording.level
        taps = first.size
        own, others = (np.diag(each.answer.covariance(level))[:taps] for each in (one, other))
        limit = _limit(3 * taps) * np.sqrt(own + others).reshape(first.shape) + 1e-12 * float(np.abs(first).max())
        if (np.abs(first - second) > limit).any():
            return False
    return True


def _limit(count: int) -> float:
    """Normal deviate that the largest of so many differences exceeds with a probability of about 1e-5."""
    return statistics.NormalDist().inv_cdf(1.0 - 0.5e-5 / count)


def channel_block(name: str, one: Understood, rule: Rule) -> ChannelBlock:
    """Record what was found of one channel, or of one phase."""
    posed, answer, identity = one.posed, one.answer, one.identity
    level, flip = posed.recording.level, posed.experiment.flip
    found, errors = _exactly_found(answer, identity, level)
    found, errors = found.turned(flip=flip), errors.turned(flip=flip)
    assert identity is not None  # channels are of given pairs
    return ChannelBlock(
        name=name,
        kernel=_kernel_block(found.taps, posed.truth, errors.taps, rule, identity, flip=flip),
        bias=_bias_block(posed, found, errors),
        fit=_fit_block(one),
        border=border_block(identity.border),
    )


def _transfer_block(light: Light | None) -> TransferBlock | None:
    if light is None:
        return None
    return TransferBlock(
        used=light.used, told=light.told, encoded_levels=light.encoded_levels, linear_levels=light.linear_levels
    )


def _support_block(support: Support | None) -> SupportBlock | None:
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


def border_block(border: Border | None) -> BorderBlock | None:
    """Record a border rule."""
    if border is None:
        return None
    return BorderBlock(
        rule=str(border.rule) if border.rule is not None else None,
        told=border.told,
        candidates=[CandidateBlock.of(one) for one in border.candidates],
    )


def _constraint_block(answer: Answer, experiment: Experiment) -> ConstraintBlock | None:
    if not isinstance(answer.held, Constrained):
        return None
    return ConstraintBlock(
        held=[str(constraint) for constraint in experiment.constraint],
        freedom=answer.held.freedom,
        added_loss=(answer.held.residual_squares - answer.optimum.residual_squares) * answer.problem.loss_scale,
    )


def _ridge_block(ridge: Ridge, experiment: Experiment) -> RidgeBlock:
    return RidgeBlock(
        strength=ridge.strength,
        freedom=ridge.freedom,
        chosen_by="cross-validation" if experiment.ridge == "auto" else "given",
    )


def _null_directions(spectrum: Spectrum, size: tuple[int, int], *, flip: bool) -> list[NDArray[Any]]:
    return [*null_pictures(spectrum, size, flip=flip)] if math.prod(size) <= _FEW_TAPS else []


def _losses(losses: list[float], every: int, predicted: Predicted | None) -> list[LossAtStep]:
    kept = _thinned(len(losses), every)
    foretold = predicted(np.array(kept) + 1).tolist() if predicted is not None else [None] * len(kept)
    return [LossAtStep(step=i + 1, loss=losses[i], predicted=loss) for i, loss in zip(kept, foretold, strict=True)]


def _foretell(posed: Posed, answer: Answer, rate: float) -> Predicted:
    """Return a function from steps to the losses that plain descent will see there."""
    problem, optimum = answer.problem, answer.optimum
    gap = as_vector(posed.start, bias=problem.bias) - as_vector(optimum.point, bias=problem.bias)
    scale = problem.loss_scale
    return lambda steps: predicted_losses(optimum.spectrum, scale, gap, rate, steps, least=optimum.least * scale)


def _thinned(count: int, every: int) -> list[int]:
    """Indices of the losses to keep: every ``every``-th, and the last."""
    kept = list(range(0, count, every))
    return kept if kept[-1] == count - 1 else [*kept, count - 1]


def _exact_block(answer: Answer, found: Parameters, level: float | None, *, flip: bool) -> ExactBlock:
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


def _kernel_block(
    learned: NDArray[Any],
    truth: Kernel | None,
    errors: NDArray[Any],
    rule: Rule,
    identity: Identity | None,
    *,
    flip: bool,
) -> KernelBlock:
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
        }
    )


def _fit_block(understood: Understood) -> FitBlock:
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


def expectation(
    experiment: Experiment, learned: NDArray[Any], rule: Rule, *, identifiable: bool
) -> ExpectationBlock | None:
    """Compare taps with those expected."""
    if experiment.expect is None:
        return None
    expected = Kernel.of(experiment.expect)
    tolerance = DEFAULT_TOLERANCE if experiment.tolerance is None else experiment.tolerance
    first, second = laid_together(learned, expected.taps, rule)
    difference = float(np.abs(first - second).max())
    return ExpectationBlock(
        kernel=expected.taps,
        max_abs_difference=difference,
        tolerance=tolerance,
        # A kernel that another one fits as well has not been found.
        met=identifiable and difference <= tolerance,
    )
