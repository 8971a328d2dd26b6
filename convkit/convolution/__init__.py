"""Apply a kernel: convention, backends, and the learnable layer."""

from convkit.convolution.apply import convolve
from convkit.convolution.backends import Backend
from convkit.convolution.convention import Convention, Padding

__all__ = ["Backend", "Convention", "Padding", "convolve"]
