"""What was recovered, as a yardstick: taps, and what is known of their errors."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from convkit.recovery.bounding_box import bounding_box

Taps = NDArray[np.float64]
Matrix = NDArray[np.float64]

# A misfit so many deviations above chance refuses a name: one right name in 30,000 is lost.
LIMIT = 4.0
# A tap counts as seen above so many standard errors; one in 10⁶ zeros does by chance.
SEEN = 5.0
# From so many standard errors on, a tap may well be what it looks like.
_MAYBE = 3.0
# A window of more taps is cut to what is seen, and if that is not enough, taps are pooled.
MOST_TAPS = 625
# Taps of a name outside the window may be as large as this many standard errors: recovery trims what is not seen.
_TRIMMED = 3.0
# Beside the largest tap, how little is known of a tap that the data leave open.
_OPEN = 100.0


@dataclass(frozen=True, eq=False)
class Estimate:
    """A block of taps and what is known of their errors.

    Attributes
    ----------
    taps : ndarray, shape (h, w)
    offset : tuple of int
        Where the first tap sits relative to the output pixel.
    covariance : ndarray, shape (p, p), or None
        None when the floor is all there is.
    floor : float
        Standard error that every tap has beside its covariance.
    samples : float
        Degrees of freedom behind the scale of the covariance.
    """

    taps: Taps
    offset: tuple[int, int]
    covariance: Matrix | None
    floor: float
    samples: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.taps.shape
        return rows, columns

    @cached_property
    def _spectrum(self) -> tuple[NDArray[np.float64], Matrix, NDArray[np.bool_]]:
        """Eigenvalues and vectors of the (pooled) covariance, and which of them the data determine."""
        assert self.covariance is not None
        values, vectors = np.linalg.eigh(_pooled_covariance(self.covariance, self.shape, self.pool))
        return values, vectors, values > len(values) * np.finfo(np.float64).eps * values[-1]

    @cached_property
    def pool(self) -> int:
        """Side of the squares of taps whose sums are judged; 1 up to 625 taps."""
        pool = 1
        while self.covariance is not None and np.prod([-(-side // pool) for side in self.shape]) > MOST_TAPS:
            pool += 1
        return pool

    @property
    def judged(self) -> int:
        """How many directions the data determine."""
        return self.taps.size if self.covariance is None else int(self._spectrum[2].sum())

    @cached_property
    def open_directions(self) -> Matrix:
        """Directions that the data leave open, as columns, shape (p, number)."""
        if self.covariance is None or self.pool > 1:
            return np.zeros((self.taps.size, 0))
        return self._spectrum[1][:, ~self._spectrum[2]]

    @cached_property
    def errors(self) -> Taps:
        """Standard error of every tap, floor included; large where the data leave the tap open."""
        variances = np.full(self.taps.size, self.floor**2)
        if self.covariance is not None:
            variances += np.diag(self.covariance)
            variances += (_OPEN * self.largest) ** 2 * np.square(self.open_directions).sum(axis=1)
        return np.asarray(np.sqrt(variances).reshape(self.shape))

    @cached_property
    def typical_error(self) -> float:
        """Root mean square of the taps' errors."""
        return float(np.sqrt(np.square(self.errors).mean()))

    @cached_property
    def largest(self) -> float:
        """Largest tap, regardless of its sign."""
        return float(np.abs(self.taps).max())

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """Which taps stand out from their error bars, shape (h, w)."""
        return np.abs(self.taps) > SEEN * self.errors

    @cached_property
    def box(self) -> tuple[slice, slice] | None:
        """The smallest box with every tap that is seen; None when there is none."""
        return bounding_box(self.seen)

    @cached_property
    def positive(self) -> bool:
        """Whether no tap is certainly negative."""
        return not (self.taps < -SEEN * self.errors).any()

    @cached_property
    def negative(self) -> bool:
        """Whether some tap may well be negative."""
        return bool((self.taps < -_MAYBE * self.errors).any())

    @cached_property
    def sum_error(self) -> float:
        """Standard error of the sum of the taps."""
        variance = self.taps.size * self.floor**2
        if self.covariance is not None:
            variance += max(float(self.covariance.sum()), 0.0)
            variance += (_OPEN * self.largest) ** 2 * float(np.square(self.open_directions.sum(axis=0)).sum())
        return float(np.sqrt(variance))

    @cached_property
    def zero_sum(self) -> bool:
        """Whether the taps may cancel."""
        return bool(abs(self.taps.sum()) <= SEEN * self.sum_error)

    def whiten(self, blocks: Taps) -> Matrix:
        """Bring blocks of taps, shape (…, h, w), to units in which errors are independent and of variance 1.

        Only the directions that the data determine are left, shape (…, judged).
        """
        if self.covariance is None:
            return blocks.reshape(*blocks.shape[:-2], -1) / self.floor
        pooled = _pooled(blocks, self.pool)
        if blocks.ndim == 2:
            # Not as a product of matrices: a fit takes hundreds of these, and for each BLAS would wake its threads.
            return np.asarray(np.einsum("p,pq->q", pooled.ravel(), self._whitener))
        return np.asarray(pooled.reshape(*pooled.shape[:-2], -1) @ self._whitener)

    @cached_property
    def _whitener(self) -> Matrix:
        values, vectors, known = self._spectrum
        # Each pooled sum carries the floors of its taps.
        return vectors[:, known] / np.sqrt(values[known] + (self.pool * self.floor) ** 2)

    @property
    def functionals(self) -> NDArray[np.float64]:
        """What turns a block into each whitened number, shape (h, w, judged), where there is a covariance."""
        return self._whitener.reshape(*self.shape, -1)

    @cached_property
    def whitened(self) -> NDArray[np.float64]:
        """The taps in those units, shape (judged,)."""
        return self.whiten(self.taps)

    def gain(self, whitened: NDArray[np.float64]) -> tuple[float, float]:
        """Fit the factor of a kernel, given whitened, and its standard error."""
        energy = float(whitened @ whitened)
        if energy == 0.0:
            return 0.0, np.inf
        return float(whitened @ self.whitened) / energy, energy**-0.5

    def covariance_of(self, places: NDArray[np.intp]) -> Matrix:
        """Return the covariance of some taps, given by their numbers; floor and open directions included."""
        assert self.covariance is not None
        open_part = _OPEN * self.largest * self.open_directions[places]
        covariance: Matrix = self.covariance[np.ix_(places, places)] + open_part @ open_part.T
        covariance[np.diag_indices(len(places))] += max(self.floor, 1e-6 * self.typical_error) ** 2
        return covariance

    def hides(self, outside: float) -> bool:
        """Whether a tap beyond the window would have been trimmed away as not seen."""
        return outside <= _TRIMMED * self.typical_error


def _pooled(blocks: Taps, pool: int) -> Taps:
    """Sums over squares of taps, of the last two axes."""
    if pool == 1:
        return blocks
    for axis in (-2, -1):
        blocks = np.add.reduceat(blocks, np.arange(0, blocks.shape[axis], pool), axis=axis)
    return blocks


def _pooled_covariance(covariance: Matrix, shape: tuple[int, int], pool: int) -> Matrix:
    if pool == 1:
        return covariance
    half = _pooled(covariance.reshape(-1, *shape), pool)
    whole = _pooled(half.reshape(len(covariance), -1).T.reshape(-1, *shape), pool)
    return whole.reshape(len(whole), -1)
