"""Find the size and offset of an unknown kernel."""

from convkit.recovery.support.search import Support, find_support
from convkit.recovery.support.window import Window

__all__ = ["Support", "Window", "find_support"]
