"""Run one experiment: make or read the target, descend, and record what was found."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution import Convention, Padding
from convkit.convolution.apply import correlate
from convkit.convolution.backends import check_device, choose_backend
from convkit.errors import ImageError
from convkit.experiment.align import Aligned, align_made, align_pair, anchored, centred, embed, laid_together, union
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
)
from convkit.experiment.settings import Experiment
from convkit.image import Image, image_from_array, read_image
from convkit.kernel import Kernel
from convkit.recovery import (
    Descent,
    DescentPlan,
    LearningBackend,
    NormalEquations,
    Optimum,
    Parameters,
    Problem,
    Rates,
    Solver,
    Spectrum,
    Status,
    descend,
    find_optimum,
    make_objective,
)
from convkit.recovery.constraints import Constrained, solve_constrained
from convkit.recovery.null_directions import in_words, null_pictures, undetermined
from convkit.recovery.quadratic import as_parameters, as_vector
from convkit.recovery.ridge import Ridge, solve_ridge
from convkit.recovery.spectrum import predicted_arrival, predicted_losses

# Longer histories are thinned to about this many entries.
MOST_LOSSES = 10_000
# What `--expect` allows when no tolerance is given.
DEFAULT_TOLERANCE = 1e-3

# Null directions are told of kernels of at most this many taps.
_FEW_TAPS = 49
# A step of the backend naive takes about 30 microseconds a window.
_MANY_WINDOWS = 50_000

Watch = Callable[[int, float, Parameters], None]
Announce = Callable[[str], None]
Rule = Callable[[tuple[int, int], tuple[int, int]], tuple[int, int]]
Predicted = Callable[[NDArray[Any]], NDArray[np.float64]]


def learn_kernel(
    image: Any = None,
    kernel: Any = None,
    target: Any = None,
    *,
    watch: Watch | None = None,
    announce: Announce | None = None,
    **settings: Any,
) -> Recovery:
    """Find the kernel that turns an image into a target.

    Parameters
    ----------
    image : array_like, shape (H, W), or image text; default the lesson's ``edges``
    kernel : array_like, kernel text or Kernel, optional
        Without a target, the kernel that makes one (default ``1,-1``); with it, the truth to compare with.
    target : array_like or image text, optional
        What the filter made of the image.
    watch : function, optional
        Called with (step, loss, parameters) at every step.
    announce : function, optional
        Called with one sentence when there is something to say before the run.
    **settings
        The fields of `Experiment`: ``size``, ``steps``, ``lr``, ``solver``, ``backend``, ``seed``…

    Returns
    -------
    Recovery

    Raises
    ------
    ConvkitError
        When a setting is out of range, an input cannot be read, or shapes do not fit together.

    Examples
    --------
    >>> found = learn_kernel(steps=40, lr=0.01)
    >>> found.kernel.learned.round(1)
    array([[ 1., -1.]])
    """
    given = {"image": image, "kernel": kernel, "target": target}
    experiment = Experiment(**{key: value for key, value in given.items() if value is not None}, **settings)
    return run(experiment, watch=watch, announce=announce)


def run(experiment: Experiment, *, watch: Watch | None = None, announce: Announce | None = None) -> Recovery:
    """Run an experiment whose settings are already checked; see `learn_kernel`."""
    experiment = experiment.settled()
    check_device(experiment.device)
    # Three independent streams, so that changing the noise changes neither the image nor the start.
    image_rng, noise_rng, start_rng = (
        np.random.default_rng(seed) for seed in np.random.SeedSequence(experiment.seed).spawn(3)
    )
    image = _read(experiment.image, experiment, image_rng)
    truth = Kernel.of(experiment.kernel) if experiment.kernel is not None else None
    size = experiment.size
    if size is None:
        assert truth is not None  # the settings see to it
        size = truth.taps.shape
    target = None
    if experiment.target is None:
        assert truth is not None  # the settings see to it
        aligned = _make_target(image.values, truth, size, experiment, noise_rng)
    else:
        convention = Convention(experiment.padding, experiment.stride, experiment.flip)
        target = _read(experiment.target, experiment, image_rng)
        aligned = align_pair(image.values, target.values, size, convention)
    problem = Problem(
        aligned.image, aligned.target, size, stride=experiment.stride, bias=experiment.bias, loss=experiment.loss
    )
    start = _turned(Parameters.draw(size, start_rng, bias=experiment.bias), flip=experiment.flip)
    began = time.perf_counter()
    normal = NormalEquations.of(problem.image, problem.target, problem.size, stride=problem.stride, bias=problem.bias)
    optimum = find_optimum(problem, normal)
    seconds = time.perf_counter() - began
    if announce is not None and experiment.backend is LearningBackend.NAIVE and problem.target.size > _MANY_WINDOWS:
        announce(f"the backend naive visits {problem.target.size} windows a step in Python, which takes its time")
    held = _hold(normal, experiment)
    descent, learning_rate = _search(problem, optimum, held, start, experiment, watch, announce)
    predicted = None
    if learning_rate is not None and experiment.solver is Solver.GD:
        predicted = _foretell(problem, optimum, start, learning_rate.used)
    return _record(
        experiment.model_copy(update={"size": size}),
        problem,
        aligned,
        truth,
        target,
        optimum,
        held,
        descent,
        learning_rate,
        predicted,
        seconds + descent.seconds,
    )


def _read(source: Any, experiment: Experiment, rng: np.random.Generator) -> Image:
    """Read image text, or take an array, in the type to learn in."""
    if isinstance(source, str | PathLike):
        image = read_image(
            source,
            gray=experiment.gray,
            background=experiment.background,
            max_pixels=experiment.max_pixels,
            rng=rng,
        )
    else:
        image = image_from_array(source)
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.asarray(image.values, dtype=experiment.dtype)
        energy = values.size * np.square(values.dtype.type(image.largest))
    if not np.isfinite(energy) or (
        image.largest > 0.0 and energy < np.finfo(values.dtype).tiny / np.finfo(values.dtype).eps ** 2
    ):
        raise ImageError(
            expected=f"an image whose sum of squares {experiment.dtype} can hold",
            got=f"numbers up to {image.largest:.3g}",
            hint="numbers nearer to 1, such as image / image.max()",
        )
    return replace(image, values=values)


def _make_target(
    image: NDArray[Any], truth: Kernel, size: tuple[int, int], experiment: Experiment, rng: np.random.Generator
) -> Aligned:
    """Apply the true kernel, add its bias and white noise."""
    convention = Convention(experiment.padding, experiment.stride, experiment.flip)
    outer = union(truth.taps.shape, size)
    taps = embed(truth.taps, outer, centred(truth.taps.shape, outer))
    shape = convention.output_shape(image.shape, outer)
    backend = choose_backend(shape, taps)
    response = correlate(image, taps, convention, backend.load())
    response += truth.bias
    if experiment.noise:
        response += experiment.noise * rng.standard_normal(response.shape)
    return align_made(image, response, outer, size, convention)


def _turned(point: Parameters, *, flip: bool) -> Parameters:
    """Go between a kernel under its convention and the correlation taps that the solvers know."""
    return replace(point, taps=point.taps[::-1, ::-1].copy()) if flip else point


def _search(
    problem: Problem,
    optimum: Optimum,
    held: Ridge | Constrained | None,
    start: Parameters,
    experiment: Experiment,
    watch: Watch | None,
    announce: Announce | None,
) -> tuple[Descent, LearningRateBlock | None]:
    """Walk down the loss, or return the optimum when that was asked for."""
    scale = problem.loss_scale
    if experiment.solver is Solver.EXACT:
        answer = optimum if held is None else held
        return Descent(answer.point, Status.CONVERGED, [], answer.residual_squares * scale, 0.0), None
    rates = Rates(2.0 * scale * optimum.spectrum.seen)
    limit = experiment.solver.stable_below(rates)
    rate = experiment.solver.auto_rate(rates, experiment.steps) if experiment.lr == "auto" else experiment.lr
    if announce is not None and limit is not None and rate >= limit:
        announce(
            f"the learning rate {rate:g} is beyond the limit {limit:.6g}: descent will diverge "
            f"(try --lr auto, or a rate below {limit:.3g})"
        )

    def turned_watch(step: int, loss: float, point: Parameters) -> None:
        assert watch is not None
        watch(step, loss, _turned(point, flip=experiment.flip))

    plan = DescentPlan(
        steps=experiment.steps,
        on_step=turned_watch if watch is not None else None,
        arrived=_arrival(optimum, problem, experiment.tol) if experiment.tol is not None else None,
    )
    plain = experiment.solver is Solver.GD
    assert experiment.backend is not None  # settled
    objective = make_objective(
        problem, optimum, start, experiment.backend, dtype=experiment.dtype, device=experiment.device
    )
    descent = descend(objective, plan, experiment.solver.steps(objective, rate))
    return descent, LearningRateBlock(
        used=rate,
        stable_below=limit,
        best=rates.best,
        best_momentum=rates.best_momentum,
        predicted_steps=rates.steps_to(1e-6, rate) if plain else None,
        predicted_arrival=_arrives_at(problem, optimum, start, rate, experiment.tol) if plain else None,
    )


def _arrival(optimum: Optimum, problem: Problem, tolerance: float) -> Callable[[Parameters], bool]:
    """Whether every unknown lies within a tolerance of the optimum, along the directions that the data see."""
    aim = as_vector(optimum.point, bias=problem.bias)
    null = optimum.spectrum.null

    def arrived(point: Parameters) -> bool:
        gap = as_vector(point, bias=problem.bias) - aim
        return bool(np.abs(gap - null @ (null.T @ gap)).max() <= tolerance)

    return arrived


def _record(
    experiment: Experiment,
    problem: Problem,
    aligned: Aligned,
    truth: Kernel | None,
    target: Image | None,
    optimum: Optimum,
    held: Ridge | Constrained | None,
    descent: Descent,
    learning_rate: LearningRateBlock | None,
    predicted: Predicted | None,
    seconds: float,
) -> Recovery:
    found = _turned(descent.found, flip=experiment.flip)
    level = target.level if target is not None else None
    deviations = optimum.standard_errors(level)
    if held is not None:
        known = np.isfinite(deviations) | isinstance(held, Constrained)
        deviations[known] = np.sqrt(optimum.noise_variance(level) * held.variances[known])
    errors = as_parameters(deviations, problem.size, bias=problem.bias)
    errors = _turned(errors, flip=experiment.flip)
    # A given target of the image's own size ties every kernel to its output pixel; else kernels lie in the middle.
    tied = target is not None and aligned.padding not in (Padding.VALID, Padding.FULL)
    rule = anchored if tied else centred
    losses = descent.losses or [descent.final_loss]
    every = math.ceil(len(losses) / MOST_LOSSES)
    spectrum = optimum.spectrum
    return Recovery(
        experiment=experiment.resolved(),
        convention=ConventionBlock(
            operation="convolution" if experiment.flip else "cross-correlation",
            padding=aligned.padding,
            stride=experiment.stride,
            offset=aligned.offset,
        ),
        kernel=_kernel_block(found.taps, truth, errors.taps, rule),
        bias=BiasBlock(
            learned=found.bias if experiment.bias else None,
            true=truth.bias if truth is not None else None,
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
            null_directions=_null_directions(spectrum, problem.size, flip=experiment.flip),
        ),
        fit=_fit_block(problem, target, optimum),
        exact=_exact_block(problem, optimum, descent.found, level, flip=experiment.flip),
        ridge=_ridge_block(held, experiment) if isinstance(held, Ridge) else None,
        constraint=_constraint_block(held, optimum, problem, experiment) if isinstance(held, Constrained) else None,
        expectation=_expectation(experiment, found.taps, rule, identifiable=spectrum.identifiable),
        backend=str(experiment.backend),
        solver=experiment.solver,
        seconds=seconds,
    )


def _hold(normal: NormalEquations, experiment: Experiment) -> Ridge | Constrained | None:
    """Solve the normal equations under a price or under constraints, if there are any."""
    if experiment.ridge is not None:
        return solve_ridge(normal, None if experiment.ridge == "auto" else experiment.ridge)
    if not experiment.constraint:
        return None
    # On correlation taps, as all solvers: none of the constraints minds a turn by 180°.
    return solve_constrained(normal, experiment.constraint)


def _constraint_block(held: Constrained, optimum: Optimum, problem: Problem, experiment: Experiment) -> ConstraintBlock:
    return ConstraintBlock(
        held=[str(constraint) for constraint in experiment.constraint],
        freedom=held.freedom,
        added_loss=(held.residual_squares - optimum.residual_squares) * problem.loss_scale,
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


def _arrives_at(
    problem: Problem, optimum: Optimum, start: Parameters, rate: float, tolerance: float | None
) -> float | None:
    if tolerance is None:
        return None
    gap = as_vector(start, bias=problem.bias) - as_vector(optimum.point, bias=problem.bias)
    return predicted_arrival(optimum.spectrum, problem.loss_scale, gap, rate, tolerance)


def _foretell(problem: Problem, optimum: Optimum, start: Parameters, rate: float) -> Predicted:
    """Return a function from steps to the losses that plain descent will see there."""
    gap = as_vector(start, bias=problem.bias) - as_vector(optimum.point, bias=problem.bias)
    scale = problem.loss_scale
    return lambda steps: predicted_losses(
        optimum.spectrum, scale, gap, rate, steps, least=optimum.residual_squares * scale
    )


def _thinned(count: int, every: int) -> list[int]:
    """Indices of the losses to keep: every ``every``-th, and the last."""
    kept = list(range(0, count, every))
    return kept if kept[-1] == count - 1 else [*kept, count - 1]


def _exact_block(
    problem: Problem, optimum: Optimum, found: Parameters, level: float | None, *, flip: bool
) -> ExactBlock:
    gap = as_vector(found, bias=problem.bias) - as_vector(optimum.point, bias=problem.bias)
    known = ~undetermined(optimum.spectrum)
    errors = optimum.standard_errors(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        in_errors = np.abs(gap[known]) / errors[known]
    turned = _turned(optimum.point, flip=flip)
    return ExactBlock(
        kernel=turned.taps,
        bias=turned.bias if problem.bias else None,
        loss=optimum.residual_squares * problem.loss_scale,
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


def _fit_block(problem: Problem, target: Image | None, optimum: Optimum) -> FitBlock:
    """Judge the data at the optimum, not how far a descent came."""
    squares = optimum.residual_squares
    mean = problem.target.mean(dtype=np.float64)
    spread = sum(float(np.square(row - mean).sum()) for row in problem.target)  # row by row, to spare memory
    level = target.level if target is not None else None
    saturated = 0.0
    if target is not None and target.bits is not None:
        saturated = float(np.mean((problem.target <= 0.0) | (problem.target >= 1.0)))
    return FitBlock(
        residual_rms=math.sqrt(squares / problem.target.size),
        rounding_rms=level / math.sqrt(12.0) if level is not None else None,
        r2=1.0 - squares / spread if spread > 0 else None,
        saturated_fraction=saturated,
        verdict=None if optimum.spectrum.identifiable else "not-identifiable",
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
