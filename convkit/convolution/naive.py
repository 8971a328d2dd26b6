"""The definition: two loops, one output at a time."""

from typing import Any

import numpy as np


def correlate(image: Any, kernel: Any) -> Any:
    """Valid cross-correlation, output pixel by output pixel: ``y[i, j] = Σ k[u, v] · x[i + u, j + v]``.

    Parameters
    ----------
    image, kernel : ndarray or torch.Tensor, shapes (H, W) and (kh, kw), of one dtype
        Gradients flow through tensors.

    Returns
    -------
    ndarray or torch.Tensor, shape (H - kh + 1, W - kw + 1)

    Examples
    --------
    >>> correlate(np.arange(9.0).reshape(3, 3), np.array([[0.0, 1.0], [2.0, 3.0]]))
    array([[19., 25.],
           [37., 43.]])
    """
    stack: Any = np.stack
    if not isinstance(image, np.ndarray):
        import torch

        stack = torch.stack
    kh, kw = kernel.shape
    rows = []
    for i in range(image.shape[0] - kh + 1):
        row = []
        for j in range(image.shape[1] - kw + 1):
            window = image[i : i + kh, j : j + kw]
            row.append((window * kernel).sum())
        rows.append(stack(row))
    return stack(rows)
