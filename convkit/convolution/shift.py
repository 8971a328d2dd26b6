"""One multiply-add of the shifted image per tap, in strips that stay in the cache."""

import numpy as np
from numpy.typing import NDArray

from convkit.threads import share, thread_count

# Output values per strip; with its scratch copies and the image rows it reads, a strip fits a 1 MiB cache.
_STRIP = 1 << 16
# So few are not worth sharing among threads.
_ALONE = 1 << 14


def correlate(image: NDArray[np.floating], kernel: NDArray[np.floating]) -> NDArray[np.floating]:
    """Valid cross-correlation of ``(H, W)`` with ``(kh, kw)`` by additions of the shifted image.

    Pixels that share a tap, or its negative, are added up before they are multiplied. Every output adds its
    products in the same order, so integers come out exact.

    Examples
    --------
    >>> correlate(np.array([[1.0, 1.0, 0.0, 0.0]]), np.array([[1.0, -1.0]]))
    array([[0., 1., 0.]])
    """
    kh, kw = kernel.shape
    height, width = image.shape[0] - kh + 1, image.shape[1] - kw + 1
    # Rows end to end: a shift of the image is then one run of memory, and the last kw - 1 sums of a row mean nothing.
    pitch, flat = image.shape[1], np.ascontiguousarray(image).reshape(-1)
    terms = _terms(kernel, pitch)
    response = np.empty((height, width), image.dtype)
    rows = max(1, min(_STRIP // pitch, max(-(-height // thread_count()), _ALONE // pitch)))

    def worker() -> "_Strip":
        return _Strip(flat, terms, response, rows, pitch)

    share(range(0, height, rows), worker)
    return response


_Term = tuple[np.floating, list[tuple[int, bool]]]


def _terms(kernel: NDArray[np.floating], pitch: int) -> list[_Term]:
    """List each distinct magnitude among the taps with the offsets of its pixels, and whether their sign differs."""
    found: dict[float, _Term] = {}
    for (u, v), tap in np.ndenumerate(kernel):
        if tap != 0:
            first, places = found.setdefault(abs(float(tap)), (tap, []))
            places.append((u * pitch + v, bool(tap != first)))
    return list(found.values())


class _Strip:
    """Compute strips of the response, with the scratch memory of one thread."""

    def __init__(
        self, flat: NDArray[np.floating], terms: list[_Term], response: NDArray[np.floating], rows: int, pitch: int
    ) -> None:
        self.flat, self.terms, self.response, self.rows = flat, terms, response, rows
        self.total, self.part = np.empty((2, rows, pitch), flat.dtype)

    def __call__(self, top: int) -> None:
        kept = self.response[top : top + self.rows]
        pitch = self.total.shape[1]
        length = (len(kept) - 1) * pitch + kept.shape[1]
        start = top * pitch
        total, part = self.total.reshape(-1)[:length], self.part.reshape(-1)[:length]
        if not self.terms:
            total[:] = 0
        for index, (tap, places) in enumerate(self.terms):
            pixels = [self.flat[start + offset : start + offset + length] for offset, _ in places]
            out = part if index else total
            running = pixels[0]
            for pixel, (_, negated) in zip(pixels[1:], places[1:], strict=True):
                running = (np.subtract if negated else np.add)(running, pixel, out=out)
            if tap != 1 or len(pixels) == 1:
                running = np.multiply(running, tap, out=out)
            if index:
                np.add(total, running, out=total)
        kept[...] = self.total[: len(kept), : kept.shape[1]]
