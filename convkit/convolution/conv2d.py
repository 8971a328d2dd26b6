"""PyTorch's ``conv2d``, fed in shapes that it is fast at, in row strips so that its memory stays bounded."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convkit.threads import share, thread_count

if TYPE_CHECKING:
    import torch

# Outputs computed at once: enough to fill the vector units, few enough that autograd through the two loops, which
# records a kilobyte or two for every output, stays within 100 MB.
_STRIP_OUTPUTS = 1 << 16
# Neighbouring columns that become channels.
_PHASES = 16
# Side of the squares of pixels that become channels, and how many of them one above the other are computed at once.
_BLOCK = 4
_BLOCK_ROWS = 32

_log = logging.getLogger("convkit")


def correlate(
    image: NDArray[np.floating], kernel: NDArray[np.floating], *, device: str = "cpu"
) -> NDArray[np.floating]:
    """Valid cross-correlation of ``(H, W)`` with ``(kh, kw)`` on a torch device.

    Examples
    --------
    >>> correlate(np.array([[1.0, 1.0, 0.0, 0.0]]), np.array([[1.0, -1.0]]))
    array([[0., 1., 0.]])
    """
    response = np.empty((image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1), image.dtype)
    if device == "cpu":
        _fill_in_blocks(response, image, kernel)
    else:
        _fill_on_device(response, image, kernel, device)
    return response


def _fill_in_blocks(response: NDArray[np.floating], image: NDArray[np.floating], kernel: NDArray[np.floating]) -> None:
    """Compute on our own threads, with the pixels of each block of 4x4 as the channels of ``conv2d``.

    The kernel becomes a banded weight between the pixels of neighbouring blocks, as in `correlate_tensor`; a square
    block multiplies fewer of its zeros than sixteen columns do, and costs a rearrangement of the pixels.
    """
    import torch
    from torch.nn.functional import conv2d

    kh, kw = kernel.shape
    height, width = response.shape
    reach = -(-(_BLOCK - 1 + kh) // _BLOCK), -(-(_BLOCK - 1 + kw) // _BLOCK)
    weight = torch.from_numpy(_block_weight(kernel, reach)).contiguous(memory_format=torch.channels_last)
    groups = -(-width // _BLOCK)
    rows = _BLOCK * max(1, min(_BLOCK_ROWS, -(-height // (_BLOCK * thread_count()))))

    def worker() -> Callable[[int], None]:
        torch.get_num_threads()  # without being asked, a new thread of ours would start all of torch's
        blocks = np.zeros((rows // _BLOCK + reach[0] - 1, groups + reach[1] - 1, _BLOCK, _BLOCK), image.dtype)
        channels = torch.from_numpy(blocks).flatten(2).permute(2, 0, 1)[None]

        def compute(top: int) -> None:
            _to_blocks(image[top : top + len(blocks) * _BLOCK], blocks)
            with torch.inference_mode():
                found = conv2d(channels, weight)[0].permute(1, 2, 0).contiguous().numpy()
            kept = response[top : top + rows]
            lines = _swapped(found.reshape(*found.shape[:2], _BLOCK, _BLOCK))
            kept[...] = lines.reshape(rows, -1)[: len(kept), :width]

        return compute

    with one_torch_thread():
        share(range(0, height, rows), worker)


def block_products(kernel_shape: tuple[int, int]) -> int:
    """Multiply-adds that blocks of 4x4 take for each output, the zeros of their weight included.

    Examples
    --------
    >>> block_products((5, 5)), block_products((15, 15))
    (64, 400)
    """
    down, across = (-(-(_BLOCK - 1 + side) // _BLOCK) for side in kernel_shape)
    return _BLOCK**2 * down * across


def _block_weight(kernel: NDArray[np.floating], reach: tuple[int, int]) -> NDArray[np.floating]:
    """Weight ``(16, 16, blocks down, blocks across)`` from the pixels of blocks to those of the first one's outputs."""
    weight = np.zeros((_BLOCK, _BLOCK, _BLOCK, _BLOCK, *reach), kernel.dtype)
    for r, c in np.ndindex(_BLOCK, _BLOCK):
        for (u, v), tap in np.ndenumerate(kernel):
            (down, row), (across, column) = divmod(r + u, _BLOCK), divmod(c + v, _BLOCK)
            weight[r, c, row, column, down, across] = tap
    return weight.reshape(_BLOCK**2, _BLOCK**2, *reach)


def _to_blocks(image: NDArray[np.floating], blocks: NDArray[np.floating]) -> None:
    """Put an image into blocks ``(down, across, 4, 4)``; what it does not reach keeps what was there."""
    down, across = image.shape[0] // _BLOCK, image.shape[1] // _BLOCK
    whole = image[: down * _BLOCK, : across * _BLOCK].reshape(down, _BLOCK, across, _BLOCK)
    blocks[:down, :across] = _swapped(whole)
    for row in range(down * _BLOCK, image.shape[0]):
        line = image[row, : across * _BLOCK].reshape(across, _BLOCK)
        blocks[down, :across, row - down * _BLOCK] = line
    rest = image.shape[1] - across * _BLOCK
    for row in range(image.shape[0] if rest else 0):
        blocks[row // _BLOCK, across, row % _BLOCK, :rest] = image[row, across * _BLOCK :]


def _swapped(lines: NDArray[np.floating]) -> NDArray[np.floating]:
    """Swap the two middle axes of ``(a, b, c, 4)``; four float32 travel as one number of 16 bytes."""
    if lines.dtype != np.float32:
        return lines.swapaxes(1, 2)
    quads = lines.view(np.complex128)[..., 0]
    return np.ascontiguousarray(quads.swapaxes(1, 2)).view(np.float32).reshape(*quads.swapaxes(1, 2).shape, _BLOCK)


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
            with torch.no_grad():
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


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let this thread and new ones use one thread of torch's each, where work is shared out by `convkit.threads`."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


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
    # TF32 would round the inputs to ten bits of mantissa on a GPU that has it.
    with torch.backends.cudnn.flags(allow_tf32=False):
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


def strip_rows(width: int) -> int:
    """How many output rows to compute at once."""
    return max(1, _STRIP_OUTPUTS // width)
