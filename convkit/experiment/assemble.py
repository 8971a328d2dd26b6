"""Put what was found into the record, field by field of its JSON."""

import itertools
import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution import Padding
from convkit.experiment.align import anchored, centred
from convkit.experiment.answer import Answer
from convkit.experiment.blocks import (
    bias_block,
    border_block,
    channel_block,
    constraint_block,
    errors_of,
    exact_block,
    exactly_found,
    expectation,
    fit_block,
    identifiability_block,
    kernel_block,
    ridge_block,
    support_block,
    transfer_block,
)
from convkit.experiment.identify import Identity, Understood
from convkit.experiment.inputs import CHANNEL_NAMES
from convkit.experiment.light import Light
from convkit.experiment.pose import Posed
from convkit.experiment.record import ConventionBlock, LearningRateBlock, LossAtStep, Recovery, RobustBlock
from convkit.experiment.settings import Experiment
from convkit.experiment.workings import Workings
from convkit.recovery import Descent, Parameters, Solver
from convkit.recovery.parameters import as_vector
from convkit.recovery.rates import predicted_losses
from convkit.recovery.ridge import Ridge

# Longer histories are thinned to about this many entries.
MOST_LOSSES = 10_000

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
        kernel=kernel_block(found.taps, posed.truth, errors.taps, rule, identity, flip=flip)
        if shared is not False
        else None,
        bias=bias_block(posed, found, errors),
        losses=_losses(losses, every, predicted),
        losses_every=every,
        final_loss=descent.final_loss,
        status=descent.status,
        steps=descent.steps,
        learning_rate=learning_rate,
        identifiability=identifiability_block(answer, flip=flip),
        fit=fit_block(understood),
        exact=exact_block(answer, descent.found, level, flip=flip),
        ridge=ridge_block(answer.held, experiment) if isinstance(answer.held, Ridge) else None,
        constraint=constraint_block(answer, experiment),
        robust=RobustBlock.taken_from(answer.robust) if answer.robust is not None else None,
        expectation=expectation(experiment, found.taps, rule, identifiable=spectrum.identifiable),
        channels_share=shared,
        channels=[channel_block(name, one, rule) for name, one in zip(CHANNEL_NAMES, channels, strict=False)],
        transfer=transfer_block(light),
        support=support_block(posed.support),
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
        found, errors = exactly_found(answer, identity, level)
    else:
        found, errors = descent.found, errors_of(answer, level)
    return found.turned(flip=experiment.flip), errors.turned(flip=experiment.flip)


def _covariance(answer: Answer, level: float | None, *, flip: bool) -> NDArray[np.float64]:
    """Covariance of the unknowns in the order of the record: taps row by row, then the bias."""
    covariance = answer.covariance(level)
    taps = math.prod(answer.problem.size)
    order = [*range(taps)[:: -1 if flip else 1], *range(taps, len(covariance))]
    turned: NDArray[np.float64] = covariance[np.ix_(order, order)]
    return turned


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
