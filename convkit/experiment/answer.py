"""The best that the data allow: what every run knows, however far its descent comes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convkit.experiment.pose import Posed
from convkit.experiment.settings import Experiment
from convkit.recovery import Loss, NormalEquations, Optimum, Problem
from convkit.recovery.constraints import Constrained, solve_constrained
from convkit.recovery.huber import Robust, find_robust
from convkit.recovery.recording import Recording
from convkit.recovery.ridge import Ridge, solve_ridge
from convkit.recovery.saturation import SaturatedFit, SaturationMethod, count_saturated, fit_saturated
from convkit.recovery.solution import Solution

# Clipped outputs are told from others one by one, which takes some thirty bytes each: of more, a part is fitted.
_MANY_OUTPUTS = 1 << 25


@dataclass(frozen=True, eq=False)
class Answer:
    """The minimiser of a problem's loss, and the one under a price or constraints.

    Attributes
    ----------
    problem : Problem
        With the knee of a robust loss, and masks that leave out what is clipped.
    optimum : Optimum
    held : Ridge, Constrained or None
    robust : Robust or None
        How the optimum of a robust loss was found.
    saturated : SaturatedFit or None
        How the optimum was found where the targets have rails.
    """

    problem: Problem
    optimum: Optimum
    held: Ridge | Constrained | None = None
    robust: Robust | None = None
    saturated: SaturatedFit | None = None

    def standard_errors(self, level: float | None) -> NDArray[np.float64]:
        """Standard error of each unknown, taps row by row and then the bias; NaN where the data leave it open."""
        errors = self.optimum.standard_errors(level)
        if self.held is not None:
            known = np.isfinite(errors) | isinstance(self.held, Constrained)
            errors[known] = np.sqrt(np.diag(self.covariance(level))[known])
        return errors

    def covariance(self, level: float | None) -> NDArray[np.float64]:
        """Covariance of the unknowns, shape (p, p); of those that are open, of the shortest solution."""
        unit = self.optimum.unit_covariance if self.held is None else self.held.unit_covariance
        return self.optimum.noise_variance(level) * unit


def find_answer(posed: Posed, solve: Callable[[Problem], Solution]) -> Answer:
    """Find the minimiser of a problem's loss, and the one under a price or constraints if there are any."""
    problem, recording = posed.problem, posed.recording
    if problem.loss is Loss.HUBER:
        problem = _off_rails(problem, recording)
        robust = find_robust(problem, solve(problem).optimum, recording)
        return Answer(replace(problem, knee=robust.knee), robust.optimum, robust=robust)
    if not recording.clips:
        solution = solve(problem)
        return Answer(problem, solution.optimum, _hold(solution.normal, posed.experiment))
    if problem.count > _MANY_OUTPUTS and count_saturated(problem, recording):
        problem = problem.thinned(_MANY_OUTPUTS)
    fit = fit_saturated(problem, recording)
    if fit.method is not SaturationMethod.NONE:
        pairs = zip(problem.pairs, fit.masks, strict=True)
        problem = replace(problem, pairs=tuple(replace(pair, mask=mask) for pair, mask in pairs))
    held = None
    if posed.experiment.ridge is not None or posed.experiment.constraint:
        held = _hold(problem.condensed(), posed.experiment)
    return Answer(problem, fit.optimum, held, saturated=fit)


def _off_rails(problem: Problem, recording: Recording) -> Problem:
    """Leave out the outputs on a rail: beyond it their residuals tell nothing."""
    if not recording.clips:
        return problem
    masked = []
    for pair in problem.pairs:
        inside = ~recording.saturated(pair.target)
        masked.append(replace(pair, mask=inside if pair.mask is None else inside & pair.mask))
    return replace(problem, pairs=tuple(masked))


def _hold(normal: NormalEquations, experiment: Experiment) -> Ridge | Constrained | None:
    if experiment.ridge is not None:
        return solve_ridge(normal, None if experiment.ridge == "auto" else experiment.ridge)
    if not experiment.constraint:
        return None
    # On correlation taps, as all solvers: none of the constraints minds a turn by 180°.
    return solve_constrained(normal, experiment.constraint)
