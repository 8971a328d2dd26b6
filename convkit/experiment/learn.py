"""Run one experiment: pose its problem, find the exact answer, descend, and record what was found."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from convkit.convolution.backends import check_device
from convkit.convolution.torch_modes import with_gradients
from convkit.engine import open_engine
from convkit.engine.protocol import Advance
from convkit.errors import SettingsError
from convkit.experiment.answer import Answer, find_answer
from convkit.experiment.assemble import assemble
from convkit.experiment.identify import Understand, Understood, identify
from convkit.experiment.inputs import Inputs, read_inputs
from convkit.experiment.judging import judge_pair
from convkit.experiment.light import in_its_light
from convkit.experiment.nominal import Reproducing
from convkit.experiment.pose import Posed, pose
from convkit.experiment.probe_record import with_probe
from convkit.experiment.probing import probe
from convkit.experiment.record import LearningRateBlock, Recovery
from convkit.experiment.resizer_record import with_phases
from convkit.experiment.resizing import understand_resizer
from convkit.experiment.settings import Experiment
from convkit.experiment.spread import spread
from convkit.image import image_stream
from convkit.recovery import (
    Descent,
    DescentPlan,
    LearningBackend,
    Optimum,
    Parameters,
    Problem,
    Rates,
    Solver,
    Status,
    descend,
    make_objective,
)
from convkit.recovery.parameters import as_vector
from convkit.recovery.rates import predicted_arrival
from convkit.recovery.solution import Solution, solve

# A step of the backend naive takes about 30 microseconds a window.
_MANY_WINDOWS = 50_000
# What an error is brought down to when steps are foretold.
_MILLIONTH = 1e-6

Watch = Callable[[int, float, Parameters], None]
Announce = Callable[[str], None]
Read = Callable[[Experiment], Inputs]


@dataclass(frozen=True)
class Audience:
    """Who is told of a run, and whether the states of its descent are kept."""

    watch: Watch | None = None
    announce: Announce | None = None
    keep_steps: bool = False


def learn_kernel(
    image: Any = None,
    kernel: Any = None,
    target: Any = None,
    *,
    watch: Watch | None = None,
    announce: Announce | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
    on_progress: Advance | None = None,
    keep_steps: bool = False,
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
    jobs : int, optional
        Sum over several pairs, or over the parts of large ones, in so many processes on this machine; a script must
        then do so below ``if __name__ == "__main__":``. The answer has the same bits with any number, and without.
    cluster : str, optional
        Sum on a Dask cluster: the scheduler's address or scheduler file. Its workers find the files at the same paths.
    on_progress : function, optional
        Called with the number of parts of a sum that are done and their total.
    keep_steps : bool
        Keep the states of the descent as the result's ``trajectory``, thinned to about 200.
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
    return run(
        experiment,
        watch=watch,
        announce=announce,
        jobs=jobs,
        cluster=cluster,
        on_progress=on_progress,
        keep_steps=keep_steps,
    )


def run(
    experiment: Experiment,
    *,
    watch: Watch | None = None,
    announce: Announce | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
    on_progress: Advance | None = None,
    keep_steps: bool = False,
    solve: Callable[[Problem], Solution] = solve,
) -> Recovery:
    """Run an experiment whose settings are already checked; see `learn_kernel`.

    ``solve`` condenses the problem and finds its exact answer; a grid gives one that remembers.
    """
    experiment = experiment.settled()
    check_device(experiment.device)

    audience = Audience(watch, announce, keep_steps)

    def understand(posed: Posed) -> Understood:
        return _understand(posed, solve)

    if experiment.program is not None:
        _check_alone(jobs, cluster)
        return _run_program(experiment, understand, audience)
    with ExitStack() as stack:
        engine = None
        if jobs is not None or cluster is not None:
            engine = stack.enter_context(closing(open_engine(jobs, cluster, announce=announce)))

        def read(experiment: Experiment) -> Inputs:
            images = image_stream(experiment.seed)
            return spread(read_inputs(experiment, images), experiment, engine, on_progress, announce)

        if experiment.stride == "auto":
            return _run_resizer(experiment, read, understand, audience)
        return _run_pair(experiment, read, understand, audience)


def _check_alone(jobs: int | None, cluster: str | None) -> None:
    """Refuse other processes for a program: it runs on this machine, and its answers are small."""
    if jobs is not None or cluster is not None:
        raise SettingsError(
            expected="--jobs or --cluster for pairs of files",
            got="a program",
            hint="leaving it out, or convkit compare --vary 'program=…' --jobs 2 for several programs",
        )


def _run_pair(experiment: Experiment, read: Read, understand: Understand, audience: Audience) -> Recovery:
    """Find the kernel of given pairs, or of a target that is made."""
    posed = pose(experiment, read(experiment))
    windows = posed.problem.count
    naive = experiment.backend is LearningBackend.NAIVE
    if audience.announce is not None and naive and windows > _MANY_WINDOWS:
        audience.announce(f"the backend naive visits {windows} windows a step in Python, which takes its time")
    began = time.perf_counter()
    found, light = in_its_light(understand(posed), understand)
    channels = tuple(understand(found.posed.only(channel)) for channel in range(3)) if posed.inputs.colour else ()
    seconds = time.perf_counter() - began
    descent, learning_rate = _search(found.answer, found.posed, audience)
    return assemble(found, channels, light, descent, learning_rate, seconds + descent.seconds)


def _run_program(experiment: Experiment, understand: Understand, audience: Audience) -> Recovery:
    """Ask a program, and search in its answers as in any pair's."""
    began = time.perf_counter()
    probed = probe(experiment, understand)
    seconds = time.perf_counter() - began
    found = probed.found
    descent, learning_rate = _search(found.answer, found.posed, audience)
    record = assemble(found, probed.channels, probed.light, descent, learning_rate, seconds + descent.seconds)
    if probed.resized is not None:
        record = with_phases(record, probed.resized, experiment)
    return with_probe(record, probed)


def _run_resizer(experiment: Experiment, read: Read, understand: Understand, audience: Audience) -> Recovery:
    """Find one kernel for each output phase of a pair of different sizes."""
    began = time.perf_counter()
    resized = understand_resizer(experiment, read(experiment), understand)
    found = resized.first
    seconds = time.perf_counter() - began
    descent, learning_rate = _search(found.answer, found.posed, audience)
    record = assemble(found, resized.channels, resized.light, descent, learning_rate, seconds + descent.seconds)
    return with_phases(record, resized, experiment)


def _understand(posed: Posed, solve: Callable[[Problem], Solution]) -> Understood:
    """Find the exact answer, and of given targets what it tells of the filter."""
    answer, experiment = find_answer(posed, solve), posed.experiment
    if posed.inputs.targets is None:
        return Understood(posed, answer)
    if experiment.chosen_solver is not Solver.EXACT and not posed.by_parts:
        return Understood(posed, answer, judge_pair(posed, answer))
    found = _identified(posed, answer)
    library = found.identity.library if found.identity is not None else None
    if library is None or posed.part or posed.support is None or library.window == posed.window:
        return found
    exact = posed.within(library.window)  # that which the search found has but the taps that can be seen
    return _identified(exact, find_answer(exact, solve), library)


def _identified(posed: Posed, answer: Answer, library: Reproducing | None = None) -> Understood:
    identity = identify(posed, answer, library)
    return Understood(posed, answer, identity.judgement, identity)


def _search(answer: Answer, posed: Posed, audience: Audience) -> tuple[Descent, LearningRateBlock | None]:
    """Walk down the loss, or return the optimum when that was asked for."""
    watch, announce = audience.watch, audience.announce
    experiment, problem, optimum, held = posed.experiment, answer.problem, answer.optimum, answer.held
    scale = problem.loss_scale
    if experiment.chosen_solver is Solver.EXACT:
        least = optimum.least if held is None else held.residual_squares
        return Descent((held or optimum).point, Status.CONVERGED, [], least * scale, 0.0), None
    rates = Rates(2.0 * scale * optimum.spectrum.seen)
    limit = experiment.chosen_solver.stable_below(rates)
    rate = experiment.chosen_solver.auto_rate(rates, experiment.steps) if experiment.lr == "auto" else experiment.lr
    if announce is not None and limit is not None and rate >= limit:
        announce(
            f"the learning rate {rate:g} is beyond the limit {limit:.6g}: descent will diverge "
            f"(try --lr auto, or a rate below {limit:.3g})"
        )

    def turned_watch(step: int, loss: float, point: Parameters) -> None:
        assert watch is not None
        watch(step, loss, point.turned(flip=experiment.flip))

    plan = DescentPlan(
        steps=experiment.steps,
        on_step=turned_watch if watch is not None else None,
        arrived=_arrival(optimum, problem, experiment.tol) if experiment.tol is not None else None,
        keep_steps=audience.keep_steps,
    )
    # What is foretold is the course of plain descent on a quadratic.
    plain = experiment.chosen_solver is Solver.GD and problem.knee is None
    assert experiment.backend is not None  # settled
    with nullcontext() if experiment.backend is LearningBackend.GRAM else with_gradients(experiment.device):
        objective = make_objective(
            problem, optimum, posed.start, experiment.backend, dtype=experiment.dtype, device=experiment.device
        )
        descent = descend(objective, plan, experiment.chosen_solver.steps(objective, rate))
    return descent, LearningRateBlock(
        used=rate,
        stable_below=limit,
        best=rates.best,
        best_momentum=rates.best_momentum,
        predicted_steps=rates.steps_to(_MILLIONTH, rate) if plain else None,
        predicted_steps_at_best=rates.steps_to(_MILLIONTH, rates.best),
        predicted_steps_with_momentum=rates.momentum_steps_to(_MILLIONTH),
        predicted_arrival=_arrives_at(problem, optimum, posed.start, rate, experiment.tol) if plain else None,
    )


def _arrival(optimum: Optimum, problem: Problem, tolerance: float) -> Callable[[Parameters], bool]:
    """Whether every unknown lies within a tolerance of the optimum, along the directions that the data see."""
    aim = as_vector(optimum.point, bias=problem.bias)
    null = optimum.spectrum.null

    def arrived(point: Parameters) -> bool:
        gap = as_vector(point, bias=problem.bias) - aim
        return bool(np.abs(gap - null @ (null.T @ gap)).max() <= tolerance)

    return arrived


def _arrives_at(
    problem: Problem, optimum: Optimum, start: Parameters, rate: float, tolerance: float | None
) -> float | None:
    if tolerance is None:
        return None
    gap = as_vector(start, bias=problem.bias) - as_vector(optimum.point, bias=problem.bias)
    return predicted_arrival(optimum.spectrum, problem.loss_scale, gap, rate, tolerance)
