"""Run one experiment: make or read the target, descend, and record what was found."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution import Convention
from convkit.convolution.apply import correlate
from convkit.convolution.backends import check_device, choose_backend
from convkit.errors import ImageError
from convkit.experiment.align import Aligned, align_made, align_pair, centred, embed, laid_together, union
from convkit.experiment.record import (
    BiasBlock,
    ConventionBlock,
    ExpectationBlock,
    FitBlock,
    IdentifiabilityBlock,
    KernelBlock,
    LearningRateBlock,
    LossAtStep,
    Recovery,
)
from convkit.experiment.settings import Experiment
from convkit.image import Image, Kind, read_image
from convkit.kernel import Kernel
from convkit.recovery import Descent, Parameters, Problem, largest_curvature
from convkit.recovery.descent import DescentPlan

# Longer histories are thinned to about this many entries.
MOST_LOSSES = 10_000
# What `--expect` allows when no tolerance is given.
DEFAULT_TOLERANCE = 1e-3

Watch = Callable[[int, float, Parameters], None]
Announce = Callable[[str], None]


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
    descent, learning_rate = _descend(problem, start, experiment, watch, announce)
    return _record(experiment.replace(size=size), problem, aligned, truth, target, descent, learning_rate)


def _read(source: Any, experiment: Experiment, rng: np.random.Generator) -> Image:
    """Read image text, or wrap an array as a matrix, in the type to learn in."""
    if isinstance(source, str) or hasattr(source, "__fspath__"):
        image = read_image(source, gray=experiment.gray, max_pixels=experiment.max_pixels, rng=rng)
    else:
        values = np.asarray(source)
        if values.ndim != 2 or values.dtype.kind not in "biuf" or not np.isfinite(values).all() or not values.size:
            raise ImageError(
                expected="a two-dimensional array of finite numbers",
                got=f"shape {values.shape}, dtype {values.dtype}",
                hint="one channel, such as image[..., 0]",
            )
        image = Image(values, kind=Kind.MATRIX, stem="array", level=1.0 if values.dtype.kind in "biu" else None)
    return replace(image, values=np.asarray(image.values, dtype=experiment.dtype))


def _make_target(
    image: NDArray[Any], truth: Kernel, size: tuple[int, int], experiment: Experiment, rng: np.random.Generator
) -> Aligned:
    """Apply the true kernel, add its bias and white noise."""
    convention = Convention(experiment.padding, experiment.stride, experiment.flip)
    outer = union(truth.taps.shape, size)
    taps = embed(truth.taps, outer, centred(truth.taps.shape, outer))
    shape = convention.output_shape(image.shape, outer)
    backend = choose_backend(shape, taps.size)
    response = correlate(image, taps, convention, backend.load())
    response += truth.bias
    if experiment.noise:
        response += experiment.noise * rng.standard_normal(response.shape)
    return align_made(image, response, outer, size, convention)


def _turned(point: Parameters, *, flip: bool) -> Parameters:
    """Go between a kernel under its convention and the correlation taps that the solvers know."""
    return replace(point, taps=point.taps[::-1, ::-1].copy()) if flip else point


def _descend(
    problem: Problem, start: Parameters, experiment: Experiment, watch: Watch | None, announce: Announce | None
) -> tuple[Descent, LearningRateBlock]:
    curvature = largest_curvature(problem, device=experiment.device)
    limit = experiment.solver.stable_below(curvature)
    rate = experiment.solver.auto_rate(curvature) if experiment.lr == "auto" else experiment.lr
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
        rate=rate,
        backend=experiment.backend,
        dtype=experiment.dtype,
        device=experiment.device,
        on_step=turned_watch if watch is not None else None,
    )
    descent = experiment.solver.load()(problem, start, plan)
    return descent, LearningRateBlock(used=rate, stable_below=limit, best=None)


def _record(
    experiment: Experiment,
    problem: Problem,
    aligned: Aligned,
    truth: Kernel | None,
    target: Image | None,
    descent: Descent,
    learning_rate: LearningRateBlock,
) -> Recovery:
    found = _turned(descent.found, flip=experiment.flip)
    every = math.ceil(len(descent.losses) / MOST_LOSSES)
    return Recovery(
        experiment=experiment.resolved(),
        convention=ConventionBlock(
            operation="convolution" if experiment.flip else "cross-correlation",
            padding=aligned.padding,
            stride=experiment.stride,
            offset=aligned.offset,
        ),
        kernel=_kernel_block(found.taps, truth),
        bias=BiasBlock(
            learned=found.bias if experiment.bias else None,
            true=truth.bias if truth is not None else None,
            standard_error=None,
        ),
        losses=[LossAtStep(step=i + 1, loss=descent.losses[i]) for i in _thinned(len(descent.losses), every)],
        losses_every=every,
        final_loss=descent.final_loss,
        status=descent.status,
        steps=descent.steps,
        learning_rate=learning_rate,
        identifiability=IdentifiabilityBlock(
            identifiable=None, rank=None, parameters=problem.unknowns, condition_number=None
        ),
        fit=_fit_block(problem, target, descent.final_loss),
        expectation=_expectation(experiment, found.taps),
        backend=experiment.backend,
        solver=experiment.solver,
        seconds=descent.seconds,
    )


def _thinned(count: int, every: int) -> list[int]:
    """Indices of the losses to keep: every ``every``-th, and the last."""
    kept = list(range(0, count, every))
    return kept if kept[-1] == count - 1 else [*kept, count - 1]


def _kernel_block(learned: NDArray[Any], truth: Kernel | None) -> KernelBlock:
    true, error = None, None
    if truth is not None:
        shown, true = laid_together(learned, truth.taps)
        error = float(np.abs(shown - true).max())
        # Told at the learned size when the truth fits into it, else as it is.
        true = true if true.shape == learned.shape else truth.taps
    return KernelBlock(
        learned=learned, true=true, standard_error=np.full(learned.shape, np.nan), max_abs_error=error, name=None
    )


def _fit_block(problem: Problem, target: Image | None, final_loss: float) -> FitBlock:
    squares = final_loss / problem.loss_scale
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
        verdict=None,
    )


def _expectation(experiment: Experiment, learned: NDArray[Any]) -> ExpectationBlock | None:
    if experiment.expect is None:
        return None
    expected = Kernel.of(experiment.expect)
    tolerance = DEFAULT_TOLERANCE if experiment.tolerance is None else experiment.tolerance
    first, second = laid_together(learned, expected.taps)
    difference = float(np.abs(first - second).max())
    return ExpectationBlock(
        kernel=expected.taps, max_abs_difference=difference, tolerance=tolerance, met=difference <= tolerance
    )
