"""One pass over the image: the residuals of a kernel, and their correlation with every unknown."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.fft import next_fast_length
from convkit.recovery.autocorrelation import transform_length
from convkit.recovery.lanes import in_lanes
from convkit.recovery.observations import Observations, observe
from convkit.recovery.parameters import Parameters
from convkit.recovery.patches import patch_blocks
from convkit.recovery.problem import Problem
from convkit.recovery.tiles import Tile, tiles
from convkit.recovery.transform import TileTransform

Vector = NDArray[np.float64]

# Up to this many taps, products of patches cost less than four FFTs.
_FEW_TAPS = 30


def residual_moments(problem: Problem, point: Parameters, *, image_shift: float = 0.0) -> tuple[float, Vector]:
    """Return ``‖r‖²`` and ``Xᵀr`` for ``r = y - Xw``.

    Parameters
    ----------
    problem : Problem
    point : Parameters
        ``w``; of a problem without a bias, the bias is taken as it is all the same.
    image_shift : float
        Subtracted from the image in ``Xᵀ``, which keeps digits when the residuals do not sum to zero.

    Returns
    -------
    squares : float
        Sum of the squared residuals of the outputs used.
    moments : ndarray, shape (kh·kw + 1,)
        The correlation of the residuals with each tap's pixels, and last their sum.

    Examples
    --------
    >>> image = np.arange(6.0)[None]
    >>> problem = Problem.of(image, 2 * image[:, :5], (1, 2))
    >>> squares, moments = residual_moments(problem, Parameters(np.array([[1.0, 0.0]])))
    >>> squares, moments.tolist()
    (30.0, [30.0, 40.0, 10.0])
    """
    return problem.total(partial(_of_part, point, image_shift), _added)


def _added(a: tuple[float, Vector], b: tuple[float, Vector]) -> tuple[float, Vector]:
    return a[0] + b[0], a[1] + b[1]


def _of_part(point: Parameters, image_shift: float, part: Problem) -> tuple[float, Vector]:
    (pair,) = part.pairs
    taps = np.asarray(point.taps, dtype=np.float64)
    constant = point.bias + image_shift * float(taps.sum())
    seen = observe(pair.image, pair.target, part.size, stride=part.stride, mask=pair.mask).about(image_shift)
    tiled = part.stride == 1 and taps.size > _FEW_TAPS
    return (_by_tiles if tiled else _by_patches)(seen, taps, constant)


def _by_tiles(seen: Observations, taps: NDArray[np.float64], constant: float) -> tuple[float, Vector]:
    """Both correlations share the spectrum of a tile: ``Xw`` is ``X · conj(W)``, and ``Xᵀr`` is ``X · conj(R)``.

    The latter add up over tiles, so each lane transforms its sum back only once.
    """
    kh, kw = seen.size
    rows, columns = (
        next_fast_length(min(length, transform_length(side - 1)))
        for length, side in zip(seen.image.shape, seen.size, strict=True)
    )

    def sum_lane(lane: Sequence[Tile]) -> tuple[float, Vector]:
        transform = TileTransform((rows, columns))
        kernel, spectrum, product, cross = (transform.empty() for _ in range(4))
        transform(taps, kernel)
        np.conjugate(kernel, out=kernel)
        cross[...] = 0.0
        squares, total = 0.0, 0.0
        for tile in lane:
            transform(seen.image.read(Tile(tile.top, tile.bottom + kh - 1, tile.left, tile.right + kw - 1)), spectrum)
            np.multiply(spectrum, kernel, out=product)
            fitted = transform.inverse(product, tile.bottom - tile.top)
            residual = seen.target.read(tile) - constant
            residual -= fitted[:, : tile.right - tile.left]
            if seen.weights is not None:
                residual *= seen.weights[tile.top : tile.bottom, tile.left : tile.right]
            squares += float(np.square(residual).sum())  # a BLAS product would wake its threads beside ours
            total += float(residual.sum())
            transform(residual, product)
            np.conjugate(product, out=product)
            product *= spectrum
            cross += product
        lags = transform.inverse(cross, kh)[:, :kw]
        return squares, np.append(lags.ravel(), total)

    lanes = in_lanes(sum_lane, tiles(seen.target.shape, rows - kh + 1, columns - kw + 1))
    return sum(lane[0] for lane in lanes), np.sum([lane[1] for lane in lanes], axis=0)


def _by_patches(seen: Observations, taps: NDArray[np.float64], constant: float) -> tuple[float, Vector]:
    """Any stride: patches in blocks, through BLAS."""
    weights = taps.ravel()
    squares, moments = 0.0, np.zeros(weights.size + 1)
    stride = seen.convention.stride
    for columns, _ in patch_blocks(seen.image, seen.target, seen.size, stride=stride, weights=seen.weights):
        residual = columns[-1] - weights @ columns[:-2] - constant
        squares += float(residual @ residual)
        moments += columns[:-1] @ residual
    return squares, moments
