"""PyTorch's ``embedding_bag``: rows of the response as weighted sums of the rows of a table, the shifted image."""

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.rounding import row_groups
from convkit.convolution.strips import Array, Largest, keep_freed_memory, new_response
from convkit.convolution.torch_modes import without_gradients
from convkit.convolution.torch_threads import all_torch_threads

if TYPE_CHECKING:
    import torch

# Values of a table: a response of no more is summed in one call, and needs no copy; a larger one is summed in parts.
WHOLE, _TABLE = 1 << 22, 1 << 21


def correlate(image: NDArray[np.floating], kernel: NDArray[np.floating], *, seen: Largest | None = None) -> Array:
    """Valid cross-correlation of ``(H, W)`` with ``(kh, kw)`` by sums of rows of a table.

    A row of the response is ``Σ k[u, v] · T[i + u, v]``, with the shifted image ``T[i, v, j] = x[i, j + v]``. Weighted
    sums of some of a table's rows are what an embedding bag is, and PyTorch compiles them for the machine at hand: a
    tap is one multiply-add, and sums stay in registers. A table is much to copy, but two calls make a small response.
    Torch's own threads share these.

    Examples
    --------
    >>> correlate(np.array([[1.0, 1.0, 0.0, 0.0]]), np.array([[1.0, -1.0]]))
    array([[0., 1., 0.]])
    """
    import torch

    image = np.ascontiguousarray(image)
    height, width = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    # Values for a row of a table, and for a bag, which of a narrow image holds more.
    line, reach = width * kernel.shape[1] + kernel.size, len(kernel) - 1
    keep_freed_memory()
    with all_torch_threads():
        if (height + reach) * line <= WHOLE:
            response: Array = _sums(image, kernel).numpy()
            if seen is not None:
                seen.add(image)
            return response
        response = new_response(image, kernel)
        rows = max(len(kernel), _TABLE // line - reach)
        for top in range(0, height, rows):
            strip = response[top : top + rows]
            under = image[top : top + len(strip) + reach]
            torch.from_numpy(strip).copy_(_sums(under, kernel))
            if seen is not None:
                seen.add(under[: len(strip)] if top + rows < height else under)
    return response


def _sums(image: Array, kernel: Array) -> "torch.Tensor":
    import torch
    from torch.nn.functional import embedding_bag

    kh, kw = kernel.shape
    height, width = image.shape
    length = width - kw + 1
    bags = _bags(kernel.tobytes(), kernel.shape, kernel.dtype, height - kh + 1)
    # Copied: torch warns about memory it may not write to, such as a read-only memory map.
    # Flat: of an axis of one pixel the step may be anything, also what torch refuses.
    pixels = torch.from_numpy((image if image.flags.writeable else image.copy()).reshape(-1))
    with without_gradients():
        table = pixels.as_strided((height, kw, length), (width, 1, 1)).contiguous()
        sums = embedding_bag(
            bags.rows,
            table.view(-1, length),
            bags.starts,
            mode="sum",
            per_sample_weights=bags.taps,
            include_last_offset=True,
        ).view(-1, height - kh + 1, length)
        return sums[0] if len(sums) == 1 else sums.sum(0)


class _Bags(NamedTuple):
    """Which rows of a table are summed with which taps, and where the next sum begins."""

    rows: "torch.Tensor"
    taps: "torch.Tensor"
    starts: "torch.Tensor"


@functools.lru_cache(maxsize=4)
def _bags(taps: bytes, shape: tuple[int, int], kind: np.dtype[Any], height: int) -> _Bags:
    """Make the bags for so many rows of a response: for each group of the kernel's rows one for each of them."""
    import torch

    kernel = np.frombuffer(taps, kind).reshape(shape)
    corners = np.arange(height)[:, None] * shape[1]
    rows, weights, sizes = [], [], [[0]]
    for top, group in row_groups(kernel):
        u, v = np.nonzero(group)
        rows.append((corners + ((u + top) * shape[1] + v)).ravel())
        weights.append(np.tile(group[u, v], height))
        sizes.append([len(u)] * height)
    return _Bags(
        torch.from_numpy(np.concatenate(rows).astype(np.int32)),
        torch.from_numpy(np.concatenate(weights)),
        torch.from_numpy(np.cumsum(np.concatenate(sizes), dtype=np.int32)),
    )
