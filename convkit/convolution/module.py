"""The lesson's learnable layer."""

import torch

from convkit.convolution.backends import Backend
from convkit.convolution.conv2d import correlate_tensor
from convkit.convolution.convention import check_fits
from convkit.convolution.naive import correlate as naive
from convkit.errors import SettingsError, ShapeError

_FORWARD = {Backend.NAIVE: naive, Backend.CONV2D: correlate_tensor}


class Conv2D(torch.nn.Module):
    """A two-dimensional cross-correlation with a learnable kernel and bias, for anybody's training loop.

    Parameters
    ----------
    kernel_size : (int, int) or int
        Shape ``(kh, kw)`` of the weight.
    backend : str
        ``conv2d`` (PyTorch's) or ``naive`` (the two loops of the definition); gradients flow through both.
    generator : torch.Generator, optional
        Where the standard normal start is drawn from: the weight row by row, then the bias.
    dtype : torch.dtype, optional
        Type of the parameters; torch's default type if not given.

    Attributes
    ----------
    weight : Parameter, shape (kh, kw)
    bias : Parameter, shape (1,)

    Raises
    ------
    SettingsError
        For a backend through which no gradient flows, or a size below 1.

    Notes
    -----
    Convention: cross-correlation, ``valid``, stride 1: an ``(H, W)`` image gives ``(H - kh + 1, W - kw + 1)``.

    Examples
    --------
    >>> layer = Conv2D((1, 2), generator=torch.Generator().manual_seed(0))
    >>> layer(torch.ones(6, 8)).shape
    torch.Size([6, 7])
    """

    def __init__(
        self,
        kernel_size: tuple[int, int] | int,
        *,
        backend: str = "conv2d",
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        shape = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        if len(shape) != 2 or min(shape) < 1:
            raise SettingsError(
                expected="a kernel size of two numbers of at least 1", got=str(kernel_size), hint="Conv2D((3, 3))"
            )
        if backend not in set(_FORWARD):
            raise SettingsError(
                expected="backend conv2d or naive, through which gradients flow",
                got=repr(backend),
                hint='Conv2D(size, backend="conv2d")',
            )
        self.backend = Backend(backend)
        self.weight = torch.nn.Parameter(torch.randn(shape, generator=generator, dtype=dtype))
        self.bias = torch.nn.Parameter(torch.randn(1, generator=generator, dtype=dtype))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the response ``(H - kh + 1, W - kw + 1)`` of an image ``(H, W)``."""
        if image.ndim != 2:
            raise ShapeError(
                expected="an image of shape (height, width)",
                got=f"a tensor of shape {tuple(image.shape)}",
                hint="image.squeeze(), or one image at a time",
            )
        check_fits(image.shape, (self.weight.shape[0], self.weight.shape[1]))
        response: torch.Tensor = _FORWARD[self.backend](image, self.weight) + self.bias
        return response

    def extra_repr(self) -> str:
        """Return what ``print(layer)`` shows in the brackets."""
        return f"{self.weight.shape[0]}x{self.weight.shape[1]}, backend={str(self.backend)!r}"
