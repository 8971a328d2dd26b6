"""Find the size and offset of an unknown kernel."""

from convkit.recovery.support.search import Stage, Support, find_support
from convkit.recovery.support.window import Window

__all__ = ["Stage", "Support", "Window", "find_support"]
