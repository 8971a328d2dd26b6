"""Figures of results, one idea a file; they need matplotlib, the extra ``report``."""

from convkit.report.figures.comparison import comparison_figure
from convkit.report.figures.composite import panels, recovery_figure
from convkit.report.figures.convolution import convolution_figure, kernel_figure
from convkit.report.figures.panel import Panel
from convkit.report.figures.save import encoded, to_svg

__all__ = [
    "Panel",
    "comparison_figure",
    "convolution_figure",
    "encoded",
    "kernel_figure",
    "panels",
    "recovery_figure",
    "to_svg",
]
