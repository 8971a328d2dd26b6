"""One multiply-add of the shifted image per tap, in strips that stay in the cache."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from convkit.convolution.strips import Array, Largest, fill, new_response, strip_rows

# Output values per strip: short ones stay in the nearest cache, but two threads then ask for Python's lock more often.
_STRIP = 1 << 18
# A multiply-add takes as long as an addition, but all of them in one call about so many more.
_ONE_CALL = 3


def correlate(image: NDArray[np.floating], kernel: NDArray[np.floating], *, seen: Largest | None = None) -> Array:
    """Valid cross-correlation of ``(H, W)`` with ``(kh, kw)`` by multiply-adds of the shifted image.

    Pixels that share a tap, or its negative, are added up before they are multiplied, where that is less work than a
    multiply-add for each tap. Every output adds its products in the same order, so integers come out exact.

    Examples
    --------
    >>> correlate(np.array([[1.0, 1.0, 0.0, 0.0]]), np.array([[1.0, -1.0]]))
    array([[0., 1., 0.]])
    """
    image = np.ascontiguousarray(image)
    response = new_response(image, kernel)
    height, width = response.shape
    rows = strip_rows(height, width, _STRIP)
    make = _equal_taps if _added_up(kernel) < kernel.size + _ONE_CALL else _all_taps

    def worker() -> Callable[[Array, Array], None]:
        total = np.empty((rows, image.shape[1]), image.dtype)
        add_up = make(kernel, total.size)

        def compute(under: Array, strip: Array) -> None:
            # Rows end to end: a shift of the image is then one run of memory, and the last kw - 1 sums of a row mean
            # nothing.
            length = len(strip) * image.shape[1] - kernel.shape[1] + 1
            add_up(under, total.reshape(-1)[:length])
            strip[...] = total[: len(strip), :width]

        return compute

    fill(response, image, rows, worker, seen)
    return response


def operations(kernel: NDArray[np.floating]) -> int:
    """Additions for an output, or what takes as long.

    Examples
    --------
    >>> operations(np.array([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])), operations(np.ones((3, 3)))
    (7, 10)
    """
    return min(_added_up(kernel), kernel.size + _ONE_CALL)


def _added_up(kernel: NDArray[np.floating]) -> int:
    """Additions and products, where pixels with equal taps are added up first."""
    magnitudes = np.abs(kernel[kernel != 0])
    return len(magnitudes) + len(set(magnitudes.tolist()))  # np.unique imports numpy.ma, for 6 ms


_AddUp = Callable[[Array, Array], None]


def _all_taps(kernel: NDArray[np.floating], _length: int) -> _AddUp:
    """Multiply and add tap by tap."""

    def add_up(under: Array, total: Array) -> None:
        # An axis of one pixel may have any stride, which NumPy calls contiguous all the same.
        right = under.itemsize
        down = right * under.shape[1]
        shifted = as_strided(under, (*kernel.shape, len(total)), (down, right, right), writeable=False)
        # Order F makes the last axis the innermost: a pass over the strip for each tap. K is 15 times as slow.
        np.einsum("uvn,uv->n", shifted, kernel, out=total, order="F")

    return add_up


def _equal_taps(kernel: NDArray[np.floating], length: int) -> _AddUp:
    """Add up the pixels of each distinct magnitude among the taps, and multiply their sum."""
    terms: dict[float, tuple[np.floating, list[tuple[int, int, bool]]]] = {}
    for (u, v), tap in np.ndenumerate(kernel):
        if tap != 0:
            first, places = terms.setdefault(abs(float(tap)), (tap, []))
            places.append((u, v, bool(tap != first)))
    part = np.empty(length, kernel.dtype)

    def add_up(under: Array, total: Array) -> None:
        pitch, flat = under.shape[1], under.reshape(-1)
        if not terms:
            total[:] = 0
        for index, (tap, places) in enumerate(terms.values()):
            pixels = [flat[u * pitch + v :][: len(total)] for u, v, _ in places]
            out = part[: len(total)] if index else total
            running = pixels[0]
            for pixel, (*_, negated) in zip(pixels[1:], places[1:], strict=True):
                running = (np.subtract if negated else np.add)(running, pixel, out=out)
            if tap != 1 or len(pixels) == 1:
                running = np.multiply(running, tap, out=out)
            if index:
                np.add(total, running, out=total)

    return add_up
