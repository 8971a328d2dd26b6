"""PyTorch's ``conv2d``, fed in shapes that it is fast at, in row strips so that its memory stays bounded."""

import functools
import logging
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.rounding import row_groups
from convkit.convolution.strips import Array, Largest, fill, new_response, strip_rows
from convkit.convolution.torch_modes import without_gradients
from convkit.convolution.torch_threads import all_torch_threads, of_ours, one_torch_thread

if TYPE_CHECKING:
    import torch

# Neighbouring columns that become channels.
_PHASES = 16
# Side of the squares of outputs that are computed together, the columns that are channels for them, and outputs of a
# strip of them.
_BLOCK, _PAIR = 4, 2
_STRIP = 1 << 19
# So many outputs are one strip, for which torch's own threads are faster than ours.
_ALONE = 1 << 19
# Copying fewer pixels takes less time than another call for those that do not fill a block.
_LARGE = 1 << 18
# Weights of kernels of more taps are not kept.
_KEPT = 1 << 10

_log = logging.getLogger("convkit")


def correlate(
    image: NDArray[np.floating], kernel: NDArray[np.floating], *, device: str = "cpu", seen: Largest | None = None
) -> Array:
    """Valid cross-correlation of ``(H, W)`` with ``(kh, kw)`` on a torch device.

    Examples
    --------
    >>> correlate(np.array([[1.0, 1.0, 0.0, 0.0]]), np.array([[1.0, -1.0]]))
    array([[0., 1., 0.]])
    """
    response = new_response(image, kernel)
    if device == "cpu":
        _fill_in_blocks(response, image, kernel, seen)
    else:
        _fill_on_device(response, image, kernel, device)
    return response


def _fill_in_blocks(
    response: Array, image: NDArray[np.floating], kernel: NDArray[np.floating], seen: Largest | None
) -> None:
    """Compute with two neighbouring columns as channels in, and the outputs of a block of 4x4 as channels out.

    So sixteen outputs fill a vector, and a stride of four pixels makes the next blocks:
    ``weight[4·r + c, p, u, q] = k[u - r, 2·q + p - c]``. Of 3x3 taps 36 products are made. One channel would do as
    well, but is slow where the window's width is odd. Many taps are added up group by group of the kernel's rows.

    A large image of even width is taken as it lies in memory.
    """
    height, width = response.shape
    small = kernel.size <= _KEPT
    weights = _kept_weights(kernel.tobytes(), kernel.shape, kernel.dtype) if small else _weights(kernel)
    reach = weights[0][1].shape[3] * _PAIR
    rows = _BLOCK * -(-strip_rows(height, width, _STRIP, _ALONE) // _BLOCK)
    paired = image.shape[1] % _PAIR == 0 and reach == kernel.shape[1] + _BLOCK - 1 <= image.shape[1]
    ready = image.flags.c_contiguous and image.flags.writeable and rows * width >= _LARGE

    def worker() -> Callable[[Array, Array], None]:
        of_ours()
        down, across = rows + len(kernel) - 1, -(-width // _BLOCK) * _BLOCK + reach - _BLOCK
        pixels = np.zeros((down, across), image.dtype)

        def copied(under: Array, strip: Array) -> None:
            pixels[: len(under), : image.shape[1]] = under
            used = -(-len(strip) // _BLOCK) * _BLOCK + len(kernel) - 1
            _put_blocks(_blocks(pixels[:used], weights), strip)

        def compute(under: Array, strip: Array) -> None:
            bottom = len(strip) // _BLOCK * _BLOCK if paired and ready else 0
            if bottom:
                above = under[: bottom + len(kernel) - 1]
                blocks = _blocks(above, weights)
                _put_blocks(blocks, strip[:bottom, : blocks.shape[1] * _BLOCK])
                if width % _BLOCK:
                    _put_blocks(_blocks(above[:, -reach:], weights), strip[:bottom, -_BLOCK:])
            if bottom < len(strip):
                copied(under[bottom:], strip[bottom:])

        return compute

    with one_torch_thread() if rows < height else all_torch_threads():
        fill(response, image, rows, worker, seen)


_Weights = list[tuple[int, "torch.Tensor"]]


def _weights(kernel: NDArray[np.floating]) -> _Weights:
    """Weights for the groups of a kernel's rows, and where these begin."""
    import torch

    return [
        (top, torch.from_numpy(_block_weight(rows)).contiguous(memory_format=torch.channels_last))
        for top, rows in row_groups(kernel)
    ]


@functools.lru_cache
def _kept_weights(taps: bytes, shape: tuple[int, int], kind: np.dtype[Any]) -> _Weights:
    """Make the weights once for many images."""
    return _weights(np.frombuffer(taps, kind).reshape(shape))


def block_products(kernel: NDArray[np.floating]) -> int:
    """Multiply-adds that blocks of 4x4 take for each output, the zeros of their weight included.

    Examples
    --------
    >>> block_products(np.ones((5, 5))), block_products(np.ones((9, 9)))
    (64, 180)
    """
    across: int = _PAIR * -(-(kernel.shape[1] + _BLOCK - 1) // _PAIR)
    return across * sum(len(rows) + _BLOCK - 1 for _, rows in row_groups(kernel))


def _block_weight(kernel: NDArray[np.floating]) -> NDArray[np.floating]:
    """Weight ``(16, 2, kh + 3, pairs of columns)`` from columns to the outputs of a block."""
    kh, kw = kernel.shape
    weight = np.zeros((_BLOCK, _BLOCK, kh + _BLOCK - 1, _PAIR * -(-(kw + _BLOCK - 1) // _PAIR)), kernel.dtype)
    for r, c in np.ndindex(_BLOCK, _BLOCK):
        weight[r, c, r : r + kh, c : c + kw] = kernel
    return weight.reshape(_BLOCK**2, kh + _BLOCK - 1, -1, _PAIR).transpose(0, 3, 1, 2)


def _blocks(pixels: Array, weights: "list[tuple[int, torch.Tensor]]") -> Array:
    """Convolve pixels of even width with groups of a kernel's rows: blocks of outputs ``(down, across, 4, 4)``."""
    import torch
    from torch.nn.functional import conv2d

    reach = max(top + weight.shape[2] for top, weight in weights)
    length = (len(pixels) - reach) // _BLOCK * _BLOCK
    total = None
    with without_gradients():
        channels = torch.from_numpy(pixels).reshape(len(pixels), -1, _PAIR).permute(2, 0, 1)[None]
        for top, weight in weights:
            rows = channels[:, :, top : top + length + weight.shape[2]]
            part = conv2d(rows, weight, stride=(_BLOCK, _BLOCK // _PAIR))
            total = part if total is None else total.add_(part)
        assert total is not None
        blocks: Array = total[0].permute(1, 2, 0).contiguous().numpy()
    return blocks.reshape(*blocks.shape[:2], _BLOCK, _BLOCK)


def _put_blocks(blocks: Array, strip: Array) -> None:
    """Put blocks ``(down, across, 4, 4)`` in their places, as far as the strip goes."""
    height, width = strip.shape
    down, across = height // _BLOCK, width // _BLOCK
    # The four pixels of a line travel as one item.
    quad = np.dtype((np.void, _BLOCK * strip.itemsize))
    lines = strip[: down * _BLOCK, : across * _BLOCK].view(quad).reshape(down, _BLOCK, across)
    lines[...] = blocks.view(quad)[..., 0].swapaxes(1, 2)[:down, :, :across]
    if rest := width % _BLOCK:
        strip[:, -rest:] = blocks[:, across].reshape(-1, _BLOCK)[:height, :rest]
    if rest := height % _BLOCK:
        strip[-rest:] = blocks[down].swapaxes(0, 1).reshape(_BLOCK, -1)[:rest, :width]


def _fill_on_device(
    response: NDArray[np.floating], image: NDArray[np.floating], kernel: NDArray[np.floating], device: str
) -> None:
    """Compute on a device: all at once, or in strips of rows when its memory is too small for that."""
    import torch

    weight = torch.tensor(kernel, device=device)
    height = len(response)
    rows, top = height, 0
    while top < height:
        strip = image[top : top + rows + len(kernel) - 1]
        try:
            with without_gradients(device):
                # Copied: torch warns about memory it may not write to, such as a read-only memory map.
                found = correlate_tensor(torch.from_numpy(strip.copy()).to(device), weight).cpu()
        except torch.OutOfMemoryError:
            if rows == 1:
                raise
            rows = -(-rows // 2)
            _log.warning("the image is too large for the memory of %s; computing in strips of %d rows", device, rows)
            continue
        response[top : top + rows] = found.numpy()
        top += rows


def correlate_tensor(image: "torch.Tensor", kernel: "torch.Tensor") -> "torch.Tensor":
    """Valid cross-correlation of tensors ``(H, W)`` and ``(kh, kw)``; gradients flow.

    One channel starves ``conv2d``, and in float64 it also copies its input once per tap. So sixteen neighbouring
    columns become channels, and the kernel a banded weight between them: with ``x[:, 16·j + p]`` as channel ``p``,
    ``weight[p_out, p_in, u, q] = k[u, 16·q + p_in - p_out]``. The sums are the same; at 4096² and 15x15, float64,
    a pass forward and back takes 3.6 s instead of 32.
    """
    import torch
    from torch.nn.functional import conv2d, pad

    kh, kw = kernel.shape
    width = image.shape[1] - kw + 1
    # TF32 would round the inputs to ten bits of mantissa on a GPU that has it. The setting is everybody's.
    with torch.backends.cudnn.flags(allow_tf32=False) if image.is_cuda else nullcontext():
        if width < 4 * _PHASES:  # too narrow to share out
            return conv2d(image[None, None], kernel[None, None])[0, 0]
        reach = -(-(_PHASES - 1 + kw) // _PHASES)  # of the banded weight, in groups of columns
        groups = -(-width // _PHASES)
        extended = pad(image, (0, (groups + reach - 1) * _PHASES - image.shape[1]))
        channels = extended.reshape(-1, groups + reach - 1, _PHASES).permute(2, 0, 1)
        phase = torch.arange(_PHASES, device=kernel.device)
        tap = torch.arange(reach * _PHASES, device=kernel.device)[None] - phase[:, None]
        inside = (tap >= 0) & (tap < kw)
        band = kernel[:, tap.clamp(0, kw - 1)] * inside  # kh, p_out, 16·q + p_in
        weight = band.reshape(kh, _PHASES, reach, _PHASES).permute(1, 3, 0, 2)
        response = conv2d(channels[None], weight.contiguous())[0]  # p_out, rows, groups
    return response.permute(1, 2, 0).reshape(-1, groups * _PHASES)[:, :width]
