"""Ask a program itself: run it on pictures made for the purpose, and test what it does with them."""

from convkit.probe.ask import Program, opened
from convkit.probe.command import parse_command
from convkit.probe.formats import ProbeFormat

__all__ = ["ProbeFormat", "Program", "opened", "parse_command"]
