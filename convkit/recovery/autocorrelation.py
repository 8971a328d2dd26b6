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
class _Part:
    """The first pixels of a stretch: all of them, or its overlap with the stretch before, which counts negatively."""

    pixels: int
    length: int
    sign: int


@dataclass(frozen=True)
class _Stretch:
    """A tile's stretch of one axis."""

    start: int
    outputs: int
    parts: tuple[_Part, ...]


def transform_length(halo: int) -> int:
    """Length of transforms whose tiles share ``halo`` pixels with either neighbour: at most a third of the length.

    Examples
    --------
    >>> transform_length(14), transform_length(62)
    (320, 512)
    """
    return max(_LENGTH, 1 << (6 * halo).bit_length())


def _stretches(outputs: int, halo: int) -> list[_Stretch]:
    """Cut an axis of ``outputs + halo`` pixels so that every pair of pixels up to ``halo`` apart counts once.

    Tiles begin ``step`` apart and end ``halo`` into the next. A pair lies in one tile, or in two when it lies in
    their overlap of ``halo`` pixels (never in three: ``step > halo``); taking away the overlaps leaves each once.
    Both kinds are transformed with ``halo`` zeros behind them, so that no lag wraps around.
    """
    length = transform_length(halo)
    whole = outputs + 2 * halo
    if whole <= length * 5 // 4:  # a second tile would be nearly empty
        return [_Stretch(0, outputs, (_Part(outputs + halo, next_fast_length(whole), 1),))]
    step = length - 2 * halo
    overlap = (_Part(halo, next_fast_length(2 * halo), -1),) if halo else ()
    found = []
    for start in range(0, outputs, step):
        some = min(step, outputs - start)
        tile = _Part(some + halo, min(length, next_fast_length(some + 2 * halo)), 1)
        found.append(_Stretch(start, some, (tile, *overlap) if start else (tile,)))
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
    tiles = list(product(_stretches(target.shape[0], halo[0]), _stretches(target.shape[1], halo[1])))
    tiles.sort(key=_shape, reverse=True)  # so that each lane gets its share of every shape
    lags, cross, sums = np.zeros((halo[0] + 1, 2 * halo[1] + 1)), np.zeros(size), np.zeros(3)
    for lane in in_lanes(lambda items: _correlate_lane(image, target, size, items), tiles):
        lags += lane[0]
        cross += lane[1]
        sums += lane[2]
    return Correlations(lags, cross, *sums.tolist())


_Tile = tuple[_Stretch, _Stretch]


def _shape(tile: _Tile) -> tuple[int, int]:
    down, across = tile
    return down.parts[0].length, across.parts[0].length


class _Powers:
    """The sum of the power spectra of pixels that are filled up to one shape."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.transform = TileTransform(shape)
        self.spectrum = self.transform.empty()
        self.sum = np.zeros_like(self.spectrum.view(np.float64))  # real and imaginary parts side by side

    def add(self, sign: int) -> None:
        """Add that of the spectrum, which is lost."""
        parts = self.spectrum.view(np.float64)
        parts *= parts
        (np.add if sign > 0 else np.subtract)(self.sum, parts, out=self.sum)

    def lags(self, rows: int) -> NDArray[np.float64]:
        """Return the first rows of the correlation that it is the spectrum of."""
        return self.transform.inverse(self.sum[:, ::2] + self.sum[:, 1::2], rows)


def _correlate_lane(
    image: Plane, target: Plane, size: tuple[int, int], tiles: Sequence[_Tile]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return lags, cross-correlation, and the three sums of one lane's tiles.

    Each tile is read once, for its overlaps too: columns of a mapped file, read on their own, bring in pages around
    each of their pixels.
    """
    lags, cross, sums = np.zeros((size[0], 2 * size[1] - 1)), np.zeros(size), np.zeros(3)
    around = np.arange(1 - size[1], size[1])  # negative lags lie at the end of a circular correlation
    for shape, group in groupby(tiles, key=_shape):
        powers = {shape: _Powers(shape)}
        transform = powers[shape].transform
        joint, joint_sum = transform.empty(), np.zeros_like(transform.empty())
        for down, across in group:
            pixels = image.read(
                Tile(down.start, down.start + down.parts[0].pixels, across.start, across.start + across.parts[0].pixels)
            )
            response = target.read(
                Tile(down.start, down.start + down.outputs, across.start, across.start + across.outputs)
            )
            sums[1:] += response.sum(), np.square(response).sum()
            for above, left in product(down.parts, across.parts):
                lengths, sign = (above.length, left.length), above.sign * left.sign
                part = pixels[: above.pixels, : left.pixels]
                power = powers.get(lengths) or powers.setdefault(lengths, _Powers(lengths))
                power.transform(part, power.spectrum)
                sums[0] += sign * part.sum()
                if above.sign > 0 and left.sign > 0:
                    transform(response, joint)
                    np.conjugate(joint, out=joint)
                    joint *= power.spectrum
                    joint_sum += joint
                power.add(sign)
        for power in powers.values():
            lags += power.lags(size[0])[:, around]
        cross += transform.inverse(joint_sum, size[0])[:, : size[1]]
    return lags, cross, sums
