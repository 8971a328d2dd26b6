"""Where a descent went: its states, kept while it walks and thinned to a few hundred."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.parameters import Parameters

# States that are kept of a descent, however long.
MOST_STATES = 200


@dataclass(frozen=True, eq=False)
class Trajectory:
    """States of a descent, the first and the last among them.

    Attributes
    ----------
    steps : ndarray of int, shape (n,)
        Which step saw each state, counted from 1, before its update; the last state is seen by the step after
        the last, which was never taken.
    losses : ndarray, shape (n,)
    kernels : ndarray, shape (n, kh, kw)
        Under the convention of the run.
    biases : ndarray, shape (n,)
        Zeros when no bias is sought.
    """

    steps: NDArray[np.int64]
    losses: NDArray[np.float64]
    kernels: NDArray[np.float64]
    biases: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.steps)

    def turned(self, *, flip: bool) -> "Trajectory":
        """Go between kernels under their convention and the correlation taps that the solvers know."""
        return replace(self, kernels=self.kernels[:, ::-1, ::-1]) if flip else self

    def thinned(self, most: int) -> "Trajectory":
        """Return at most so many of the states, evenly spread, the first and the last among them.

        Examples
        --------
        >>> states = Trajectory(np.arange(1, 42), np.ones(41), np.ones((41, 1, 2)), np.zeros(41))
        >>> states.thinned(5).steps.tolist()
        [1, 11, 21, 31, 41]
        """
        if len(self) <= most:
            return self
        kept = np.linspace(0, len(self) - 1, most).round().astype(int)
        return Trajectory(self.steps[kept], self.losses[kept], self.kernels[kept], self.biases[kept])


class Recorder:
    """Keep every state of a short descent and, evenly spread, some of a long one.

    When as many are held as may stay, every second one is dropped, and from then on every second one is taken: memory
    stays bounded without the number of steps being known.

    Examples
    --------
    >>> recorder = Recorder(most=4)
    >>> for step in range(1, 101):
    ...     recorder(step, 1.0 / step, Parameters(np.ones((1, 2))))
    >>> recorder.trajectory().steps.tolist()
    [1, 65, 100]
    """

    def __init__(self, most: int = MOST_STATES) -> None:
        self._most = most
        self._every = 1
        self._states: list[tuple[int, float, Parameters]] = []
        self._last: tuple[int, float, Parameters] | None = None

    def __call__(self, step: int, loss: float, point: Parameters) -> None:
        """Take a state, if it is one to keep."""
        self._last = step, loss, point
        if (step - 1) % self._every:
            return
        self._states.append(self._last)
        if len(self._states) >= self._most:
            self._states = self._states[::2]
            self._every *= 2

    def trajectory(self) -> Trajectory:
        """Return the states kept."""
        states = list(self._states)
        if self._last is not None and (not states or states[-1][0] != self._last[0]):
            states.append(self._last)
        kernels: list[NDArray[Any]] = [np.asarray(point.taps, np.float64) for _, _, point in states]
        return Trajectory(
            np.array([step for step, _, _ in states]),
            np.array([loss for _, loss, _ in states]),
            np.array(kernels),
            np.array([point.bias for _, _, point in states]),
        )
