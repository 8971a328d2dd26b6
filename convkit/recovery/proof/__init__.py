"""Replaying what was found, to the last bit: whole numbers, rounding, border rule."""

from convkit.recovery.proof.border import Border, find_border
from convkit.recovery.proof.layers import Layers
from convkit.recovery.proof.program import Passes, Program, Rounding, centred
from convkit.recovery.proof.replay import Replay, proves, replay
from convkit.recovery.proof.rim import Candidate
from convkit.recovery.proof.rounding import FoundRounding, find_rounding, replay_sample
from convkit.recovery.proof.snapped import Snapped
from convkit.recovery.proof.snapping import guesses, snap

__all__ = [
    "Border",
    "Candidate",
    "FoundRounding",
    "Layers",
    "Passes",
    "Program",
    "Replay",
    "Rounding",
    "Snapped",
    "centred",
    "find_border",
    "find_rounding",
    "guesses",
    "proves",
    "replay",
    "replay_sample",
    "snap",
]
