"""Where many tasks run: in this process, in several, or on a cluster. What they compute is none of its business."""

from convkit.engine.choose import open_engine
from convkit.engine.protocol import Engine, EngineLostError, Outcome
from convkit.engine.serial import SerialEngine

__all__ = ["Engine", "EngineLostError", "Outcome", "SerialEngine", "open_engine"]
