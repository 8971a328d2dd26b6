"""The verdict on a run in a word and in a sentence."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from convkit.experiment import Recovery
from convkit.recovery import Status
from convkit.report.numbers import compact

# A tap this near to the truth, as a share of the largest, is told as found.
_NEAR = 0.05


@dataclass(frozen=True)
class Verdict:
    """What a run came to.

    Attributes
    ----------
    word : str
        Such as ``exact`` or ``diverged``.
    sentence : str
    tone : str
        ``good``, ``caution`` where something is left open, or ``bad``.
    """

    word: str
    sentence: str
    tone: Literal["good", "caution", "bad"]

    @property
    def line(self) -> str:
        """Word and sentence in one line."""
        return f"{self.word[0].upper()}{self.word[1:]}. {self.sentence}"


def verdict(found: Recovery) -> Verdict:
    """Judge a run as its record does.

    Examples
    --------
    >>> from convkit import learn_kernel
    >>> print(verdict(learn_kernel(lr=0.01)).line)
    Recovered. The data determine all 3 unknowns, and after 40 steps every tap is within 0.00115 of the true kernel.
    >>> print(verdict(learn_kernel(size=3)).word)
    not identifiable
    """
    if found.status is Status.DIVERGED:
        return Verdict("diverged", _diverged(found), "bad")
    expected, told = found.expectation, found.identifiability
    if expected is not None and not expected.met and told.identifiable:
        off = f"{compact(expected.max_abs_difference, 3)} where {compact(expected.tolerance, 3)} was allowed"
        return Verdict("not as expected", f"The kernel found is not the one expected: the taps differ by {off}.", "bad")
    if found.fit.verdict == "not-identifiable":
        sentence = (
            f"The data determine only {told.rank} of the {told.parameters} unknowns: "
            "a loss of zero would not mean that the kernel was found."
        )
        return Verdict("not identifiable", sentence, "caution")
    if found.fit.reason is not None:
        return _judged(found)
    return _learned(found)


def _diverged(found: Recovery) -> str:
    rate = found.learning_rate
    if rate is None or rate.stable_below is None:
        return f"The loss blew up after {found.steps} steps."
    used, limit = compact(rate.used), compact(rate.stable_below)
    return f"The loss blew up after {found.steps} steps: the learning rate {used} is not below the limit {limit}."


def _judged(found: Recovery) -> Verdict:
    """Of a given target: what the data say of the filter, and its name where it has one."""
    fit = found.fit
    assert fit.reason is not None
    assert fit.verdict is not None
    word = fit.verdict.replace("-", " ")
    if found.channels_share is False:
        each = [f"{one.name} {one.kernel.name or one.fit.verdict}" for one in found.channels]
        return Verdict("channels differ", f"The channels went through different kernels: {', '.join(each)}.", "caution")
    reason = fit.reason.removeprefix(f"{word}: ")
    reason = f"{reason[0].upper()}{reason[1:]}."
    if fit.verdict == "not-linear":
        return Verdict(word, reason, "bad")
    sentence = f"{_called(found)}{reason}"
    return Verdict(word, sentence, "caution" if fit.verdict == "noisy" else "good")


def _called(found: Recovery) -> str:
    if found.resizer is not None:
        return f"This is {found.resizer.names[0]}. " if found.resizer.names else ""
    if found.kernel is None:
        return ""
    if found.kernel.names:
        return f"This is {found.kernel.names[0]}. "
    return f"This is nearly {found.kernel.nearest}. " if found.kernel.nearest else ""


def _learned(found: Recovery) -> Verdict:
    """Of a made target: how near the taps are to those it was made with."""
    count = found.identifiability.parameters
    determined = f"The data determine {f'all {count} unknowns' if count > 1 else 'the one unknown'}"
    kernel = found.kernel
    if kernel is None or kernel.true is None or kernel.max_abs_error is None:
        return Verdict("identifiable", f"{determined}.", "good")
    error, size = kernel.max_abs_error, float(np.abs(kernel.true).max())
    how = f"after {found.steps} steps" if found.learning_rate is not None else "solved exactly,"
    sentence = f"{determined}, and {how} every tap is within {compact(error, 3)} of the true kernel."
    if error <= _NEAR * size:
        return Verdict("recovered", sentence, "good")
    distance = found.exact.distance
    if distance is not None and distance > _NEAR * size:
        sentence = (
            f"{determined}, but {how} a tap is still {compact(error, 3)} from the true kernel: give it more steps."
        )
        return Verdict("on the way", sentence, "caution")
    return Verdict("noisy", sentence, "caution")
