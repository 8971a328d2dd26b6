"""Many runs in few rows: statistics of runs that share some settings, and how near they come to what is possible."""

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.errors import SettingsError
from convkit.experiment.record import Block, Number
from convkit.experiment.runs import Run
from convkit.text import choice, closest, shown

_STATS: dict[str, Callable[[Sequence[float]], float]] = {
    "median": statistics.median,
    "mean": statistics.fmean,
    "min": min,
    "max": max,
}
# Standard errors of less than this share of the largest tap are rounding, and so is any spread beside them.
ROUNDING = 1e-12


class Group(Block):
    """Runs that share the settings they are grouped by.

    ``runs`` counts those that came to an answer, and ``failed`` the others, which no number here includes. The numbers
    are the statistic asked for; the spreads are sample standard deviations, None for a single run. ``efficiency`` is
    told by `efficiency`.
    """

    settings: dict[str, Any]
    stat: str
    runs: int
    failed: int
    final_loss: Number | None
    final_loss_spread: Number | None
    max_abs_error: Number | None
    max_abs_error_spread: Number | None
    steps: float | None
    seconds: float | None
    efficiency: Number | None


def group_runs(runs: Iterable[Run], keys: Sequence[str], stat: str = "median") -> list[Group]:
    """Group runs by some of the varied settings, in order of appearance.

    Parameters
    ----------
    runs : iterable of Run
    keys : sequence of str
        Varied settings; without any, all runs are one group.
    stat : str
        median, mean, min or max.

    Raises
    ------
    SettingsError
        When a key is not varied, or there is no such statistic.
    """
    runs = list(runs)
    word = choice("--stat", stat, _STATS)
    varied = dict.fromkeys(key for one in runs for key in one.settings)
    for key in keys:
        if key not in varied:
            raise SettingsError(
                expected="varied settings to group by",
                got=shown(key),
                hint=f"--group {closest(key, varied) or ','.join(varied)}",
            )
    groups: dict[str, list[Run]] = {}
    for one in runs:
        groups.setdefault(json.dumps([one.settings.get(key) for key in keys]), []).append(one)
    return [_group(group, keys, word) for group in groups.values()]


def _group(runs: list[Run], keys: Sequence[str], stat: str) -> Group:
    good = [one for one in runs if one.status not in ("failed", "diverged")]
    losses, errors = _known(one.final_loss for one in good), _known(one.max_abs_error for one in good)

    def told(values: list[float]) -> float | None:
        return _STATS[stat](values) if values else None

    return Group(
        settings={key: runs[0].settings.get(key) for key in keys},
        stat=stat,
        runs=len(good),
        failed=len(runs) - len(good),
        final_loss=told(losses),
        final_loss_spread=_spread(losses),
        max_abs_error=told(errors),
        max_abs_error_spread=_spread(errors),
        steps=told(_known(one.steps for one in good)),
        seconds=told(_known(one.seconds for one in good)),
        efficiency=efficiency(good),
    )


def efficiency(runs: Sequence[Run]) -> float | None:
    """Return the Cramér-Rao bound on the variance of the taps over the variance observed, both summed over the taps.

    For Gaussian noise no unbiased estimate varies less than ``σ² diag(G⁻¹)`` (Kay, *Estimation Theory*, section 4.5),
    which is the square of a run's standard errors. The bound is their mean over the runs; what is observed is the
    sample variance of the deviations from the true kernel, or of the taps where it is unknown, over runs that differ
    in their seed; kernels of several sizes are taken size by size, and added up. So 1 is the best there is, 0.5 wastes
    half of the data, and more than 1 comes of chance (a standard deviation of about ``sqrt(2 / ((n - 1)·taps))``) or
    of a bias, such as a ridge has.

    Returns
    -------
    float or None
        None for less than two runs, for taps that are not determined, or without noise, where both sides are rounding.

    Examples
    --------
    >>> def run(tap): return Run(settings={}, status="converged", kernel=[[tap]], standard_error=[[0.5]])
    >>> efficiency([run(1.0), run(2.0)])  # variances 0.25 and 0.5
    0.5
    """
    deviations: dict[tuple[int, ...], list[NDArray[np.float64]]] = {}
    bounds: dict[tuple[int, ...], list[NDArray[np.float64]]] = {}
    for one in runs:
        if one.kernel is None or one.standard_error is None or not np.isfinite(one.standard_error).all():
            return None
        if one.standard_error.max() <= ROUNDING * np.abs(one.kernel).max():
            return None
        shape = one.kernel.shape
        true = one.true if one.true is not None and one.true.shape == shape else np.zeros(shape)
        deviations.setdefault(shape, []).append(np.subtract(one.kernel, true))
        bounds.setdefault(shape, []).append(np.square(one.standard_error))
    several = [shape for shape, found in deviations.items() if len(found) > 1]
    observed = sum(float(np.var(deviations[shape], axis=0, ddof=1).sum()) for shape in several)
    bound = sum(float(np.mean(bounds[shape], axis=0).sum()) for shape in several)
    return bound / observed if observed else None


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _spread(values: list[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None
