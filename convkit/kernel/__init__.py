"""What a kernel is: text, names and files to taps, and taps to files."""

from convkit.kernel.export import ExportFormat, export_kernel
from convkit.kernel.kernel import Kernel
from convkit.kernel.library import Entry, fixed_kernels, groups, is_known, named_kernel
from convkit.kernel.parse import parse_kernel

__all__ = [
    "Entry",
    "ExportFormat",
    "Kernel",
    "export_kernel",
    "fixed_kernels",
    "groups",
    "is_known",
    "named_kernel",
    "parse_kernel",
]
