"""One pass over the image: the residuals of a kernel, and their correlation with every unknown."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.fft import next_fast_length
from convkit.recovery.problem import Parameters, Problem
from convkit.recovery.tiles import Tile, in_lanes, tiles

Vector = NDArray[np.float64]

_TILE = 512
# Patches are laid out in blocks of at most this many numbers.
_BLOCK = 1 << 22
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
        Sum of the squared residuals.
    moments : ndarray, shape (kh·kw + 1,)
        The correlation of the residuals with each tap's pixels, and last their sum.

    Examples
    --------
    >>> image = np.arange(6.0)[None]
    >>> problem = Problem(image, 2 * image[:, :5], (1, 2))
    >>> squares, moments = residual_moments(problem, Parameters(np.array([[1.0, 0.0]])))
    >>> squares, moments.tolist()
    (30.0, [30.0, 40.0, 10.0])
    """
    taps = problem.size[0] * problem.size[1]
    if problem.stride == 1 and taps > _FEW_TAPS:
        return _by_tiles(problem, point, image_shift)
    return _by_patches(problem, point, image_shift)


def _by_tiles(problem: Problem, point: Parameters, shift: float) -> tuple[float, Vector]:
    """Both correlations share the spectrum of a tile: ``Xw`` is ``X · conj(W)``, and ``Xᵀr`` is ``X · conj(R)``.

    The latter add up over tiles, so each lane transforms its sum back only once.
    """
    kh, kw = problem.size
    rows, columns = (
        next_fast_length(min(length, max(_TILE, 4 * side)))
        for length, side in zip(problem.image.shape, problem.size, strict=True)
    )
    kernel = np.conj(np.fft.rfft2(np.asarray(point.taps, dtype=np.float64), (rows, columns)))
    constant = point.bias + shift * float(np.sum(point.taps))

    def sum_lane(lane: Sequence[Tile]) -> tuple[float, Vector]:
        squares, total, cross = 0.0, 0.0, np.zeros_like(kernel)
        for tile in lane:
            window = problem.image[tile.top : tile.bottom + kh - 1, tile.left : tile.right + kw - 1]
            spectrum = np.fft.rfft2(window.astype(np.float64) - shift, (rows, columns))
            fitted = np.fft.irfft2(spectrum * kernel, (rows, columns))
            residual = problem.target[tile.top : tile.bottom, tile.left : tile.right] - constant
            residual -= fitted[: residual.shape[0], : residual.shape[1]]
            squares += float(np.square(residual).sum())  # a BLAS product would wake its threads beside ours
            total += float(residual.sum())
            cross += spectrum * np.conj(np.fft.rfft2(residual, (rows, columns)))
        lags = np.fft.irfft2(cross, (rows, columns))[:kh, :kw]
        return squares, np.append(lags.ravel(), total)

    cut = tiles((problem.target.shape[0], problem.target.shape[1]), rows - kh + 1, columns - kw + 1)
    lanes = in_lanes(sum_lane, cut)
    return sum(lane[0] for lane in lanes), np.sum([lane[1] for lane in lanes], axis=0)


def _by_patches(problem: Problem, point: Parameters, shift: float) -> tuple[float, Vector]:
    """Any stride: patches in blocks, through BLAS."""
    weights = np.asarray(point.taps, dtype=np.float64).ravel()
    constant = point.bias + shift * float(weights.sum())
    squares, moments = 0.0, np.zeros(weights.size + 1)
    for patches, target in patch_blocks(problem, shift):
        residual = target - patches @ weights - constant
        squares += float(residual @ residual)
        moments[:-1] += residual @ patches
        moments[-1] += residual.sum()
    return squares, moments


def patch_blocks(problem: Problem, shift: float = 0.0) -> Any:
    """Yield the windows of an image as rows, with the targets they answer to, in blocks of bounded size.

    Examples
    --------
    >>> problem = Problem(np.arange(4.0)[None], np.zeros((1, 3)), (1, 2))
    >>> [patches.tolist() for patches, _ in patch_blocks(problem)]
    [[[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]]]
    """
    (kh, kw), stride = problem.size, problem.stride
    height, width = problem.target.shape
    rows = max(1, _BLOCK // (width * kh * kw))
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        strip = problem.image[stride * top : stride * (bottom - 1) + kh].astype(np.float64) - shift
        windows = np.lib.stride_tricks.sliding_window_view(strip, (kh, kw))[::stride, ::stride]
        yield windows[:, :width].reshape(-1, kh * kw), problem.target[top:bottom].ravel()
