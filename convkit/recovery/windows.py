r"""The moments of every window of an image, from correlations that know nothing of windows.

For two taps ``(u, v)`` and ``(u', v') = (u + a, v + b)``, with ``a ≥ 0``, the Gram matrix holds

    G = Σ x[r, c]·x[r + a, c + b]   over  u ≤ r < u + oh,  v ≤ c < v + ow,

while the autocorrelation ``R[a, b]`` sums over *all* pairs of pixels at that lag. Of those, the rows outside are

* ``r < u``: then ``r + a < u'`` too, so both rows are among the image's first ``K = kh - 1``;
* ``r ≥ u + oh``: then both are among its last ``K``, which start at row ``oh``.

The same holds for columns, with ``K' = kw - 1``. By inclusion and exclusion

    G = R[a, b] - rows outside - columns outside + both outside.

* *Rows outside*: with ``ρ[r, r + a, b]`` the one-dimensional correlation of two of the first (or last) rows at lag
  ``b``, the sum of ``ρ`` over ``r < u`` (or ``r ≥ u + oh``), a running sum along ``u``.
* *Columns outside*: the same, along ``v`` at fixed ``b``: a running sum along diagonals. Taken for every ``u``
  from the column correlations *less their rows outside*, which are products of two pixels in the K x K' corners,
  it includes the last term of the formula.

Nothing here grows with the image but the one-dimensional correlations, by transforms of tiles again:
O(kh²·W + kw²·H) products after O(kh·W·log W + kw·H·log H), and O(kh²·kw²) for the matrix itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from convkit.recovery.autocorrelation import correlate_planes, transform_length
from convkit.recovery.autocorrelation_on_device import correlate_on_device
from convkit.recovery.lanes import in_threads
from convkit.recovery.plane import Plane
from convkit.recovery.tiles import Tile

# Tiles of a border whose spectra are held at once: some 20 MB for 63 taps.
_TILES_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class _Border:
    """Lines along one border.

    Attributes
    ----------
    lags : ndarray, shape (2·halo + 1, lines, lines)
        ``Σ line[p]·other[p + b]`` at index ``b + halo``.
    sums : ndarray, shape (lines,)
    """

    lags: NDArray[np.float64]
    sums: NDArray[np.float64]


def add_windows(
    moments: NDArray[np.float64],
    image: Plane,
    target: Plane,
    size: tuple[int, int],
    *,
    flip: bool,
    device: str = "cpu",
) -> None:
    """Add the moments of all windows, in time that hardly depends on the kernel's size.

    Parameters
    ----------
    moments : ndarray, shape (kh·kw + 2, kh·kw + 2)
        Of taps row by row, one and target; changed in place.
    image : Plane, shape (oh + kh - 1, ow + kw - 1)
    target : Plane, shape (oh, ow)
    size : (int, int)
        ``(kh, kw)``.
    flip : bool
        Whether the taps are those of the windows turned by 180°.
    device : str
        Where the image is correlated: the processor, or a device of torch.

    Examples
    --------
    >>> x, y = (Plane("", np.array([row]), np.arange(1), np.arange(len(row))) for row in ([1, 2, 4], [1, 10]))
    >>> moments = np.zeros((4, 4)); add_windows(moments, x, y, (1, 2), flip=False); moments.round(9)
    array([[  5.,  10.,   3.,  21.],
           [ 10.,  20.,   6.,  42.],
           [  3.,   6.,   2.,  11.],
           [ 21.,  42.,  11., 101.]])
    """
    p, (oh, ow), (down, across) = size[0] * size[1], target.shape, (size[0] - 1, size[1] - 1)
    found = (
        correlate_planes(image, target, size) if device == "cpu" else correlate_on_device(image, target, size, device)
    )
    turned = image.transposed()
    sides = [(image, 0, down, across), (image, oh, down, across), (turned, 0, across, down), (turned, ow, across, down)]
    top, bottom, left, right = in_threads(lambda side: _border(*side), sides)
    corners = [[image.read(Tile(r, r + down, c, c + across)) for c in (0, ow)] for r in (0, oh)]
    turn = slice(None, None, -1 if flip else 1)
    gram = moments[:p, :p][turn, turn]

    # Different distances of tap rows write to different blocks.
    in_threads(lambda a: _add_blocks(gram, a, size, found.lags[a], (top, bottom, left, right), corners), range(size[0]))
    sums = found.image_sum - _outside(top.sums, bottom.sums)[:, None] - _outside(left.sums, right.sums)
    sums += _outside(*(_outside(first.T, last.T).T for first, last in corners))
    for place, values in ((p, sums), (p + 1, found.cross)):
        moments[:p, place][turn] += values.ravel()
        moments[place, :p][turn] += values.ravel()
    moments[p:, p:] += [[oh * ow, found.target_sum], [found.target_sum, found.target_energy]]


def _border(plane: Plane, start: int, lines: int, halo: int) -> _Border:
    """Correlate every two of ``lines`` rows from ``start`` on, at lags up to ``halo``.

    Each tile is transformed twice, alone and with ``halo`` pixels more on either side (zeros beyond the ends);
    the product of the two spectra, summed over the tiles, is that of the correlation.
    """
    extent = plane.shape[1]
    length = transform_length(halo)
    step = length - 2 * halo
    spectra = np.zeros((length // 2 + 1, lines, lines), np.complex128)
    sums = np.zeros(lines)
    chunk = min(_TILES_AT_ONCE, -(-extent // step)) * step
    for begin in range(0, extent if lines else 0, chunk):
        near, far = max(begin - halo, 0), min(begin + chunk + halo, extent)
        values = np.zeros((lines, chunk + 2 * halo))
        values[:, near - begin + halo : far - begin + halo] = plane.read(Tile(start, start + lines, near, far))
        alone = values[:, halo : halo + chunk]
        sums += alone.sum(axis=1)
        narrow = np.fft.rfft(alone.reshape(lines, -1, step), length)
        wide = np.fft.rfft(sliding_window_view(values, step + 2 * halo, axis=1)[:, ::step], length)
        # A matrix product per frequency, so small that BLAS starts no threads of its own, which would disturb ours;
        # it takes on contiguous operands only.
        spectra += np.matmul(
            np.ascontiguousarray(narrow.conj().transpose(2, 0, 1)), np.ascontiguousarray(wide.transpose(2, 1, 0))
        )
    return _Border(np.fft.irfft(spectra, length, axis=0)[: 2 * halo + 1], sums)


def _add_blocks(
    gram: NDArray[np.float64],
    a: int,
    size: tuple[int, int],
    lags: NDArray[np.float64],
    borders: tuple[_Border, _Border, _Border, _Border],
    corners: list[list[NDArray[np.float64]]],
) -> None:
    """Add the blocks of ``G`` that belong to tap rows ``u`` and ``u + a``, for all ``u``, and their mirror images."""
    (kh, kw), (top, bottom, left, right) = size, borders
    # Every array starts with the axis u.
    between = lags - _outside(*(border.lags.diagonal(a, axis1=1, axis2=2).T for border in (top, bottom)))
    of_left, of_right = (
        border.lags[a + kh - 1] - _outside(*(_products(corner[side], a) for corner in corners))
        for side, border in enumerate((left, right))
    )
    taps = np.arange(kw)
    blocks = between[:, taps - taps[:, None] + kw - 1]
    blocks -= _along_diagonals(of_left)
    blocks -= _along_diagonals(of_right[:, ::-1, ::-1])[:, ::-1, ::-1]
    if a == 0:  # equal but for rounding, which is taken out
        blocks = (blocks + blocks.transpose(0, 2, 1)) / 2
    for u, block in enumerate(blocks):
        here, there = slice(u * kw, (u + 1) * kw), slice((u + a) * kw, (u + a + 1) * kw)
        gram[here, there] += block
        if a:
            gram[there, here] += block.T


def _outside(first: NDArray[np.float64], last: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum what lies before and behind each place of a window that slides over n places more than its length.

    Examples
    --------
    >>> _outside(np.array([1.0, 2.0]), np.array([10.0, 20.0]))
    array([30., 21.,  3.])
    """
    n = len(first)
    found = np.zeros((n + 1, *first.shape[1:]))
    np.cumsum(first, axis=0, out=found[1:])
    found[:n] += np.cumsum(last[::-1], axis=0)[::-1]
    return found


def _products(corner: NDArray[np.float64], a: int) -> NDArray[np.float64]:
    """Return ``corner[r, c]·corner[r + a, c']``, shape (rows - a, columns, columns)."""
    return corner[: len(corner) - a, :, None] * corner[a:, None, :]


def _along_diagonals(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum matrices down their diagonals, each place excluded: of shape (n, k, k), the result (n, k + 1, k + 1).

    Examples
    --------
    >>> _along_diagonals(np.array([[[1.0, 2.0], [3.0, 4.0]]]))
    array([[[0., 0., 0.],
            [0., 1., 2.],
            [0., 3., 5.]]])
    """
    n, k, _ = steps.shape
    found = np.zeros((n, k + 1, k + 1))
    for row in range(k):
        found[:, row + 1, 1:] = found[:, row, :-1] + steps[:, row]
    return found
