"""Put what was found into the record, field by field of its JSON."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution import Padding
from convkit.experiment.align import anchored, centred, laid_together
from convkit.experiment.answer import Answer
from convkit.experiment.pose import Posed
from convkit.experiment.record import (
    BiasBlock,
    ConstraintBlock,
    ConventionBlock,
    ExactBlock,
    ExpectationBlock,
    FitBlock,
    IdentifiabilityBlock,
    KernelBlock,
    LearningRateBlock,
    LossAtStep,
    Recovery,
    RidgeBlock,
    RobustBlock,
)
from convkit.experiment.settings import Experiment
from convkit.kernel import Kernel
from convkit.recovery import Descent, Parameters, Solver, Spectrum
from convkit.recovery.constraints import Constrained
from convkit.recovery.null_directions import in_words, null_pictures, undetermined
from convkit.recovery.quadratic import as_parameters, as_vector
from convkit.recovery.ridge import Ridge
from convkit.recovery.spectrum import predicted_losses

# Longer histories are thinned to about this many entries.
MOST_LOSSES = 10_000
# What `--expect` allows when no tolerance is given.
DEFAULT_TOLERANCE = 1e-3

# Null directions are told of kernels of at most this many taps.
_FEW_TAPS = 49

Rule = Callable[[tuple[int, int], tuple[int, int]], tuple[int, int]]
Predicted = Callable[[NDArray[Any]], NDArray[np.float64]]


def assemble(
    posed: Posed, answer: Answer, descent: Descent, learning_rate: LearningRateBlock | None, seconds: float
) -> Recovery:
    """Record what a search found, beside the exact answer and what the data can tell."""
    experiment, problem, optimum = posed.experiment, answer.problem, answer.optimum
    flip, level = experiment.flip, posed.recording.level
    found = descent.found.turned(flip=flip)
    errors = as_parameters(answer.standard_errors(level), problem.size, bias=problem.bias).turned(flip=flip)
    # A given target of the image's own size ties every kernel to its output pixel; else kernels lie in the middle.
    tied = posed.inputs.targets is not None and posed.padding not in (Padding.VALID, Padding.FULL)
    rule = anchored if tied else centred
    losses = descent.losses or [descent.final_loss]
    every = math.ceil(len(losses) / MOST_LOSSES)
    spectrum = optimum.spectrum
    predicted = None
    if learning_rate is not None and experiment.chosen_solver is Solver.GD and problem.knee is None:
        predicted = _foretell(posed, answer, learning_rate.used)
    return Recovery(
        experiment=experiment.resolved(),
        convention=ConventionBlock(
            operation="convolution" if flip else "cross-correlation",
            padding=posed.padding,
            stride=experiment.stride,
            offset=posed.offset,
        ),
        kernel=_kernel_block(found.taps, posed.truth, errors.taps, rule),
        bias=BiasBlock(
            learned=found.bias if experiment.bias else None,
            true=posed.truth.bias if posed.truth is not None else None,
            standard_error=errors.bias if experiment.bias else None,
        ),
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
        fit=_fit_block(posed, answer),
        exact=_exact_block(answer, descent.found, level, flip=flip),
        ridge=_ridge_block(answer.held, experiment) if isinstance(answer.held, Ridge) else None,
        constraint=_constraint_block(answer, experiment),
        robust=_robust_block(answer),
        expectation=_expectation(experiment, found.taps, rule, identifiable=spectrum.identifiable),
        backend=str(experiment.backend),
        solver=experiment.chosen_solver,
        seconds=seconds,
        covariance=_covariance(answer, level, flip=flip),
    )


def _covariance(answer: Answer, level: float | None, *, flip: bool) -> NDArray[np.float64]:
    """Covariance of the unknowns in the order of the record: taps row by row, then the bias."""
    covariance = answer.covariance(level)
    taps = math.prod(answer.problem.size)
    order = [*range(taps)[:: -1 if flip else 1], *range(taps, len(covariance))]
    turned: NDArray[np.float64] = covariance[np.ix_(order, order)]
    return turned


def _constraint_block(answer: Answer, experiment: Experiment) -> ConstraintBlock | None:
    if not isinstance(answer.held, Constrained):
        return None
    return ConstraintBlock(
        held=[str(constraint) for constraint in experiment.constraint],
        freedom=answer.held.freedom,
        added_loss=(answer.held.residual_squares - answer.optimum.residual_squares) * answer.problem.loss_scale,
    )


def _robust_block(answer: Answer) -> RobustBlock | None:
    robust = answer.robust
    if robust is None:
        return None
    return RobustBlock(knee=robust.knee, outliers=robust.outliers, rounds=robust.rounds)


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


def _kernel_block(learned: NDArray[Any], truth: Kernel | None, errors: NDArray[Any], rule: Rule) -> KernelBlock:
    true, error = None, None
    if truth is not None:
        shown, true = laid_together(learned, truth.taps, rule)
        error = float(np.abs(shown - true).max())
        # Told at the learned size when the truth fits into it, else as it is.
        true = true if true.shape == learned.shape else truth.taps
    return KernelBlock(learned=learned, true=true, standard_error=errors, max_abs_error=error, name=None)


def _fit_block(posed: Posed, answer: Answer) -> FitBlock:
    """Judge the data at the optimum, not how far a descent came."""
    squares, recording = answer.optimum.residual_squares, posed.recording
    spread, level = answer.normal.centred().energy, recording.level
    pairs = answer.problem.pairs if recording.clips else ()
    saturated = sum(int(np.count_nonzero(recording.saturated(pair.used()))) for pair in pairs)
    return FitBlock(
        residual_rms=math.sqrt(squares / answer.problem.count),
        rounding_rms=level / math.sqrt(12.0) if level is not None else None,
        r2=1.0 - squares / spread if spread > 0 else None,
        saturated_fraction=saturated / answer.problem.count,
        verdict=None if answer.optimum.spectrum.identifiable else "not-identifiable",
    )


def _expectation(
    experiment: Experiment, learned: NDArray[Any], rule: Rule, *, identifiable: bool
) -> ExpectationBlock | None:
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
