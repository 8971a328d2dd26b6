"""What the tests came to."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a target is of its image; the first that holds, in this order."""

    NOT_IDENTIFIABLE = "not-identifiable"
    EXACT = "exact"
    LINEAR = "linear"
    NOISY = "noisy"
    NOT_LINEAR = "not-linear"


@dataclass(frozen=True)
class Evidence:
    """One test.

    Attributes
    ----------
    name : str
    statistic, threshold : float
        What chance keeps below the threshold but for one time in a million.
    effect, least_effect : float
        How large the departure is, and how large it must be to count: among a million pixels everything is
        significant.
    passed : bool
        Whether the linear, shift-invariant model stands.
    told : str
        One clause.
    """

    name: str
    statistic: float
    threshold: float
    effect: float
    least_effect: float
    passed: bool
    told: str


@dataclass(frozen=True)
class Judgement:
    """A verdict, why, and every test made for it."""

    verdict: Verdict
    reason: str
    evidence: tuple[Evidence, ...] = ()
