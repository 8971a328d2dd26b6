"""Decide whether a target is one linear, shift-invariant filter of its image."""

from convkit.recovery.verdict.judge import judge
from convkit.recovery.verdict.judgement import Evidence, Judgement, Verdict

__all__ = ["Evidence", "Judgement", "Verdict", "judge"]
