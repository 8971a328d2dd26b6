"""PyTorch's ``conv2d``, in row strips so that its scratch memory stays bounded."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

# In float64 conv2d may unfold its input: one copy of the strip per tap.
_SCRATCH_BYTES = 64 << 20
# Autograd through the two loops records a few kilobytes for every output.
_STRIP_OUTPUTS = 1 << 15


def correlate(
    image: NDArray[np.floating], kernel: NDArray[np.floating], *, device: str = "cpu"
) -> NDArray[np.floating]:
    """Valid cross-correlation of ``(H, W)`` with ``(kh, kw)`` on a torch device.

    Examples
    --------
    >>> correlate(np.array([[1.0, 1.0, 0.0, 0.0]]), np.array([[1.0, -1.0]]))
    array([[0., 1., 0.]])
    """
    import torch

    kh, kw = kernel.shape
    height, width = image.shape[0] - kh + 1, image.shape[1] - kw + 1
    response = np.empty((height, width), image.dtype)
    weight = torch.tensor(kernel, device=device)
    rows = strip_rows(width, kernel.size, image.itemsize)
    with torch.no_grad():
        for top in range(0, height, rows):
            # Copied: torch warns about memory it may not write to, such as a read-only memory map.
            strip = torch.from_numpy(image[top : top + rows + kh - 1].copy()).to(device)
            response[top : top + rows] = correlate_tensor(strip, weight).cpu().numpy()
    return response


def correlate_tensor(image: "torch.Tensor", kernel: "torch.Tensor") -> "torch.Tensor":
    """Valid cross-correlation of tensors ``(H, W)`` and ``(kh, kw)``; gradients flow."""
    import torch

    # TF32 would round the inputs to ten bits of mantissa on a GPU that has it.
    with torch.backends.cudnn.flags(allow_tf32=False):
        return torch.nn.functional.conv2d(image[None, None], kernel[None, None])[0, 0]


def strip_rows(width: int, taps: int, itemsize: int) -> int:
    """How many output rows may be computed at once within the scratch memory."""
    return max(1, min(_STRIP_OUTPUTS, _SCRATCH_BYTES // (taps * itemsize)) // width)
