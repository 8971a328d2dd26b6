"""Fit a kernel to a target that is clipped at its rails."""

import operator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.parameters import Parameters
from convkit.recovery.problem import Pair, Problem
from convkit.recovery.recording import Recording
from convkit.recovery.saturation.masked_fit import MaskedFit
from convkit.recovery.saturation.saturated_fit import SaturatedFit
from convkit.recovery.saturation.search import Search


def fit_saturated(problem: Problem, recording: Recording, *, start: Parameters | None = None) -> SaturatedFit:
    """Fit a kernel by least squares or maximum likelihood, whichever the saturated outputs call for.

    Where no output lies on a rail it is plain least squares. Else those that do are left out. With noise that bends
    the answer, for what the noise pushed over a rail is then missing. So outputs are chosen anew by what the kernel
    *predicts* for them, which their noise has no part in, and the kernel is fitted again, until the choice settles.
    Without noise that is exact. With noise, outputs on a rail still tell that the response was beyond it, and the
    likelihood of that is maximised (Tobin, Econometrica 26, 1958). Outputs that contradict their prediction (on a
    rail but predicted deep between the rails, or the reverse) are left out.

    Parameters
    ----------
    problem : Problem
    recording : Recording
        Level and rails of the targets.
    start : Parameters, optional
        A kernel to predict with at first, such as one fitted to a part; by default that of the outputs off the rails.

    Raises
    ------
    ImageError
        When a used pixel is not finite, or no output is used.

    Examples
    --------
    >>> image = np.random.default_rng(0).integers(0, 256, (40, 40)) / 255
    >>> target = np.clip(2 * image[:, 1:] - image[:, :-1], 0, 1)
    >>> found = fit_saturated(Problem.of(image, target, (1, 2)), Recording(1 / 255, 0, 1))
    >>> str(found.method), found.optimum.point.taps.round(9)
    ('mask-by-prediction', array([[-1.,  2.]]))
    """
    kept = problem.count - count_saturated(problem, recording)
    used = tuple(_everywhere(pair) if pair.mask is None else pair.mask for pair in problem.pairs)
    search = Search(problem, recording, used, (problem.count - kept) / max(problem.count, 1))
    if kept == problem.count:
        return search.plain()
    off_rails = tuple(mask & ~recording.saturated(pair.target) for pair, mask in zip(problem.pairs, used, strict=True))
    by_value = MaskedFit.of(problem, off_rails) if kept else None
    if by_value is None or not by_value.spectrum.identifiable:
        whole = MaskedFit.of(problem, used)
        if by_value is None or by_value.spectrum.rank < whole.spectrum.rank:
            return search.of_too_little(by_value, whole)
    return search.beyond_value(by_value, by_value.point if start is None else start)


def count_saturated(problem: Problem, recording: Recording) -> int:
    """Count the outputs used that lie on a rail.

    Examples
    --------
    >>> count_saturated(Problem.of(np.ones((1, 3)), np.array([[0.2, 0.0]]), (1, 2)), Recording(None, 0.0, 1.0))
    1
    """
    return int(problem.total(partial(_saturated_in, recording), operator.add)) if recording.clips else 0


def _saturated_in(recording: Recording, part: Problem) -> int:
    (pair,) = part.pairs
    return int(np.count_nonzero(recording.saturated(pair.used())))


def _everywhere(pair: Pair) -> NDArray[np.bool_]:
    """Return a mask that leaves nothing out, and takes no memory."""
    return np.broadcast_to(np.True_, pair.target.shape)
