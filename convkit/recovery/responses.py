"""What a kernel makes of a pair's image: the target it predicts."""

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.apply import strided
from convkit.convolution.backends import choose_backend
from convkit.recovery.lanes import in_threads
from convkit.recovery.observations import observe
from convkit.recovery.parameters import Parameters
from convkit.recovery.problem import Pair
from convkit.recovery.tiles import Tile, tiles

# Rows per strip: a few hundred, so that neighbours share little of the image and FFTs have room.
_STRIP_ROWS = 504


def predicted(pair: Pair, point: Parameters, *, stride: int = 1) -> NDArray[np.float64]:
    """Return ``Σ k[u, v] · x[s·i + u, s·j + v] + b`` for every output of a pair, strip by strip in threads.

    Returns
    -------
    ndarray, shape of the target
        Finite but meaningless where an output is not used.

    Examples
    --------
    >>> pair = Pair(np.array([[1.0, 2.0, 4.0]]), np.zeros((1, 2)))
    >>> predicted(pair, Parameters(np.array([[1.0, 1.0]]), 0.5))
    array([[3.5, 6.5]])
    """
    taps = np.asarray(point.taps, dtype=np.float64)
    (kh, kw), (height, width) = taps.shape, pair.target.shape
    seen = observe(pair.image, pair.target, (kh, kw), stride=stride, mask=pair.mask)
    correlate = choose_backend((height, width), taps).load()
    found = np.empty((height, width))

    def fill(strip: Tile) -> None:
        rows = Tile(strip.top * stride, (strip.bottom - 1) * stride + kh, 0, (width - 1) * stride + kw)
        response = strided(seen.image.read(rows), taps, stride, correlate)
        np.add(response, point.bias, out=found[strip.top : strip.bottom])

    in_threads(fill, tiles((height, width), _STRIP_ROWS, width))
    return found
