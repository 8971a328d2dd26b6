"""PyTorch's ``conv2d``, fed in shapes that it is fast at, in row strips so that its memory stays bounded."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convkit.convolution.strips import Array, Seen, fill, new_response, strip_rows, typical_gray

if TYPE_CHECKING:
    import torch

# Neighbouring columns that become channels.
_PHASES = 16
# Side of the squares of outputs that are computed together, the columns that are channels for them, and outputs of a
# strip of them.
_BLOCK, _PAIR = 4, 2
_STRIP = 1 << 18

_log = logging.getLogger("convkit")


def correlate(
    image: NDArray[np.floating], kernel: NDArray[np.floating], *, device: str = "cpu", seen: Seen | None = None
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
    response: Array, image: NDArray[np.floating], kernel: NDArray[np.floating], seen: Seen | None
) -> None:
    """Compute with two neighbouring columns as channels in, and the outputs of a block of 4x4 as channels out.

    So sixteen outputs fill a vector, the image is taken as it lies in memory, and a stride of four pixels makes the
    next blocks: ``weight[4·r + c, p, u, q] = k[u - r, 2·q + p - c]``. Of 3x3 taps 36 products are made, of 9x9 144.
    One channel would do as well, but is slow where the window's width is odd.
    """
    import torch
    from torch.nn.functional import conv2d

    height, width = response.shape
    weight = torch.from_numpy(_block_weight(kernel)).contiguous(memory_format=torch.channels_last)
    gain = float(kernel.sum(dtype=np.float64))
    groups = -(-width // _BLOCK)
    rows = _BLOCK * -(-strip_rows(height, width, _STRIP) // _BLOCK)

    def worker() -> Callable[[Array, Array], None]:
        torch.get_num_threads()  # without being asked, a new thread of ours would start all of torch's
        across = (groups - 1) * _BLOCK + weight.shape[3] * _PAIR
        pixels = np.zeros((rows + len(kernel) - 1, across), image.dtype)
        bias = np.empty(_BLOCK**2, image.dtype)
        channels = torch.from_numpy(pixels).reshape(len(pixels), -1, _PAIR).permute(2, 0, 1)[None]

        def compute(under: Array, strip: Array) -> None:
            gray = typical_gray(under)
            np.subtract(under, gray, out=pixels[: len(under), : image.shape[1]])
            bias[:] = gray * gain
            with torch.inference_mode():
                found = conv2d(channels, weight, torch.from_numpy(bias), stride=(_BLOCK, _BLOCK // _PAIR))[0]
                blocks = found.permute(1, 2, 0).contiguous().numpy()
            _put_blocks(blocks.reshape(*blocks.shape[:2], _BLOCK, _BLOCK), strip)

        return compute

    with one_torch_thread():
        fill(response, image, rows, worker, seen)


def block_products(kernel_shape: tuple[int, int]) -> int:
    """Multiply-adds that blocks of 4x4 take for each output, the zeros of their weight included.

    Examples
    --------
    >>> block_products((5, 5)), block_products((15, 15))
    (64, 324)
    """
    kh, kw = kernel_shape
    return (kh + _BLOCK - 1) * _PAIR * -(-(kw + _BLOCK - 1) // _PAIR)


def _block_weight(kernel: NDArray[np.floating]) -> NDArray[np.floating]:
    """Weight ``(16, 2, kh + 3, pairs of columns)`` from columns to the outputs of a block."""
    kh, kw = kernel.shape
    weight = np.zeros((_BLOCK, _BLOCK, kh + _BLOCK - 1, _PAIR * -(-(kw + _BLOCK - 1) // _PAIR)), kernel.dtype)
    for r, c in np.ndindex(_BLOCK, _BLOCK):
        weight[r, c, r : r + kh, c : c + kw] = kernel
    return weight.reshape(_BLOCK**2, kh + _BLOCK - 1, -1, _PAIR).transpose(0, 3, 1, 2)


def _put_blocks(blocks: Array, strip: Array) -> None:
    """Put blocks ``(down, across, 4, 4)`` in their places, as far as the strip goes."""
    height, width = strip.shape
    down, across = height // _BLOCK, width // _BLOCK
    # The four pixels of a line travel as one item.
    quad = np.dtype((np.void, _BLOCK * strip.itemsize))
    pitch = strip.strides[0]
    lines = np.ndarray((down, _BLOCK, across), quad, strip, 0, (_BLOCK * pitch, pitch, quad.itemsize))
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
    """Let this thread and new ones use one thread of torch's each, where work is shared out by `convkit.threads`.

    Several threads may be in here at once; the last one to leave has the usual number back. In a forked child torch's
    threads would wait for ever for those of the parent.
    """
    import torch

    with _torch_threads.lock:
        if not _torch_threads.users:
            _torch_threads.usual = torch.get_num_threads()
        _torch_threads.users += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _torch_threads.lock:
            _torch_threads.users -= 1
            torch.set_num_threads(_torch_threads.usual)


class _TorchThreads:
    """How many threads torch usually has, and how many of ours hold it to one."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin anew, as a forked child does, in which none of the others goes on."""
        self.lock = threading.Lock()
        self.users, self.usual = 0, 1


_torch_threads = _TorchThreads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_torch_threads.begin)


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
