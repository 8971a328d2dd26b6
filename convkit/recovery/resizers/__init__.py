"""What a resizer does: the kernel of each output phase, and the curve that these are samples of."""

from convkit.recovery.resizers.axis import Axis
from convkit.recovery.resizers.curves import CURVES
from convkit.recovery.resizers.edges import find_edges
from convkit.recovery.resizers.phases import Phase, Resampler, draw_curve, name_phases, nearest_name
from convkit.recovery.resizers.search import find_separable
from convkit.recovery.resizers.separable import Separable, Side

__all__ = [
    "CURVES",
    "Axis",
    "Phase",
    "Resampler",
    "Separable",
    "Side",
    "draw_curve",
    "find_edges",
    "find_separable",
    "name_phases",
    "nearest_name",
]
