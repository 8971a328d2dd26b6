"""PyTorch's modes, which a program may have set, and on which numbers of ours are not to depend."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager


def without_gradients(device: str = "cpu") -> AbstractContextManager[None]:
    """Compute in full precision, whatever ``torch.autocast`` the caller is in, and record nothing."""
    import torch

    # To ask whether there is autocast takes a tenth of the time of turning it off.
    return _precise(device, gradients=False) if torch.is_autocast_enabled(device) else torch.inference_mode()


def with_gradients(device: str = "cpu") -> AbstractContextManager[None]:
    """Compute in full precision, with gradients even where the caller records none."""
    return _precise(device, gradients=True)


@contextmanager
def _precise(device: str, *, gradients: bool) -> Iterator[None]:
    import torch

    with torch.autocast(device, enabled=False), torch.inference_mode(not gradients), torch.set_grad_enabled(gradients):
        yield
