"""An image's autocorrelation and its correlation with a target, by real FFTs of tiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, product

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.fft import next_fast_length
from convkit.recovery.lanes import in_lanes
from convkit.recovery.plane import Plane
from convkit.recovery.tiles import Tile
from convkit.recovery.transform import TileTransform

# Spectra of this length fit a processor's second-level cache: a quarter faster than 512.
_LENGTH = 320


@dataclass(frozen=True, eq=False)
class Correlations:
    """Sums over all pixels, and over all pairs of pixels at a lag.

    Attributes
    ----------
    lags : ndarray, shape (kh, 2·kw - 1)
        ``Σ x[r, c]·x[r + a, c + b]`` for ``a`` from 0 to kh - 1 and ``b`` from -(kw - 1) to kw - 1. The lags
        with a negative ``a`` are these again.
    cross : ndarray, shape (kh, kw)
        ``Σ y[i, j]·x[i + u, j + v]``.
    image_sum, target_sum, target_energy : float
        ``Σ x``, ``Σ y`` and ``Σ y²``.
    """

    lags: NDArray[np.float64]
    cross: NDArray[np.float64]
    image_sum: float
    target_sum: float
    target_energy: float


@dataclass(frozen=True)
class _Cut:
    """A stretch of one axis: a tile's, or the overlap of two tiles, which counts negatively."""

    start: int
    stop: int
    outputs: int
    length: int
    sign: int


def transform_length(halo: int) -> int:
    """Length of transforms whose tiles share ``halo`` pixels with either neighbour: at most a third of the length.

    Examples
    --------
    >>> transform_length(14), transform_length(62)
    (320, 512)
    """
    return max(_LENGTH, 1 << (6 * halo).bit_length())


def _cuts(outputs: int, halo: int) -> list[_Cut]:
    """Cut an axis of ``outputs + halo`` pixels so that every pair of pixels up to ``halo`` apart counts once.

    Tiles begin ``step`` apart and end ``halo`` into the next. A pair lies in one tile, or in two when it lies in
    their overlap of ``halo`` pixels (never in three: ``step > halo``); taking away the overlaps leaves each once.
    Both kinds are transformed with ``halo`` zeros behind them, so that no lag wraps around.
    """
    length = transform_length(halo)
    whole = outputs + 2 * halo
    if whole <= length * 5 // 4:  # a second tile would be nearly empty
        return [_Cut(0, outputs + halo, outputs, next_fast_length(whole), 1)]
    step = length - 2 * halo
    found = []
    for start in range(0, outputs, step):
        stop = min(start + step, outputs)
        found.append(_Cut(start, stop + halo, stop - start, min(length, next_fast_length(stop - start + 2 * halo)), 1))
        if start and halo:
            found.append(_Cut(start, start + halo, 0, next_fast_length(2 * halo), -1))
    return found


def correlate_planes(image: Plane, target: Plane, size: tuple[int, int]) -> Correlations:
    """Correlate an image with itself and with the target of its valid windows.

    The spectrum of an autocorrelation is ``|X|²``, that of ``Σ y[i]·x[i + u]`` is ``conj(Y)·X`` (Oppenheim &
    Schafer, *Discrete-Time Signal Processing*, section 8.7). Spectra add up, so each lane goes back only once.

    Parameters
    ----------
    image : Plane, shape (oh + kh - 1, ow + kw - 1)
    target : Plane, shape (oh, ow)
    size : (int, int)
        ``(kh, kw)``.

    Returns
    -------
    Correlations
        Of the pixels less the planes' shifts.

    Examples
    --------
    >>> x, y = (Plane("", np.array([row]), np.arange(1), np.arange(len(row))) for row in ([1, 2, 4], [1, 10]))
    >>> found = correlate_planes(x, y, (1, 2))
    >>> found.lags.round(9), found.cross.round(9)
    (array([[10., 21., 10.]]), array([[21., 42.]]))
    """
    halo = size[0] - 1, size[1] - 1
    cuts = list(product(_cuts(target.shape[0], halo[0]), _cuts(target.shape[1], halo[1])))
    cuts.sort(key=_shape, reverse=True)  # so that each lane gets its share of every shape
    lags, cross, sums = np.zeros((halo[0] + 1, 2 * halo[1] + 1)), np.zeros(size), np.zeros(3)
    for lane in in_lanes(lambda items: _correlate_lane(image, target, size, items), cuts):
        lags += lane[0]
        cross += lane[1]
        sums += lane[2]
    return Correlations(lags, cross, *sums.tolist())


def _shape(cuts: tuple[_Cut, _Cut]) -> tuple[int, int]:
    return cuts[0].length, cuts[1].length


def _correlate_lane(
    image: Plane, target: Plane, size: tuple[int, int], cuts: Sequence[tuple[_Cut, _Cut]]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return lags, cross-correlation, and the three sums of one lane's tiles."""
    lags, cross, sums = np.zeros((size[0], 2 * size[1] - 1)), np.zeros(size), np.zeros(3)
    around = np.arange(1 - size[1], size[1])  # negative lags lie at the end of a circular correlation
    for shape, group in groupby(cuts, key=_shape):
        transform = TileTransform(shape)
        spectrum, joint, joint_sum = (transform.empty() for _ in range(3))
        parts = spectrum.view(np.float64)  # real and imaginary parts side by side
        power = np.zeros_like(parts)
        joint_sum[...] = 0.0
        for down, across in group:
            sign = down.sign * across.sign
            pixels = image.read(Tile(down.start, down.stop, across.start, across.stop))
            transform(pixels, spectrum)
            sums[0] += sign * pixels.sum()
            if down.outputs and across.outputs:
                tile = Tile(down.start, down.start + down.outputs, across.start, across.start + across.outputs)
                response = target.read(tile)
                transform(response, joint)
                sums[1:] += response.sum(), np.square(response).sum()
                np.conjugate(joint, out=joint)
                joint *= spectrum
                joint_sum += joint
            parts *= parts
            (np.add if sign > 0 else np.subtract)(power, parts, out=power)
        lags += transform.inverse(power[:, ::2] + power[:, 1::2], size[0])[:, around]
        cross += transform.inverse(joint_sum, size[0])[:, : size[1]]
    return lags, cross, sums
