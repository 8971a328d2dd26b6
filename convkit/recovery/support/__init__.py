"""Find the size and offset of an unknown kernel."""

from convkit.recovery.support.search import Stage, Support, find_support

__all__ = ["Stage", "Support", "find_support"]
