"""One multiply-add of the shifted image per tap, in strips that stay in the cache."""

import numpy as np
from numpy.typing import NDArray

# Output values per strip; with its scratch copy and the image rows it reads, a strip fits a 1 MiB cache.
_STRIP = 32_768


def correlate(image: NDArray[np.floating], kernel: NDArray[np.floating]) -> NDArray[np.floating]:
    """Valid cross-correlation of ``(H, W)`` with ``(kh, kw)`` in NumPy alone.

    Every output adds its products in the same order, tap by tap, so integers come out exact.

    Examples
    --------
    >>> correlate(np.array([[1.0, 1.0, 0.0, 0.0]]), np.array([[1.0, -1.0]]))
    array([[0., 1., 0.]])
    """
    kh, kw = kernel.shape
    height, width = image.shape[0] - kh + 1, image.shape[1] - kw + 1
    response = np.zeros((height, width), image.dtype)
    taps = [(u, v, kernel[u, v]) for u in range(kh) for v in range(kw) if kernel[u, v] != 0]
    rows = max(1, _STRIP // width)
    scratch = np.empty((rows, width), image.dtype)
    for top in range(0, height, rows):
        strip = response[top : top + rows]
        product = scratch[: len(strip)]
        for u, v, tap in taps:
            np.multiply(image[top + u : top + u + len(strip), v : v + width], tap, out=product)
            strip += product
    return response
