"""Matrix products of the kernel and the rows under it, and sums along their diagonals."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from convkit.convolution.strips import Array, Largest, fill, new_response, strip_rows

# OpenBLAS keeps a product of so many multiply-adds on the thread that asked for it (interface/gemm.c).
_PRODUCTS = 1 << 18
# Values of the products that wait for their addition: longer runs cost fewer calls, and still fit the cache.
_SCRATCH = 1 << 19


def correlate(image: NDArray[np.floating], kernel: NDArray[np.floating], *, seen: Largest | None = None) -> Array:
    """Valid cross-correlation of ``(H, W)`` with ``(kh, kw)`` by small matrix products.

    Row ``i`` of the response needs the rows ``i … i + kh - 1`` of the image, ``X``. The product ``P = kᵀ X``,
    ``(kw, W)``, holds what each column of the kernel makes of each column of the image, and the response is the sum
    along its diagonals, ``y[i, j] = Σ P[v, j + v]``.

    Examples
    --------
    >>> correlate(np.arange(9.0).reshape(3, 3), np.array([[0.0, 1.0], [2.0, 3.0]]))
    array([[19., 25.],
           [37., 43.]])
    """
    kh, kw = kernel.shape
    image, turned = np.ascontiguousarray(image), np.ascontiguousarray(kernel.T)
    response = new_response(image, kernel)
    height, width = response.shape
    columns = min(width, max(kw, _PRODUCTS // kernel.size - kw + 1))
    reach = columns + kw - 1
    rows = strip_rows(height, columns, _SCRATCH // kw)
    down, right = image.strides

    def worker() -> Callable[[Array, Array], None]:
        scratch = np.empty((rows, kw, reach), image.dtype)
        page, line, step = scratch.strides

        def compute(under: Array, strip: Array) -> None:
            for left in range(0, width, columns):
                kept = strip[:, left : left + columns]
                count, wide = kept.shape
                windows = as_strided(under[:, left:], (count, kh, wide + kw - 1), (down, down, right), writeable=False)
                np.matmul(turned, windows, out=scratch[:count, :, : wide + kw - 1])
                diagonals = as_strided(scratch, (kw, count, wide), (line + step, page, step), writeable=False)
                np.add.reduce(diagonals, axis=0, out=kept)

        return compute

    fill(response, image, rows, worker, seen)
    return response
